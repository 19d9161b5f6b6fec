"""Alleles against the reference, and the message about those that differ: each cause by its own words."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from haploformer.errors import InputError
from haploformer.genome import reference_check
from haploformer.genome.builds import CHROMOSOME_LENGTHS
from haploformer.genome.reference import NoReference, ReferenceText
from haploformer.genome.reference_check import (
    ReferenceTally,
    compare_alleles,
    exchangeable_alt,
    reference_mismatches,
)
from haploformer.genome.variants import RECORD_COLUMNS
from tests.builders.genome import MemoryReference, random_sequence
from tests.builders.mismatches import call_snps, exchange, flip, genome


def records(rows: list[tuple[int, str, str]]) -> pd.DataFrame:
    return pd.DataFrame([("22", pos, f"v{pos}", ref, alt) for pos, ref, alt in rows], columns=RECORD_COLUMNS)


# One record after the other --------------------------------------------------------------------------------------


def test_reference_mismatches__each_record_by_its_own_bases():
    reference = MemoryReference({"22": "ACGTNacgt"})
    refs = [(1, "A"), (1, "ACGT"), (2, "c"), (3, "T"), (4, "TN"), (5, "A"), (6, "ACGT"), (8, "GTA"), (10, "A")]
    table = records([(pos, ref, "A") for pos, ref in refs])
    # REF past the contig's end, on an N, and of another base do not agree; case does not matter.
    assert reference_mismatches(table, reference).tolist() == [False, False, False, True, True, True, False, True, True]


def test_reference_mismatches__none_of_no_record():
    assert reference_mismatches(records([]), MemoryReference({})).tolist() == []


def test_reference_mismatches__letters_that_are_no_bases():
    table = records([(1, "", "A"), (1, "é", "A"), (1, "R", "A"), (2, "C", "A")])
    assert reference_mismatches(table, MemoryReference({"22": "ACGT"})).tolist() == [True, True, True, False]


def test_compare_alleles__equals_the_comparison_of_texts():
    rng = np.random.default_rng(3)
    reference = MemoryReference({"22": random_sequence(60, rng) + "N" + random_sequence(60, rng)})
    sequence = reference.sequences["22"]
    turn = str.maketrans("ACGT", "TGCA")
    rows = []
    for pos in np.sort(rng.integers(1, 122, 3000)).tolist():
        alleles = [random_sequence(int(rng.integers(1, 4)), rng) for _ in range(int(rng.integers(2, 4)))]
        rows.append((pos, alleles[0], ",".join([*alleles[1:], *rng.choice(["", "*", "<DEL>"], 1)]).strip(",")))
    fits = compare_alleles(records(rows), reference)

    def at(pos: int, allele: str) -> bool:
        return sequence[pos - 1 : pos - 1 + len(allele)] == allele

    alts = [(pos, ref, alts.split(",")) for pos, ref, alts in rows]
    assert fits.exchangeable.tolist() == [sum(at(pos, alt) for alt in alt_list) == 1 for pos, _, alt_list in alts]
    assert fits.alt.tolist() == [any(at(pos, alt) for alt in alt_list) for pos, _, alt_list in alts]
    assert fits.complement.tolist() == [at(pos, ref.translate(turn)[::-1]) for pos, ref, _ in alts]
    assert fits.alt_complement.tolist() == [
        any(at(pos, alt.translate(turn)[::-1]) for alt in alt_list) for pos, _, alt_list in alts
    ]
    padded = sequence + "NNN"
    assert fits.unknown.tolist() == ["N" in padded[pos - 1 : pos - 1 + len(ref)] for pos, ref, _ in alts]
    assert 100 < fits.exchangeable.sum() < fits.alt.sum()


@pytest.mark.parametrize(
    ("ref", "alts", "index"),
    [
        ("G", ["A"], 1),
        ("g", ["a"], 1),
        ("G", ["T", "A"], 2),
        ("G", ["*", "A", "<DEL>"], 2),
        ("TG", ["AC"], 1),
        # An insertion written the wrong way round, and a deletion.
        ("ATT", ["A"], 1),
        ("A" + "G", ["ACACA"], 1),
        # REF fits: nothing is done, though in a repeat ALT fits too.
        ("A", ["G"], 0),
        ("AC", ["ACAC"], 0),
        ("ACAC", ["AC"], 0),
        # Nothing fits, over the whole length.
        ("G", ["T"], 0),
        ("G", ["ACT"], 0),
        ("G", ["<DEL>"], 0),
        ("G", [""], 0),
        ("G", [], 0),
        ("G", ["N"], 0),
        # More than one does.
        ("G", ["A", "AC"], 0),
        ("G", ["A", "a"], 0),
    ],
)
def test_exchangeable_alt__the_only_one_that_equals_the_reference(ref, alts, index):
    assert exchangeable_alt(ref, alts, "ACACAGN") == index
    # compare_alleles, on arrays, says the same where REF differs.
    if not "ACACAGN".startswith(ref.upper()):
        fits = compare_alleles(records([(1, ref, ",".join(alts))]), MemoryReference({"22": "ACACAGN"}))
        assert fits.exchangeable.tolist() == [index > 0]


def test_at__text_of_the_reference_whatever_is_held():
    rng = np.random.default_rng(0)
    reference = MemoryReference({"22": random_sequence(500, rng).lower(), "21": "ACGT"})
    text = ReferenceText(reference, length=16)
    for start in [0, 3, 3, 14, 15, 40, 39, 495, 499]:
        for n in (1, 2, 30):
            expected = reference.sequences["22"][start : start + n].upper().ljust(n, "N")
            assert text.at("22", start, start + n) == expected
    assert text.at("21", 0, 4) == "ACGT"
    assert text.at("21", -1, 2) == "NAC"
    assert text.at("22", 0, 4) == reference.sequences["22"][:4].upper()


# All of them: the likely cause -----------------------------------------------------------------------------------

LENGTH = 100_000
N = 2_000


def tally(
    calls: pd.DataFrame, reference: MemoryReference, *, parts: int = 3, options: dict | None = None
) -> ReferenceTally:
    """All records, added in some parts of each contig."""
    found = ReferenceTally("g.vcf", reference, **(options or {}))
    for _, table in calls.groupby("contig", sort=False):
        for part in np.array_split(np.arange(len(table)), parts):
            rows = table.iloc[part]
            found.add(rows, reference_mismatches(rows, reference))
    return found


def refusal(calls: pd.DataFrame, reference: MemoryReference, **options) -> str:
    """The message, without the place and the first difference."""
    with pytest.raises(InputError) as error:
        tally(calls, reference, options=options).require_match()
    assert "\n" not in str(error.value)
    return str(error.value).split("); ", 1)[1]


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(12)


@pytest.fixture
def reference(rng) -> MemoryReference:
    return genome(LENGTH, rng)


@pytest.fixture
def calls(reference, rng) -> pd.DataFrame:
    return call_snps(reference.sequences["22"], N, rng)


def test_require_match__all_agree(calls, reference):
    found = tally(calls, reference)
    found.require_match()
    assert (found.n_records, found.n_mismatches) == (N, 0)


@pytest.mark.parametrize("parts", [1, 3, 50])
def test_require_match__the_first_that_differs_is_named_with_the_references_base(calls, reference, parts):
    calls.loc[16, ["ref", "alt"]] = ["NN", "A"]
    with pytest.raises(InputError) as error:
        tally(calls, reference, parts=parts).require_match()
    pos, bases = calls["pos"][16], reference.sequences["22"]
    assert str(error.value) == (
        f"g.vcf:22:{pos}: REF differs from r.fa (REF NN, the reference has {bases[pos - 1 : pos + 1]}); "
        "1 of 2,000 records differ (99.95 % agree); a single record is wrong; correct the record or leave it out"
    )


def test_require_match__few_wrong_records(calls, reference):
    refs = calls["ref"].to_list()
    for i in range(0, 2000, 200):
        refs[i] = calls["ref"][i] + "T" * 9
    line = refusal(calls.assign(ref=refs), reference)
    assert line == (
        "10 of 2,000 records differ (99.50 % agree); single records are wrong; correct the records or leave them out"
    )
    refs[1] += "T" * 9
    assert "single records" not in refusal(calls.assign(ref=refs), reference)


@pytest.mark.parametrize("share", [0.25, 1.0])
def test_require_match__exchanged_alleles(calls, reference, rng, share):
    rows = rng.random(N) < share
    n, line = int(rows.sum()), refusal(exchange(calls, rows), reference)
    assert line.startswith(f"{n:,} of 2,000 records differ ({100 * (1 - n / N):.2f} % agree); ")
    assert f"ALT equals the reference in {n:,} of these {n:,}: REF and ALT are exchanged; set data_prep.rep" in line


def test_require_match__few_exchanged_alleles(calls, reference):
    rows = np.arange(N) % 500 == 0
    assert refusal(exchange(calls, rows), reference) == (
        "4 of 2,000 records differ (99.80 % agree); ALT equals the reference in 4 of these 4: REF and ALT may be "
        "exchanged; correct single records or leave them out, or set data_prep.repair_ref: true"
    )


def test_require_match__exchanged_alleles_that_the_other_strand_could_explain(reference, rng):
    calls = call_snps(reference.sequences["22"], N, rng)
    alike = calls["alt"] == calls["ref"].str.translate(str.maketrans("ACGT", "TGCA"))
    line = refusal(exchange(calls, alike.to_numpy()), reference)
    assert "REF and ALT are exchanged (or all of these, A/T and C/G variants, are of the other strand" in line


@pytest.mark.parametrize("share", [0.3, 1.0])
def test_require_match__the_other_strand(calls, reference, rng, share):
    line = refusal(flip(calls, rng.random(N) < share), reference)
    assert "the complement of REF equals the reference in" in line
    assert "alleles are of the other strand; write the alleles of the forward strand" in line


def test_require_match__exchanged_and_of_the_other_strand_is_neither_alone(calls, reference, rng):
    mixed = flip(exchange(calls, rng.random(N) < 0.25), rng.random(N) < 0.3)
    line = refusal(mixed, reference)
    assert "the reference equals ALT in" in line
    assert "the complement of REF in" in line
    assert "the complement of ALT in" in line
    assert not any(word in line for word in ("are exchanged", "are of the other", "shifted by +", "another genome"))


def test_require_match__a_masked_reference(calls, reference, rng):
    bases = np.array(list(reference.sequences["22"]))
    for start in rng.integers(0, LENGTH, 200):
        bases[start : start + 300] = "N"
    reference.sequences["22"] = "".join(bases)
    line = refusal(calls, reference)
    assert "the reference has N in" in line
    assert line.endswith("use a FASTA that is not masked by N (lower case does no harm), or leave these records out")


def looked_at(line: str, before: str) -> tuple[int, int]:
    """How many agree, and of how many."""
    told = line.split(before)[1].split(" records looked at agree there")[0]
    return tuple(int(number.replace(",", "")) for number in told.split(" of "))


@pytest.mark.parametrize("shift", [1, -1, 7, -500, 1000, -1000])
def test_require_match__shifted_positions(calls, reference, shift):
    moved = calls.assign(pos=calls["pos"] - shift)
    moved = moved[(moved["pos"] > 0) & (moved["pos"] <= LENGTH)].reset_index(drop=True)
    line = refusal(moved, reference)
    n_agree, n_seen = looked_at(line, f"positions are shifted by {shift:+,}: ")
    assert n_agree == n_seen > 1_000
    assert ("as if POS were 0-based; count POS from 1" in line) == (shift == 1)


def test_require_match__a_reference_that_is_cut_at_its_start(calls, reference):
    reference.sequences["22"] = reference.sequences["22"][300:]
    kept = calls[(calls["pos"] <= LENGTH - 300)].reset_index(drop=True)
    line = refusal(kept, reference)
    # The first records lie where nothing is left.
    n_agree, n_seen = looked_at(line, "positions are shifted by -300: ")
    assert 0.99 * n_seen < n_agree < n_seen
    assert line.endswith("agree there; use the FASTA that the variants were called on, from its first base on")


@pytest.mark.parametrize(("inserted", "deleted", "shift"), [("ACGTAC", 0, "+6"), ("", 6, "-6"), ("", 1, "-1")])
def test_require_match__bases_inserted_or_missing_in_the_middle(calls, reference, inserted, deleted, shift):
    bases = reference.sequences["22"]
    reference.sequences["22"] = bases[:60_000] + inserted + bases[60_000 + deleted :]
    kept = calls[calls["pos"] < LENGTH - 10].reset_index(drop=True)
    line = refusal(kept, reference)
    before = kept["pos"][kept["pos"] <= 60_000]
    behind = kept["pos"][kept["pos"] > 60_000]
    told = int(line.split("from 22:")[1].split(" on ")[0])
    # Records next to the change may agree with both shifts.
    assert behind.min() <= told <= behind.iloc[5]
    assert before.iloc[-5] <= int(line.split("up to 22:")[1].split(" REF agrees, ")[0]) <= behind.iloc[5]
    assert f"on positions are shifted by {shift}: bases are missing from this FASTA or too many in it" in line


def test_require_match__a_late_change_is_no_single_wrong_records():
    rng = np.random.default_rng(4)
    reference = genome(200_000, rng)
    calls = call_snps(reference.sequences["22"][:-10], 20_000, rng)
    bases = reference.sequences["22"]
    reference.sequences["22"] = bases[:198_000] + "A" + bases[198_000:]
    line = refusal(calls, reference)
    assert "(99.2" in line
    assert "on positions are shifted by +1" in line


def test_require_match__several_changes(calls, reference):
    bases = reference.sequences["22"]
    reference.sequences["22"] = bases[:30_000] + "ACG" + bases[30_000:70_000] + "T" + bases[70_000:]
    line = refusal(calls, reference)
    assert "on positions are shifted by +3 (and in 1 more stretches): bases are missing" in line


def test_require_match__one_contig_is_shifted(rng):
    reference = genome(LENGTH, rng, **{"21": LENGTH})
    calls = pd.concat(
        [call_snps(reference.sequences[name][:-9], N, rng, contig=name) for name in ("21", "22")], ignore_index=True
    )
    reference.sequences["22"] = "ACGTACG" + reference.sequences["22"]
    assert "on contig 22 positions are shifted by +7: bases are missing" in refusal(calls, reference)


def test_require_match__another_genome_is_neither_shifted_nor_exchanged(calls, rng):
    line = refusal(calls, genome(LENGTH, rng))
    assert "no more agree than by chance (25 %), shifted by up to 1,000 bases or not: another genome build; use" in line
    assert not any(word in line for word in ("are exchanged", "other strand", "shifted by +", "shifted by -"))


def test_require_match__another_genome_in_few_records_is_not_called_so(reference, rng):
    few = call_snps(reference.sequences["22"], 12, rng)
    line = refusal(few, genome(LENGTH, rng))
    assert "another genome build" not in line
    assert "shifted by +" not in line


def test_require_match__a_shift_of_more_than_is_looked_for(calls, reference):
    reference.sequences["22"] = reference.sequences["22"][5_000:] + reference.sequences["22"][:5_000]
    line = refusal(calls, reference)
    assert "another genome build" in line
    assert "shifted by -" not in line


def test_require_match__much_is_missing_in_the_middle(calls, reference):
    reference.sequences["22"] = reference.sequences["22"][:50_000] + reference.sequences["22"][55_000:] + "A" * 5_000
    line = refusal(calls, reference)
    assert line.split("up to 22:")[1].split(" REF agrees, from 22:")[0][:2] in {"49", "50"}
    assert "on no more than by chance, shifted by up to 1,000 bases or not: from there on this FASTA is another" in line


BUILD_37, BUILD_38 = ({"1": lengths["1"], "MT": 16569} for lengths in CHROMOSOME_LENGTHS.values())


class LongReference(MemoryReference):
    """Says that it also has a long contig, which nobody reads."""

    @property
    def contig_lengths(self) -> dict[str, int]:
        return {"22": LENGTH, "1": CHROMOSOME_LENGTHS["GRCh38"]["1"]}


def test_require_match__builds_are_named_where_contig_lengths_tell(calls, rng):
    other = LongReference(genome(LENGTH, rng).sequences, name="r.fa")
    told = "the header's contig lengths are those of GRCh37, the FASTA's are those of GRCh38"
    line = refusal(calls, other, written_lengths=lambda: BUILD_37)
    assert line.endswith(f"another genome build: {told}; use the FASTA of GRCh37")
    # Same build by its lengths, other bases; and a header or a FASTA that tells nothing.
    line = refusal(calls, other, written_lengths=lambda: BUILD_38)
    assert "another genome build (the header's contig lengths are those of GRCh38, the FASTA's are those of" in line
    assert refusal(calls, other).endswith(
        "another genome build (the FASTA's contig lengths are those of GRCh38); "
        "use the FASTA that the variants were called on"
    )
    line = refusal(calls, MemoryReference(other.sequences), written_lengths=lambda: BUILD_37)
    assert line.endswith(
        "another genome build (the header's contig lengths are those of GRCh37); use the FASTA of GRCh37"
    )


def test_require_match__exchanged_alleles_are_not_explained_by_a_stale_header(calls, reference, rng):
    other = LongReference(reference.sequences, name="r.fa")
    line = refusal(exchange(calls, rng.random(N) < 0.2), other, written_lengths=lambda: BUILD_37)
    assert "REF and ALT are exchanged" in line
    assert "GRCh37" not in line


def test_require_match__a_sample_of_many_records_tells_the_same(monkeypatch, calls, reference):
    moved = calls[calls["pos"] > 3].assign(pos=calls["pos"] - 3)
    monkeypatch.setattr(reference_check, "SAMPLE", 100)
    n_agree, n_seen = looked_at(refusal(moved, reference), "positions are shifted by +3: ")
    assert 100 < n_agree == n_seen <= 200


def test_add__the_sample_is_spread_evenly_whatever_the_parts(monkeypatch, calls, reference):
    monkeypatch.setattr(reference_check, "SAMPLE", 100)
    for parts in (1, 7, 500):
        kept = tally(calls, reference, parts=parts)._samples[0].sites
        assert list(kept) == list(range(0, N, 32))
        assert [site.pos for site in kept.values()] == calls["pos"].tolist()[::32]


# Repair ----------------------------------------------------------------------------------------------------------


def test_require_match__repaired_records_are_accepted_and_counted(calls, reference, rng):
    rows = rng.random(N) < 0.25
    found = tally(exchange(calls, rows), reference, options={"repair_ref": True})
    found.require_match()
    assert (found.n_exchangeable, found.n_mismatches, found.n_wrong) == (rows.sum(), rows.sum(), 0)
    alike = calls["alt"] == calls["ref"].str.translate(str.maketrans("ACGT", "TGCA"))
    assert found.n_alike == (rows & alike.to_numpy()).sum() > 0


def test_require_match__what_cannot_be_repaired_is_named(calls, reference, rng):
    rows = rng.random(N) < 0.25
    broken = exchange(calls, rows)
    broken.loc[700, ["ref", "alt"]] = ["TTTTTTTTT", "GGGGGGGGG"]
    with pytest.raises(InputError) as error:
        tally(broken, reference, options={"repair_ref": True}).require_match()
    n = int(np.delete(rows, 700).sum())
    assert str(error.value).startswith(f"g.vcf:22:{broken['pos'][700]}: REF differs from r.fa (REF TTTTTTTTT, the ref")
    assert str(error.value).endswith(
        f"1 of 2,000 records differ (99.95 % agree, with REF and ALT exchanged in {n} others); "
        "a single record is wrong; correct the record or leave it out"
    )


def test_require_match__repair_mends_no_other_cause(calls, reference, rng):
    moved = calls[calls["pos"] > 3].assign(pos=calls["pos"] - 3)
    assert "positions are shifted by +3" in refusal(moved, reference, repair_ref=True)
    assert "another genome build" in refusal(calls, genome(LENGTH, rng), repair_ref=True)
    assert "are of the other strand" in refusal(flip(calls, rng.random(N) < 0.5), reference, repair_ref=True)


# PLINK1: either allele may be the reference's ---------------------------------------------------------------------


def plink_refusal(calls: pd.DataFrame, reference: MemoryReference) -> str:
    """Alleles as PLINK has them: A2 is REF in three of four."""
    exchanged = np.random.default_rng(8).random(len(calls)) < 0.25
    calls = exchange(calls, exchanged)
    table = calls.assign(a1=calls["alt"], a2=calls["ref"])
    fits = [~reference_mismatches(table.assign(ref=table[name]), reference) for name in ("a1", "a2")]
    found = ReferenceTally("g.bed", reference, alleles=("a1", "a2"))
    found.add(table, ~(fits[0] | fits[1]))
    with pytest.raises(InputError) as error:
        found.require_match()
    return str(error.value)


def test_require_match__plink_other_strand(calls, reference, rng):
    line = plink_refusal(flip(calls, rng.random(N) < 0.5), reference)
    assert "the complement of A2 equals the reference in" in line
    assert "alleles are of the other strand" in line


def test_require_match__plink_shifted(calls, reference):
    moved = calls[calls["pos"] > 3].assign(pos=calls["pos"] - 3).reset_index(drop=True)
    n_agree, n_seen = looked_at(plink_refusal(moved, reference), "positions are shifted by +3: ")
    assert n_agree == n_seen > 1_000


@pytest.mark.parametrize("seed", range(5))
def test_require_match__plink_another_genome(calls, seed):
    line = plink_refusal(calls, genome(LENGTH, np.random.default_rng(seed)))
    assert "no more agree than by chance (50 %)" in line
    assert "another genome build" in line
    assert "other strand" not in line


# Off the contig --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("pos", "ref", "on"),
    [(1, "A", True), (10, "A", True), (8, "AAA", True), (0, "A", False), (11, "A", False), (9, "AAA", False)],
)
def test_lies_on_contig__with_all_of_ref(pos, ref, on):
    assert ReferenceTally("g", MemoryReference({"22": "A" * 10})).lies_on_contig("22", pos, ref) is on


def test_require_match__records_off_the_contig_come_first(calls):
    reference = LongReference(genome(LENGTH, np.random.default_rng(5)).sequences, name="r.fa")
    found = tally(calls, reference, options={"written_lengths": lambda: BUILD_37})
    found.add_off_contig("22", 200_000, "A")
    found.add_off_contig("22", 300_000, "A")
    with pytest.raises(InputError) as error:
        found.require_match()
    share = 100 * (1 - found.n_mismatches / N)
    assert str(error.value) == (
        "g.vcf:22:200000: POS lies past the end of contig 22, which has 100,000 bases in r.fa; 2 of 2,002 records do "
        f"not lie on their contig, {share:.2f} % of the others agree; the header's contig lengths are those of GRCh37, "
        "the FASTA's are those of GRCh38; use the FASTA of GRCh37, all of it, or correct the records"
    )


# Without a reference ---------------------------------------------------------------------------------------------


def test_no_reference__nothing_differs_and_nothing_is_compared():
    table = records([(1, "A", "C"), (5_000_000_000, "G", "T")])
    assert reference_mismatches(table, NoReference()).tolist() == [False, False]
    tally = ReferenceTally("g.vcf", NoReference())
    tally.add(table, reference_mismatches(table, NoReference()))
    tally.require_match()
    assert (tally.n_records, tally.n_mismatches) == (0, 0)
    with pytest.raises(ValueError, match="22:1-10: there is no reference to read"):
        NoReference().read("22", 0, 10)


def test_no_reference__a_position_before_the_first_base_is_still_off_its_contig():
    tally = ReferenceTally("g.vcf", NoReference())
    assert tally.lies_on_contig("22", 10**9, "A")
    assert not tally.lies_on_contig("22", 0, "A")
    tally.add_off_contig("22", 0, "A")
    with pytest.raises(InputError, match="POS is 0, the first base of a contig is 1"):
        tally.require_match()
