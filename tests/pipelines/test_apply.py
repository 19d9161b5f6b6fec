"""Models of one cohort carried to other people: the same numbers for the same people, and what is refused or counted."""

from __future__ import annotations

import gzip
import json
import re
import shutil
from dataclasses import replace

import numpy as np
import pandas as pd
import pysam
import pytest
from kedro.io import DataCatalog

from haploformer import schemas
from haploformer.baselines.cohort import dosage_models
from haploformer.baselines.crossfit import fit_everybody, with_degrees
from haploformer.datasets.json_value import JsonDataset
from haploformer.errors import InputError
from haploformer.expression.covariates import adjustment_for
from haploformer.formats.expression_bed import read_expression_bed
from haploformer.formats.fasta import FastaReference
from haploformer.formats.gene_beds import read_gene_beds
from haploformer.formats.genotype_store import read_genotypes, write_genotypes
from haploformer.formats.vcf import VcfFile
from haploformer.genome.cis import CisDosages
from haploformer.genome.reference import NoReference
from haploformer.hooks import _require_own_folder, check_parameters
from haploformer.parameters import (
    ApplyParameters,
    BaselinesParameters,
    DataPrepParameters,
    EnformerParameters,
    ExpressionParameters,
    SelectParameters,
)
from haploformer.pipelines.apply import nodes as apply
from haploformer.pipelines.baselines import nodes as baselines
from haploformer.pipelines.data_prep import nodes as data_prep
from haploformer.preflight import check_inputs
from haploformer.stacking.folds import assign_person_folds, folds_by_seed
from haploformer.trained_models import describe_enformer, planned_identity
from tests.builders.applied import GENES, LENGTH, OPTIONS, PEOPLE, FakeCoverage, Study, turned
from tests.builders.genome import Cohort
from tests.builders.geuvadis import EXPRESSION, FASTA
from tests.conftest import Project

DOSAGE_MODELS = ["top_snp", "prs", "elastic_net", "blup"]


@pytest.fixture(scope="module")
def study(tmp_path_factory) -> Study:
    return Study(tmp_path_factory.mktemp("study"))


