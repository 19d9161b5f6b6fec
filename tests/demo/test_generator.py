"""The committed demo is what its generator makes, and has the answer that its README promises."""

import gzip
from dataclasses import replace
from itertools import product
from pathlib import Path

import numpy as np
import pandas as pd
import pysam
import pysam.bcftools
import pytest
from bed_reader import open_bed

from demo import checks, settings
from demo.contigs import LENGTH, OFFSETS, locate
from demo.expression import NOISE_SHARE, SHARES, draw_expression, standardise
from demo.generate import generate
from demo.genes import make_genes
from demo.sequence import N_IN_WINDOW
from demo.tracks import tissue_tracks
from demo.variants import Variants, record_class
from demo.windows import build_windows
from haploformer.enformer.geometry import PRESETS

COMMITTED = Path(__file__).parents[2] / "data" / "01_raw" / "demo"
HALF = PRESETS[settings.PRESET].window // 2
FASTA, VCF = COMMITTED / "reference.fa.gz", COMMITTED / "genotypes.vcf.gz"

SAME_CONTENT = [
    "causal_variants.tsv",
    "reference.fa.gz",
    "reference.fa.gz.fai",
    "genes.gtf.gz",
    "genotypes.bed",
    "genotypes.bim",
    "genotypes.fam",
    "genotypes.vcf.gz",
    "samples.panel",
    "targets.txt",
]
NUMBERS = {"covariates.txt.gz": 1, "expression.bed.gz": 4, "truth.tsv.gz": 2}  # columns of text before the numbers
INDICES = ["reference.fa.gz.gzi", "expression.bed.gz.tbi", "genotypes.vcf.gz.tbi"]


@pytest.fixture(scope="module")
def regenerated(tmp_path_factory):
    folder = tmp_path_factory.mktemp("demo")
    generate(folder)
    return folder


@pytest.fixture(scope="module")
def truth():
    return read_table(COMMITTED / "truth.tsv.gz")


@pytest.fixture(scope="module")
def expression():
    return read_expression(COMMITTED / "expression.bed.gz")


@pytest.fixture(scope="module")
def variants():
    return read_vcf(VCF)


@pytest.fixture(scope="module")
def genes():
    return make_genes(settings.generator("genes"))


def read_table(path):
    return pd.read_csv(path, sep="\t")


def read_expression(path):
    return read_table(path).set_index("gene_id").drop(columns=["#chr", "start", "end"])


def places(genes):
    return [locate(gene.tss) for gene in genes]


def read_vcf(path):
    with pysam.VariantFile(str(path)) as source:
        records = list(source)
    calls = [[s["GT"] for s in record.samples.values()] for record in records]
    return Variants(
        start=np.array([OFFSETS[record.chrom] + record.start for record in records]),
        ref=[record.ref for record in records],
        alt=[record.alts[0] for record in records],
        haplotypes=np.array(calls, dtype=np.int8),
    )


def vcf_samples():
    with pysam.VariantFile(str(VCF)) as source:
        return list(source.header.samples)


def content(path):
    return gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()


@pytest.mark.slow
def test_generate__makes_the_committed_files(regenerated):
    assert sorted(path.name for path in regenerated.iterdir()) == sorted([*SAME_CONTENT, *NUMBERS, *INDICES])
    assert {path.name for path in COMMITTED.iterdir()} == {path.name for path in regenerated.iterdir()} | {
        "README.md",
        "known_answer.json",
    }


@pytest.mark.slow
@pytest.mark.parametrize("name", SAME_CONTENT)
def test_generate__reproduces_content(regenerated, name):
    assert content(regenerated / name) == content(COMMITTED / name)


@pytest.mark.slow
@pytest.mark.parametrize(("name", "n_labels"), NUMBERS.items())
def test_generate__reproduces_numbers(regenerated, name, n_labels):
    made, committed = read_table(regenerated / name), read_table(COMMITTED / name)
    labels = committed.columns[:n_labels]
    pd.testing.assert_frame_equal(made[labels], committed[labels])
    assert list(made.columns) == list(committed.columns)
    np.testing.assert_allclose(made.iloc[:, n_labels:], committed.iloc[:, n_labels:], rtol=0, atol=1e-4)


