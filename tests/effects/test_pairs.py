"""Effects beside slopes, and fine-mapped variants beside controls."""

from __future__ import annotations

import pandas as pd
import pytest

from haploformer.effects.pairs import pair_slopes, split_fine_mapped

EFFECTS = pd.DataFrame(
    {
        "gene_id": ["A.1", "A.1", "A.1", "B.2", "C"],
        "variant": [0, 1, 2, 0, 0],
        "effect": [0.5, -0.5, 0.25, 1.0, 2.0],
        "tss_distance": [10, 20, 30, 40, 50],
        "maf": 0.25,
    }
)


def eqtls(*rows: tuple) -> pd.DataFrame:
    return pd.DataFrame(list(rows), columns=["gene_id", "variant", "sign", "slope", "pvalue", "pip"])


def test_pair_slopes__of_our_alt_the_smallest_p_value_first():
    rows = eqtls(
        ("A.7", 0, -1, 0.3, 0.5, None),
        ("A.7", 0, -1, 0.4, 0.1, None),
        ("A.7", 1, 1, None, 0.1, None),
        ("A.7", 9, 1, 0.1, 0.1, None),
        ("D", 0, 1, 0.1, 0.1, None),
        ("B", 0, 1, 0.2, None, None),
    )
    found = pair_slopes(EFFECTS, rows)
    assert found.table[["gene_id", "variant", "effect", "slope"]].values.tolist() == [
        ["A.1", 0, 0.5, -0.4],
        ["B.2", 0, 1.0, 0.2],
    ]
    assert (found.n_without_slope, found.n_without_effect, found.n_genes) == (1, 2, 2)


def test_pair_slopes__an_effect_stands_once():
    with pytest.raises(ValueError, match="two effects"):
        pair_slopes(pd.concat([EFFECTS, EFFECTS]), eqtls())


def test_split_fine_mapped__controls_are_of_genes_that_were_looked_at():
    rows = eqtls(
        ("A", 0, 1, 0.1, 0.1, 0.95),
        ("A", 0, 1, 0.1, 0.1, 0.001),
        ("A", 1, 1, 0.1, 0.1, 0.5),
        ("B", 7, 1, 0.1, 0.1, 0.99),
    )
    found = split_fine_mapped(EFFECTS, rows)
    assert found.cases[["gene_id", "variant"]].values.tolist() == [["A.1", 0]]
    # A's third variant and B's are not listed, C was not looked at.
    assert found.pool[["gene_id", "variant"]].values.tolist() == [["A.1", 2], ["B.2", 0]]
    assert (found.n_between, found.n_without_effect) == (1, 1)


@pytest.mark.parametrize(("low", "high"), [(0.5, 0.5), (-0.1, 0.9), (0.1, 1.5)])
def test_split_fine_mapped__limits_that_cannot_be(low, high):
    with pytest.raises(ValueError, match="expected 0 <= max_pip < min_pip <= 1"):
        split_fine_mapped(EFFECTS, eqtls(), min_pip=high, max_pip=low)
