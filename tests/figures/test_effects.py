"""Figures of effects: every number of the table is in them."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from haploformer.figures import (
    build_effects_page,
    build_haplotype_page,
    build_mutagenesis_page,
    plot_additivity,
    plot_effects_by_distance,
    plot_mutagenesis,
)
from haploformer.figures import (
    effects as effects_module,
)
from haploformer.figures.letters import letter_outlines

ATTRIBUTES = {
    "geometry": {"window": 196_608, "n_bins": 896},
    "bins": list(range(443, 453)),
    "variants": {"source": "3 named"},
    "reference": {"source": "hg19.fa", "sha256": "cd" * 32},
    "haplotypes": "the reference with one allele",
    "model": "Enformer, preset small",
    "engine": "exact",
    "precision": "float32",
    "weights": "untrained",
    "weights_sha256": "ab" * 32,
    "position_features": "gamma computed",
    "tracks": list(range(5_313)),
    "transform": "mean of coverage over the bins",
    "code_version": "0.1.0",
}


def effect_table(effects: list[float], *, ref: str = "A", alts: str = "CGT", start: int = 11) -> pd.DataFrame:
    """Substitutions of bases from ``start`` on, three of each; a second kind and summary that are not drawn."""
    n = len(effects)
    table = pd.DataFrame(
        {
            "gene_id": "g<1>",
            "gene_name": "G<1>",
            "variant_id": [f"v{i}" for i in range(n)],
            "contig": "22",
            "pos": [start + i // len(alts) for i in range(n)],
            "ref": ref,
            "alt": [alts[i % len(alts)] for i in range(n)],
            "tss_distance": np.arange(n) * 500 - 1000,
            "alt_frequency": [0.2, 0.99, np.nan] * (n // 3),
            "bins": "centre",
            "summary": "tissue_mean",
            "coverage_ref": 1.0,
            "coverage_alt": 1.5,
            "effect_kind": "log_fold_change",
            "effect": effects,
        }
    )
    others = [table.assign(effect_kind="sad", effect=99.0), table.assign(summary="all_tracks_mean", effect=98.0)]
    return pd.concat([table, *others], ignore_index=True)


TABLE = effect_table([0.1, -0.2, 0.3, 0.4, 0.5, -0.6])


def test_plot_effects_by_distance__one_point_per_pair_by_frequency():
    figure = plot_effects_by_distance(TABLE)
    drawn = {trace.name: sorted(zip(trace.x, trace.y, strict=True)) for trace in figure.data}
    assert drawn == {
        "minor allele in 5 % or more": [(-1.0, 0.1), (0.5, 0.4)],
        "rarer": [(-0.5, -0.2), (1.0, 0.5)],
        "not in the cohort": [(0.0, 0.3), (1.5, -0.6)],
    }
    assert "g&lt;1&gt;" in figure.data[0].customdata[0]


def test_plot_effects_by_distance__the_strongest_of_many(monkeypatch):
    monkeypatch.setattr(effects_module, "MAX_POINTS", 2)
    figure = plot_effects_by_distance(TABLE)
    assert sorted(y for trace in figure.data for y in trace.y) == [-0.6, 0.5]
    assert figure.layout.annotations[-1].text == "the 2 strongest of 6 pairs"


def test_plot_effects_by_distance__without_a_variant():
    assert "No variant" in plot_effects_by_distance(TABLE.head(0)).layout.annotations[0].text


def test_plot_mutagenesis__heat_map_and_importance():
    figure = plot_mutagenesis(TABLE)
    (heat,) = [trace for trace in figure.data if trace.type == "heatmap"]
    assert (list(heat.x), list(heat.y)) == ([11, 12], ["A", "C", "G", "T"])
    assert [list(row) for row in heat.z] == [[None, None], [0.1, 0.4], [-0.2, 0.5], [0.3, -0.6]]
    assert (heat.zmin, heat.zmax) == (-0.6, 0.6)
    (letters,) = [trace for trace in figure.data if trace.type == "scatter"]
    assert letters.name == "A"
    # Importance: minus the mean effect of the three, -0.0667 and -0.1.
    heights = [y for x, y in zip(letters.x, letters.y, strict=True) if x is not None and x > 11.5]
    assert (min(heights), max(heights)) == pytest.approx((-0.1, 0.0))


def test_plot_mutagenesis__bars_for_a_long_stretch(monkeypatch):
    monkeypatch.setattr(effects_module, "MAX_LETTERS", 1)
    (bars,) = [trace for trace in plot_mutagenesis(TABLE).data if trace.type == "bar"]
    assert (list(bars.x), list(bars.y)) == ([11, 12], pytest.approx([-0.2 / 3, -0.1]))


@pytest.mark.parametrize("base", "ACGT")
def test_letter_outlines__fill_their_place_from_zero_to_the_height(base):
    x, y = letter_outlines(base, np.array([5.0, 6.0]), np.array([2.0, -3.0]))
    first, second = (
        [v for v, at in zip(y, x, strict=True) if at is not None and low < at < low + 1] for low in (4.5, 5.5)
    )
    assert (min(first), max(first)) == pytest.approx((0.0, 2.0), abs=0.02)
    assert (min(second), max(second)) == pytest.approx((-3.0, 0.0), abs=0.02)
    across = [v for v in x if v is not None]
    assert min(across) >= 4.5
    assert max(across) <= 6.5
    assert x.count(None) == y.count(None) >= 2


def haplotype_table() -> pd.DataFrame:
    """One person; copy 0 carries two variants, copy 1 none; another person's copy is like the first."""
    row = {"gene_id": "g", "gene_name": "G<1>", "summary": "tissue_mean", "contig": "22", "ref": "A", "alt": "C"}
    carried = [("a", 11, 1.0, 2.5), ("b", 21, 0.5, 2.0)]
    rows = [
        row
        | {"individual_id": person, "haplotype": 0, "exact_difference": 3.0, "additive_sum": 1.5, "variant_id": name}
        | {"pos": pos, "single_effect": single, "left_out_effect": left_out}
        for person in ("p<i>", "q")
        for name, pos, single, left_out in carried
    ]
    nothing = dict.fromkeys(["variant_id", "pos", "contig", "ref", "alt", "single_effect", "left_out_effect"])
    rows.append(row | nothing | {"individual_id": "q", "haplotype": 1, "exact_difference": 0.0, "additive_sum": 0.0})
    return pd.DataFrame(rows).astype({"pos": "Int64", "single_effect": "float64", "left_out_effect": "float64"})