@pytest.mark.slow
def test_generate__reproduces_differences_between_people(regenerated, truth):
    # Coverage is about 1.4 for everybody: 1e-4 of it says little about the person.
    made = read_table(regenerated / "truth.tsv.gz")
    between = [t.pivot(index="gene_id", columns="individual_id", values="enformer").to_numpy() for t in (made, truth)]
    np.testing.assert_allclose(standardise(between[0]), standardise(between[1]), atol=1e-3)


def test_committed__is_small():
    checks.check_size(list(COMMITTED.iterdir()))
    assert sum(path.stat().st_size for path in COMMITTED.iterdir()) < 2_000_000


def test_individuals__are_shared_by_150_in_another_order(expression, truth):
    panel = read_table(COMMITTED / "samples.panel").set_index("sample")
    genotyped, expressed = vcf_samples(), list(expression.columns)
    both = [i for i in genotyped if i in expressed]
    assert panel.loc[both, "pop"].value_counts().to_dict() == {"AFR": 75, "EUR": 75}
    assert (len(genotyped), len(expressed)) == (153, 152)
    assert both != [i for i in expressed if i in genotyped]
    assert list(read_table(COMMITTED / "covariates.txt.gz").columns[1:]) == expressed
    assert set(truth["individual_id"]) == set(both)


def test_expression__is_standardised_per_gene(expression):
    np.testing.assert_allclose(expression.mean(axis=1), 0, atol=1e-6)
    np.testing.assert_allclose(expression.std(axis=1, ddof=0), 1, atol=1e-6)


def test_expression__starts_at_the_tss_of_the_gtf(genes):
    lines = [line.split("\t") for line in content(COMMITTED / "genes.gtf.gz").decode().splitlines() if line[0] != "#"]
    tss = {line[8].split('"')[1]: int(line[3]) - 1 if line[6] == "+" else int(line[4]) - 1 for line in lines}
    bed = read_table(COMMITTED / "expression.bed.gz")
    assert dict(zip(bed["gene_id"], bed["start"], strict=True)) == tss
    assert tss == {gene.gene_id: locate(gene.tss).position for gene in genes}
    assert bed["#chr"].tolist() == [f"chr{locate(gene.tss).contig}" for gene in genes]
    assert bed["#chr"].value_counts().to_dict() == {"chr21": 12, "chr22": 12}
    assert (bed["end"] == bed["start"] + 1).all()
    assert {line[6] for line in lines} == {"+", "-"}


def test_tracks__name_four_of_the_tissue():
    tracks = read_table(COMMITTED / "targets.txt")
    assert list(tracks["index"]) == list(range(64))
    assert tissue_tracks(tracks, settings.TISSUE) == [44, 45, 46, 47]
    assert tissue_tracks(tracks, "demo lung") == []


def test_reference__has_a_trace_of_n_in_one_window(genes):
    with pysam.FastaFile(str(FASTA)) as reference:
        assert dict(zip(reference.references, reference.lengths, strict=True)) == settings.CONTIGS
        windows = [reference.fetch(contig, tss - HALF, tss + HALF) for contig, tss in places(genes)]
        assert reference.fetch("21", 0, 100) == reference.fetch("22", 0, 100) == "N" * 100
    assert sorted(window.upper().count("N") for window in windows) == [0] * (len(genes) - 1) + [N_IN_WINDOW]
    assert all(set("acgt") < set(window) for window in windows)


def test_vcf__is_normalised_and_has_the_bases_of_the_reference(tmp_path):
    assert normalised(VCF, tmp_path) == content(VCF).decode().split("\n#CHROM")[1]


def test_vcf__shifted_indel_would_be_noticed(tmp_path):
    header, records = content(VCF).decode().split("\n#CHROM")
    with pysam.FastaFile(str(FASTA)) as reference:
        bases = reference.fetch("21").upper()
    start = bases.index("ACACAC")
    # The deletion of the last AC of a repeat, anchored to the base before it.
    shifted = records.split("\n")[1].split("\t")
    shifted[1:5] = [str(start + 4), "shifted", bases[start + 3 : start + 6], bases[start + 3]]
    text = f"{header}\n#CHROM{records.splitlines()[0]}\n" + "\t".join(shifted) + "\n"
    (tmp_path / "shifted.vcf").write_text(text)
    assert normalised(tmp_path / "shifted.vcf", tmp_path) != text.split("\n#CHROM")[1]


