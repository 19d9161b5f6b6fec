"""Sizes of strongest associations side by side."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from haploformer.effects.top_associations import compare_sizes


def table(**r: float) -> pd.DataFrame:
    return pd.DataFrame({"gene_id": list(r), "r": list(r.values())})


def test_compare_sizes__signs_and_versions_do_not_count():
    ours = table(A=0.5, B=-0.25, C=0.125, D=0.1).assign(gene_id=["A.3", "B.1", "C", "D"])
    theirs = table(B=0.3, A=-0.6, C=0.2, E=0.9).assign(gene_id=["B.7", "A", "C.2", "E"])
    found = compare_sizes(ours, theirs)
    assert found.table.values.tolist() == [["A.3", 0.5, 0.6], ["B.1", 0.25, 0.3], ["C", 0.125, 0.2]]
    assert (found.n_only_ours, found.n_only_theirs, found.matched_share) == (1, 1, 0.75)
    assert found.pearson_r == pytest.approx(np.corrcoef([0.5, 0.25, 0.125], [0.6, 0.3, 0.2])[0, 1])
    assert found.spearman_r == pytest.approx(1)


def test_compare_sizes__too_few_genes_and_a_gene_twice():
    found = compare_sizes(table(A=0.5), table(A=0.5))
    assert np.isnan(found.pearson_r)
    assert compare_sizes(table(), table(A=0.5)).matched_share == 0
    with pytest.raises(ValueError, match="gene A stands twice in theirs"):
        compare_sizes(table(A=0.5), pd.concat([table(A=0.5), table(A=0.4)]))
