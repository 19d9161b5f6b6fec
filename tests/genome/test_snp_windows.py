"""Windows by their alleles: the same sequences as built base by base."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from haploformer.genome.edits import Edit
from haploformer.genome.encoding import encode, encode_edit
from haploformer.genome.genotypes import Genotypes
from haploformer.genome.haplotype_windows import HaplotypeWindows, combine_genes
from haploformer.genome.haplotypes import collect_gene_haplotypes
from haploformer.genome.intervals import Interval
from haploformer.genome.placement import Placement, Stretch
from haploformer.genome.snp_windows import SnpWindows
from haploformer.genome.windows import build_windows
from tests.builders.genome import MemoryReference, random_sequence
from tests.genome.test_placement import placement_of


def build(windows: SnpWindows) -> np.ndarray:
    """Each window, allele by allele."""
    codes = np.repeat(windows.reference[None], len(windows), axis=0)
    for row, carried in zip(codes, windows.carried, strict=True):
        assert len(set(windows.positions[carried])) == carried.sum(), "two alleles of one place"
        for place, allele in zip(windows.positions[carried], windows.alleles[carried], strict=True):
            row[place] = allele
    return codes


def test_snp_windows_of__what_is_no_other_base_of_the_window_is_left_out():
    reference = encode("ACGT")
    positions, alleles = np.array([3, 1, -1, 3, 1, 4, 3, 1]), encode("AGAACACG")
    carried = np.eye(8, dtype=bool)
    found = SnpWindows.of(reference, positions, alleles, carried)
    # 3: T to A (twice), T to C; 1: C to G (twice); C to C is none, -1 and 4 lie beyond.
    assert found.positions.tolist() == [1, 3, 3]
    assert found.alleles.tolist() == encode("GAC").tolist()
    assert [np.flatnonzero(of).tolist() for of in found.carried.T] == [[1, 7], [0, 3], [6]]
    assert build(found.take([6, 1, 2])).tolist() == [encode(s).tolist() for s in ("ACGC", "AGGT", "ACGT")]
    empty = SnpWindows.of(reference, positions[2:3], alleles[2:3], carried[:, 2:3])
    assert (empty.carried.shape, len(empty.positions)) == ((8, 0), 0)


@pytest.mark.parametrize("reverse", [False, True])
@pytest.mark.parametrize("seed", range(4))
def test_placement_snps__equal_its_bases_on_both_strands(seed, reverse):
    rng = np.random.default_rng(seed)
    codes = encode(random_sequence(700, rng).replace("AAA", "AAN"))
    stretch = Stretch(1000, 1350, 64, 60, codes, reverse)
    places = np.sort(rng.choice(np.arange(1270, 1420, 3), 40, replace=False)).tolist()
    choices = [
        [Edit(start, start + n, "".join(rng.choice(list("ACGTRK"), n))) for n in rng.integers(1, 4, 2)]
        for start in places
    ]
    haplotypes = [tuple(rng.choice(2) and of[rng.choice(2)] for of in choices) for _ in range(30)]
    haplotypes = [(), *(tuple(edit for edit in of if edit) for of in haplotypes)]
    placement: Placement = placement_of(stretch, haplotypes)
    rows = [3, 0, 30, 3, *range(1, 20)]
    found = placement.snps(rows)
    np.testing.assert_array_equal(build(found), placement.codes(rows))
    assert not found.carried[1].any()
    assert (encode_edit("RK") > 4).all(), "halves of two bases are among them"


def test_placement_snps__none_where_the_length_changes():
    stretch = Stretch(0, 50, 32, 32, encode("ACGTACGTAC" * 10))
    placement = placement_of(stretch, [(), (Edit(40, 41, "T"),), (Edit(45, 45, "G"),), (Edit(60, 61, ""),)])
    assert placement.snps([0, 1]) is not None
    assert placement.snps([0, 1, 2]) is None
    assert placement.snps([3]) is None


@pytest.fixture(scope="module")
def cohort() -> HaplotypeWindows:
    """Two genes, the second with an indel in some people."""
    rng = np.random.default_rng(3)
    text = random_sequence(600, rng)
    genes = pd.DataFrame([("a", "21", 150, "+"), ("b", "21", 400, "-")], columns=["gene_id", "contig", "tss", "strand"])
    places = [90, 120, 130, 155, 199, 350, 380, 440]
    records = [
        ("21", p, f"v{p}", text[p - 1], ("A" if text[p - 1] != "A" else "C") + ",T,G"[: 2 * (text[p - 1] not in "TA")])
        for p in places
    ]
    records.append(("21", 420, "d", text[419:423], text[419]))
    table = pd.DataFrame(records, columns=["contig", "pos", "variant_id", "ref", "alt"]).sort_values("pos")
    table = table.reset_index(drop=True)
    n_alts = table["alt"].str.count(",").to_numpy() + 1
    alleles = (rng.random((len(table), 8, 2)) * (n_alts + 1)[:, None, None]).astype(np.int8)
    genotypes = Genotypes(table, [f"S{i}" for i in range(8)], alleles)
    reference = MemoryReference({"21": text})
    found = build_windows(genes, reference, length=128)
    collected = [
        collect_gene_haplotypes(genotypes, reference, Interval(g.contig, g.start, g.end), g.tss, max_missing=0.0)
        for g in found.itertuples()
    ]
    return combine_genes(found, collected, genotypes.individual_ids, provenance={})


def test_haplotype_windows_snps__equal_the_codes_of_one_gene(cohort):
    of_gene = np.flatnonzero(cohort.windows["gene_id"] == "a")
    rows = of_gene[[2, 0, 2, *range(1, len(of_gene))]].tolist()
    found = cohort.snps(rows)
    np.testing.assert_array_equal(build(found), cohort.codes(rows))
    assert len(np.unique(found.carried, axis=0)) > 5
    assert len(set(found.positions)) < len(found.positions), "a place with two alleles is among them"


def test_haplotype_windows_snps__none_with_indels_or_of_several_genes(cohort):
    genes = cohort.windows["gene_id"].to_numpy()
    first, second = np.flatnonzero(genes == "a"), np.flatnonzero(genes == "b")
    assert cohort.snps([int(first[1]), int(second[0])]) is None
    assert cohort.snps(second.tolist()) is None
    assert cohort.snps([int(second[0])]) is not None, "the reference of the second has no indel"
    assert cohort.snps([]) is None