def normalised(vcf, folder):
    out = folder / "normalised.vcf"
    pysam.bcftools.norm("--check-ref", "e", "-f", str(FASTA), "-o", str(out), str(vcf), catch_stdout=False)
    return out.read_text().split("\n#CHROM")[1]


def test_vcf__has_all_classes_and_no_overlap(variants, genes):
    checks.check_variants(variants, genes)
    classes = variants.classes()
    assert set(classes) == {"snp", "mnp", "insertion", "deletion"}
    assert 0.06 < (classes["insertion"] + classes["deletion"]) / len(variants) < 0.1
    lengths = [abs(len(r) - len(a)) for r, a in zip(variants.ref, variants.alt, strict=True)]
    assert max(lengths) == settings.MAX_INDEL


def test_vcf__has_positions_in_the_file_index(genes, variants):
    with pysam.VariantFile(str(VCF)) as source:
        fetched = [sum(1 for _ in source.fetch(contig, tss - HALF, tss + HALF)) for contig, tss in places(genes)]
    spanned = [((variants.start < g.tss + HALF) & (variants.end > g.tss - HALF)).sum() for g in genes]
    assert fetched == spanned


def test_plink__has_the_dosages_of_the_vcf(variants):
    plink = open_bed(COMMITTED / "genotypes.bed", num_threads=1)
    assert list(plink.iid) == vcf_samples()
    assert list(plink.allele_1) == variants.alt
    assert list(plink.allele_2) == variants.ref
    assert list(plink.chromosome) == [place.contig for place in variants.places]
    assert list(plink.bp_position) == [place.position + 1 for place in variants.places]
    np.testing.assert_array_equal(plink.read(), variants.dosages.T)


def test_build_windows__agrees_with_a_plain_walk_outward(variants, genes, tmp_path):
    samples = vcf_samples()
    people = [3, 57, 120]
    windows = build_windows(FASTA, VCF, genes, [samples[i] for i in people], window=2 * HALF, scratch=tmp_path)
    with pysam.FastaFile(str(FASTA)) as reference:
        bases = "".join(reference.fetch(contig) for contig in OFFSETS).upper()
    for (g, gene), (p, person), haplotype in product(enumerate(genes), enumerate(people), (0, 1)):
        carried = variants.haplotypes[:, person, haplotype] == 1
        assert windows.sequences[windows.carried[g, p, haplotype]] == walk_outward(bases, variants, carried, gene.tss)
    for gene, row in zip(genes, windows.reference, strict=True):
        assert windows.sequences[row] == bases[gene.tss - HALF : gene.tss + HALF]


def walk_outward(bases, variants, carried, tss):
    """Half a window of a haplotype on each side of the TSS, record by record."""
    alt_at = {int(variants.start[i]): (len(variants.ref[i]), variants.alt[i]) for i in np.flatnonzero(carried)}

    def personal(start, end):
        pieces, at = [], start
        while at < end:
            length, alt = alt_at.get(at, (1, bases[at]))
            pieces.append(alt)
            at += length
        return "".join(pieces)

    return personal(tss - HALF - settings.MARGIN, tss)[-HALF:] + personal(tss, tss + HALF + settings.MARGIN)[:HALF]


def test_truth__additive_component_comes_from_variants_outside_the_model_window(variants, genes, truth):
    causal = read_table(COMMITTED / "causal_variants.tsv")
    people = np.isin(vcf_samples(), truth["individual_id"].unique())
    row = {name: i for i, name in enumerate(variants.ids)}
    frequency = variants.haplotypes[:, people].mean(axis=(1, 2))
    assert set(causal["gene_id"]) == {gene.gene_id for gene in genes}
    for gene in genes:
        of_gene = causal[causal["gene_id"] == gene.gene_id]
        rows = [row[name] for name in of_gene["variant_id"]]
        assert 3 <= len(rows) <= 5
        for i in rows:
            assert variants.end[i] <= gene.tss - HALF - settings.MARGIN or variants.start[i] >= gene.tss + HALF
            assert gene.tss - 24_000 <= variants.start[i] <= variants.end[i] <= gene.tss + 24_000
            assert 0.1 <= frequency[i] <= 0.9
        component = standardise(of_gene["effect"] @ standardise(variants.dosages[rows][:, people]))
        written = truth.loc[truth["gene_id"] == gene.gene_id, "additive"]
        np.testing.assert_allclose(component, written, atol=1e-6)


