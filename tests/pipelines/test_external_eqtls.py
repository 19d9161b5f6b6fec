"""External eQTLs beside predicted effects, node by node, where the demo's simulation says what must come out."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy.stats import norm

from haploformer import schemas
from haploformer.datasets.eqtl_table import EqtlScanDataset, EqtlTableDataset, TopAssociationsDataset
from haploformer.errors import InputError
from haploformer.formats.eqtl_tables import ExternalEqtls, read_eqtls
from haploformer.formats.fasta import FastaReference
from haploformer.formats.genotype_store import StoredGenotypes
from haploformer.genome.encoding import decode
from haploformer.genome.reference import fetch_padded
from haploformer.parameters import (
    BaselinesParameters,
    EqtlScanParameters,
    ExecutionParameters,
    ExpressionParameters,
    ExternalEqtlsParameters,
)
from haploformer.pipelines.external_eqtls import nodes
from haploformer.preflight import check_inputs
from tests.builders.demo import keep_genes
from tests.builders.demo_eqtls import marginal_slopes, read_dosages, true_component, write_eqtls
from tests.builders.demo_study import BASELINES, DemoStudy
from tests.builders.geuvadis import FASTA, read_expression, read_geuvadis

OPTIONS = ExternalEqtlsParameters(edges=(0, 1_000, 8_192), draws=300)
ALLELE = ["contig", "pos", "ref", "alt"]


def fold_changes(study: DemoStudy) -> pd.DataFrame:
    """One row per gene and variant, log fold change and both coverages."""
    effects = study.effects
    chosen = (effects["summary"] == "tissue_mean") & (effects["effect_kind"] == "log_fold_change")
    return effects[chosen].reset_index(drop=True)


def compare(study: DemoStudy, path: Path, options: ExternalEqtlsParameters = OPTIONS) -> tuple[Any, ...]:
    windows = study.table("04_feature/tss_windows")
    found = nodes.compare_with_eqtls(read_eqtls(path), study.effects, windows, study.variants, study.reference, options)
    schemas.effect_pairs(found[0])
    schemas.effect_concordance(found[1])
    schemas.harmonise_audit(found[3])
    return found


def over_all(concordance: pd.DataFrame, statistic: str) -> pd.Series:
    return concordance[(concordance["statistic"] == statistic) & concordance["low"].isna()].iloc[0]


def count_other_variants(study: DemoStudy, path: Path, ours: pd.DataFrame) -> int:
    """Rows whose REF, an indel's, is there in the FASTA, so that they are not ours the other way round."""
    known = set(ours[ALLELE].itertuples(index=False, name=None))
    n = 0
    for row in read_eqtls(path).table[ALLELE].itertuples(index=False, name=None):
        contig, pos, ref, alt = row[0].removeprefix("chr"), *row[1:]
        bases = decode(fetch_padded(study.reference, contig, pos - 1, pos - 1 + len(ref)))
        n += len(ref) != len(alt) and (contig, pos, ref, alt) not in known and bases == ref
    return n


@pytest.fixture(scope="module")
def true_slopes(demo_study) -> pd.DataFrame:
    """Slopes of what bcftools and the plain forward have made of the demo's people, with the additive expectation."""
    component, dosages = true_component(demo_study.raw), read_dosages(demo_study.raw)
    rows = fold_changes(demo_study)
    table = marginal_slopes(rows, component, dosages)
    truth = pd.read_csv(demo_study.raw / "truth.tsv.gz", sep="\t").pivot(
        index="gene_id", columns="individual_id", values="enformer"
    )
    parts = []
    for gene_id, of_gene in rows.groupby("gene_id", sort=False):
        carried = dosages.loc[list(of_gene[ALLELE].itertuples(index=False, name=None)), component.columns].to_numpy()
        half = (of_gene["coverage_alt"] - of_gene["coverage_ref"]).to_numpy() / 2
        centred = carried - carried.mean(axis=1, keepdims=True)
        shared = centred @ centred.T
        # What is linked to a variant adds to its slope.
        linked = (shared / np.diag(shared)[:, None]) @ half
        r = np.corrcoef(half @ carried, truth.loc[gene_id])[0, 1]
        parts.append(pd.DataFrame({"expected": linked, "additive_r": r}, index=of_gene.index))
    return table.join(pd.concat(parts)).assign(effect=rows["effect"])


