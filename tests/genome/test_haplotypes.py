"""Haplotypes: equal to bcftools wherever it applies, and the rules that it does not have."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from haploformer.errors import InputError
from haploformer.genome.content_keys import sequence_key
from haploformer.genome.edits import Edit
from haploformer.genome.encoding import decode, one_hot, reverse_complement
from haploformer.genome.genotypes import Genotypes
from haploformer.genome.haplotypes import collect_gene_haplotypes, group_columns
from haploformer.genome.intervals import Interval
from haploformer.genome.windows import tss_window
from tests.builders.genome import MemoryReference, random_cohort, random_sequence, write_fasta, write_vcf
from tests.oracles.consensus import consensus_window

LENGTH = 128


def genotypes_of(records: list[tuple[int, str, str]], alleles: list[list[list[int]]]) -> Genotypes:
    table = pd.DataFrame(
        [("22", pos, f"v{i}", ref, alt) for i, (pos, ref, alt) in enumerate(records)],
        columns=["contig", "pos", "variant_id", "ref", "alt"],
    )
    people = [f"P{i}" for i in range(len(alleles[0]))]
    return Genotypes(table, people, np.array(alleles, np.int8))


def haplotype_text(sequence: str, records: list, alleles: list, *, tss: int, length: int = LENGTH) -> list[str]:
    """The two windows of the first person."""
    reference = MemoryReference({"22": sequence})
    window = tss_window("22", tss, length)
    found = collect_gene_haplotypes(genotypes_of(records, alleles), reference, window, tss, max_missing=1.0)
    return [decode(codes) for codes in found.codes(found.window[0])]


@pytest.mark.parametrize("seed", range(4))
def test_collect_gene_haplotypes__equals_bcftools_consensus(tmp_path, seed):
    rng = np.random.default_rng(seed)
    sequence = random_sequence(1500, rng)
    tsss = (64, 300, 700, 1100, 1440)
    cohort = random_cohort(sequence, rng, avoid=tsss)
    fasta = write_fasta(tmp_path / "r.fa.gz", {"22": sequence})
    vcf = write_vcf(tmp_path / "g.vcf.gz", cohort, {"22": len(sequence)})
    records = [(r.pos, r.ref, r.alt) for r in cohort.records]
    alleles = [[[int(a) for a in call.split("|")] for call in r.calls] for r in cohort.records]
    reference, genotypes = MemoryReference({"22": sequence}), genotypes_of(records, alleles)
    for tss in tsss:
        window = tss_window("22", tss, LENGTH)
        found = collect_gene_haplotypes(genotypes, reference, window, tss, max_missing=0.0)
        for i, sample in enumerate(cohort.samples):
            for copy in (0, 1):
                ours = decode(found.codes([found.window[i, copy]])[0])
                theirs = consensus_window(fasta, vcf, sample, copy, contig="22", tss=tss, length=LENGTH)
                assert ours == theirs, (tss, sample, copy)


def test_build_haplotype__upstream_insertion_keeps_the_tss_in_place():
    sequence = "A" * 100 + "C" + "G" * 99
    reference, pinned = haplotype_text(sequence, [(51, "A", "ATTTT")], [[[0, 1]]], tss=100, length=120)
    assert reference[60] == pinned[60] == "C"
    assert pinned[:60].count("T") == 4
    assert pinned[60:] == reference[60:]


def test_build_haplotype__downstream_deletion_draws_bases_from_beyond_the_window():
    rng = np.random.default_rng(3)
    sequence = random_sequence(300, rng)
    plain, deleted = haplotype_text(sequence, [(180, sequence[179:190], sequence[179])], [[[0, 1]]], tss=150)
    assert plain == sequence[86:214]
    assert deleted == sequence[86:180] + sequence[190:224]


def test_build_haplotype__deletion_across_the_left_edge_applies_inside_the_window():
    rng = np.random.default_rng(4)
    sequence = random_sequence(300, rng)
    # The window is [86, 214); bases 83..90 are deleted.
    _, deleted = haplotype_text(sequence, [(83, sequence[82:91], sequence[82])], [[[0, 1]]], tss=150)
    assert deleted == sequence[78:83] + sequence[91:214]


def test_build_haplotype__mnp_across_the_left_edge_applies_inside_the_window():
    sequence = "A" * 300
    _, changed = haplotype_text(sequence, [(86, "AAA", "CCC")], [[[0, 1]]], tss=150)
    assert changed == "CC" + "A" * 126


def test_build_haplotype__deletion_across_the_tss_splits_at_it():
    rng = np.random.default_rng(5)
    sequence = random_sequence(300, rng)
    _, deleted = haplotype_text(sequence, [(148, sequence[147:153], sequence[147])], [[[0, 1]]], tss=150)
    # Bases 148..152 are gone: the left side ends with 147, the right side begins with 153.
    assert deleted == sequence[84:148] + sequence[153:217]


def test_build_haplotype__off_the_contig_is_n():
    sequence = "ACGT" * 25
    plain, _ = haplotype_text(sequence, [(50, sequence[49], "A")], [[[0, 0]]], tss=10)
    assert plain == "N" * 54 + sequence[:74]


def test_collect_gene_haplotypes__a_snp_and_an_insertion_behind_it_both_apply():
    records = [(140, "A", "G"), (140, "A", "ATT"), (145, "AAA", "A"), (146, "A", "C")]
    texts = haplotype_text("A" * 300, records, [[[0, 1]], [[0, 1]], [[0, 1]], [[0, 1]]], tss=150)
    assert texts[1] == "A" * 53 + "GTT" + "A" * 8 + "A" * 64
    genotypes = genotypes_of(records, [[[0, 1]], [[0, 1]], [[0, 1]], [[0, 1]]])
    window = tss_window("22", 150, LENGTH)
    found = collect_gene_haplotypes(genotypes, MemoryReference({"22": "A" * 300}), window, 150, max_missing=1.0)
    assert found.n_overlapping == 1


def test_collect_gene_haplotypes__a_record_before_the_window_takes_the_place_of_one_that_reaches_into_it():
    sequence = random_sequence(300, np.random.default_rng(12))
    # The window begins with base 86; the first record ends with base 85, where the second begins.
    turned = [("ACGT"["ACGT".index(b) - 1]) for b in sequence]
    records = [
        (82, sequence[81:86], "".join(turned[81:86])),
        (86, sequence[85:90], "".join(turned[85:90])),
        (95, sequence[94], turned[94]),
    ]
    texts = haplotype_text(sequence, records, [[[1, 0]], [[1, 1]], [[0, 1]]], tss=150)
    assert texts[0] == sequence[86:214]
    assert texts[1] == "".join(turned[86:90]) + sequence[90:94] + turned[94] + sequence[95:214]


def test_collect_gene_haplotypes__records_must_be_known_where_bases_are_drawn_from():
    sequence = random_sequence(600, np.random.default_rng(6))
    genotypes = genotypes_of([(350, sequence[349:390], sequence[349])], [[[0, 1]]])
    window, reference = tss_window("22", 300, LENGTH), MemoryReference({"22": sequence})
    for end, fits in ((404, True), (403, False)):
        known = replace(genotypes, intervals=(Interval("22", 200, end),))
        if fits:
            assert len(collect_gene_haplotypes(known, reference, window, 300, max_missing=0.0)) == 2
            continue
        with pytest.raises(
            InputError, match=r"deletions draw 40 bases into the window.*; set data_prep.margin to at least 40"
        ):
            collect_gene_haplotypes(known, reference, window, 300, max_missing=0.0)


def test_collect_gene_haplotypes__the_other_strand_is_the_reverse_complement():
    rng = np.random.default_rng(11)
    sequence = random_sequence(600, rng)
    cohort = random_cohort(sequence, rng, avoid=(300,))
    records = [(r.pos, r.ref, r.alt) for r in cohort.records]
    alleles = [[[int(a) for a in call.split("|")] for call in r.calls] for r in cohort.records]
    window, reference = tss_window("22", 300, LENGTH), MemoryReference({"22": sequence})
    genotypes = genotypes_of(records, alleles)
    plain, turned = (
        collect_gene_haplotypes(genotypes, reference, window, 300, max_missing=0.0, reverse=reverse)
        for reverse in (False, True)
    )
    assert (plain.window == turned.window).all()
    every = range(len(plain))
    np.testing.assert_array_equal(turned.codes(every), reverse_complement(plain.codes(every)))
    assert turned.keys == [sequence_key(codes) for codes in turned.codes(every)]


def test_group_columns__groups_are_equal_columns_in_order_of_appearance():
    rng = np.random.default_rng(0)
    alleles = rng.integers(0, 2, (4, 200)).astype(np.uint8)
    first, group = group_columns(alleles)
    assert (alleles[:, first][:, group] == alleles).all()
    assert len({alleles[:, c].tobytes() for c in range(200)}) == len(first)
    assert (np.diff(first) > 0).all()


def test_collect_gene_haplotypes__missing_is_reference_and_counted():
    sequence = "A" * 300
    genotypes = genotypes_of([(140, "A", "C"), (160, "A", "G")], [[[-1, 1]], [[1, 1]]])
    window = tss_window("22", 150, LENGTH)
    found = collect_gene_haplotypes(genotypes, MemoryReference({"22": sequence}), window, 150, max_missing=0.5)
    assert found.n_missing == 1
    first, second = (decode(codes) for codes in found.codes(found.window[0]))
    assert (first.count("C"), second.count("C")) == (0, 1)
    with pytest.raises(InputError, match=r"25\.0 % of the alleles of P0 are missing, 10\.0 % are allowed"):
        collect_gene_haplotypes(genotypes, MemoryReference({"22": sequence}), window, 150, max_missing=0.1)


def test_collect_gene_haplotypes__a_haploid_person_has_one_copy():
    genotypes = genotypes_of([(140, "A", "C")], [[[1, -2], [0, 1]]])
    window = tss_window("22", 150, LENGTH)
    found = collect_gene_haplotypes(genotypes, MemoryReference({"22": "A" * 300}), window, 150, max_missing=0.0)
    assert found.window.tolist() == [[1, -1], [0, 1]]


def test_collect_gene_haplotypes__a_lone_haploid_call_leaves_the_second_copy_where_it_is():
    records = [(120, "A", "C"), (140, "A", "G"), (160, "A", "T")]
    genotypes = genotypes_of(records, [[[0, 1], [1, -2]], [[0, 1], [0, -2]], [[0, -2], [1, 1]]])
    window = tss_window("22", 150, LENGTH)
    found = collect_gene_haplotypes(genotypes, MemoryReference({"22": "A" * 300}), window, 150, max_missing=0.5)
    # Of the first person two of three calls are diploid, of the second one.
    assert (found.window < 0).tolist() == [[False, False], [False, True]]
    assert found.edits(found.window[0, 1]) == [Edit(119, 120, "C"), Edit(139, 140, "G")]
    assert found.n_missing == 1


def test_collect_gene_haplotypes__alleles_are_taken_by_index():
    sequence = "A" * 300
    texts = haplotype_text(sequence, [(140, "A", "C,GT,*")], [[[2, 1]]], tss=150)
    assert ("GT" in texts[0], "C" in texts[1]) == (True, True)
    spanning = haplotype_text(sequence, [(140, "A", "C,GT,*")], [[[3, 0]]], tss=150)
    assert spanning[0] == spanning[1] == "A" * 128


def test_collect_gene_haplotypes__equal_sequences_are_one_window():
    # Deleting either A of a run gives the same bases.
    sequence = "C" * 140 + "AAAA" + "C" * 160
    genotypes = genotypes_of([(141, "AA", "A"), (143, "AA", "A")], [[[1, 0]], [[0, 1]]])
    window = tss_window("22", 150, LENGTH)
    found = collect_gene_haplotypes(genotypes, MemoryReference({"22": sequence}), window, 150, max_missing=0.0)
    assert found.window.tolist() == [[1, 1]]
    assert len(found.keys) == 2


@pytest.mark.parametrize(
    ("records", "alleles", "n_distinct"),
    [
        # SNPs alone, each at its own place: no key is needed to tell them apart.
        ([(140, "A", "C"), (160, "A", "G")], [[[0, 1], [1, 0]], [[0, 0], [1, 1]]], 4),
        # The same change of a base twice.
        ([(140, "A", "C"), (140, "A", "C")], [[[0, 1], [0, 1]], [[0, 0], [1, 1]]], 2),
        # The second record's REF touches the first's base: whoever carries both has only the first.
        ([(140, "AA", "AC"), (141, "A", "G")], [[[0, 1], [0, 1]], [[0, 0], [1, 1]]], 3),
        # A base that is the reference's already.
        ([(140, "C", "A"), (160, "A", "G")], [[[0, 1], [1, 0]], [[0, 0], [1, 1]]], 2),
        # An MNP beyond the window's edge, one base of which lies in it.
        ([(86, "AA", "CC"), (87, "A", "C")], [[[0, 1], [0, 0]], [[0, 0], [1, 0]]], 2),
    ],
)
def test_collect_gene_haplotypes__distinct_by_sequence_whatever_the_edits(records, alleles, n_distinct):
    window = tss_window("22", 150, LENGTH)
    genotypes = genotypes_of(records, alleles)
    found = collect_gene_haplotypes(genotypes, MemoryReference({"22": "A" * 300}), window, 150, max_missing=0.0)
    assert len(found) == n_distinct
    assert found.keys == [sequence_key(codes) for codes in found.codes(range(len(found)))]
    assert len(set(found.keys)) == n_distinct


def test_collect_gene_haplotypes__without_a_record_everybody_has_the_reference():
    genotypes = genotypes_of([(10, "A", "C")], [[[0, 1], [1, 1]]])
    window = tss_window("22", 200, LENGTH)
    found = collect_gene_haplotypes(genotypes, MemoryReference({"22": "A" * 300}), window, 200, max_missing=0.0)
    assert found.window.tolist() == [[0, 0], [0, 0]]
    assert (len(found), found.edits(0)) == (1, [])


def test_collect_gene_haplotypes__mean_of_unphased_calls_is_half_of_each_base():
    sequence = "A" * 300
    records = [(140, "A", "C"), (160, "A", "G,T"), (170, "A", "AT")]
    # P0: A/C, G/T, insertion; P1: C/C, A/A, none; P2: A/A, missing/G, none.
    alleles = [[[1, 0], [1, 1], [0, 0]], [[1, 2], [0, 0], [-1, 1]], [[0, 1], [0, 0], [0, 0]]]
    window = tss_window("22", 150, LENGTH)
    found = collect_gene_haplotypes(
        genotypes_of(records, alleles), MemoryReference({"22": sequence}), window, 150, max_missing=1.0, mean=True
    )
    assert found.window.shape == (3, 1)
    texts = [decode(codes) for codes in found.codes(found.window[:, 0])]
    assert found.n_not_snp == 1, "the insertion of P0"
    first, second = 139 - window.start, 159 - window.start
    assert [(text[first], text[second]) for text in texts] == [("M", "K"), ("C", "A"), ("A", "R")]
    assert all(len(text) == LENGTH and set(text) <= set("ACMKR") for text in texts)


def test_collect_gene_haplotypes__mean_is_the_mean_of_both_copies_one_hot():
    rng = np.random.default_rng(8)
    sequence = random_sequence(400, rng)
    positions = np.sort(rng.choice(np.arange(140, 260), 20, replace=False))
    records = [(int(p), sequence[p - 1], rng.choice([b for b in "ACGT" if b != sequence[p - 1]])) for p in positions]
    genotypes = genotypes_of(records, rng.integers(0, 2, (20, 5, 2)).tolist())
    window, reference = tss_window("22", 200, LENGTH), MemoryReference({"22": sequence})
    two = collect_gene_haplotypes(genotypes, reference, window, 200, max_missing=0.0)
    one = collect_gene_haplotypes(genotypes, reference, window, 200, max_missing=0.0, mean=True)
    for person in range(5):
        copies = one_hot(two.codes(two.window[person]))
        mean = one_hot(one.codes(one.window[person])[0])
        np.testing.assert_array_equal(mean, (copies[0] + copies[1]) / 2)
