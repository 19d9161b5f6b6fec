"""Foreign alleles against the reference and our variants: each case by itself, and their counts."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from haploformer.errors import InputError
from haploformer.formats.fasta import FastaReference
from haploformer.genome.harmonise import (
    HarmoniseCounts,
    alleles_by_id,
    harmonise,
    is_ambiguous,
    refuse_ref_mismatches,
)
from haploformer.genome.intervals import Interval
from tests.builders.genome import MemoryReference, random_sequence
from tests.builders.geuvadis import FASTA

#: Position   1234567890
SEQUENCE = "ACGTACGTAC" * 3
REFERENCE = MemoryReference({"22": SEQUENCE})
OURS = pd.DataFrame(
    [("22", 1, "A", "G"), ("22", 2, "C", "T"), ("22", 3, "G", "T"), ("22", 5, "A", "C"), ("22", 5, "A", "G")],
    columns=["contig", "pos", "ref", "alt"],
)


def table(*rows: tuple) -> pd.DataFrame:
    return pd.DataFrame(list(rows), columns=["contig", "pos", "ref", "alt"])


def one(*row, **options) -> tuple[list[int], list[int], HarmoniseCounts]:
    found = harmonise(table(row), OURS, source="t", reference=REFERENCE, **options)
    return found.table["variant"].tolist(), found.table["sign"].tolist(), found.counts


@pytest.mark.parametrize("contig", ["22", "chr22"])
@pytest.mark.parametrize(
    ("row", "variant", "sign", "swapped", "flipped"),
    [
        ((1, "A", "G"), 0, 1, 0, 0),
        ((1, "a", "g"), 0, 1, 0, 0),
        ((1, "G", "A"), 0, -1, 1, 0),
        ((1, "T", "C"), 0, 1, 0, 1),
        ((1, "C", "T"), 0, -1, 1, 1),
        ((5, "A", "G"), 4, 1, 0, 0),
        ((5, "C", "A"), 3, -1, 1, 0),
        ((5, "T", "G"), 3, 1, 0, 1),
    ],
)
def test_harmonise__which_way_round(contig, row, variant, sign, swapped, flipped):
    variants, signs, counts = one(contig, *row)
    assert (variants, signs) == ([variant], [sign])
    assert (counts.n_matched, counts.n_swapped, counts.n_flipped) == (1, swapped, flipped)
    assert counts.matched_share == 1


@pytest.mark.parametrize(
    ("row", "verdict"),
    [
        (("21", 1, "A", "G"), "n_outside"),
        ((None, 1, "A", "G"), "n_outside"),
        (("22", 1, None, "G"), "n_without_alleles"),
        (("22", 1, "A", "<DEL>"), "n_without_alleles"),
        (("22", 1, "A", ""), "n_without_alleles"),
        (("22", 1, "A", "T"), "n_ambiguous"),
        (("22", 3, "G", "C"), "n_ambiguous"),
        (("22", 2, "AA", "A"), "n_ref_differs"),
        (("22", 29, "ACGTA", "C"), "n_ref_differs"),
        (("22", 4, "T", "G"), "n_absent"),
        (("22", 1, "A", "C"), "n_other_alleles"),
        (("22", 1, "AC", "A"), "n_other_alleles"),
    ],
)
def test_harmonise__what_is_left_out_is_counted(row, verdict):
    variants, _, counts = one(*row)
    assert variants == []
    assert getattr(counts, verdict) == 1
    assert counts == HarmoniseCounts(1, **{verdict: 1})


@pytest.mark.parametrize("row", [("22", 1, "G", "A"), ("22", 1, "T", "C"), ("22", 2, "G", "T")])
def test_harmonise__where_alt_is_what_the_table_is_about_a_ref_that_differs_is_refused(row):
    variants, _, counts = one(*row, may_swap=False)
    assert variants == []
    assert counts.n_ref_differs == 1
    assert one("22", 1, "A", "G", may_swap=False)[0] == [0]


def test_harmonise__without_a_reference_our_variants_say_what_is_right():
    ours = table(("22", 1, "G", "A"))
    found = harmonise(table(("22", 1, "A", "G"), ("22", 1, "C", "T")), ours, source="t")
    assert found.table["sign"].tolist() == [-1, 1]
    assert found.counts == HarmoniseCounts(2, n_matched=2, n_swapped=1, n_flipped=1)


#: A TTTT: both alleles of A/AT are there. A G: AT is not.
REPEAT = MemoryReference({"22": "ATTTTCAGCC"})
DELETION, INSERTION = ("22", 1, "AT", "A"), ("22", 1, "A", "AT")


@pytest.mark.parametrize("reference", [REPEAT, None])
def test_harmonise__in_a_repeat_the_row_as_written_is_the_variant(reference):
    rows = table(INSERTION, DELETION).assign(gene_id="a", slope=[0.5, 0.2])
    found = harmonise(rows, table(DELETION), source="t", reference=reference, within=["gene_id"])
    assert found.table[["slope", "variant", "sign"]].values.tolist() == [[0.2, 0, 1]]
    reason = "n_other_alleles" if reference else "n_ambiguous"
    assert found.counts == HarmoniseCounts(2, n_matched=1, **{reason: 1})


@pytest.mark.parametrize(("row", "ours"), [(INSERTION, DELETION), (DELETION, INSERTION)])
@pytest.mark.parametrize(("reference", "reason"), [(REPEAT, "n_other_alleles"), (None, "n_ambiguous")])
def test_harmonise__in_a_repeat_an_insertion_is_no_deletion(row, ours, reference, reason):
    found = harmonise(table(row), table(ours), source="t", reference=reference)
    assert found.counts == HarmoniseCounts(1, **{reason: 1})
    assert found.doubtful["variant"].tolist() == [0]
    unnamed = harmonise(table(row), table(ours), source="t", reference=reference, ref_named=False)
    assert unnamed.table["sign"].tolist() == [-1]
    assert unnamed.counts == HarmoniseCounts(1, n_matched=1, n_swapped=1)


def test_harmonise__an_indel_is_exchanged_where_the_reference_has_its_alt_alone():
    ours = table(("22", 7, "A", "AT"))
    found = harmonise(table(("22", 7, "AT", "A")), ours, source="t", reference=REPEAT)
    assert found.table["sign"].tolist() == [-1]
    # On a contig that the reference lacks nothing says which is which.
    elsewhere = harmonise(table(("21", 7, "AT", "A")), table(("21", 7, "A", "AT")), source="t", reference=REPEAT)
    assert elsewhere.counts == HarmoniseCounts(1, n_ambiguous=1)
    # One of these can be REF only.
    other = harmonise(table(("22", 7, "GT", "A")), table(("22", 7, "A", "GT")), source="t")
    assert other.counts == HarmoniseCounts(1, n_matched=1, n_swapped=1)


def test_harmonise__of_rows_about_one_variant_the_one_as_written_counts():
    rows = table(("22", 1, "G", "A"), ("22", 1, "A", "G"), ("22", 1, "G", "A")).assign(gene_id=["a", "a", "b"])
    found = harmonise(rows, OURS, source="t", reference=REFERENCE, within=["gene_id"])
    assert found.table.index.tolist() == [1, 2]
    assert found.table["sign"].tolist() == [1, -1]
    assert found.counts == HarmoniseCounts(3, n_repeated=1, n_matched=2, n_swapped=1)


def test_harmonise__intervals_say_what_is_inside():
    rows = table(("22", 1, "A", "G"), ("22", 2, "C", "T"), ("22", 3, "G", "T"))
    found = harmonise(rows, OURS, source="t", reference=REFERENCE, intervals=[Interval("22", 1, 3)])
    assert found.table["variant"].tolist() == [1, 2]
    assert (found.counts.n_outside, found.counts.n_inside, found.counts.matched_share) == (1, 2, 1.0)


def test_harmonise__a_variant_counts_once_within_a_gene():
    rows = table(("22", 1, "A", "G"), ("22", 1, "G", "A"), ("22", 1, "A", "G")).assign(gene_id=["a", "a", "b"])
    found = harmonise(rows, OURS, source="t", reference=REFERENCE, within=["gene_id"])
    assert found.table["gene_id"].tolist() == ["a", "b"]
    assert found.counts == HarmoniseCounts(3, n_repeated=1, n_matched=2)
    assert harmonise(rows, OURS, source="t", reference=REFERENCE).counts.n_matched == 3


def test_harmonise__the_floor_stops_with_the_matched_share_first():
    rows = table(("22", 1, "A", "G"), ("22", 4, "T", "G"), ("22", 6, "C", "A"), ("22", 1, "A", "T"))
    found = harmonise(rows, OURS, source="t", reference=REFERENCE, min_matched_share=0.25)
    summary = "25.0 % matched (1 of 4 rows inside, 4 in all); 1 ambiguous, 2 absent"
    assert found.counts.summary() == summary
    with pytest.raises(InputError) as error:
        harmonise(rows, OURS, source="t", reference=REFERENCE, min_matched_share=0.3)
    assert str(error.value).startswith(f"t: {summary}; at least 30 % are expected; check the build")


def test_harmonise__no_row_is_below_any_floor():
    with pytest.raises(InputError, match=r"t: 0.0 % matched \(0 of 0 rows inside, 0 in all\); at least 1 % are"):
        harmonise(table(), OURS, source="t", reference=REFERENCE, min_matched_share=0.01)


def random_table(rng: np.random.Generator, sequence: str, n: int) -> pd.DataFrame:
    """Variants without A/T and C/G at random places, sorted."""
    pos = np.sort(rng.choice(np.arange(1, len(sequence) + 1), n, replace=False))
    partner = {"A": "CG", "C": "AT", "G": "AT", "T": "CG"}
    return table(*[("22", int(p), sequence[p - 1], str(rng.choice(list(partner[sequence[p - 1]])))) for p in pos])


def test_harmonise__another_build_is_told_by_ref():
    rng = np.random.default_rng(1)
    sequence = random_sequence(20_000, rng)
    ours = random_table(rng, sequence, 500)
    other = MemoryReference({"22": random_sequence(20_000, rng)}, name="other.fa")
    with pytest.raises(
        InputError, match=r"is the base of other.fa; of 500 rows 2\d\d have an allele that is: the table"
    ):
        harmonise(ours, ours, source="t", reference=other)
    assert harmonise(ours, ours, source="t", reference=MemoryReference({"22": sequence})).counts.matched_share == 1


def test_harmonise__a_table_of_the_other_strand_is_no_other_build():
    rng = np.random.default_rng(2)
    sequence = random_sequence(20_000, rng)
    ours = random_table(rng, sequence, 300)
    turned = ours.assign(
        ref=ours["ref"].map(dict(zip("ACGT", "TGCA", strict=True))),
        alt=ours["alt"].map(dict(zip("ACGT", "TGCA", strict=True))),
    )
    counts = harmonise(turned, ours, source="t", reference=MemoryReference({"22": sequence})).counts
    assert (counts.n_matched, counts.n_flipped, counts.n_swapped) == (300, 300, 0)


def test_harmonise__random_orientations_are_undone():
    rng = np.random.default_rng(3)
    sequence = random_sequence(20_000, rng)
    ours = random_table(rng, sequence, 400)
    effect = rng.normal(size=len(ours))
    swap = rng.random(len(ours)) < 0.5
    foreign = ours.assign(
        ref=np.where(swap, ours["alt"], ours["ref"]),
        alt=np.where(swap, ours["ref"], ours["alt"]),
        slope=np.where(swap, -effect, effect),
    ).sample(frac=1, random_state=0)
    found = harmonise(foreign, ours, source="t", reference=MemoryReference({"22": sequence}))
    assert np.array_equal((found.table["slope"] * found.table["sign"]).to_numpy(), effect[found.table["variant"]])
    assert found.counts.n_swapped == swap.sum()


def test_alleles_by_id__only_where_the_table_says_none():
    variants = pd.DataFrame(
        [
            ("rs1", "22", 1, "A", "G"),
            ("rs2", "22", 2, "C", "T"),
            ("rs9", "22", 3, "G", "T"),
            ("rs9", "22", 3, "G", "A"),
        ],
        columns=["variant_id", "contig", "pos", "ref", "alt"],
    )
    rows = table((None, None, None, None), ("22", 2, "T", "C"), (None, None, None, None), (None, None, None, None))
    rows = rows.astype(object).assign(variant_id=["rs1", "rs2", "rs9", "rs7"])
    filled, n = alleles_by_id(rows, variants)
    assert n == 1
    assert filled.loc[0, ["contig", "pos", "ref", "alt"]].tolist() == ["22", 1, "A", "G"]
    assert filled.loc[1, ["ref", "alt"]].tolist() == ["T", "C"]
    assert filled.loc[2:, "ref"].isna().all()
    assert rows["ref"].isna().sum() == 3


@pytest.mark.real_data
@pytest.mark.parametrize(("name", "n"), [("cltcl1", 438), ("cecr7", 371)])
def test_refuse_ref_mismatches__every_ref_of_the_published_variants_is_the_fastas(shared_data, name, n):
    published = pd.read_csv(shared_data / f"published_enformer/enformer_ism_track5110_{name}.csv", index_col=0)
    parts = published.index.to_series().str.extract(r"^(chr22):([0-9]+) ([ACGT]+)/([ACGT]+)$")
    rows = parts.set_axis(["contig", "pos", "ref", "alt"], axis="columns").astype({"pos": int}).reset_index(drop=True)
    checked = refuse_ref_mismatches(rows, FastaReference(shared_data / FASTA), source=name)
    assert (len(rows), len(checked.table), checked.n_refused) == (n, n, 0)


def test_is_ambiguous__each_others_complement():
    pairs = [("A", "T"), ("G", "C"), ("A", "G"), ("C", "A"), ("AT", "A")]
    assert is_ambiguous(*zip(*pairs, strict=True)).tolist() == [True, True, False, False, False]
