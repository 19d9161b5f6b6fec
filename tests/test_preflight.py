"""What a run refuses before anything is written, without a run."""

from __future__ import annotations

import re
import tempfile
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace

import pandas as pd
import pytest
from kedro.io import DataCatalog, MemoryDataset

from haploformer.datasets.sample_panel import SamplePanelDataset
from haploformer.errors import InputError
from haploformer.formats.genotype_store import read_genotypes, write_genotypes
from haploformer.hooks import _require_kind, check_parameters
from haploformer.parameters import GROUPS, DataPrepParameters, ExpressionParameters
from haploformer.pipeline_registry import register_pipelines
from haploformer.pipelines.data_prep import nodes as data_prep
from haploformer.pipelines.sequence_build import nodes as sequence_build
from haploformer.preflight import COHORT_OUTPUTS, check_inputs, require_same_sources
from tests.builders.genome import read_cohort, write_plink2
from tests.builders.hostile import PARAMETERS, Edit, apply_edits, catalog_entries, write_study


@dataclass
class File:
    path: Path = Path("new.vcf.gz")
    sha256: str = "0" * 64


def stored(**provenance):
    """A catalog with stored variants and the genotype file that is now named."""
    made_of = {"source": "g.vcf.gz", "sha256": "0" * 64} | provenance
    variants = SimpleNamespace(genotypes=SimpleNamespace(provenance=made_of))
    return {"variants": variants, "genotype_file": File()}.__getitem__


def test_require_same_sources__the_same_file_read_the_same_way():
    require_same_sources(stored(filters=[], repair_ref=False), DataPrepParameters())
    wanted = DataPrepParameters(filters="q10+q20", repair_ref=True)
    require_same_sources(stored(filters=["q10", "q20"], repair_ref=True), wanted)
    # Variants that were stored before these options were recorded had their defaults.
    require_same_sources(stored(), DataPrepParameters())


def test_require_same_sources__another_file():
    with pytest.raises(
        InputError, match=r"new.vcf.gz: the stored variants were read from another file \(g.vcf.gz, sha2"
    ):
        require_same_sources(stored(sha256="1" * 64), DataPrepParameters())


@pytest.mark.parametrize(
    ("made_with", "options", "message"),
    [
        ({"repair_ref": True}, {}, "data_prep.repair_ref: the stored variants were read with True, this run has False"),
        ({}, {"repair_ref": True}, "data_prep.repair_ref: the stored variants were read with False, this run has True"),
        (
            {"filters": ["q10"]},
            {},
            r"data_prep.filters: the stored variants were read with \['q10'\], this run has \[\]",
        ),
    ],
)
def test_require_same_sources__other_options(made_with, options, message):
    with pytest.raises(InputError, match=f"parameters:{message}; run once without --only-missing-outputs"):
        require_same_sources(stored(**made_with), DataPrepParameters(**options))


@pytest.fixture(scope="module")
def raw(tmp_path_factory) -> Path:
    """A study of 24 people in every format. Tests change it back."""
    folder = tmp_path_factory.mktemp("study") / "raw"
    write_study(folder)
    return folder


class Study:
    """What the checks and the first two pipelines say of the study, its genotypes read in one format."""

    def __init__(self, raw: Path, kind: str, **sequence: object) -> None:
        names = ("expression_bed", "genotype_file", "covariate_table", "reference_genome", "sample_panel")
        entries = catalog_entries(kind, raw)
        self.names = {*names, "gene_annotation"}
        self.load = DataCatalog.from_config({name: entries[name] for name in self.names}).load
        self.groups = check_parameters(PARAMETERS | {"sequence_build": sequence})

    def check(self) -> None:
        check_inputs(self.names, COHORT_OUTPUTS, self.load, self.groups)

    def build(self, folder: Path) -> int:
        """Distinct windows."""
        bed, file, table, panel, annotation, reference = map(
            self.load,
            [
                *("expression_bed", "genotype_file", "covariate_table", "sample_panel", "gene_annotation"),
                "reference_genome",
            ],
        )
        options, select, build = (self.groups[name] for name in ("data_prep", "select", "sequence_build"))
        genes = data_prep.select_genes(bed, annotation, options, select)
        people = data_prep.select_individuals(bed, file, table, panel, options, select)
        how = (options, self.groups["enformer"], self.groups["baselines"])
        write_genotypes(data_prep.read_genotypes(file, reference, genes, people, *how), folder)
        variants = read_genotypes(folder)
        windows, _ = sequence_build.build_tss_windows(genes, reference, variants, self.groups["enformer"], build)
        return len(sequence_build.collect_haplotypes(windows, variants, reference, options, build)[0])

    def told(self, folder: Path) -> tuple[str, str]:
        """What the checks and the pipelines refuse; nothing where they pass."""
        lines = []
        for step in (self.check, lambda: self.build(folder)):
            try:
                step()
                lines.append("")
            except InputError as error:
                lines.append(str(error))
        return lines[0], lines[1]