def test_sign_concordance__is_what_the_demos_simulation_implies(demo_study, true_slopes, tmp_path):
    # Genes whose true component is a sum of single effects, so that linkage alone tells the slopes.
    additive = true_slopes[true_slopes["additive_r"] > 0.9]
    assert additive["gene_id"].nunique() >= 6
    path = write_eqtls(tmp_path / "eqtls.txt.gz", additive, np.random.default_rng(1), flip=0.05)
    pairs, concordance, _, audit = compare(demo_study, path)
    implied = np.mean(np.sign(additive["expected"]) == np.sign(additive["effect"]))
    found = over_all(concordance, "sign_concordance")
    is_set_aside = [{a, b} in ({"A", "T"}, {"C", "G"}) for a, b in zip(additive["ref"], additive["alt"], strict=True)]
    counts = audit.set_index("reason")["count"]
    n_other = counts["our variants of this place have other alleles"]
    assert n_other == count_other_variants(demo_study, path, additive) > 0
    assert found["n"] == len(pairs) == len(additive) - sum(is_set_aside) - n_other
    assert found["value"] == pytest.approx(implied, abs=0.06)
    assert implied > 0.6
    assert 0.4 < counts["REF and ALT the other way round"] / len(pairs) < 0.6
    assert 0 < counts["alleles of the other strand"] / len(pairs) < 0.1
    # Every slope is that of our ALT again.
    both = pairs.merge(additive[["gene_id", *ALLELE, "slope"]], on=["gene_id", *ALLELE], suffixes=("", "_true"))
    assert len(both) == len(pairs)
    assert both["slope"].tolist() == pytest.approx(both["slope_true"].tolist())


def test_sign_concordance__a_half_with_alleles_swapped_at_random(demo_study, true_slopes, tmp_path):
    path = write_eqtls(tmp_path / "eqtls.txt.gz", true_slopes, np.random.default_rng(2), turn_slopes=False)
    _, concordance, _, _ = compare(demo_study, path)
    for statistic, middle in (("sign_concordance", 0.5), ("spearman", 0.0)):
        found = over_all(concordance, statistic)
        assert found["null_mean"] == pytest.approx(middle, abs=0.03)
        assert abs(found["value"] - found["null_mean"]) < 1.96 * found["null_sd"]
        assert found["p_value"] > 0.05


def test_sign_concordance__of_noisy_slopes_is_what_their_error_implies(demo_study, tmp_path):
    rows = fold_changes(demo_study)
    rng = np.random.default_rng(3)
    error = float(rows["effect"].abs().median())
    values = []
    for draw in range(20):
        noisy = rows.assign(slope=rows["effect"] + error * rng.normal(size=len(rows)), pvalue=0.5)
        path = write_eqtls(tmp_path / f"{draw}.txt.gz", noisy, rng)
        _, concordance, _, _ = compare(demo_study, path, OPTIONS.model_copy(update={"draws": 20}))
        values.append(over_all(concordance, "sign_concordance")["value"])
    implied = float(norm.cdf(rows["effect"].abs() / error).mean())
    assert np.mean(values) == pytest.approx(implied, abs=0.015)


def pair_alike(rows: pd.DataFrame) -> pd.DataFrame:
    """Variants alike in distance and frequency, two by two (``pair``); the others are left out."""
    table = rows.assign(far=np.log10(rows["tss_distance"].abs() + 100))
    table["maf"] = np.minimum(table["alt_frequency"], 1 - table["alt_frequency"])
    table = table.assign(near=(table["far"] / 0.1).round()).sort_values(
        ["near", "maf"], kind="stable", ignore_index=True
    )
    kept, i = [], 0
    while i + 1 < len(table):
        apart = (table.loc[i, ["far", "maf"]] - table.loc[i + 1, ["far", "maf"]]).abs()
        alike = apart["far"] <= 0.15 and apart["maf"] <= 0.05
        kept += [i, i + 1] if alike else []
        i += 2 if alike else 1
    return table.loc[kept].reset_index(drop=True)


