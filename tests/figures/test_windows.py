from __future__ import annotations

import pytest

from haploformer.figures.windows import plot_distinct_haplotypes


def test_plot_distinct_haplotypes__holds_both_counts_of_each_gene_most_varied_first(tables):
    figure = plot_distinct_haplotypes(tables.window_audit, genes=tables.genes)
    everyone, distinct = figure.data
    names = tables.genes.set_index("gene_id")["gene_name"]
    expected = {
        names[row["gene_id"]]: (row["n_haplotypes"], row["n_distinct"]) for _, row in tables.window_audit.iterrows()
    }
    drawn = dict(zip(everyone.customdata, zip(everyone.y, distinct.y, strict=True), strict=True))
    assert drawn == expected
    assert list(distinct.y) == sorted(distinct.y, reverse=True)
    assert list(figure.layout.xaxis.ticktext) == list(everyone.customdata)
    assert distinct.customdata[0][1] == pytest.approx(distinct.y[0] / 300)


def test_plot_distinct_haplotypes__states_the_totals(tables):
    total = int(tables.window_audit["n_distinct"].sum())
    text = plot_distinct_haplotypes(tables.window_audit).layout.annotations[0].text
    assert text == f"{total:,} distinct of 7,200 haplotype windows ({total / 7200:.1%})"


def test_plot_distinct_haplotypes__shows_ids_without_a_table_of_genes(tables):
    figure = plot_distinct_haplotypes(tables.window_audit)
    assert set(figure.data[0].customdata) == set(tables.window_audit["gene_id"])


def test_plot_distinct_haplotypes__takes_a_window_without_haplotypes(tables):
    empty = tables.window_audit.assign(n_haplotypes=0, n_distinct=0)
    assert "0 distinct of 0" in plot_distinct_haplotypes(empty).layout.annotations[0].text
