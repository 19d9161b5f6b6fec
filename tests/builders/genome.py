"""Small genomes and cohorts with known content, in memory and as files."""

from __future__ import annotations

import gzip
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pyarrow as pa
import pysam
from pgenlib import PgenWriter

from haploformer.genome.encoding import encode


@dataclass
class MemoryReference:
    """A reference held in memory."""

    sequences: dict[str, str]
    name: str = "memory.fa"

    @property
    def contig_lengths(self) -> dict[str, int]:
        return {name: len(sequence) for name, sequence in self.sequences.items()}

    def read(self, contig: str, start: int, end: int) -> np.ndarray:
        return encode(self.sequences[contig][start:end])


@dataclass
class Record:
    """A line of a VCF; ``calls`` are GT strings, one per sample."""

    pos: int
    ref: str
    alt: str
    calls: list[str]
    contig: str = "22"
    filter: str = "PASS"
    name: str = "."


@dataclass
class Cohort:
    """Samples and records."""

    samples: list[str]
    records: list[Record] = field(default_factory=list)


def random_sequence(length: int, rng: np.random.Generator) -> str:
    return "".join(rng.choice(list("ACGT"), length))


def write_fasta(path: Path, sequences: dict[str, str], *, bgzip: bool = True) -> Path:
    """A FASTA of 60-base lines, bgzipped and indexed by pysam."""
    text = "".join(
        f">{name}\n" + "\n".join(seq[i : i + 60] for i in range(0, len(seq), 60)) + "\n"
        for name, seq in sequences.items()
    )
    if bgzip:
        with pysam.BGZFile(str(path), "wb") as stream:
            stream.write(text.encode())
    else:
        path.write_text(text)
    pysam.faidx(str(path))
    return path


def vcf_text(cohort: Cohort, contig_lengths: dict[str, int]) -> str:
    header = ["##fileformat=VCFv4.3", '##FILTER=<ID=LowQual,Description="low quality">']
    header += [f"##contig=<ID={name},length={length}>" for name, length in contig_lengths.items()]
    header += ['##FORMAT=<ID=GT,Number=1,Type=String,Description="Genotype">']
    header += ["\t".join(["#CHROM", "POS", "ID", "REF", "ALT", "QUAL", "FILTER", "INFO", "FORMAT", *cohort.samples])]
    rows = [
        "\t".join([r.contig, str(r.pos), r.name, r.ref, r.alt, ".", r.filter, ".", "GT", *r.calls])
        for r in cohort.records
    ]
    return "\n".join(header + rows) + "\n"


def read_cohort(path: Path) -> Cohort:
    """Samples and records of a compressed VCF whose records hold GT alone."""
    lines = gzip.decompress(path.read_bytes()).decode().splitlines()
    header, *rows = (line.split("\t") for line in lines if not line.startswith("##"))
    records = [Record(int(r[1]), r[3], r[4], r[9:], contig=r[0], filter=r[6], name=r[2]) for r in rows]
    return Cohort(header[9:], records)


def write_vcf(path: Path, cohort: Cohort, contig_lengths: dict[str, int], *, index: bool = True) -> Path:
    """A bgzipped VCF, indexed."""
    with pysam.BGZFile(str(path), "wb") as stream:
        stream.write(vcf_text(cohort, contig_lengths).encode())
    if index:
        pysam.tabix_index(str(path), preset="vcf", force=True)
    return path


def random_cohort(
    sequence: str,
    rng: np.random.Generator,
    *,
    n_samples: int = 6,
    spacing: int = 25,
    avoid: tuple[int, ...] = (),
    contig: str = "22",
) -> Cohort:
    """Phased calls at SNPs, MNPs, insertions and deletions that do not overlap or lie across a base of ``avoid``."""
    cohort = Cohort([f"S{i}" for i in range(n_samples)])
    pos = int(rng.integers(2, spacing))
    while pos < len(sequence) - 20:
        kind = rng.choice(["snp", "snp", "mnp", "insertion", "deletion"])
        size = int(rng.integers(1, 9))
        ref = sequence[pos - 1 : pos - 1 + {"snp": 1, "mnp": 3, "insertion": 1, "deletion": size + 1}[kind]]
        if kind in {"snp", "mnp"}:
            alt = "".join(rng.choice([b for b in "ACGT" if b != base]) for base in ref)
        else:
            alt = ref[0] if kind == "deletion" else ref + random_sequence(size, rng)
        across = any(pos - 1 < base < pos - 1 + len(ref) for base in avoid)
        if "N" not in ref and not across:
            calls = ["|".join(str(a) for a in rng.integers(0, 2, 2)) for _ in cohort.samples]
            cohort.records.append(Record(pos, ref, alt, calls, contig))
        pos += len(ref) + int(rng.integers(1, spacing))
    return cohort


def write_bcf(path: Path, vcf: Path, *, index: bool = True) -> Path:
    """The records of a VCF as BCF, written by htslib."""
    with pysam.VariantFile(str(vcf)) as source, pysam.VariantFile(str(path), "wb", header=source.header) as target:
        for record in source:
            target.write(record)
    if index:
        pysam.tabix_index(str(path), preset="bcf", force=True)
    return path


def write_plink2(stem: Path, cohort: Cohort, *, compress: bool = False) -> Path:
    """A .pgen, .pvar and .psam; of calls of two alleles, anything else is missing."""
    header = "#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\n"
    rows = ["\t".join([r.contig, str(r.pos), r.name, r.ref, r.alt, ".", r.filter, "."]) + "\n" for r in cohort.records]
    pvar = "".join(["##fileformat=VCFv4.3\n", header, *rows]).encode()
    if compress:
        with pa.CompressedOutputStream(str(stem) + ".pvar.zst", "zstd") as stream:
            stream.write(pvar)
    else:
        stem.with_name(stem.name + ".pvar").write_bytes(pvar)
    psam = "".join(f"{sample}\tNA\n" for sample in cohort.samples)
    stem.with_name(stem.name + ".psam").write_text(f"#IID\tSEX\n{psam}")
    n_alleles = [max(2, 1 + len(r.alt.split(","))) for r in cohort.records]
    pgen = stem.with_name(stem.name + ".pgen")
    with PgenWriter(
        str(pgen).encode(),
        len(cohort.samples),
        variant_ct=len(cohort.records),
        nonref_flags=False,
        allele_ct_limit=max(n_alleles),
        hardcall_phase_present=True,
    ) as writer:
        for record, n in zip(cohort.records, n_alleles, strict=True):
            calls = [call.replace("/", "|").split("|") for call in record.calls]
            whole = [call if len(call) == 2 and "." not in call else ["-9", "-9"] for call in calls]
            phased = np.array(["/" not in call for call in record.calls])
            writer.append_partially_phased(np.array(whole, np.int32).ravel(), phased, n)
    return pgen