def label_pairs(pairs: pd.DataFrame, rng: np.random.Generator, share: float) -> tuple[pd.DataFrame, float]:
    """Of each pair the variant of larger effect is causal in a share of cases.

    Returns the table with ``pip``, and the AUROC that is expected over such labels.
    """
    sizes = pairs["effect"].abs().to_numpy().reshape(-1, 2)
    # Probability that the first of a pair is causal, and that the second is.
    first = np.where(sizes[:, 0] >= sizes[:, 1], share, 1 - share)
    p = np.column_stack([first, 1 - first])
    pip = np.full(sizes.shape, 0.001)
    pip[np.arange(len(sizes)), np.where(rng.random(len(sizes)) < first, 0, 1)] = 0.99
    ours, others = sizes[:, None, :, None], sizes[None, :, None, :]
    higher = (ours > others) + 0.5 * (ours == others)
    # The control of a pair is the one that is not causal.
    expected = np.einsum("ia,jb,ijab->ij", p, 1 - p, higher)
    np.fill_diagonal(expected, (p * (sizes > sizes[:, ::-1])).sum(axis=1) + 0.5 * (sizes[:, 0] == sizes[:, 1]))
    return pairs.assign(pip=pip.ravel(), slope=0.1, pvalue=0.5), float(expected.mean())


def test_auroc__is_what_the_simulation_implies_and_a_half_with_labels_permuted(demo_study, tmp_path):
    rows = fold_changes(demo_study)
    rows = rows[[{a, b} not in ({"A", "T"}, {"C", "G"}) for a, b in zip(rows["ref"], rows["alt"], strict=True)]]
    pairs = pair_alike(rows)
    # Variants in no pair are neither case nor control.
    others = rows[~rows.set_index(["gene_id", *ALLELE]).index.isin(pairs.set_index(["gene_id", *ALLELE]).index)]
    others = others.assign(pip=0.5, slope=0.1, pvalue=0.5)
    options = OPTIONS.model_copy(update={"controls_per_case": 1, "draws": 300})
    rng = np.random.default_rng(4)
    values: dict[float, list[float]] = {0.9: [], 0.5: []}
    for share, found_values in values.items():
        for draw in range(8):
            table, implied = label_pairs(pairs, rng, share)
            path = write_eqtls(tmp_path / f"{share}-{draw}.txt.gz", pd.concat([table, others]), rng)
            _, concordance, matched, _ = compare(demo_study, path, options)
            schemas.matched_variants(matched)
            found = over_all(concordance, "auroc")
            assert found["n"] > 0.9 * len(pairs)
            assert found["null_mean"] == pytest.approx(0.5, abs=0.01)
            if share == 0.9:
                assert found["p_value"] < 0.01
            distance = (found["value"] - found["null_mean"]) / found["null_sd"]
            found_values.append(distance if share == 0.5 else found["value"])
        if share == 0.9:
            assert implied > 0.6
            assert np.mean(found_values) == pytest.approx(implied, abs=0.025)
    # Either of two is causal by chance: labels are permuted, and values lie as the null's draws do.
    assert implied == pytest.approx(0.5, abs=1e-9)
    assert np.abs(values[0.5]).max() < 3
    assert abs(np.mean(values[0.5])) < 1.96 / np.sqrt(8)


def test_report_concordance__says_the_matched_share_first(demo_study, true_slopes, tmp_path):
    table = true_slopes.assign(pip=np.where(true_slopes["pvalue"].rank() < 60, 0.95, 0.001))
    path = write_eqtls(tmp_path / "a<b.txt.gz", table, np.random.default_rng(5))
    found = compare(demo_study, path)
    figure, page = nodes.report_concordance(read_eqtls(path), *found, demo_study.effect_predictions, OPTIONS)
    assert len({trace.yaxis for trace in figure.data}) == 3
    first = page.split('<ul class="headlines">')[1].split("</li>")[0]
    assert "% of the rows inside the windows matched" in first
    assert "Fine-mapped variants against controls" in page
    assert "untrained" in page
    assert "a<b" not in page.split("<script")[0]


def test_compare_with_eqtls__too_few_rows_match(demo_study, true_slopes, tmp_path):
    far = true_slopes.assign(pos=true_slopes["pos"] + 1)
    path = write_eqtls(tmp_path / "far.txt.gz", far, np.random.default_rng(6))
    with pytest.raises(InputError, match=r"far\.txt\.gz"):
        compare(demo_study, path)


def scan(
    study: DemoStudy, options: EqtlScanParameters, folder: Path, how: ExternalEqtlsParameters = OPTIONS
) -> tuple[Any, ...]:
    """The scan as the pipeline stores and reads it, and its score in the others."""
    cohort = [study.table(f"03_primary/{name}") for name in ("genes", "measured_expression", "covariates")]
    genes, measured, covariates = cohort
    store = EqtlScanDataset(filepath=str(folder / "scan.txt.gz"))
    store.save(
        nodes.scan_eqtls(genes, study.variants, measured, covariates, ExpressionParameters(), BASELINES, options)
    )
    eqtls = store.load()
    scored = nodes.score_scan(
        eqtls,
        genes,
        study.variants,
        study.reference,
        measured,
        covariates,
        ExpressionParameters(),
        BASELINES,
        options,
        how,
    )
    return (eqtls, *scored)


