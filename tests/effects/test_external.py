"""External rows against effects: every row is counted once, and what can be told is put right."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import roc_auc_score

from haploformer import schemas
from haploformer.effects.external import (
    ChosenEffects,
    CompareOptions,
    MatchedRows,
    audit_file,
    choose_effects,
    compare_effects,
    describe_matched,
    match_rows,
    number_effects,
)
from haploformer.errors import InputError
from haploformer.genome.intervals import Interval

OPTIONS = CompareOptions(edges=(0, 50, 1_000), n_draws=99)


def predicted() -> ChosenEffects:
    rows = [
        ("A.1", "v1", "22", 100, "A", "G", 10, 0.25, 0.5),
        ("A.1", "v2", "22", 200, "C", "A", -110, 0.75, -0.5),
        ("B.2", "v1", "22", 100, "A", "G", 400, 0.25, 1.0),
        ("B.2", "v3", "22", 300, "G", "T", 200, np.nan, 2.0),
    ]
    columns = ["gene_id", "variant_id", "contig", "pos", "ref", "alt", "tss_distance", "alt_frequency", "effect"]
    return number_effects(pd.DataFrame(rows, columns=columns))


def eqtl_rows(*rows: tuple, **columns: Any) -> pd.DataFrame:
    names = ["gene_id", "contig", "pos", "ref", "alt", "slope", "pvalue"]
    table = pd.DataFrame(list(rows), columns=names)
    nothing = {"tissue": None, "pip": np.nan, "cs_id": None}
    return table.assign(**(nothing | {"trait_id": table["gene_id"], "variant_id": "x"} | columns))


ROWS = (
    ("A.9", "22", 100, "G", "A", -0.3, 0.1),
    ("A", "22", 200, "G", "T", 0.2, 0.2),
    ("B.2", "22", 200, "C", "A", 0.2, 0.2),
    ("B.2", "22", 100, "A", "G", None, 0.2),
    ("B.2", "22", 100, "A", "T", 0.1, 0.2),
    ("B.2", "22", 150, "A", "G", 0.1, 0.2),
    ("B.2", "22", 300, "G", "C", 0.1, 0.2),
    ("B.2", "22", 9999, "G", "A", 0.1, 0.2),
    ("C", "22", 100, "A", "G", 0.1, 0.2),
    ("B.2", "22", 300, None, None, 0.1, 0.2),
)


def matched(table: pd.DataFrame, **options: Any) -> MatchedRows:
    effects = predicted()
    chosen = {"gene_ids": {"A.1", "B.2"}, "intervals": [Interval("22", 0, 1000)], "reference": None, "source": "t.txt"}
    return match_rows(table, effects, **(chosen | options))


def test_match_rows__a_table_of_other_genes_says_so():
    table = eqtl_rows(*ROWS).assign(gene_id="ENSG9.3")
    with pytest.raises(InputError) as error:
        matched(table)
    assert str(error.value) == (
        f"t.txt: gene_id: none of the {len(table)} rows is about one of our 2 genes (first there: ENSG9.3, ours: A.1); "
        "give a table of some of these genes, whose ids are those of the expression table"
    )


def test_number_effects__each_allele_once_and_the_minor_frequency():
    effects = predicted()
    assert effects.variants["variant_id"].tolist() == ["v1", "v2", "v3"]
    assert effects.table["variant"].tolist() == [0, 1, 0, 2]
    assert effects.table["maf"].tolist()[:3] == [0.25, 0.25, 0.25]


def test_choose_effects__one_kind_summary_and_bins():
    kinds = [("centre", "sad", "tissue_mean"), ("all", "sad", "tissue_mean"), ("centre", "sadr", "tissue_mean")]
    kinds += [("centre", "sad", "all_tracks_mean")]
    table = pd.DataFrame(kinds, columns=["bins", "effect_kind", "summary"]).assign(
        gene_id="A", variant_id="v", contig="22", pos=1, ref="A", alt="C", tss_distance=0, alt_frequency=0.1
    )
    found = choose_effects(table.assign(effect=[1.0, 2.0, 3.0, 4.0]), kind="sad", summary="tissue_mean")
    assert found.table["effect"].tolist() == [1.0]


def test_compare_effects__every_row_is_counted_once():
    found = compare_effects(predicted(), matched(eqtl_rows(*ROWS)), OPTIONS)
    schemas.effect_pairs(found.pairs)
    schemas.effect_concordance(found.concordance)
    # v1 stands the other way round, v2 of A is on the other strand and the other way round.
    assert found.pairs[["gene_id", "variant_id", "effect", "slope"]].values.tolist() == [
        ["A.1", "v1", 0.5, 0.3],
        ["A.1", "v2", -0.5, 0.2],
    ]
    audit = schemas.harmonise_audit(pd.concat([audit_file(1, 2), found.audit], ignore_index=True))
    rows = audit[audit["outcome"].isin(["left out", "used"])]
    assert rows["count"].sum() == len(ROWS) + 3
    told = audit[audit["count"] > 0].set_index("reason")["count"].to_dict()
    assert told == {
        "repeats an earlier row under another rsid": 1,
        "no variant was tested": 2,
        "of a gene that has no effects": 1,
        "outside the genes' windows": 1,
        "without two alleles that name a sequence": 1,
        "A/T or C/G, or an indel the other way round: which allele is meant cannot be told": 2,
        "no variant of ours has this place": 1,
        "REF and ALT the other way round": 1,
        "alleles of the other strand": 1,
        "no slope is told": 1,
        "no effect of this variant on this gene": 1,
        "gene and variant with an effect and a slope": 2,
    }
    assert describe_matched(audit) == ("50.0 % of the rows inside the windows matched (4 of 8; 13 rows in all)")


def test_match_rows__the_share_that_is_told_is_the_one_that_stops():
    found = matched(eqtl_rows(*ROWS))
    assert describe_matched(compare_effects(predicted(), found, OPTIONS).audit).startswith(
        f"{100 * found.counts.matched_share:.1f} %"
    )
    assert found.counts.matched_share == 0.5
    with pytest.raises(InputError, match=r"t\.txt: 50\.0 % matched .* at least 60 % are expected"):
        matched(eqtl_rows(*ROWS), min_matched_share=0.6)


def test_match_rows__alleles_by_the_ids_of_our_genotypes():
    rows = eqtl_rows(("A", None, None, None, None, 0.3, 0.1), variant_id="v1")
    known = predicted().variants
    assert len(matched(rows).table) == 0
    found = matched(rows, known_ids=known)
    assert found.table["sign"].tolist() == [1]
    assert found.audit.set_index("reason").loc["alleles told by the id alone", "count"] == 1


def test_match_rows__a_tissue_of_several():
    table = eqtl_rows(*ROWS[:2], tissue=["Lung", "Liver"])
    with pytest.raises(InputError, match=r"t\.txt: the table is of 2 tissues \(Liver, Lung\); choose one"):
        matched(table)
    with pytest.raises(InputError, match=r"there is no Brain \(there: Liver, Lung\)"):
        matched(table, tissue="Brain")
    found = matched(table, tissue="Lung")
    assert len(found.table) == 1
    assert found.audit.set_index("reason").loc["another tissue", "count"] == 1


def test_compare_effects__nothing_matches():
    found = compare_effects(predicted(), matched(eqtl_rows(ROWS[7])), OPTIONS)
    schemas.effect_concordance(found.concordance)
    assert found.concordance["n"].tolist() == [0] * 6
    assert found.concordance["value"].isna().all()
    assert describe_matched(found.audit).startswith("0.0 %")


def many(rng: np.random.Generator, n: int) -> ChosenEffects:
    table = pd.DataFrame({"pos": np.arange(n) + 1, "tss_distance": rng.integers(-900, 900, n)})
    table = table.assign(contig="22", ref="A", alt="G", variant_id=[f"v{i}" for i in range(n)])
    return number_effects(table.assign(gene_id="A", alt_frequency=rng.uniform(0.1, 0.9, n), effect=rng.normal(size=n)))


def test_compare_effects__fine_mapped_variants_and_their_controls():
    rng = np.random.default_rng(1)
    effects = many(rng, 400)
    effects.table.loc[:39, "effect"] *= 3
    effects.table.loc[399, "maf"] = np.nan
    rows = [("A", "22", i + 1, "A", "G", 0.1, 0.01) for i in range(60)]
    pip = np.r_[np.full(40, 0.95), np.full(20, 0.5)]
    found = compare_effects(effects, matched_to(effects, eqtl_rows(*rows, pip=pip)), OPTIONS)
    schemas.matched_variants(found.matched)
    cases = found.matched[found.matched["is_case"]]
    assert set(cases["variant_id"]) <= {f"v{i}" for i in range(40)}
    # Controls are of the same gene, of a variant that the table does not list.
    assert set(found.matched.loc[~found.matched["is_case"], "variant_id"]).isdisjoint({f"v{i}" for i in range(60)})
    row = found.concordance[(found.concordance["statistic"] == "auroc") & found.concordance["low"].isna()].iloc[0]
    assert row["value"] == pytest.approx(roc_auc_score(found.matched["is_case"], found.matched["effect"].abs()))
    assert row["value"] > 0.7
    assert row["n"] == len(found.matched)
    audit = found.audit.set_index("reason")["count"]
    assert audit["fine-mapped, with a control"] == len(cases)
    assert audit["probability between both limits"] == 20
    assert audit["frequency not known"] == 1


def matched_to(effects: ChosenEffects, table: pd.DataFrame) -> MatchedRows:
    return match_rows(
        table, effects, gene_ids={"A"}, intervals=[Interval("22", 0, 1000)], reference=None, source="t.txt"
    )


def test_compare_effects__a_variant_that_was_set_aside_is_no_control():
    effects = many(np.random.default_rng(2), 40)
    effects.table.loc[20:, "alt"] = "T"
    effects.variants.loc[20:, "alt"] = "T"
    rows = [("A", "22", i + 1, "A", "G", 0.1, 0.01) for i in range(10)]
    found = compare_effects(effects, matched_to(effects, eqtl_rows(*rows, pip=0.95)), OPTIONS)
    assert (~found.matched["is_case"]).any()
    assert set(found.matched["alt"]) == {"G"}
    assert found.audit.set_index("reason").loc["A/T or C/G: what the table says is set aside", "count"] == 20


def test_compare_effects__an_indel_that_the_table_has_the_other_way_round_is_no_control():
    effects = many(np.random.default_rng(2), 40)
    for table in (effects.table, effects.variants):
        table.loc[20:, "alt"] = "AG"
    rows = [("A.3", "22", i + 1, "A", "G", 0.1, 0.01) for i in range(10)]
    # Of the last one there is a row as written, too.
    rows += [("A.3", "22", i + 1, "AG", "A", 0.1, 0.01) for i in range(20, 40)] + [
        ("A", "22", 40, "A", "AG", 0.1, 0.01)
    ]
    pip = np.r_[np.full(10, 0.95), np.full(21, 0.001)]
    given = matched_to(effects, eqtl_rows(*rows, pip=pip))
    assert given.doubtful["variant"].tolist() == list(range(20, 40))
    found = compare_effects(effects, given, OPTIONS)
    assert set(found.matched["variant_id"]) <= {f"v{i}" for i in [*range(20), 39]}
    assert found.audit.set_index("reason").loc["an indel that the table has the other way round", "count"] == 19
