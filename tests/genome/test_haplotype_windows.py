"""The windows of a whole cohort, over several genes and contigs."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from haploformer.errors import InputError
from haploformer.genome.content_keys import sequence_key
from haploformer.genome.encoding import encode, one_hot
from haploformer.genome.genotypes import Genotypes
from haploformer.genome.haplotype_windows import HaplotypeWindows, combine_genes, describe_haplotypes, require_phase
from haploformer.genome.haplotypes import collect_gene_haplotypes
from haploformer.genome.intervals import Interval
from haploformer.genome.windows import build_windows
from tests.builders.genome import MemoryReference, random_cohort, random_sequence
from tests.oracles.haplotypes import build_haplotype

LENGTH = 128
GENES = pd.DataFrame(
    [("a", "21", 200, "+"), ("b", "22", 150, "-"), ("c", "22", 260, "+"), ("d", "22", 20, "+"), ("e", "22", 150, "+")],
    columns=["gene_id", "contig", "tss", "strand"],
)


def small_cohort(*, haploid: tuple[int, ...] = ()) -> tuple[MemoryReference, Genotypes]:
    """Six people on two contigs; those of ``haploid`` have one copy of every contig."""
    rng = np.random.default_rng(1)
    reference = MemoryReference({"21": random_sequence(400, rng), "22": random_sequence(500, rng)})
    avoid = tuple(GENES["tss"])
    records = [
        r for c in ("21", "22") for r in random_cohort(reference.sequences[c], rng, avoid=avoid, contig=c).records
    ]
    table = pd.DataFrame(
        [(r.contig, r.pos, f"v{i}", r.ref, r.alt) for i, r in enumerate(records)],
        columns=["contig", "pos", "variant_id", "ref", "alt"],
    )
    alleles = np.array([[[int(a) for a in call.split("|")] for call in r.calls] for r in records], np.int8)
    for person in haploid:
        alleles[:, person, 1] = -2
    return reference, Genotypes(table, [f"S{i}" for i in range(6)], alleles)


def collect(reference: MemoryReference, genotypes: Genotypes) -> tuple[HaplotypeWindows, list]:
    windows = build_windows(GENES, reference, length=LENGTH)
    collected = [
        collect_gene_haplotypes(
            genotypes, reference, Interval(gene.contig, gene.start, gene.end), gene.tss, max_missing=0.0
        )
        for gene in windows.itertuples()
    ]
    combined = combine_genes(windows, collected, genotypes.individual_ids, provenance={"rule": "x"})
    return combined, collected


@pytest.fixture(scope="module")
def combined() -> tuple[HaplotypeWindows, list]:
    return collect(*small_cohort())


def test_combine_genes__numbers_the_windows_of_all_genes_in_order(combined):
    windows, collected = combined
    assert len(windows) == sum(len(found.keys) for found in collected)
    assert windows.keys == [key for found in collected for key in found.keys]
    assert windows.windows["gene_id"].tolist() == [
        gene for gene, found in zip("abcde", collected, strict=True) for _ in found.keys
    ]
    assert windows.windows["is_reference"].sum() == 5
    assert windows.windows.groupby("gene_id")["is_reference"].first().all()
    assert (windows.length, windows.provenance) == (LENGTH, {"rule": "x"})


def test_combine_genes__every_copy_keeps_its_window(combined):
    windows, collected = combined
    table = windows.haplotypes.set_index(["gene_id", "individual_id", "haplotype"])["window"]
    assert len(table) == 5 * 6 * 2
    for gene, found in zip("abcde", collected, strict=True):
        for person in range(6):
            for copy in (0, 1):
                row = table.loc[(gene, f"S{person}", copy)]
                assert windows.keys[row] == found.keys[found.window[person, copy]]
                assert windows.windows["gene_id"][row] == gene


def test_codes__equal_the_haplotypes_of_each_gene_and_their_keys(combined):
    windows, collected = combined
    expected = np.stack(
        [build_haplotype(found.placement.stretch, found.edits(i)) for found in collected for i in range(len(found))]
    )
    codes = windows.codes(range(len(windows)))
    assert codes.dtype == np.uint8
    assert np.array_equal(codes, expected)
    assert [sequence_key(row) for row in codes] == windows.keys


def test_codes__rows_in_any_order_and_with_repeats(combined):
    windows, _ = combined
    every = windows.codes(range(len(windows)))
    rows = [len(windows) - 1, 0, 3, 3, 1]
    assert np.array_equal(windows.codes(rows), every[rows])
    assert np.array_equal(windows.codes(np.array(rows)), every[rows])


def test_codes__the_reference_window_is_the_reference(combined):
    windows, _ = combined
    reference, _ = small_cohort()
    for gene in build_windows(GENES, reference, length=LENGTH).itertuples():
        row = windows.windows.index[windows.windows["is_reference"] & (windows.windows["gene_id"] == gene.gene_id)]
        start = max(gene.start, 0)
        text = "N" * (start - gene.start) + reference.sequences[gene.contig][start : gene.end]
        assert np.array_equal(windows.codes(row)[0], encode(text))


def test_one_hot__is_that_of_the_codes(combined):
    windows, _ = combined
    hot = windows.one_hot([4, 2])
    assert (hot.shape, hot.dtype) == ((2, LENGTH, 4), np.float32)
    assert np.array_equal(hot, one_hot(windows.codes([4, 2])))


@pytest.mark.parametrize("size", [1, 3, 7, 1000])
def test_batches__are_all_windows_in_order(combined, size):
    windows, _ = combined
    batches = list(windows.batches(size))
    assert [len(batch) for batch in batches[:-1]] == [size] * (len(batches) - 1)
    assert 0 < len(batches[-1]) <= size
    assert np.array_equal(np.concatenate(batches), windows.one_hot(range(len(windows))))


def test_carriers__reference_windows_first_then_every_copy(combined):
    windows, _ = combined
    carriers = windows.carriers()
    reference, copies = carriers[carriers["individual_id"].isna()], carriers[carriers["individual_id"].notna()]
    assert reference["gene_id"].tolist() == list("abcde")
    assert reference["haplotype"].isna().all()
    assert windows.windows["is_reference"][reference["window"]].all()
    assert copies["window"].tolist() == windows.haplotypes["window"].tolist()
    assert copies["haplotype"].tolist() == windows.haplotypes["haplotype"].tolist()
    assert carriers.columns.tolist() == ["gene_id", "individual_id", "haplotype", "window"]
    assert carriers["haplotype"].dtype == "Int64"


def test_carriers__equal_windows_of_two_genes_have_equal_keys(combined):
    windows, _ = combined
    # Genes b and e lie at the same place.
    of = {gene: windows.windows["key"][windows.windows["gene_id"] == gene].tolist() for gene in "be"}
    assert of["b"] == of["e"]
    assert len(set(windows.keys)) == len(windows) - len(of["b"])


def test_combine_genes__a_haploid_person_has_one_copy():
    windows, _ = collect(*small_cohort(haploid=(2,)))
    counts = windows.haplotypes.groupby("individual_id").size()
    assert counts["S2"] == 5
    assert (counts.drop("S2") == 10).all()
    assert set(windows.haplotypes["haplotype"][windows.haplotypes["individual_id"] == "S2"]) == {0}


def test_combine_genes__order_of_people_changes_nothing_but_the_numbers():
    reference, genotypes = small_cohort()
    order = [4, 1, 5, 0, 3, 2]
    shuffled = Genotypes(
        genotypes.records, [genotypes.individual_ids[i] for i in order], np.asarray(genotypes.alleles)[:, order]
    )

    def content(windows: HaplotypeWindows) -> pd.Series:
        table = windows.haplotypes.assign(key=[windows.keys[w] for w in windows.haplotypes["window"]])
        return table.set_index(["gene_id", "individual_id", "haplotype"])["key"].sort_index()

    plain, other = collect(reference, genotypes)[0], collect(reference, shuffled)[0]
    assert content(plain).equals(content(other))
    assert sorted(plain.keys) == sorted(other.keys)


def test_require_phase__counts_the_unphased_calls():
    _, genotypes = small_cohort()
    require_phase(genotypes)
    unphased = Genotypes(genotypes.records, genotypes.individual_ids, genotypes.alleles, 1234, {"source": "g.vcf"})
    with pytest.raises(InputError, match=r"^g.vcf: 1,234 heterozygous calls are unphased \(0/1, not 0\|1\)"):
        require_phase(unphased)
    for policy in ("mean", "as_written"):
        require_phase(unphased, policy=policy)


def test_require_phase__names_the_policies_that_there_are():
    _, genotypes = small_cohort()
    unphased = replace(genotypes, n_unphased=1234)
    with pytest.raises(InputError) as caught:
        require_phase(unphased)
    for policy in (
        "phase (Beagle phases",
        "mean (one window per person",
        "as_written (take 0/1 for 0|1, which is arbit",
    ):
        assert f"data_prep.phase={policy}" in str(caught.value)
    with pytest.raises(InputError, match=r"stored under another policy than data_prep\.phase=phase; let Beagle phase"):
        require_phase(unphased, policy="phase")


def test_describe_haplotypes__where_the_phase_comes_from():
    _, genotypes = small_cohort()
    assert "two per person, as phased in the genotype file;" in describe_haplotypes(genotypes, policy=None)
    settings = {"program": "Beagle", "version": "22Jul22.46e", "seed": 3, "threads": 1, "genetic_map": None}
    phased = replace(genotypes, provenance={"phasing": settings})
    described = describe_haplotypes(phased, policy="phase")
    assert described.startswith("two per person, phased by Beagle 22Jul22.46e (seed 3), missing calls imputed;")
    written = describe_haplotypes(replace(genotypes, n_unphased=7), policy="as_written")
    assert "7 heterozygous calls without a phase taken as written" in written
