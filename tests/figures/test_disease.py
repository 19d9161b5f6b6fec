"""The figure and page of disease variants: every number of the table is in them, and no markup of it."""

from __future__ import annotations

import math

import pandas as pd
import pytest

from haploformer.figures import build_disease_page, plot_disease_loci
from haploformer.figures import disease as disease_module
from tests.figures.test_effects import ATTRIBUTES

WINDOWS = pd.DataFrame(
    [("g", "22", 900, 1900, 1400, "-"), ("h", "22", 1000, 2000, 1500, "+")],
    columns=["gene_id", "contig", "start", "end", "tss", "strand"],
)
_NAN = float("nan")


def ranked() -> pd.DataFrame:
    rows = [
        ("gwas", "rs1", 1451, "A", "C", "h", "Height", None, 9.2, "C", 0.25, 0.4),
        ("gwas", "rs1", 1451, "A", "C", "h", "Gout<i>", None, 12.0, "A", 0.25, 0.4),
        ("clinvar", "22_1601_AC_A", 1601, "AC", "A", "h", None, "Pathogenic", _NAN, "A", _NAN, -0.3),
        ("clinvar", "rs1", 1451, "A", "C", "g", None, "drug response", _NAN, "C", 0.25, 0.1),
        ("clinvar", "22_1399_G_T", 1399, "G", "T", "g", None, "Likely benign", _NAN, "T", _NAN, 0.0),
    ]
    names = ["source", "variant_id", "pos", "ref", "alt", "gene_id", "trait", "significance", "neg_log10_pvalue"]
    table = pd.DataFrame(rows, columns=[*names, "allele", "alt_frequency", "log_fold_change"])
    table = table.assign(
        rank=range(1, 6),
        rsid=table["variant_id"].where(table["variant_id"] == "rs1"),
        contig="22",
        gene_name=table["gene_id"].str.upper() + "<1>",
        tss_distance=[50, 50, 200, -50, 2],
        summary="tissue_mean",
        coverage_ref=1.0,
        coverage_alt=1.5,
        risk_log_fold_change=table["log_fold_change"],
    )
    return pd.concat([table, table.assign(summary="track", log_fold_change=9.0)], ignore_index=True)


def test_plot_disease_loci__a_locus_per_gene_the_strongest_first():
    figure = plot_disease_loci(ranked(), WINDOWS)
    first, second = figure.layout.updatemenus[0].buttons
    assert (first.label, second.label) == (
        "H&lt;1&gt; (2 variants, largest 0.4)",
        "G&lt;1&gt; (2 variants, largest 0.1)",
    )
    data, layout = first.args
    names = [trace.name for trace in figure.data]
    drawn = {name: (x, y) for name, x, y in zip(names, data["x"], data["y"], strict=True) if x}
    assert drawn == {"ClinVar, pathogenic": ([1601 / 1e6], [-0.3]), "GWAS catalog": ([1451 / 1e6], [0.4])}
    assert [(list(trace.x), list(trace.y)) for trace in figure.data if trace.x] == list(drawn.values())
    told = dict(zip(names, data["customdata"], strict=True))
    hover = told["GWAS catalog"][0]
    assert hover.startswith("rs1, 22:1,451 A&gt;C<br>Height; Gout&lt;i&gt;<br>p = 1e-12<br>H&lt;1&gt;, +50 bases")
    assert "ALT frequency 0.250" in hover
    assert "not typed in the cohort" in told["ClinVar, pathogenic"][0]
    assert layout["shapes"][0]["x0"] == 1501 / 1e6
    assert layout["annotations"][0]["text"] == " TSS of H&lt;1&gt; \N{RIGHTWARDS ARROW} "
    low, high = layout["xaxis.range"]
    assert 1000 / 1e6 <= low < 1451 / 1e6 < 1601 / 1e6 < high <= 2000 / 1e6
    other = dict(zip(names, second.args[0]["y"], strict=True))
    assert (other["ClinVar, other"], other["ClinVar, benign"]) == ([0.1], [0.0])


def test_plot_disease_loci__the_list_has_an_end(monkeypatch):
    monkeypatch.setattr(disease_module, "MAX_LOCI", 1)
    figure = plot_disease_loci(ranked(), WINDOWS)
    assert len(figure.layout.updatemenus[0].buttons) == 1
    page = build_disease_page(ranked(), audit(), figure, ATTRIBUTES, tissue=[5110])
    assert "The list holds the 1 genes with the strongest effects of 2." in page


def test_plot_disease_loci__without_a_variant():
    assert "No disease variant" in plot_disease_loci(ranked().head(0), WINDOWS).layout.annotations[0].text


@pytest.mark.parametrize(
    ("traits", "expected"),
    [(["a", "a", ""], "a"), ([], ""), (list("abcde"), "a; b; c and 2 more"), (["x" * 70], "x" * 59 + "…")],
)
def test_join_traits__few_and_short(traits, expected):
    assert disease_module._join_traits(traits) == expected


@pytest.mark.parametrize(
    ("neg_log10", "expected"),
    [
        (6.0, "1e-6"),
        (-math.log10(4e-9), "4e-9"),
        (400.3, "5e-401"),
        (-math.log10(0.05), "0.05"),
        (5.9999, "1e-6"),
        (0.0, "1"),
        (math.inf, "0"),
    ],
)
def test_p_value__two_digits(neg_log10, expected):
    assert disease_module._p_value(neg_log10) == expected


def audit() -> pd.DataFrame:
    rows = [
        ("ClinVar", "variant", "kept", "used", 3),
        ("ClinVar", "variant", "dropped", "REF differs from the reference", 2),
        ("genes", "gene", "kept", "codes for a protein", 2),
    ]
    return pd.DataFrame(rows, columns=["source", "record_class", "outcome", "reason", "count"]).assign(contig=None)


def test_build_disease_page__tells_what_was_used_and_refused():
    page = build_disease_page(ranked(), audit(), plot_disease_loci(ranked(), WINDOWS), ATTRIBUTES, tissue=[5110])
    assert "GWAS catalog: no file is given." in page
    assert "ClinVar: 3 of 5 rows are used; 2 refused because REF differs from the reference." in page
    assert "The largest effect: rs1 on H&lt;1&gt;, log2 fold change 0.4 at +50 bases from its TSS." in page
    assert "22:1,601 AC&gt;A" in page
    assert "Gout&lt;i&gt;" in page
    assert "Gout<i>" not in page
    assert page.index("22:1,451 A&gt;C") < page.index("22:1,601 AC&gt;A")
    assert "22_1601_AC_A" not in page.split("<table")[1], "a name made of place and alleles says nothing new"
    facts = page.replace("\n", "")
    assert "<dt>Pairs of gene and variant</dt><dd>4</dd>" in facts
    assert "untrained" in page
