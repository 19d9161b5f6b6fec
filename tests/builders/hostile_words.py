"""What does not belong into a file: words, lines and contents, by what they are put into."""

from __future__ import annotations

#: What may stand where anything else is expected.
WORDS = [
    "", " ", ".", "-", "0", "1", "-1", "00", "+1", "1.5", "1e10", "1e400", "-1e400", "nan", "NaN", "inf", "-inf", "NA",
    "null", "None", "True", "0x10", "1_000", "1,000", "2147483647", "2147483648", "-2147483649", "4294967296",
    "9223372036854775807", "9223372036854775808", "1" * 60, "\u0661", "\u00bd", "\u2460", "abc", "a b", " a", "a ",
    '"', '"a', "'", "a,b", "a;b", "a=b", "a:b", "a|b", "#", "##", "#CHROM", ">", "*", "/", "..", "../../x",
    "/etc/passwd", "a/b", "\\", "\\N", "\0", "a\0b", "\x01", "\x1b[31m", "\x7f", "\r", "a\rb", "\x0b", "\x0c", "\x1c",
    "\x85", "\ufeff", "\u200b", "\u202e", "\u2028", "\ue000", "\U0001f9ec", "\u00e9", "e\u0301", "\udcff", "\udcc3(",
    "%s", "{}", "${x}", "P00", "P01", "P23", "G1.1", "21", "chr21", "22", "chr22", "chr", "CHR21", "X", "chrM", "MT",
    "21 22", "GL000207.1",
]  # fmt: skip