def without_calls(raw: Path, kind: str, n: int) -> list[Edit]:
    """Take the calls of P03 at the first ``n`` variants from the study's genotypes in one format."""
    if kind == "vcf":
        return [("cell", "genotypes.vcf", line, 12, ".|.") for line in range(11, 11 + n)]
    if kind == "plink1":
        # Four calls of P00 to P03.
        return [("overwrite", "set.bed", False, 3 + 6 * variant, b"\x55") for variant in range(n)]
    cohort = read_cohort(raw / "genotypes.vcf.gz")
    cohort.records.pop()
    for record in cohort.records[:n]:
        record.calls[3] = "./."
    write_plink2(raw / "set", cohort)
    return []


@pytest.mark.parametrize(("kind", "person"), [("vcf", "P03"), ("plink1", "P00"), ("plink2", "P03")])
def test_check_inputs__missing_calls_are_refused_as_sequence_build_refuses_them(raw, tmp_path, kind, person):
    kept = {path: path.read_bytes() for path in raw.iterdir()}
    try:
        for n, is_refused in ((1, False), (20, True)):
            for path, content in kept.items():
                path.write_bytes(content)
            apply_edits(raw, without_calls(raw, kind, n))
            at_once, later = Study(raw, kind).told(tmp_path / f"{kind}{n}")
            assert at_once == later
            assert (f" % of the alleles of {person} are missing, 5.0 % are allowed; leave the" in later) == is_refused
            assert Study(raw, kind, max_missing=0.9).told(tmp_path / "lenient") == ("", "")
    finally:
        for path, content in kept.items():
            path.write_bytes(content)
    assert Study(raw, kind, max_missing=0.0).told(tmp_path / "whole") == ("", "")


def test_check_inputs__calls_are_read_again_in_doubt_and_nothing_is_left(raw, tmp_path, monkeypatch, caplog):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    with caplog.at_level("INFO", "haploformer"):
        Study(raw, "vcf").check()
    assert "looked at more closely" not in caplog.text
    monkeypatch.setattr("haploformer.genome.window_calls.may_be_refused", lambda *_, **__: True)
    with caplog.at_level("INFO", "haploformer"):
        Study(raw, "vcf").check()
    assert "the calls of 4 windows are looked at more closely" in caplog.text
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("formula", "message"),
    [
        ("~ nosuch", "there is no covariate nosuch"),
        ("~ PC1 + PC1:sex +", "is no formula"),
        ("~ C(PC1)", "is in nobody of a training set of"),
    ],
)
def test_check_inputs__a_formula_that_cannot_be_fitted_is_refused_before_a_run(raw, formula, message):
    study = Study(raw, "vcf")
    study.groups = study.groups | {"expression": ExpressionParameters(covariates=formula)}
    with pytest.raises(InputError, match="^parameters:expression.covariates: .*" + re.escape(message)):
        study.check()
    study.groups["expression"] = ExpressionParameters(covariates="~ scale(PC1)", normalise="rank")
    study.check()


def test_check_inputs__windows_with_too_few_variants_or_no_strand(raw, tmp_path):
    at_once, later = Study(raw, "vcf", min_variants=10**6).told(tmp_path / "few")
    assert at_once == later
    assert "sequence_build.min_variants: all 4 windows have fewer than 1000000 variants" in later
    kept = (raw / "genes.gtf").read_bytes()
    apply_edits(raw, [("cell", "genes.gtf", 0, 6, ".")])
    try:
        at_once, later = Study(raw, "vcf", strand="gene").told(tmp_path / "strand")
    finally:
        (raw / "genes.gtf").write_bytes(kept)
    assert at_once == later
    assert "the strand of 1 of 4 genes is not known" in later


def test_check_inputs__no_room_for_calls_in_doubt(raw, monkeypatch):
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("haploformer.formats.genotype_store.write_genotypes", full)
    monkeypatch.setattr("haploformer.genome.window_calls.may_be_refused", lambda *_, **__: True)
    with pytest.raises(InputError, match="no room for the calls of windows that are in doubt; make room, or name"):
        Study(raw, "vcf").check()


def test_require_kind__a_dataset_that_reads_something_else_is_refused(tmp_path):
    other = SamplePanelDataset(filepath=str(tmp_path / "samples.panel"))
    with pytest.raises(InputError, match=r"^catalog:reference_genome: its type is SamplePanelDataset, which reads"):
        _require_kind("reference_genome", other)
    _require_kind("sample_panel", other)
    # A dataset of the user's own may stand anywhere.
    _require_kind("reference_genome", MemoryDataset())


