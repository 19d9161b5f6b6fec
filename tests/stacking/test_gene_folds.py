"""Folds by gene: what shares sequence stays together, and Enformer's own test genes are held out."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from haploformer.errors import InputError
from haploformer.stacking.gene_folds import (
    ENFORMER_TEST,
    LEFT_OUT,
    assign_gene_folds,
    chain_windows,
    hold_out_enformer_test,
    split_by_enformer,
)

LENGTH = 1_000


def genes_at(**places: list[int]) -> pd.DataFrame:
    rows = [(contig, tss) for contig, of_contig in places.items() for tss in of_contig]
    table = pd.DataFrame(rows, columns=["contig", "tss"])
    return table.assign(gene_id=[f"G{i}" for i in range(len(table))])


def random_genes(n: int = 120) -> pd.DataFrame:
    rng = np.random.default_rng(2)
    table = pd.DataFrame({"contig": rng.choice(["1", "2", "X"], n), "tss": rng.integers(0, 150_000, n)})
    return table.assign(gene_id=[f"G{i}" for i in range(n)])


def test_chain_windows__joins_what_overlaps_and_nothing_else() -> None:
    genes = genes_at(b=[5_000, 0, 999, 1_998, 2_998], a=[10])
    groups = chain_windows(genes, length=LENGTH)
    assert groups.tolist() == [3, 1, 1, 1, 2, 0]  # 2,998 is a whole window beyond 1,998


@pytest.mark.parametrize("by", ["windows", "chromosomes"])
def test_assign_gene_folds__no_overlapping_windows_on_both_sides(by) -> None:
    genes = random_genes()
    n_folds = 5 if by == "windows" else 3
    folds = assign_gene_folds(genes, length=LENGTH, n_folds=n_folds, seed=1, by=by)
    near = np.abs(genes["tss"].to_numpy()[:, None] - genes["tss"].to_numpy()) < LENGTH
    near &= genes["contig"].to_numpy()[:, None] == genes["contig"].to_numpy()
    assert near.sum() > len(genes) + 20
    assert (folds[:, None] == folds)[near].all()
    if by == "windows":
        assert np.ptp(np.bincount(folds)) <= 4
        assert not np.array_equal(folds, assign_gene_folds(genes, length=LENGTH, n_folds=5, seed=2))
    else:
        assert pd.Series(folds).groupby(genes["contig"]).nunique().eq(1).all()
    np.testing.assert_array_equal(folds, assign_gene_folds(genes, length=LENGTH, n_folds=n_folds, seed=1, by=by))


def test_assign_gene_folds__refuses_too_few() -> None:
    close = genes_at(a=list(range(0, 20_000, 500)))
    with pytest.raises(InputError, match=r"1 groups of genes with overlapping windows \(40 genes\) for 5 folds"):
        assign_gene_folds(close, length=LENGTH, n_folds=5, seed=0)
    with pytest.raises(InputError, match="1 chromosomes"):
        assign_gene_folds(close, length=10, n_folds=2, seed=0, by="chromosomes")
    with pytest.raises(InputError, match="a fold has 3 genes, its r needs 6"):
        assign_gene_folds(genes_at(a=list(range(0, 30_000, 2_000))), length=LENGTH, n_folds=5, seed=0)


SEQUENCES = pd.DataFrame(
    [("a", 0, 10_000, "train"), ("a", 10_000, 20_000, "test"), ("b", 0, 5_000, "valid"), ("b", 4_000, 5_000, "valid")],
    columns=["contig", "start", "end", "split"],
)


def test_split_by_enformer__by_the_whole_window() -> None:
    genes = genes_at(a=[500, 9_400, 9_501, 10_499, 10_500, 19_500, 25_000], b=[4_500], c=[10])
    splits = split_by_enformer(genes, SEQUENCES, length=LENGTH)
    assert splits.tolist() == ["train", "train", "mixed", "mixed", "test", "test", "none", "valid", "none"]
    with pytest.raises(InputError, match="none of the 1 genes lies in one of its 4 sequences; give the sequences in"):
        split_by_enformer(genes_at(c=[10]), SEQUENCES, length=LENGTH)


def test_hold_out_enformer_test__nothing_near_a_test_gene_is_trained_on() -> None:
    genes = genes_at(
        a=[*range(500, 9_500, 1_500), 9_600, 10_499, 10_600, 12_000, 20_200, 20_400, 23_000],
        b=[*range(900, 12_000, 2_000)],
    )
    splits = split_by_enformer(genes, SEQUENCES, length=LENGTH)
    folds = hold_out_enformer_test(genes, splits, length=LENGTH, n_folds=2, seed=0, by="windows")
    of_place = dict(zip(zip(genes["contig"], genes["tss"], strict=True), folds, strict=True))
    assert {place for place, fold in of_place.items() if fold == ENFORMER_TEST} == {
        *(("a", tss) for tss in (10_600, 12_000, 20_200, 20_400))
    }
    assert {place for place, fold in of_place.items() if fold == LEFT_OUT} == {("a", 10_499)}
    assert of_place["a", 9_600] >= 0  # a whole window before the first test gene
    assert sorted(set(folds[folds >= 0])) == [0, 1]