def test_plot_additivity__haplotypes_and_variants():
    figure = plot_additivity(haplotype_table())
    haplotypes, _, variants, _ = figure.data
    assert sorted(zip(haplotypes.x, haplotypes.y, strict=True)) == [(0.0, 0.0), (1.5, 3.0), (1.5, 3.0)]
    assert haplotypes.customdata[0] == "p&lt;i&gt;, copy 0"
    assert list(zip(variants.x, variants.y, strict=True)) == [(1.0, 2.5), (0.5, 2.0)]


def test_pages__tell_what_was_run_and_hold_the_rows():
    additivity = pd.DataFrame(
        {"gene_id": ["g"], "summary": "tissue_mean", "n": 2, "r": [0.93], "largest_difference": [0.5]}
    )
    tissue = [5110]
    pages = [
        build_effects_page(TABLE, plot_effects_by_distance(TABLE), ATTRIBUTES, tissue=tissue),
        build_mutagenesis_page(TABLE, plot_mutagenesis(TABLE), ATTRIBUTES, tissue=tissue),
        build_haplotype_page(
            haplotype_table(), additivity, plot_additivity(haplotype_table()), ATTRIBUTES, tissue=tissue
        ),
    ]
    for page in pages:
        assert "G&lt;1&gt;" in page
        assert "G<1>" not in page
        assert "untrained" in page
        assert "5110" in page
    assert "22:12 A&gt;T" in pages[0]
    assert pages[0].index("22:12 A&gt;T") < pages[0].index("22:11 A&gt;C"), "the strongest first"
    assert "3 named" in pages[0]
    assert "r = 0.9300 over 2 people" in pages[2]