def test_truth__covariate_component_lies_in_the_span_of_the_covariates(truth):
    covariates = read_table(COMMITTED / "covariates.txt.gz").set_index("ID")
    component = truth.pivot(index="gene_id", columns="individual_id", values="covariate")
    design = np.column_stack([np.ones(component.shape[1]), covariates[component.columns].T])
    fitted = design @ np.linalg.lstsq(design, component.T, rcond=None)[0]
    np.testing.assert_allclose(fitted, component.T, atol=1e-5)


def test_draw_expression__is_what_the_file_has(truth, expression):
    drawn = draw_expression(truth, settings.generator("noise"))
    written = expression.loc[drawn.index, drawn.columns]
    # The file is standardised again, over two more people.
    np.testing.assert_allclose(standardise(written.to_numpy()), drawn, atol=1e-5)


def test_draw_expression__redraws_the_noise_only(truth):
    first = draw_expression(truth, np.random.default_rng(1))
    shuffled = draw_expression(truth.sample(frac=1, random_state=0), np.random.default_rng(1))
    pd.testing.assert_frame_equal(first, shuffled)
    other = draw_expression(truth, np.random.default_rng(2))
    r = np.mean([np.corrcoef(a, b)[0, 1] for a, b in zip(first.to_numpy(), other.to_numpy(), strict=True)])
    assert r == pytest.approx(1 - NOISE_SHARE, abs=0.1)


def test_draw_expression__gives_each_component_its_share(truth):
    shares = np.mean([component_shares(truth, draw_expression(truth, np.random.default_rng(i))) for i in range(40)], 0)
    # Components that are correlated in the sample make the whole larger or smaller, not one share against another.
    np.testing.assert_allclose(shares / shares.sum(), [*SHARES.values(), NOISE_SHARE], atol=0.015)


def test_expression__has_the_shares_promised(truth, expression):
    shares = component_shares(truth, expression)
    np.testing.assert_allclose(shares, [*SHARES.values(), NOISE_SHARE], atol=0.05)


def component_shares(truth, expression):
    """Mean over genes of the squared coefficients of the standardised components, and of the rest's variance."""
    shares = []
    for gene_id, of_gene in truth.groupby("gene_id"):
        design = standardise(of_gene[list(SHARES)].to_numpy(), axis=0)  # (n_people, 3)
        y = standardise(expression.loc[gene_id, of_gene["individual_id"]].to_numpy())
        coefficients = np.linalg.lstsq(design, y, rcond=None)[0]
        unexplained = ((y - design @ coefficients) ** 2).sum() / (len(y) - design.shape[1] - 1)
        # A squared estimate is too large by its sampling variance.
        sampling = unexplained * np.diag(np.linalg.inv(design.T @ design))
        shares.append([*(coefficients**2 - sampling), unexplained])
    return np.mean(shares, axis=0)


def test_check_variants__refuses_overlap(variants, genes):
    moved = variants.start.copy()
    moved[100] = moved[101]
    with pytest.raises(ValueError, match="overlap"):
        checks.check_variants(replace(variants, start=moved), genes)


def test_check_variants__refuses_an_empty_cis_window(variants, genes):
    with pytest.raises(ValueError, match="cis window"):
        checks.check_variants(replace(variants, start=variants.start + LENGTH), genes)


def test_check_windows__refuses_too_many():
    checks.check_windows(np.array([1_000, 700]))
    with pytest.raises(ValueError, match="1701 distinct windows"):
        checks.check_windows(np.array([1_000, 701]))


def test_check_precision__refuses_differences_near_the_error(genes):
    sd = np.full(len(genes), 0.02)
    checks.check_precision(sd, 1e-5, genes)
    sd[3] = 0.002
    with pytest.raises(ValueError, match=genes[3].gene_id):
        checks.check_precision(sd, 1e-5, genes)


def test_check_size__refuses_a_large_file(tmp_path):
    with (tmp_path / "large").open("wb") as file:
        file.truncate(settings.MAX_BYTES + 1)
    with pytest.raises(ValueError, match="2000001 bytes"):
        checks.check_size([tmp_path / "large"])


@pytest.mark.parametrize(
    ("ref", "alt", "expected"),
    [("A", "G", "snp"), ("AC", "GT", "mnp"), ("A", "AT", "insertion"), ("AT", "A", "deletion")],
)
def test_record_class__tells_by_lengths(ref, alt, expected):
    assert record_class(ref, alt) == expected