#: What may stand in a column of a VCF, by its number.
VCF_WORDS = {
    0: [
        "chr21", "22", "chr22", "21.1", "HLA-A*01:01", "chrUn_KI270442v1", "1" * 300, "2 1", "<21>", "21:5", "-1",
    ],
    1: [
        "0", "-1", "1", "17000", "17001", "2147483646", "2147483647", "2147483648", "1e10", "536870911", "536870912",
    ],
    2: [
        "rs1;rs2", "rs1", "a" * 5000,
    ],
    3: [
        "N", "n", "acgt", "R", "*", "<DEL>", "A,C", "AAAA", "A" * 3000, "G", "T", "C", "A", "U",
    ],
    4: [
        "*", "<DEL>", "<INS>", "<DUP>", "<CNV>", "<*>", "<NON_REF>", "<DEL>,A", "A,<DEL>", "A,A", "A,,C", ",", "A,",
        "C,*", "G]21:100]", "]21:100]G", "[22:5[T", ".A", "A.", "N", "R", "acg", "A" * 3000, "<", ">", "<DEL",
        "A,C,G,T", "1", ",".join("ACGT"[i % 4] * (2 + i // 4) for i in range(140)), "C<DEL>", "A C",
    ],
    5: [
        "-1", "1e999", "abc",
    ],
    6: [
        "q10", "LowQual", "PASS;LowQual", "LowQual;", "0", ";", ".",
    ],
    7: [
        "END=0", "END=-5", "END=99999999999", "END=16000", "END=abc", "SVLEN=-30", "SVLEN=abc", "SVLEN=-99999999999",
        "SVLEN=0", "SVLEN=1,2,3", "SVLEN=.", "END=.", "IMPRECISE", "END", "SVLEN", "END=5;END=6", ";;", "=", "END=1e3",
        "DP=3", "=5", "X=" + "y" * 5000, "END=17000", "END=17001", "SVLEN=-2147483648", "SVLEN=2147483647",
        "END=2147483647",
    ],
    8: [
        "DP", "DP:GT", "GT:GT", "GT:DP", "GT:", ":GT", "gt", "G T", ".",
    ],
    9: [
        "0/1/2", ".|", "|", "a|b", "0|128", "0|127", "0|2", "0", "1", ".", "./.", ".|.", "0|", "|0", "0/", "0|1|0",
        "0|1|0|1", "0||1", "0|-1", "-1", "0|99999999999", "1|1:5", "0|1:", ":", "0:1:2:3", "0\\1", "00|01", "0|1.5",
        "0 |1", "/0|1", "|0/1", "0/1|0", "3|3", "/".join("01" * 40), "0|1" * 50,
    ],
}  # fmt: skip

HEADERS = [
    "##fileformat=VCFv4.3", "##fileformat=VCFv9", "##contig=<ID=21,length=17000>", "##contig=<ID=21,length=-1>",
    "##contig=<ID=22,length=99999999999>", "##contig=<ID=>", "##contig=<ID=chr21>", "##contig=<length=5>",
    "##contig=<", "##FORMAT=<ID=GT,Number=1,Type=Integer,Description=\"x\">",
    "##FORMAT=<ID=GT,Number=2,Type=String,Description=\"x\">",
    "##FORMAT=<ID=GT,Number=R,Type=Float,Description=\"x\">", "##INFO=<ID=END,Number=1,Type=String,Description=\"x\">",
    "##INFO=<ID=END,Number=2,Type=Integer,Description=\"x\">", "##INFO=<ID=END,Number=0,Type=Flag,Description=\"x\">",
    "##INFO=<ID=SVLEN,Number=1,Type=Float,Description=\"x\">",
    "##INFO=<ID=SVLEN,Number=.,Type=String,Description=\"x\">",
    "##INFO=<ID=IMPRECISE,Number=1,Type=Integer,Description=\"x\">",
    "##INFO=<ID=END,Number=1,Type=Float,Description=\"x\">", "##FILTER=<ID=PASS,Description=\"no\">", "##", "###", "#",
    "# x", "##x=" + "y" * 3000, "#CHROM\tPOS", "##FILTER=<ID=q10,IDX=99999999,Description=\"x\">",
    "##contig=<ID=23,IDX=0>",
]  # fmt: skip

#: Values that a YAML may give a key.
YAML_WORDS = [
    "", "null", "~", "true", "no", "0", "-1", "1e400", ".nan", ".inf", "-.inf", "1.5", "9" * 40, "0x7f", "0o17", "1_0",
    "12:30:45", "2001-01-01", "2001-01-01 00:00:00", "abc", "'", '"', "'a", '"\\x"', "[]", "{}", "[1, 2]",
    "[[1], [2]]", "{a: 1}", "{a: {b: {c: 1}}}", "[a, a]", "[{}]", "[null]", "[true, 1, x]", "{1: 2}", "{null: 1}",
    "{[1]: 2}", "&a [*a]", "&a {b: *a}", "*a", "&a 1", "&", "*", "!!str 1", "!!int x", "!!float x", "!!binary x",
    "!!binary aGk=", "!!set {a, b}", "!!omap [a: 1]", "!!timestamp x", "!!python/object/apply:os.getcwd []",
    "!!python/name:os.getcwd", "!x y", "!<tag:x> y", "!", "|", ">", "|\n  a\n  b", "- a", "a: b", "a: b: c", "? a",
    "@a", "`a", "%a", "# a", "\ta", "${x}", "${globals:x}", "${globals:raw_dir}", "${runtime_params:x}",
    "${runtime_params:x,1}", "${oc.env:HOME}", "${oc.env:NOPE_X}", "${run_folder:1}", "${nope:1}", "${", "${}", "${a",
    "$x", "${enformer.seed}", "${.x}", "${..x}", "{{ x }}", "???", "\U0001f9ec", "\u202e", "\x00", "\x1b", "\ufeff",
    "a" * 5000, "[" * 100, "{" * 50, "'" + "[" * 20 + "'", "..", "../x", "data/01_raw",
    "data/01_raw/study/expression.bed", "/proc/self/mem", "/dev/null", "/nope/x", "*", "data/01_raw/study/*",
    "data/01_raw/study/g*", "data/**/x", "s3://x/y", "http://127.0.0.1:9/x", "file:///x", "tiny", "small", "full",
    "huge", "official", "all", "phase", "mean", "as_written", "refuse", "drop", "21", "'22'", "chr22", "21+22",
    "MemoryDataset", "nope.Dataset", "haploformer.nope.Dataset", "haploformer.datasets.vcf.Nope",
    "haploformer.datasets.vcf.VcfDataset", "haploformer.datasets.table.TableDataset", "pandas.CSVDataset",
    "json.JSONDataset", "pickle.PickleDataset", "builtins.dict", "os.getcwd", "os",
    "haploformer.datasets.fasta.FastaDataset", "haploformer.datasets.plink2.Plink2Dataset", "kedro.io.CachedDataset",
    "1.2", ".x", "x.", "a b", "haploformer.datasets.genotype_store.GenotypeStoreDataset",
    "partitions.PartitionedDataset", "haploformer.datasets.expression_bed.ExpressionBedDataset",
]  # fmt: skip

YAML_LINES = [
    "x: 1", "  x: 1", "    x: 1", "\tx: 1", "- x", "x", "x:", "? x", ": x", "---", "...", "%YAML 9.9", "--- !!map",
    "<<: *a", "<<: {x: 1}", "_x: &x 1", "data_prep:", "data_prep: {}", "enformer: {preset: tiny}", "parameters:",
    "select:", "nope: {type: nope}", "nope: {type: MemoryDataset}", "nope: []", "genotype_file: {}", "genotype_file:",
    "'{x}': {type: MemoryDataset}", "'{x}_{y}': 1", "variants: {type: MemoryDataset}", "}", "]", "{", "[", "'", '"',
    "input_validation: {type: MemoryDataset}", "run_name: x", "raw_dir: x", "cohort: ../x", "cohort: [1]",
    "  versioned: true", "  load_args: {x: 1}", "  filepath: x", "  credentials: x", "  metadata: 1",
    "  required: maybe", "  id_map: 7", "1: 2", "null: 1", "[1]: 2", "true: 1", "\x00", "\U0001f9ec: 1",
    "  beagle: {sed: 1}", "  beagle: 1", "  chromosomes: [21, 21]", "a: &a {x: *b}",
    "a: !!python/object/apply:os.getcwd []", "cohort: &a [*a]",
    "enformer: &a {preset: *a}", "genotype_file: &a {type: *a}", "a.b: 1", "a: ${a}", "  ? - a",
]  # fmt: skip

#: Whole contents of a file.
CONTENTS = [
    b"", b"\n", b"\0", b"#", b"##\n", b"\x1f\x8b", b"\x1f\x8b\x08\x00", b"\xff\xfe\x00", b"x", b"\t\t\t\n",
    b"\xef\xbb\xbf", b"PK\x03\x04" + bytes(40), b"BCF\x02\x02\xff\xff\xff\xff", b"l\x1b\x01", b"l\x1b\x10",
    b"l\x1b\x02" + b"\xff" * 9, b"CSI\x01" + b"\xff" * 40, b"TBI\x01" + b"\x01\0\0\0" * 9, bytes(range(256)),
    b"cohort: &a [*a]\n", b"&a [*a]\n", b"a: [" + b"[" * 900,
]  # fmt: skip
