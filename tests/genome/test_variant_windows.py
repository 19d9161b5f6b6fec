"""Windows with one allele each, against the slow oracle that builds a person's sequence."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from haploformer.errors import InputError
from haploformer.genome.content_keys import sequence_key
from haploformer.genome.edits import make_edit
from haploformer.genome.encoding import reverse_complement
from haploformer.genome.genotypes import Genotypes
from haploformer.genome.haplotype_windows import HaplotypeWindows, combine_genes
from haploformer.genome.haplotypes import collect_gene_haplotypes
from haploformer.genome.intervals import Interval
from haploformer.genome.placement import Stretch
from haploformer.genome.reference import fetch_padded
from haploformer.genome.variant_windows import (
    EditedWindows,
    build_left_out_windows,
    build_variant_windows,
    collect_gene_variants,
    sites_of,
)
from haploformer.genome.variants import RECORD_COLUMNS, named_alleles
from haploformer.genome.windows import build_windows
from tests.builders.genome import MemoryReference, random_cohort, random_sequence
from tests.oracles.haplotypes import build_haplotype

LENGTH = 128
GENES = pd.DataFrame(
    [("a", "21", 200, "+"), ("b", "22", 150, "-"), ("c", "22", 260, "+"), ("d", "22", 20, "+")],
    columns=["gene_id", "contig", "tss", "strand"],
)


def variants_of(rows: list[tuple[str, int, str, str]]) -> pd.DataFrame:
    records = pd.DataFrame(
        [(contig, pos, f"v{i}", ref, alt) for i, (contig, pos, ref, alt) in enumerate(rows)], columns=RECORD_COLUMNS
    )
    return named_alleles(records)


@pytest.fixture(scope="module")
def made() -> tuple[MemoryReference, pd.DataFrame, pd.DataFrame]:
    rng = np.random.default_rng(5)
    reference = MemoryReference({"21": random_sequence(400, rng), "22": random_sequence(500, rng)})
    rows = [
        (contig, r.pos, r.ref, r.alt)
        for contig in ("21", "22")
        for r in random_cohort(reference.sequences[contig], rng, spacing=9, contig=contig).records
    ]
    return reference, variants_of(rows), build_windows(GENES, reference, length=LENGTH)


def build(made, *, both: bool = False, reverse: bool = False) -> EditedWindows:
    reference, variants, windows = made
    return build_variant_windows(
        windows, variants, reference, reverse=[reverse] * len(windows), both_strands=both, provenance={"rule": "x"}
    )


def alone(sequence: str, tss: int, length: int, edit: tuple[int, str, str] | None) -> np.ndarray:
    """The window with one record's allele in it, by the oracle."""
    reference = MemoryReference({"x": sequence})
    codes = fetch_padded(reference, "x", -200, len(sequence) + 200)
    stretch = Stretch(-200, tss, length // 2, length // 2, codes)
    return build_haplotype(stretch, [] if edit is None else [make_edit(*edit)])


def test_build_variant_windows__each_holds_one_allele_with_the_tss_in_its_place(made):
    reference, variants, gene_windows = made
    windows = build(made)
    tss = GENES.set_index("gene_id")["tss"]
    kinds = set()
    for row in windows.table.itertuples():
        expected = alone(reference.sequences[row.contig], tss[row.gene_id], LENGTH, (row.pos, row.ref, row.alt))
        np.testing.assert_array_equal(windows.codes([row.window])[0], expected)
        kinds.add(np.sign(len(row.alt) - len(row.ref)))
    assert kinds == {-1, 0, 1}
    assert len(windows.table) > 60
    # Variants left out are those that change nothing.
    named = windows.table.set_index(["gene_id", "variant_id"]).index
    for gene in gene_windows.itertuples():
        for row in variants[variants["contig"] == gene.contig].itertuples():
            if (gene.gene_id, row.variant_id) not in named:
                sequence = reference.sequences[gene.contig]
                ours = alone(sequence, gene.tss, LENGTH, (row.pos, row.ref, row.alt))
                np.testing.assert_array_equal(ours, alone(sequence, gene.tss, LENGTH, None))


def test_build_variant_windows__content_keys_and_references(made):
    windows = build(made, both=True)
    assert len(windows) == 2 * len(windows.strands[0])
    codes = windows.codes(range(len(windows)))
    assert windows.keys == [sequence_key(row) for row in codes]
    half = len(windows) // 2
    np.testing.assert_array_equal(codes[half:], reverse_complement(codes[:half]))
    reference = windows.reference_rows(range(len(windows)))
    is_reference = np.tile(windows.strands[0].windows["is_reference"].to_numpy(), 2)
    assert is_reference[reference].all()
    genes = np.tile(windows.strands[0].windows["gene_id"].to_numpy(), 2)
    assert (genes[reference] == genes).all()
    np.testing.assert_array_equal(reference >= half, np.arange(len(windows)) >= half)


def test_build_variant_windows__read_from_the_other_strand(made):
    np.testing.assert_array_equal(
        build(made, reverse=True).codes([0, 1, 2]), reverse_complement(build(made).codes([0, 1, 2]))
    )


def test_snps__equal_the_codes_of_one_gene_and_strand(made):
    windows = build(made, both=True)
    half = len(windows) // 2
    of_gene = windows.table[windows.table["gene_id"] == "b"]
    is_snp = (of_gene["ref"].str.len() == 1) & (of_gene["alt"].str.len() == 1)
    reference = int(windows.reference_rows([of_gene["window"].iloc[0]])[0])
    rows = [reference, *of_gene.loc[is_snp, "window"].tolist()]
    assert len(rows) > 5
    for chosen in (rows, [row + half for row in rows]):
        found = windows.snps(chosen)
        bases = np.tile(found.reference, (len(chosen), 1))
        for i, carried in enumerate(found.carried):
            bases[i, found.positions[carried]] = found.alleles[carried]
        np.testing.assert_array_equal(bases, windows.codes(chosen))
    assert windows.snps([rows[0], rows[1] + half]) is None, "of both strands"
    assert windows.snps([rows[0], *of_gene.loc[~is_snp, "window"].tolist()]) is None, "with an indel"
    assert windows.snps([]) is None


def test_carriers__name_every_window_on_every_strand(made):
    windows = build(made, both=True)
    carriers = windows.carriers()
    half = len(windows) // 2
    assert carriers.columns.tolist() == [*windows.table.columns[:-1], "strand", "window"]
    assert len(carriers) == 2 * (len(GENES) + len(windows.table))
    of_reference = carriers[carriers["variant_id"].isna()]
    assert of_reference["gene_id"].tolist() == 2 * GENES["gene_id"].tolist()
    assert set(carriers["window"]) == set(range(len(windows)))
    assert (carriers.loc[carriers["strand"] == "reverse", "window"] >= half).all()
    again = carriers[carriers["variant_id"].notna() & (carriers["strand"] == "forward")]
    assert again["pos"].tolist() == windows.table["pos"].tolist()


def test_collect_gene_variants__equal_sequences_share_a_window():
    # One base less of a run of six, written in two places, and a substitution.
    reference = MemoryReference({"1": "CGT" * 20 + "AAAAAA" + "CGT" * 20})
    variants = variants_of([("1", 60, "TA", "T"), ("1", 62, "AA", "A"), ("1", 68, "G", "C")])
    found = collect_gene_variants(sites_of(variants), reference, Interval("1", 32, 96), 64)
    assert found.window.tolist() == [1, 1, 2]
    assert len(found.placement) == 3


def test_collect_gene_variants__at_the_edges_and_across_the_tss():
    rng = np.random.default_rng(2)
    sequence = random_sequence(200, rng)
    reference = MemoryReference({"1": sequence})
    edges = [
        (sequence[59:61], sequence[59], 60),  # deletes the window's first base
        (sequence[57:62], sequence[57], 58),  # deletes bases on both sides of its start
        (sequence[98:103], sequence[98], 99),  # deletes across the TSS
        (sequence[98:103], sequence[98:100] + "TTTTTTTT", 99),
        (sequence[139:145], sequence[139], 140),  # deletes what is behind the last base: nothing changes
        (sequence[138:145], sequence[138], 139),  # deletes the last base too
    ]
    variants = variants_of([("1", pos, ref, alt) for ref, alt, pos in edges]).sort_values("pos", kind="stable")
    found = collect_gene_variants(sites_of(variants), reference, Interval("1", 60, 140), 100)
    rows = sites_of(variants).records.iloc[found.row]
    assert sorted(rows["variant_id"]) == ["v0", "v1", "v2", "v3", "v5"]
    for row, window in zip(rows.itertuples(), found.window, strict=True):
        expected = alone(sequence, 100, 80, (row.pos, row.ref, row.alt))
        np.testing.assert_array_equal(found.placement.codes([window])[0], expected)


def test_collect_gene_variants__none_in_the_window():
    reference = MemoryReference({"1": "ACGT" * 50})
    found = collect_gene_variants(sites_of(variants_of([])), reference, Interval("1", 60, 124), 92)
    assert (len(found.placement), len(found.row), len(found.window)) == (1, 0, 0)


def cohort_windows(seed: int = 3) -> tuple[MemoryReference, Genotypes, HaplotypeWindows]:
    """Six people's haplotypes of one gene, its TSS in the middle of the variants."""
    rng = np.random.default_rng(seed)
    reference = MemoryReference({"22": random_sequence(600, rng)})
    cohort = random_cohort(reference.sequences["22"], rng, spacing=20)
    records = pd.DataFrame(
        [(r.contig, r.pos, f"v{i}", r.ref, r.alt) for i, r in enumerate(cohort.records)], columns=RECORD_COLUMNS
    )
    alleles = np.array([[[int(a) for a in call.split("|")] for call in r.calls] for r in cohort.records], np.int8)
    genotypes = Genotypes(records, cohort.samples, alleles)
    windows = build_windows(GENES.assign(contig="22", tss=300).head(1), reference, length=LENGTH)
    found = collect_gene_haplotypes(genotypes, reference, Interval("22", 236, 364), 300, max_missing=0.0)
    return reference, genotypes, combine_genes(windows, [found], genotypes.individual_ids, provenance={})


def test_build_left_out_windows__hold_all_edits_but_one():
    reference, genotypes, haplotypes = cohort_windows()
    wanted = haplotypes.haplotypes[["gene_id", "window"]].drop_duplicates()
    made = build_left_out_windows(haplotypes, named_alleles(genotypes.records), wanted, source="x.vcf")
    table = genotypes.records.set_index("variant_id")
    seen = 0
    for copy in haplotypes.haplotypes.itertuples():
        person = genotypes.individual_ids.index(copy.individual_id)
        carried = [
            row
            for row, calls in zip(table.itertuples(), genotypes.alleles, strict=True)
            if calls[person, copy.haplotype]
        ]
        without = made.table[made.table["haplotype_window"] == copy.window].set_index("variant_id")["window"]
        assert set(without.index) <= {row.Index for row in carried}
        codes = fetch_padded(reference, "22", -200, 800)
        for name, window in without.items():
            edits = [make_edit(row.pos, row.ref, row.alt) for row in carried if row.Index != name]
            expected = build_haplotype(Stretch(-200, 300, 64, 64, codes), edits)
            np.testing.assert_array_equal(made.codes([window])[0], expected)
            seen += 1
    assert seen > 40


def test_build_left_out_windows__other_variants_than_the_haplotypes():
    _, genotypes, haplotypes = cohort_windows()
    wanted = haplotypes.haplotypes[["gene_id", "window"]].drop_duplicates()
    others = named_alleles(genotypes.records.iloc[:3])
    with pytest.raises(InputError, match="no stored variant makes this edit of the haplotypes of gene a"):
        build_left_out_windows(haplotypes, others, wanted, source="x.vcf")