@pytest.fixture(scope="module")
def own(study) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The models applied to the people whom they were fitted to."""
    return study.apply(study.variants)


def test_apply__the_training_people_get_what_the_fits_of_everybody_say(study, own):
    predicted, audit = own
    dosages = CisDosages(study.variants.genotypes, study.cis_windows)
    adjust = with_degrees(adjustment_for(study.covariates, PEOPLE))
    models = dosage_models(min_maf=0.01, l1_ratio=0.5)
    for gene_id in GENES["gene_id"]:
        variants, table = dosages.of_gene(gene_id)
        rows = study.measured[study.measured["gene_id"] == gene_id].set_index("individual_id")
        expression = rows.loc[PEOPLE, "expression"].to_numpy()
        positions = variants["pos"].to_numpy()
        fits = fit_everybody(models, table, expression, folds_by_seed(study.folds, PEOPLE), adjust, positions=positions)
        for model, fit in zip(models, fits, strict=True):
            ours = predicted.loc[(gene_id, model.name), PEOPLE]
            np.testing.assert_allclose(ours, fit.predict(table), rtol=0, atol=1e-12)
            assert np.corrcoef(ours, expression)[0, 1] > 0.4
    assert (audit["outcome"] == "predicted").all()
    assert (audit.loc[pd.IndexSlice[:, DOSAGE_MODELS], "matched_share"] == 1).all()


def test_apply__the_stack_is_the_sum_of_its_members(study, own):
    predicted, _ = own
    assert set(predicted.index.get_level_values("model")) == {
        *DOSAGE_MODELS,
        *("enformer", "enformer_all_tracks", "stack", "stack_without_enformer"),
    }
    for (gene_id, model), rows in study.stack.groupby(["gene_id", "model"]):
        members = predicted.loc[[(gene_id, feature) for feature in rows["feature"]]].to_numpy()
        deviations = members - rows["mean"].to_numpy()[:, None]
        expected = rows["intercept"].iloc[0] + rows["coefficient"].to_numpy() @ deviations
        np.testing.assert_allclose(predicted.loc[(gene_id, model)], expected, rtol=0, atol=1e-12)


@pytest.mark.parametrize("how", ["repaired by the reference", "told by alleles and frequencies"])
def test_apply__alleles_the_other_way_round_in_the_new_files(study, own, how):
    by_reference = how == "repaired by the reference"
    variants = study.read(
        turned(study.cohort), f"turned{by_reference:d}", reference=by_reference, repair_ref=by_reference
    )
    predicted, audit = study.apply(variants)
    np.testing.assert_allclose(predicted, own[0], rtol=0, atol=1e-12)
    of_dosages = audit.loc[pd.IndexSlice[:, DOSAGE_MODELS], ["n_matched", "n_turned"]]
    assert (of_dosages["n_turned"] == (0 if by_reference else of_dosages["n_matched"])).all()


def test_apply__components_of_tracks_come_along(study, tmp_path):
    with_components = Study(tmp_path, components=2)
    assert set(with_components.track_weights["track"]) == {2, 3, 5}
    predicted, _ = with_components.apply(with_components.variants)
    rows = with_components.stack.set_index(["gene_id", "model"]).loc[("G1", "stack")]
    tracks = with_components.track_weights.set_index("gene_id").loc["G1"]
    logs = with_components.coverage(with_components.variants).log_coverage("G1", individual_ids=PEOPLE)
    expected = (logs - tracks["mean"].to_numpy()) @ tracks["weight"].to_numpy() + rows["intercept"].iloc[0]
    for row in rows[rows["mean"].notna()].itertuples():
        expected = expected + row.coefficient * (predicted.loc[("G1", row.feature)] - row.mean)
    np.testing.assert_allclose(predicted.loc[("G1", "stack")], expected, rtol=0, atol=1e-12)


def test_apply__a_tenth_of_the_variants_is_refused(study, caplog):
    tenth = Cohort(PEOPLE, study.cohort.records[::10])
    variants = study.read(tenth, "tenth")
    with (
        caplog.at_level("INFO", "haploformer"),
        pytest.raises(InputError, match=r"^tenth.vcf.gz: \d.*% of the variants of \w+ are there \(.*at least 50 % are"),
    ):
        study.match(variants)
    shares = [re.search(r"^(\w+): ([\d.]+) % of its variants matched", r.message) for r in caplog.records]
    told = {found[1]: float(found[2]) for found in shares if found}
    assert set(told) == set(DOSAGE_MODELS)
    assert told["blup"] < 20
    # Who lowers the floor gets numbers, not holes; a gene of which nothing is left is counted.
    predicted, audit = study.apply(variants, min_matched_share=0.0)
    assert np.isfinite(predicted.to_numpy()).all()
    assert (audit.loc[pd.IndexSlice[:, "blup"], "n_missing"] > 10).all()


def test_apply__a_gene_without_a_matched_variant_has_no_row(study, own):
    near = [r for r in study.cohort.records if abs(r.pos - 30_000) > OPTIONS.cis_window]
    predicted, audit = study.apply(study.read(Cohort(PEOPLE, near), "without"))
    left = predicted.index.get_level_values("gene_id")
    assert not ({("G2", m) for m in (*DOSAGE_MODELS, "stack", "stack_without_enformer")} & set(predicted.index))
    assert (audit.loc["G2"].loc[DOSAGE_MODELS, "outcome"] == "no variant matched").all()
    assert audit.loc[("G2", "stack"), "outcome"].startswith("a member is missing: ")
    others = [key for key in predicted.index if key[0] != "G2" and key[1] in DOSAGE_MODELS]
    assert len(others) == 2 * len(DOSAGE_MODELS)
    np.testing.assert_allclose(predicted.loc[others], own[0].loc[others], rtol=0, atol=1e-12)
    assert ("G2", "enformer") in set(predicted.index)
    assert set(left) == {"G1", "G2", "G3"}


def test_apply__one_person(study, own):
    records = [type(r)(r.pos, r.ref, r.alt, [r.calls[7]], name=r.name) for r in study.cohort.records]
    predicted, audit = study.apply(study.read(Cohort(["P07"], records), "one"))
    np.testing.assert_allclose(predicted["P07"], own[0]["P07"], rtol=0, atol=1e-12)
    assert (audit["outcome"] == "predicted").all()


def test_apply__missing_calls_are_the_training_mean_and_counted(study, own):
    first, *_ = study.weights.query("gene_id == 'G1' and model == 'top_snp'").itertuples()
    records = [
        type(r)(r.pos, r.ref, r.alt, ["./.", *r.calls[1:]] if r.pos == first.pos else r.calls)
        for r in study.cohort.records
    ]
    predicted, audit = study.apply(study.read(Cohort(PEOPLE, records), "missing"))
    intercept = study.models.set_index(["gene_id", "model"]).loc[("G1", "top_snp"), "intercept"]
    assert predicted.loc[("G1", "top_snp"), "P00"] == intercept
    assert audit.loc[("G1", "top_snp"), "n_calls_filled"] == 1
    np.testing.assert_allclose(predicted.loc[:, PEOPLE[1:]], own[0].loc[:, PEOPLE[1:]], rtol=0, atol=1e-12)


@pytest.mark.parametrize("empty", ["weights", "genotypes"])
def test_apply__no_weight_or_no_variant_at_all(study, empty):
    first = study.cohort.records[0]
    far = replace(first, pos=LENGTH - 5, ref=study.reference.sequences["22"][LENGTH - 6], alt="N")
    records = study.cohort.records if empty == "weights" else [far]
    variants = study.read(Cohort(PEOPLE, records), f"no-{empty}")
    weights = study.weights.iloc[:0] if empty == "weights" else study.weights
    options = ApplyParameters(min_matched_share=0.0)
    matched = apply.match_weights(weights, study.facts, study.genes, variants, options)
    models = study.models.assign(n_weights=0) if empty == "weights" else study.models
    predicted, audit, _ = apply.apply_dosage_models(
        schemas.matched_weights.validate(matched), models, study.genes, variants
    )
    assert len(schemas.applied_predictions.validate(predicted)) == 0
    audit = schemas.apply_audit.validate(audit)
    expected = "no weights: the mean for everybody" if empty == "weights" else "no variant matched"
    assert set(audit["outcome"]) == {expected}


def test_select_trained_genes__by_name_and_chromosome(study):
    select = SelectParameters(genes="B")
    assert apply.select_trained_genes(study.genes, DataPrepParameters(), select)["gene_id"].tolist() == ["G2"]
    with pytest.raises(InputError, match="final_genes: no gene on chromosome 21"):
        apply.select_trained_genes(study.genes, DataPrepParameters(chromosomes="21"), SelectParameters())


TRACKS = pd.DataFrame({"track": range(4), "identifier": list("abcd"), "description": [f"track {i}" for i in range(4)]})


def checked(facts: dict, **changed) -> None:
    """The checks before a run of ``apply``, without genotypes."""
    groups = check_parameters(
        {
            "enformer": {"preset": "tiny", "tracks": "track 1"} | changed.get("enformer", {}),
            "baselines": {"cis_window": 8_000} | changed.get("baselines", {}),
            "data_prep": changed.get("data_prep", {}),
            "sequence_build": changed.get("sequence_build", {}),
        }
    )
    stored = {"trained_facts": {"cis_windows": [8_000]}, "trained_enformer_facts": facts, "track_table": TRACKS}
    check_inputs(set(stored), {"applied_predictions"}, stored.__getitem__, groups)


@pytest.fixture(scope="module")
def facts() -> dict:
    groups = check_parameters({"enformer": {"preset": "tiny", "tracks": "track 1"}})
    identity = planned_identity(TRACKS, groups["enformer"])
    found = describe_enformer(identity, TRACKS, *(groups[n] for n in ("enformer", "sequence_build", "data_prep")))
    return json.loads(json.dumps(found)) | {"features": ["elastic_net", "enformer"], "components": 0}


def test_check_inputs__the_same_enformer_passes(facts):
    checked(facts)


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        (
            {"enformer": {"seed": 1}},
            r"enformer.weights: the stack was fitted to Enformer with weights untrained \(sha2",
        ),
        ({"enformer": {"transform": "log1p"}}, r"enformer.transform: .*with transform coverage, this run has log1p"),
        ({"enformer": {"tracks": "track 2"}}, r"enformer.tracks: .*with tissue_tracks \[1\], this run has \[2\]"),
        (
            {"enformer": {"centre_bins": 4}},
            r"enformer.centre_bins: .*with bins \[43, .*, this run has \[46, 47, 48, 49\]",
        ),
        ({"enformer": {"engine": "screening"}}, "enformer.engine: .*with first_order False, this run has True"),
        (
            {"enformer": {"centre_bins": 200}},
            "enformer.centre_bins: 200 centre bins of 96: must be even, from 2 to 96; choose fewer bins",
        ),
        ({"sequence_build": {"strand": "gene"}}, "sequence_build.strand: .*with strand forward, this run has gene"),
        ({"data_prep": {"phase": "mean"}}, "data_prep.phase: .*copies one by one, this run has mean of both"),
        (
            {"baselines": {"cis_window": 7_998}},
            "baselines.cis_window: the models have variants of 8,000 bases round eac",
        ),
    ],
)
def test_check_inputs__another_enformer_or_narrower_windows_are_refused(facts, changed, message):
    with pytest.raises(InputError, match=f"^parameters:{message}"):
        checked(facts, **changed)


def test_check_inputs__the_other_engines_predict_the_same(facts):
    for engine in ("delta", "library"):
        checked(facts, enformer={"engine": engine})


def test_check_inputs__models_that_do_not_say_it(facts):
    older = {name: fact for name, fact in facts.items() if name != "first_order"}
    with pytest.raises(InputError, match=r"^parameters:enformer.engine: .*first_order unknown, this run has False"):
        checked(older)


def test_apply__components_of_tracks_that_are_not_stored_are_refused(study, tmp_path, monkeypatch):
    with_components = Study(tmp_path, components=2)
    variants = with_components.variants
    coverage = with_components.coverage(variants)
    tissue = FakeCoverage(coverage.people, coverage.tracks[:2])
    monkeypatch.setattr(with_components, "coverage", lambda _: tissue)
    with pytest.raises(
        InputError, match=r"final_track_weights, gene_id G1: 1 of 3 tracks .* \(first: 5\); predict all"
    ):
        with_components.apply(variants)


def test_check_inputs__all_bins_that_nobody_predicts_are_refused(facts):
    with pytest.raises(InputError, match=r"^parameters:stacking.features: enformer_all_bins is asked for"):
        checked(facts | {"features": ["enformer_all_bins"]})


@pytest.mark.parametrize(
    ("trained", "own", "models", "message"),
    [
        (
            "d/demo/x/final.json",
            "d/demo/x/final.json",
            "x",
            "run_name: the outputs would take the place of those of the run th",
        ),
        (
            "d/demo/final.json",
            "d/demo/x/final.json",
            "other",
            "apply.models: it is other in a file of parameters, and the",
        ),
        ("d/demo/final.json", "d/demo/x/final.json", None, None),
        ("d/demo/other/final.json", "d/demo/x/final.json", "other", None),
        ("d/there/final.json", "d/demo/x/final.json", "d/there/", None),
    ],
)
def test_require_own_folder__models_are_not_replaced_and_are_those_asked_for(trained, own, models, message):
    catalog = catalog_of(trained_genes=trained, final_genes=own, person_folds="d/demo/x/person_folds.json")
    options = ApplyParameters(models=models)
    if message is None:
        _require_own_folder(options, catalog, named=True)
        return
    with pytest.raises(InputError, match=f"^parameters:{message}"):
        _require_own_folder(options, catalog, named=True)


def catalog_of(**places: str) -> DataCatalog:
    return DataCatalog({name: JsonDataset(filepath=place) for name, place in places.items()})


def test_require_own_folder__another_runs_tables_are_not_replaced(tmp_path):
    # Models of another run, so that the cohort's own folder is not theirs; or a selection, whose folder is derived.
    for own in ("d/demo/final.json", "d/demo/gene-comt-1a2b/final.json"):
        catalog = catalog_of(trained_genes="d/demo/other/final.json", final_genes=own, person_folds="d/none.json")
        with pytest.raises(InputError, match=r"^parameters:run_name: none is given, and tables .* run_name=NAME$"):
            _require_own_folder(ApplyParameters(models="other"), catalog, named=False)
        _require_own_folder(ApplyParameters(models="other"), catalog, named=True)
    (tmp_path / "folds.json").write_text("{}")
    catalog = catalog_of(
        trained_genes="d/demo/final.json", final_genes="d/demo/b/final.json", person_folds=f"{tmp_path}/folds.json"
    )
    with pytest.raises(
        InputError, match=r"^parameters:run_name: a run of people whose expression .*folds.json\); give"
    ):
        _require_own_folder(ApplyParameters(), catalog, named=True)


def test_run__the_demos_models_on_part_of_its_people(demo_run, tmp_path):
    """From files to files, as a user runs it: genotypes alone, REF and ALT exchanged in every other SNP."""
    made, _ = demo_run
    shutil.copytree(made.root, tmp_path / "new")
    project = Project(tmp_path / "new")
    people, exchanged = ["DEMO003", "DEMO077"], str.maketrans("01", "10")
    lines = gzip.decompress((project.raw / "genotypes.vcf.gz").read_bytes()).decode().splitlines()
    header = next(line for line in lines if line.startswith("#CHROM")).split("\t")
    columns = [*range(9), *(header.index(person) for person in people)]
    rows, n_exchanged = [], 0
    for number, line in enumerate(lines):
        cells = line if line.startswith("##") else [line.split("\t")[i] for i in columns]
        # Of an indel in a repeat both alleles are the reference's.
        if not line.startswith("#") and number % 2 and re.fullmatch("[ACGT]{2}", cells[3] + cells[4]):
            cells = [*cells[:3], cells[4], cells[3], *cells[5:9], *(c.translate(exchanged) for c in cells[9:])]
            n_exchanged += 1
        rows.append(cells if isinstance(cells, str) else "\t".join(cells))
    assert n_exchanged > 1_000
    with pysam.BGZFile(str(project.raw / "new.vcf.gz"), "wb") as stream:
        stream.write(("\n".join(rows) + "\n").encode())
    pysam.tabix_index(str(project.raw / "new.vcf.gz"), preset="vcf", force=True)
    for name in ("expression.bed.gz", "covariates.txt.gz"):
        (project.raw / name).unlink()

    options = "genotypes=new.vcf.gz,data_prep.repair_ref=true"
    line = project.kedro("run", "--pipelines", "apply", "--params", options, check=False).stderr.splitlines()[-1]
    assert line.startswith("Error: parameters:run_name: none is given, and tables of these people must not take")
    result = project.kedro("run", "--pipelines", "apply", "--params", f"{options},run_name=two-people")
    assert re.search(r"elastic_net: 100.0 % of its variants matched \(\d+ of \d+, 100.0 % by weight\)", result.stderr)
    # The share is told, and the floor looked at, before Enformer begins.
    assert result.stderr.index("of its variants matched") < result.stderr.index("The plan of this run")
    assert result.stdout.index("variants matched") < result.stdout.index("Table: ")

    folder = project.root / "data/07_model_output/demo"
    predicted = pd.read_parquet(folder / "two-people/applied_predictions.parquet")
    assert predicted["individual_id"].unique().tolist() == people
    wide = predicted.pivot(index=["gene_id", "model"], columns="individual_id", values="predicted_expression")
    enformer = pd.read_parquet(folder / "predicted_expression_enformer.parquet").set_index(["gene_id", "individual_id"])
    for person in people:
        ours = wide.xs("enformer", level="model")[person]
        theirs = enformer["predicted_expression"].xs(person, level="individual_id")
        np.testing.assert_allclose(ours, theirs[ours.index], rtol=1e-6)
    weights = pd.read_parquet(project.root / "data/06_models/demo/final_dosage_weights.parquet")
    with pysam.VariantFile(str(made.raw / "genotypes.vcf.gz")) as vcf:
        copies = {
            (r.contig.removeprefix("chr"), r.pos, r.ref, alt): [r.samples[p]["GT"].count(k) for p in people]
            for r in vcf
            for k, alt in enumerate(r.alts, start=1)
        }
    keys = zip(*(weights[name] for name in ("contig", "pos", "ref", "alt")), strict=True)
    deviations = np.array([copies[key] for key in keys]) - weights[["mean_dosage"]].to_numpy()
    sums = pd.DataFrame(deviations * weights[["weight"]].to_numpy(), columns=people)
    sums = sums.groupby([weights["gene_id"], weights["model"]]).sum()
    assert len(sums) > 90
    intercepts = pd.read_parquet(project.root / "data/06_models/demo/final_dosage_models.parquet")
    expected = sums.add(intercepts.set_index(["gene_id", "model"])["intercept"].reindex(sums.index), axis=0)
    np.testing.assert_allclose(wide.loc[sums.index], expected, rtol=0, atol=1e-12)
    beds = read_gene_beds(folder / "two-people/applied_beds")
    assert set(beds) == set(predicted["model"])
    stack = beds["stack"]
    assert stack.individual_ids == people
    np.testing.assert_array_equal(stack.values, wide.xs("stack", level="model").loc[stack.genes["gene_id"]])

    # Models of a run that is not there, and a folder by its name.
    missing = project.kedro(
        "run", "--pipelines", "apply_baselines", "--params", f"{options},run_name=x,apply.models=other", check=False
    )
    line = missing.stderr.splitlines()[-1]
    assert "data/06_models/demo/other/final_" in line
    assert line.endswith("run the pipeline that makes it first: kedro run --pipelines final_baselines")
    again = f"{options},run_name=x,apply.models=data/06_models/demo/,gene=DEMOGENE1"
    result = project.kedro("run", "--pipelines", "apply_baselines", "--params", again)
    baselines = pd.read_parquet(folder / "x/applied_predictions.parquet")
    assert set(baselines["model"]) <= set(DOSAGE_MODELS)
    merged = baselines.merge(predicted, on=["gene_id", "individual_id", "model"])
    assert len(merged) == len(baselines) > 0
    np.testing.assert_array_equal(merged["predicted_expression_x"], merged["predicted_expression_y"])


@pytest.mark.real_data
def test_apply__real_people_who_were_not_there_from_a_file_that_turns_a_quarter_of_the_alleles(shared_data, tmp_path):
    """Half of the people to train on, from the VCF compared with the FASTA; the others from one without a reference."""
    bed = read_expression_bed(shared_data / EXPRESSION)
    chosen = bed.genes["gene_id"].str.startswith("ENSG00000070371")  # CLTCL1
    genes = bed.genes[chosen].assign(gene_name="CLTCL1", strand="-")
    values = pd.Series(bed.values[chosen][0], bed.individual_ids)
    options = {"train": BaselinesParameters(cis_window=196_608, threads=1)}
    options["new"] = options["train"].model_copy(update={"reference": "none"})
    files = {
        "train": VcfFile(shared_data / "genotypes/geuvadis343.hm3.chr22_16-22Mb.beagle_phased.vcf.gz"),
        "new": VcfFile(shared_data / "genotypes/geuvadis343.hm3.chr22_full.plink2_asis_A2ref.vcf.gz"),
    }
    people = {"train": files["train"].sample_ids[::2], "new": files["train"].sample_ids[1::2]}
    variants = {}
    for name, file in files.items():
        samples = people[name] if name == "train" else [f"{person}_{person}" for person in people[name]]
        individuals = pd.DataFrame({"individual_id": people[name], "sample_id": samples})
        reference = FastaReference(shared_data / FASTA) if name == "train" else NoReference()
        how = (DataPrepParameters(), EnformerParameters(preset="tiny"), options[name])
        write_genotypes(data_prep.read_genotypes(file, reference, genes, individuals, *how), tmp_path / name)
        variants[name] = read_genotypes(tmp_path / name)
    folds = assign_person_folds(people["train"], [None] * len(people["train"]), n_folds=5, seeds=[0])
    measured = values[people["train"]].rename("expression").rename_axis("individual_id").reset_index()
    measured.insert(0, "gene_id", genes["gene_id"].item())
    nothing = pd.DataFrame({"individual_id": [], "covariate": [], "value": []})
    windows, _ = baselines.locate_cis_variants(genes, variants["train"], options["train"])
    weights, models, trained_genes, facts = baselines.fit_final_dosage_models(
        windows, variants["train"], measured, nothing, folds, ExpressionParameters(), genes, options["train"]
    )
    matched = apply.match_weights(weights, facts, trained_genes, variants["new"], ApplyParameters())
    places = matched.drop_duplicates(["contig", "pos", "ref", "alt"])
    assert (places["outcome"] != "missing").all()
    assert 0.15 < (places["outcome"] == "turned").mean() < 0.35
    predicted, audit, _ = apply.apply_dosage_models(matched, models, trained_genes, variants["new"])
    assert (audit["outcome"] == "predicted").all()
    wide = predicted.pivot(index="model", columns="individual_id", values="predicted_expression")
    for model in DOSAGE_MODELS:
        assert np.corrcoef(wide.loc[model], values[wide.columns])[0, 1] > 0.4
