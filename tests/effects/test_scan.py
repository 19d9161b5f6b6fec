"""The scan of some of the people."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy.stats import linregress

from haploformer import schemas
from haploformer.effects.scan import SCAN_COLUMNS, scan_genes, split_people, top_associations
from haploformer.errors import InputError
from tests.builders.dosages import simulate_dosages, simulate_expression

PEOPLE = [f"P{i:02}" for i in range(60)]
GENES = pd.DataFrame(
    [("g", "22", 1000, "-"), ("flat", "22", 1000, "+"), ("empty", "22", 1000, "+"), ("other", "22", 1, "+")],
    columns=["gene_id", "contig", "tss", "strand"],
)


def test_split_people__the_same_whatever_their_order():
    scanned = split_people(PEOPLE, chosen=None, share=0.5, seed=3)
    assert scanned.sum() == 30
    turned = split_people(PEOPLE[::-1], chosen=None, share=0.5, seed=3)
    assert np.array_equal(scanned, turned[::-1])
    assert not np.array_equal(scanned, split_people(PEOPLE, chosen=None, share=0.5, seed=4))
    assert split_people(PEOPLE, chosen=PEOPLE[:20], share=0.5, seed=3).nonzero()[0].tolist() == list(range(20))


def test_split_people__parts_that_cannot_be():
    with pytest.raises(InputError, match=r"eqtl_scan\.individuals: 1 of 2 are not in the study \(first: X\)"):
        split_people(PEOPLE, chosen=["P00", "X"], share=0.5, seed=0)
    with pytest.raises(InputError, match="3 people are scanned, 57 are left"):
        split_people(PEOPLE, chosen=PEOPLE[:3], share=0.5, seed=0)
    with pytest.raises(InputError, match="54 people are scanned, 6 are left"):
        split_people(PEOPLE, chosen=None, share=0.9, seed=0)


def variants(n: int) -> pd.DataFrame:
    table = pd.DataFrame({"variant_id": [f"v{i}" for i in range(n)], "contig": "22", "pos": np.arange(n) + 995})
    return table.assign(ref="A", alt="G")


def test_scan_genes__looks_at_the_chosen_people_alone():
    rng = np.random.default_rng(1)
    dosages = simulate_dosages(rng, 60, 8)
    dosages[:, 5] = 1
    expression = {"g": simulate_expression(rng, dosages, causal=2, heritability=0.6), "flat": np.ones(60)}
    expression["empty"] = expression["g"]
    people = split_people(PEOPLE, chosen=None, share=0.5, seed=0)

    def dosages_of(gene_id: str) -> tuple[pd.DataFrame, np.ndarray]:
        n = 0 if gene_id == "empty" else 8
        return variants(n), dosages[:, :n]

    found = scan_genes(GENES, dosages_of, expression, people)
    assert found.columns.tolist() == SCAN_COLUMNS
    # A variant that is the same in everybody, a constant gene, one without variants and one not measured are left out.
    assert found["gene_id"].unique().tolist() == ["g"]
    assert found["variant_id"].tolist() == [f"v{i}" for i in range(8) if i != 5]
    assert found["tss_distance"].tolist() == [1000 - 994 - i for i in range(8) if i != 5]
    for row in found.itertuples():
        column = dosages[people, int(row.variant_id[1:])]
        fit = linregress(column, expression["g"][people])
        assert (row.slope, row.slope_se, row.r) == pytest.approx((fit.slope, fit.stderr, fit.rvalue))
        assert row.alt_frequency == pytest.approx(column.mean() / 2)
    assert (found["n_tested"] == 7).all()
    # Nothing of the others enters.
    disturbed = {name: np.where(people, values, rng.normal(size=60)) for name, values in expression.items()}
    others = np.where(people[:, None], dosages, 2 - dosages)
    again = scan_genes(GENES[:1], lambda _: (variants(8), others), disturbed, people)
    pd.testing.assert_frame_equal(again, found)
    top = scan_genes(GENES, dosages_of, expression, people, top_only=True)
    assert top["variant_id"].tolist() == [found.loc[found["r"].abs().idxmax(), "variant_id"]]
    schemas.top_associations(top_associations(found))
    assert top_associations(found)["r"].tolist() == top["r"].tolist()