def test_require_same_sources__with_and_without_a_reference():
    require_same_sources(stored(ref_compared=False), DataPrepParameters(), reference="none")
    for made_with, reference in ((False, "fasta"), (True, "none")):
        with pytest.raises(InputError, match=r"parameters:baselines.reference: the stored variants were read with"):
            require_same_sources(stored(ref_compared=made_with), DataPrepParameters(), reference=reference)


def groups(**given):
    """All parameter groups, the given ones with these values."""
    return {name: model.model_validate(given.get(name, {})) for name, model in GROUPS.items()}


@pytest.mark.parametrize(
    ("made", "data_prep", "message"),
    [
        (
            {"tss_windows"},
            {},
            r"it is none \(dosages only, no FASTA is read\), and this run builds sequences; run what",
        ),
        ({"gene_levels"}, {}, "it is none .*, and this run builds sequences"),
        (
            {"variants"},
            {"repair_ref": True},
            r"it is none, and data_prep.repair_ref exchanges alleles by the reference",
        ),
    ],
)
def test_check_inputs__no_reference_no_sequence_and_no_repair(made, data_prep, message):
    parameters = groups(baselines={"reference": "none"}, data_prep=data_prep)
    with pytest.raises(InputError, match=rf"^parameters:baselines.reference: {message}"):
        check_inputs(set(), made, {}.__getitem__, parameters)
    assert check_inputs(set(), {"cis_windows"}, {}.__getitem__, groups(baselines={"reference": "none"})) is None


def test_check_inputs__stored_variants_without_a_reference_make_no_haplotype():
    load = stored(ref_compared=False)
    with pytest.raises(InputError, match=r"^g.vcf.gz: the stored variants were read without a reference"):
        check_inputs({"variants"}, {"haplotype_windows"}, load, groups())


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (
            {"enformer": {"preset": "tiny"}, "across_genes": {"centre_bins": 98}},
            "across_genes.centre_bins: 98 centre bins of 96: must be even, from 2 to 96; choose fewer bins",
        ),
        (
            {"enformer": {"engine": "screening"}},
            "enformer.engine: screening predicts the mean over the centre bins .*; set it to exact",
        ),
    ],
)
def test_check_inputs__levels_need_bins_one_by_one(given, message):
    with pytest.raises(InputError, match=f"^parameters:{message}"):
        check_inputs({"expression_levels"}, {"gene_levels"}, {}.__getitem__, groups(**given))


def test_check_inputs__stored_cis_windows_are_those_of_the_parameters():
    windows = pd.DataFrame({"gene_id": ["a", "b"] * 2, "cis_window": [48_000] * 2 + [90_000] * 2})
    made = {"held_out_population_scores"}

    def check(**baselines):
        check_inputs({"cis_windows"}, made, {"cis_windows": windows}.__getitem__, groups(baselines=baselines))

    check(cis_window=48_000, wide_window=90_000)
    for options in ({"cis_window": 48_000}, {"cis_window": 48_000, "wide_window": 60_000}, {"cis_window": 90_000}):
        with pytest.raises(
            InputError, match=r"the stored cis windows have 48,000, 90,000 bases, this run has \d\d,000"
        ):
            check(**options)


def test_check_inputs__no_window_of_new_people_needs_variants(raw, tmp_path):
    study = Study(raw, "vcf", min_variants=10**6)
    bed, annotation = study.load("expression_bed"), study.load("gene_annotation")
    genes = data_prep.select_genes(bed, annotation, study.groups["data_prep"], study.groups["select"])
    names = study.names - {"expression_bed", "covariate_table"} | {"trained_genes"}
    made = {"variants", "haplotype_windows", "track_predictions"}
    check_inputs(names, made, lambda name: genes if name == "trained_genes" else study.load(name), study.groups)
    with pytest.raises(InputError, match=r"sequence_build.min_variants: all 4 windows have fewer"):
        check_inputs(study.names, COHORT_OUTPUTS, study.load, study.groups)
    # What is built is what was checked.
    Study(raw, "vcf").build(tmp_path)
    variants = read_genotypes(tmp_path)
    arguments = (genes, study.load("reference_genome"), variants, study.groups["enformer"])
    windows, audit = sequence_build.build_windows_of_new_people(*arguments, study.groups["sequence_build"])
    assert windows["gene_id"].tolist() == genes["gene_id"].tolist()
    assert audit.loc[audit["outcome"] == "dropped", "count"].sum() == 0
    apply = register_pipelines()["apply"]
    assert [node.name for node in apply.nodes if "tss_windows" in node.outputs] == ["build_windows_of_new_people"]