def test_eqtl_scan__half_of_the_demo_tells_the_signs_of_the_other_half(demo_study, tmp_path):
    options = EqtlScanParameters(rows="all", seed=1)
    eqtls, pairs, concordance, audit = scan(demo_study, options, tmp_path)
    schemas.external_eqtls(eqtls.table)
    schemas.harmonise_audit(audit)
    assert eqtls.form == "QTLtools"
    counts = audit.set_index("reason")["count"]
    ambiguous = counts["A/T or C/G, or an indel the other way round: which allele is meant cannot be told"]
    # Nothing but strand-ambiguous ones, and those that nobody of the others carries, is lost on the way.
    assert len(pairs) + ambiguous > 0.97 * len(eqtls.table)
    assert counts["REF and ALT the other way round"] == 0
    strong = pairs[pairs["pvalue"] < 1e-3]
    assert len(strong) >= 20
    assert (np.sign(strong["effect"]) == np.sign(strong["slope"])).mean() > 0.8
    assert over_all(concordance, "sign_concordance")["p_value"] < 0.05
    figure, page = nodes.report_scan(eqtls, demo_study.variants, pairs, concordance, audit, options, OPTIONS)
    assert "People scanned" in page
    assert len(figure.data) == 4


def test_eqtl_scan__a_tissue_is_that_of_an_external_table(demo_study, tmp_path):
    options = EqtlScanParameters(seed=1)
    plain = scan(demo_study, options, tmp_path)
    chosen = scan(demo_study, options, tmp_path, OPTIONS.model_copy(update={"tissue": "liver"}))
    for ours, theirs in zip(chosen[1:], plain[1:], strict=True):
        pd.testing.assert_frame_equal(ours, theirs)


def test_compare_sizes__of_a_scan_with_itself(demo_study, tmp_path):
    genes, measured, covariates = (
        demo_study.table(f"03_primary/{name}") for name in ("genes", "measured_expression", "covariates")
    )
    shared = (genes, demo_study.variants, measured, covariates, ExpressionParameters(), BASELINES, EqtlScanParameters())
    theirs = pd.DataFrame({"gene_id": genes["gene_id"], "tss_distance": 0.0, "maf": 0.1, "r": 0.5})
    sizes, figure, page = nodes.compare_sizes(theirs, *shared)
    schemas.eqtl_sizes(sizes)
    assert len(sizes) == 24
    again, _, page = nodes.compare_sizes(theirs.assign(r=-sizes["ours"]), *shared)
    assert again["theirs"].tolist() == sizes["ours"].tolist()
    assert "Pearson 1.000, Spearman 1.000" in page
    assert figure.data[0].mode == "markers+text"


def test_preflight__what_is_compared_with_must_be_given(demo_study):
    groups = {
        "select": type("Select", (), {"genes": None, "individuals": None}),
        "execution": ExecutionParameters(),
        "baselines": BaselinesParameters(),
        "eqtl_scan": EqtlScanParameters(individuals="nobody"),
    }
    absent = {
        "external_eqtls": EqtlTableDataset(filepath=None).load(),
        "top_associations": TopAssociationsDataset(filepath=None).load(),
        "variants": demo_study.variants,
    }
    with pytest.raises(InputError, match="no table of eQTLs is given; name one: --params eqtls=FILE"):
        check_inputs({"external_eqtls"}, {"effect_pairs"}, absent.get, groups)
    tissues = pd.DataFrame({"gene_id": ["ENSG9", "ENSG8"], "tissue": ["liver", "lung"]})
    windows = pd.DataFrame({"gene_id": ["ENSG1.2", "ENSG2.1"]})
    given = {"external_eqtls": ExternalEqtls(tissues, "x", 2, 0, 0, "t.tsv"), "tss_windows": windows}
    for tissue, message in (
        (None, "the table is of 2 tissues"),
        (
            "lung",
            r"t.tsv: gene_id: none of the 1 rows is about one of our 2 genes \(first there: ENSG8, ours: ENSG1.2\)",
        ),
    ):
        chosen = groups | {"external_eqtls": ExternalEqtlsParameters(tissue=tissue)}
        with pytest.raises(InputError, match=message):
            check_inputs({"external_eqtls", "tss_windows"}, {"effect_pairs"}, given.get, chosen)
    with pytest.raises(InputError, match="no table of strongest associations is given"):
        check_inputs({"top_associations"}, {"eqtl_sizes"}, absent.get, groups)
    with pytest.raises(InputError, match=r"1 of 1 are not in the study \(first: nobody\)"):
        check_inputs({"variants"}, {"eqtl_scan"}, absent.get, groups)


@pytest.mark.parametrize(
    "wrong",
    [{"edges": [0, 5, 5]}, {"edges": [1]}, {"min_pip": 0.5, "max_pip": 0.5}, {"min_matched_share": 2}, {"effect": "x"}],
)
def test_parameters__that_cannot_be(wrong):
    with pytest.raises(ValueError):  # noqa: PT011 (pydantic's own)
        ExternalEqtlsParameters(**wrong)


@pytest.mark.real_data
def test_eqtl_scan__half_of_the_real_people_score_the_other_half(shared_data, tmp_path):
    genotypes = read_geuvadis(shared_data)
    variants = StoredGenotypes(genotypes, pd.DataFrame(), np.zeros(len(genotypes.individual_ids), np.int64))
    genes, values = read_expression(shared_data, list(genotypes.individual_ids))
    kept = (genes["tss"] > 16_200_000) & (genes["tss"] < 21_900_000)
    genes, values = genes[kept].assign(strand="+"), values[kept.to_numpy()]
    wide = pd.DataFrame(
        values, index=genes["gene_id"], columns=pd.Index(genotypes.individual_ids, name="individual_id")
    )
    measured = wide.stack().rename("expression").reset_index()
    nothing = pd.DataFrame(columns=["individual_id", "covariate", "value"])
    options, baselines = EqtlScanParameters(seed=1), BaselinesParameters()
    store = EqtlScanDataset(filepath=str(tmp_path / "scan.txt.gz"))
    store.save(nodes.scan_eqtls(genes, variants, measured, nothing, ExpressionParameters(), baselines, options))
    reference = FastaReference(shared_data / FASTA)
    pairs, concordance, audit = nodes.score_scan(
        store.load(),
        genes,
        variants,
        reference,
        measured,
        nothing,
        ExpressionParameters(),
        baselines,
        options,
        ExternalEqtlsParameters(),
    )
    found = over_all(concordance, "sign_concordance")
    assert found["n"] > 55
    assert found["value"] > 0.6
    assert found["p_value"] < 0.05
    strong = pairs[pairs["pvalue"] < 1e-4]
    assert len(strong) >= 5
    assert (np.sign(strong["effect"]) == np.sign(strong["slope"])).all()
    assert audit.set_index("reason").loc["REF and ALT the other way round", "count"] == 0


def test_kedro_run__a_scan_then_the_effects_beside_it(project):
    keep_genes(project, 2)
    stored = ("run", "--env", "test", "--pipelines", "data_prep,sequence_build,variant_effects,eqtl_scan")
    result = project.kedro(*stored, "--params", "eqtl_scan.rows=all")
    assert "% of the rows inside the windows matched" in result.stdout
    scanned = project.root / "data/07_model_output/test/eqtl_scan.txt.gz"
    assert f"eQTLs: {scanned}" in result.stdout
    compared = project.kedro("run", "--env", "test", "--pipelines", "external_eqtls", "--params", f"eqtls={scanned}")
    assert "sign_concordance" in compared.stdout
    folder = next((project.root / "data/08_reporting/test").glob("eqtls-eqtl-scan-txt-gz-*"))
    assert f"Page: {folder / 'effect_concordance.html'}" in compared.stdout
    pairs = schemas.effect_pairs(pd.read_parquet(folder / "effect_pairs.parquet"))
    scan = read_eqtls(scanned).table
    effects = pd.read_parquet(project.root / "data/07_model_output/test/variant_effects.parquet")
    in_both = scan.merge(effects.drop_duplicates(["gene_id", *ALLELE]), on=["gene_id", *ALLELE])
    ambiguous = [{a, b} in ({"A", "T"}, {"C", "G"}) for a, b in zip(in_both["ref"], in_both["alt"], strict=True)]
    assert len(pairs) == len(in_both) - sum(ambiguous) > 20
