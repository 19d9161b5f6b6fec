"""Kedro datasets: handles that travel between processes, previews that Kedro-Viz can draw, inputs that stay inputs."""

from __future__ import annotations

import inspect
import json
import logging
import pickle
import re
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import yaml
from bed_reader import to_bed
from kedro.io import AbstractDataset, DataCatalog, DatasetError

from haploformer import schemas
from haploformer.cli import describe_error
from haploformer.datasets.clinvar import ClinvarDataset
from haploformer.datasets.covariate_table import CovariateTableDataset
from haploformer.datasets.edited_windows import EditedWindowsDataset
from haploformer.datasets.enformer_sequences import EnformerSequencesDataset
from haploformer.datasets.eqtl_table import EqtlScanDataset, EqtlTableDataset, TopAssociationsDataset
from haploformer.datasets.expression_bed import ExpressionBedDataset
from haploformer.datasets.fasta import FastaDataset
from haploformer.datasets.figure import FigureDataset
from haploformer.datasets.figure_folder import FigureFolderDataset, ImageFolderDataset
from haploformer.datasets.gene_annotation import GeneAnnotationDataset
from haploformer.datasets.gene_beds import GeneBedsDataset
from haploformer.datasets.genotype_store import GenotypeStoreDataset
from haploformer.datasets.gwas_catalog import GwasCatalogDataset
from haploformer.datasets.haplotype_store import HaplotypeStoreDataset
from haploformer.datasets.html import HtmlDataset
from haploformer.datasets.json_value import JsonDataset
from haploformer.datasets.known_answer import KnownAnswerDataset
from haploformer.datasets.phased_genotypes import PhasedGenotypesDataset
from haploformer.datasets.plink1 import PlinkDataset
from haploformer.datasets.plink2 import Plink2Dataset
from haploformer.datasets.predictdb import PredictDbDataset
from haploformer.datasets.prediction_store import PredictionFilesDataset, PredictionStoreDataset
from haploformer.datasets.previews import table_preview
from haploformer.datasets.relatedness_table import RelatednessTableDataset
from haploformer.datasets.sample_panel import SamplePanelDataset
from haploformer.datasets.sequences import SequencesDataset
from haploformer.datasets.table import TableDataset
from haploformer.datasets.track_table import TrackTableDataset
from haploformer.datasets.vcf import VcfDataset
from haploformer.effects.scan import SCAN_COLUMNS
from haploformer.formats.beagle import find_beagle
from haploformer.formats.gene_beds import GeneBeds
from haploformer.formats.genotype_store import GenotypeStream
from haploformer.formats.phasing import Phasing
from haploformer.formats.predictdb import Panel, PredictDbExport, select_polymorphic
from haploformer.genome.haplotype_windows import combine_genes
from haploformer.genome.haplotypes import collect_gene_haplotypes
from haploformer.genome.intervals import Interval
from haploformer.genome.variant_windows import build_variant_windows
from haploformer.genome.variants import named_alleles
from haploformer.genome.windows import tss_window
from haploformer.predicted_expression import applied_rows
from tests.builders.beagle import stand_in
from tests.builders.damage import record_checksum
from tests.builders.disk import full_disk
from tests.builders.genome import Cohort, Record, vcf_text, write_fasta, write_plink2, write_vcf
from tests.builders.predictions import FakeModel, Interrupted, expected_rows, fake_plan

SEQUENCE = "ACGT" * 500
KEYS = [f"key{i}" for i in range(6)]


@dataclass
class PanelDosages:
    """The same variants and dosages for every gene."""

    variants: pd.DataFrame
    dosages: np.ndarray

    def __call__(self, gene_id: str) -> tuple[pd.DataFrame, np.ndarray]:
        return self.variants, self.dosages


@dataclass
class Study:
    """Small files of every kind that users bring, and stores made from them."""

    root: Path

    def input(self, kind: type[AbstractDataset]) -> AbstractDataset:
        names = {
            FastaDataset: "r.fa.gz",
            VcfDataset: "g.vcf.gz",
            PlinkDataset: "p.bed",
            Plink2Dataset: "g.pgen",
            ExpressionBedDataset: "e.bed",
            CovariateTableDataset: "c.txt",
            SamplePanelDataset: "s.panel",
            RelatednessTableDataset: "k.tsv",
            GeneAnnotationDataset: "g.gtf",
            TrackTableDataset: "t.txt",
            KnownAnswerDataset: "known.json",
            SequencesDataset: "seq.bed",
            EnformerSequencesDataset: "sequences.bed",
            GwasCatalogDataset: "gwas.bed",
            ClinvarDataset: "clinvar.vcf",
            EqtlTableDataset: "eqtls.txt",
            TopAssociationsDataset: "top.csv",
        }
        return kind(filepath=str(self.root / names[kind]))

    def store(self, kind: type[AbstractDataset]) -> AbstractDataset:
        names = {
            GenotypeStoreDataset: "genotypes",
            EditedWindowsDataset: "edited_windows",
            HaplotypeStoreDataset: "haplotypes",
            PredictionStoreDataset: "predictions.zarr",
            TableDataset: "table.parquet",
            PredictDbDataset: "weights",
            GeneBedsDataset: "beds",
            EqtlScanDataset: "scan.txt.gz",
        }
        return kind(filepath=str(self.root / "stores" / names[kind]))


INPUTS = [
    FastaDataset,
    VcfDataset,
    PlinkDataset,
    Plink2Dataset,
    ExpressionBedDataset,
    CovariateTableDataset,
    SamplePanelDataset,
    RelatednessTableDataset,
    GeneAnnotationDataset,
    TrackTableDataset,
    KnownAnswerDataset,
    SequencesDataset,
    EnformerSequencesDataset,
    GwasCatalogDataset,
    ClinvarDataset,
    EqtlTableDataset,
    TopAssociationsDataset,
]
STORES = [
    EditedWindowsDataset,
    GenotypeStoreDataset,
    HaplotypeStoreDataset,
    PredictionStoreDataset,
    TableDataset,
    PredictDbDataset,
    GeneBedsDataset,
    EqtlScanDataset,
]


@pytest.fixture(scope="module")
def study(tmp_path_factory) -> Study:
    root = tmp_path_factory.mktemp("study")
    write_fasta(root / "r.fa.gz", {"chr22": SEQUENCE})
    records = [Record(p, "A", "C", ["0|1", "1|1", "0|0"]) for p in range(401, 1600, 40)]
    write_vcf(root / "g.vcf.gz", Cohort(["P1", "P2", "P3"], records), {"22": len(SEQUENCE)})
    write_plink2(root / "g", Cohort(["P1", "P2", "P3"], records))
    people = {"iid": ["P1", "P2", "P3"], "fid": ["P1", "P2", "P3"]}
    to_bed(root / "p.bed", np.array([[0.0], [1.0], [2.0]]), properties=people)
    (root / "e.bed").write_text(
        "#chr\tstart\tend\tgene_id\tP1\tP2\tP3\n22\t800\t801\tE1\t0.12345\t1\t2\n22\t900\t901\tE2\t3\t4\t5\n"
    )
    (root / "c.txt").write_text("id\tP1\tP2\tP3\nPC1\t0.5\t1\t2\n")
    (root / "k.tsv").write_text("individual_id_1\tindividual_id_2\tkinship\nP1\tP2\t0.25\n")
    (root / "s.panel").write_text("sample\tpop\nP1\tGBR\nP2\tYRI\n")
    (root / "g.gtf").write_text('22\tx\tgene\t800\t900\t.\t+\t.\tgene_id "E1"; gene_name "ONE";\n')
    (root / "t.txt").write_text(
        "index\tidentifier\tdescription\n" + "".join(f"{i}\tT{i}\tCAGE:{i}\n" for i in range(20))
    )
    (root / "truth.tsv").write_text("gene_id\tindividual_id\tenformer\nE1\tP1\t0.5\n")
    (root / "seq.bed").write_text("chr22\t100\t200\tmine\n22\t300\t400\n")
    (root / "sequences.bed").write_text("chr22\t100\t200\ttrain\n")
    (root / "gwas.bed").write_text("chr22\t400\t401\trs1\t3E-6\trs1-C\tA\tintron\t2015\tJ\t22q\tHeight\n")
    (root / "clinvar.vcf").write_text(
        "##fileformat=VCFv4.1\n##reference=GRCh38\n#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\n"
        "22\t401\t7\tA\tC\t.\t.\tCLNSIG=Benign\n"
    )
    (root / "eqtls.txt").write_text("E1 chr22_401_A_C -400 0.001 0.25\n")
    (root / "top.csv").write_text(",GENE_ID,distance,minor_allele_freq,rvalue\n0,E1,5,0.25,-0.5\n")
    (root / "known.json").write_text(json.dumps({"truth": "truth.tsv", "mean_pearson_r": {"stack": [0.1, 0.2]}}))
    made = Study(root)
    vcf, reference = made.input(VcfDataset).load(), made.input(FastaDataset).load()
    batches = vcf.read([Interval("22", 0, len(SEQUENCE))], vcf.sample_ids, reference)
    made.store(GenotypeStoreDataset).save(GenotypeStream(batches, vcf.sample_ids, {"source": vcf.name}))
    genotypes = made.store(GenotypeStoreDataset).load().genotypes
    windows = combine_genes(
        pd.DataFrame({"gene_id": ["E1", "E2"], "contig": "22"}),
        [
            collect_gene_haplotypes(genotypes, reference, tss_window("22", t, 256), t, max_missing=0.0)
            for t in (800, 900)
        ],
        genotypes.individual_ids,
        provenance={},
    )
    made.store(HaplotypeStoreDataset).save(windows)
    places = pd.DataFrame(
        [("E1", "22", 672, 928, 800), ("E2", "22", 772, 1028, 900)],
        columns=["gene_id", "contig", "start", "end", "tss"],
    )
    singly = build_variant_windows(
        places, named_alleles(genotypes.records), reference, reverse=[False] * 2, both_strands=True, provenance={}
    )
    made.store(EditedWindowsDataset).save(singly)
    made.store(PredictionStoreDataset).save(fake_plan(KEYS, FakeModel()))
    panel_variants = pd.DataFrame({"variant_id": ["rs1"], "contig": "22", "pos": [401], "ref": "A", "alt": "C"})
    selected = select_polymorphic(
        {"E1": np.array([0.5])}, PanelDosages(panel_variants, np.array([[1.0], [2.0]])), build="GRCh37"
    )
    gene = {name: [None] for name in ("gene_type", "n_variants", "r2", "p_value", "q_value", "linear_r", "faithful")}
    genes = pd.DataFrame({"gene_id": ["E1"], "gene_name": ["ONE"], **gene})
    made.store(PredictDbDataset).save(
        PredictDbExport(
            *(selected, genes, Panel("P", 2, "GRCh37"), "LCL", {}),
            PanelDosages(panel_variants, np.array([[1.0], [2.0]])),
        )
    )
    placed = pd.DataFrame({"gene_id": ["E1"], "contig": "22", "tss": [800]})
    predicted = applied_rows({("E1", "blup"): np.array([0.5, -1.0])}, ["P1", "P2"])
    made.store(GeneBedsDataset).save(GeneBeds(placed, predicted))
    row = ("E1", "22", 800, "+", 1, "rs1", 401, "A", "C", -400, 0.5, 0.25, 0.1, 0.5, 0.01, True)
    made.store(EqtlScanDataset).save(pd.DataFrame([row], columns=SCAN_COLUMNS))
    made.store(TableDataset).save(
        pd.DataFrame(
            {
                "gene_id": pd.array(["E1"] * 12, dtype="str"),
                "fold": pd.array([pd.NA, *range(11)], dtype="Int64"),
                "r": [float("nan"), *np.arange(11) / 8],
                "inside": True,
            }
        )
    )
    return made


def content(data: Any) -> str:
    """What a loaded object says when it is used."""
    name = type(data).__name__
    if name == "FastaReference":
        return f"{dict(data.contig_lengths)} {data.read('22', 3, 90).tolist()}"
    if name == "SequenceFile":
        return f"{data.regions.values.tolist()} {data.sha256}"
    if name in {"VcfFile", "PlinkFile", "Plink2File"}:
        return f"{data.sample_ids} {data.sha256}"
    if name == "ExpressionBed":
        return f"{data.name} {data.genes.values.tolist()} {data.individual_ids} {data.values.tolist()}"
    if name == "StoredGenotypes":
        return f"{data.audit.values.tolist()} {data.genotypes.select('22', 400, 900).alleles.tolist()}"
    if name in {"EditedWindows", "HaplotypeWindows"}:
        return f"{data.keys} {data.codes([0, 2]).tolist()} {data.carriers().values.tolist()}"
    if name == "TrackPredictions":
        return f"{data.mean_coverage(np.array([1, 5])).tolist()} {data.attributes} {data.windows.values.tolist()}"
    if name in {"GwasAssociations", "ClinvarVariants", "ExternalEqtls"}:
        return f"{data.table.values.tolist()} {data.n_rows}"
    if name == "dict":
        return str({model: content(bed) for model, bed in data.items()})
    if name == "PredictDb":
        return f"{data.weights.values.tolist()} {data.extra.values.tolist()} {data.panel}"
    if name == "KnownAnswer":
        return f"{data.expected} {data.truth.values.tolist()}"
    return f"{data.dtypes.tolist()} {data.values.tolist()}"


@pytest.mark.parametrize("kind", INPUTS + STORES)
def test_load__handles_survive_pickling(study, kind):
    dataset = study.input(kind) if kind in INPUTS else study.store(kind)
    data = dataset.load()
    fresh = pickle.loads(pickle.dumps(data))  # noqa: S301
    expected = content(data)
    assert content(fresh) == expected
    used = pickle.loads(pickle.dumps(data))  # noqa: S301
    assert content(used) == expected


@pytest.mark.parametrize("kind", INPUTS + STORES)
def test_dataset__survives_pickling_itself(study, kind):
    dataset = study.input(kind) if kind in INPUTS else study.store(kind)
    again = pickle.loads(pickle.dumps(dataset))  # noqa: S301
    assert content(again.load()) == content(dataset.load())
    assert again.exists()


# Previews --------------------------------------------------------------------------------------------------------

TABLES = [kind for kind in INPUTS + STORES if kind not in {VcfDataset, PlinkDataset, Plink2Dataset, KnownAnswerDataset}]


def viz_metadata(dataset: AbstractDataset) -> Any:
    """What Kedro-Viz makes of a dataset for its side panel."""
    from kedro_viz.models.flowchart.node_metadata import DataNodeMetadata
    from kedro_viz.models.flowchart.nodes import GraphNode

    node = GraphNode.create_data_node("id", "name", None, set(), dataset, set())
    return DataNodeMetadata(data_node=node)


@pytest.mark.parametrize("kind", TABLES)
def test_preview__a_table_that_kedro_viz_can_draw(study, kind):
    dataset = study.input(kind) if kind in INPUTS else study.store(kind)
    shown = viz_metadata(dataset)
    assert shown.preview_type == "TablePreview"
    assert shown.preview == dataset.preview()
    table = json.loads(json.dumps(shown.preview, allow_nan=False))
    assert set(table) == {"columns", "index", "data"}
    assert 0 < len(table["data"]) == len(table["index"]) <= 10
    assert all(len(row) == len(table["columns"]) for row in table["data"])
    assert all(isinstance(name, str) for name in table["columns"])


@pytest.mark.parametrize(
    ("kind", "shown"),
    [
        (VcfDataset, {"file": "g.vcf.gz", "samples": 3, "first": ["P1", "P2", "P3"]}),
        (PlinkDataset, {"files": "p.bed", "people": 3, "first": ["P1", "P2", "P3"]}),
        (Plink2Dataset, {"files": "g.pgen", "people": 3, "first": ["P1", "P2", "P3"]}),
        (KnownAnswerDataset, {"truth": "truth.tsv", "mean_pearson_r": {"stack": [0.1, 0.2]}}),
    ],
)
def test_preview__json(study, kind, shown):
    metadata = viz_metadata(study.input(kind))
    assert metadata.preview_type == "JSONPreview"
    assert json.loads(metadata.preview) == shown


def test_preview__numbers_of_each_kind(study):
    assert study.input(FastaDataset).preview() == {"columns": ["contig", "bases"], "index": [0], "data": [("22", 2000)]}
    assert study.input(ExpressionBedDataset).preview() == {
        "columns": ["gene_id", "contig", "tss", "P1", "P2", "P3"],
        "index": [0, 1],
        "data": [["E1", "22", 800, 0.123, 1.0, 2.0], ["E2", "22", 900, 3.0, 4.0, 5.0]],
    }
    assert study.input(RelatednessTableDataset).preview()["data"] == [["P1", "P2", 0.25]]
    assert study.input(SamplePanelDataset).preview()["data"] == [["P1", "GBR", None], ["P2", "YRI", None]]
    assert study.store(HaplotypeStoreDataset).preview() == {
        "columns": ["gene_id", "chromosome copies", "distinct windows"],
        "index": [0, 1],
        "data": [["E1", 6, 2], ["E2", 6, 2]],
    }
    assert study.store(EditedWindowsDataset).preview(1) == {
        "columns": ["gene_id", "variant_id", "contig", "pos", "ref", "alt", "window"],
        "index": [0],
        "data": [["E1", "22_681_A_C", "22", 681, "A", "C", 1]],
    }
    assert study.store(TableDataset).preview(nrows=2)["data"] == [["E1", None, None, True], ["E1", 0, 0.0, True]]
    assert study.store(PredictionStoreDataset).preview(1)["data"] == [["g", None, None, 0]]
    assert study.store(GeneBedsDataset).preview()["data"] == [["blup", 1, 2]]


def test_table_preview__first_rows_only():
    assert table_preview(pd.DataFrame({"a": range(100)}), 3) == {
        "columns": ["a"],
        "index": [0, 1, 2],
        "data": [[0], [1], [2]],
    }
    assert table_preview(pd.DataFrame({"a": []}), 3)["data"] == []


def test_catalog__every_dataset_of_ours_is_tested_here():
    without = {
        FigureDataset,
        FigureFolderDataset,
        ImageFolderDataset,
        HtmlDataset,
        JsonDataset,
        PhasedGenotypesDataset,
        PredictionFilesDataset,
    }
    root = Path(inspect.getfile(FastaDataset)).parents[3]
    names = {
        entry["type"]
        for path in (root / "conf" / "base" / "catalog").glob("*.yml")
        for name, entry in yaml.safe_load(path.read_text()).items()
        if not name.startswith("_") and entry["type"].startswith("haploformer.")
    }
    tested = {f"{kind.__module__}.{kind.__name__}" for kind in [*INPUTS, *STORES, *without]}
    assert names <= tested


# Inputs stay inputs ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", INPUTS)
def test_save__of_an_input_is_refused(study, kind):
    dataset = study.input(kind)
    path = Path(dataset._describe()["filepath"])
    before = path.read_bytes()
    with pytest.raises(DatasetError, match=f"{path.name} is an input: nothing is written to it"):
        dataset.save(dataset.load())
    assert path.read_bytes() == before


@pytest.mark.parametrize("kind", INPUTS + STORES)
def test_exists__whether_the_file_or_the_finished_store_is_there(study, tmp_path, kind):
    dataset = study.input(kind) if kind in INPUTS else study.store(kind)
    assert dataset.exists()
    assert not kind(filepath=str(tmp_path / "nothing")).exists()


def test_known_answer__null_means_that_nothing_is_known():
    dataset = KnownAnswerDataset(filepath=None)
    assert dataset.load() is None
    assert dataset.exists()
    assert dataset.preview() == "null"


SCHEMAS = {
    GwasCatalogDataset: schemas.gwas_associations,
    ClinvarDataset: schemas.clinvar_variants,
    EqtlTableDataset: schemas.external_eqtls,
    TopAssociationsDataset: schemas.top_associations,
}


@pytest.mark.parametrize("kind", SCHEMAS)
def test_load__of_an_optional_input_that_is_not_there_is_an_empty_table(tmp_path, kind, study, caplog):
    for dataset in (kind(filepath=None), kind(filepath=str(tmp_path / "nothing"), required=False)):
        empty = dataset.load()
        table = getattr(empty, "table", empty)
        there = study.input(kind).load()
        assert len(table) == 0
        assert table.columns.tolist() == getattr(there, "table", there).columns.tolist()
        SCHEMAS[kind].validate(table)
        SCHEMAS[kind].validate(getattr(there, "table", there))
        assert dataset.files() == []
    assert caplog.text.count("nothing is not there") == 1


def test_load__an_input_error_keeps_its_line(tmp_path):
    from haploformer.cli import describe_error

    (tmp_path / "e.bed").write_text("#chr\tstart\tend\tgene_id\tP1\n22\t1\t2\tE1\thigh\n")
    with pytest.raises(DatasetError) as error:
        ExpressionBedDataset(filepath=str(tmp_path / "e.bed")).load()
    line = describe_error(error.value)
    assert line is not None
    assert line.startswith(f"{tmp_path / 'e.bed'}:line 2 (E1), column P1: 'high' is not a finite number; correct")


# Stores ----------------------------------------------------------------------------------------------------------


def test_prediction_store__save_completes_what_an_interruption_left(tmp_path, caplog):
    caplog.set_level(logging.INFO)
    dataset = PredictionStoreDataset(filepath=str(tmp_path / "p.zarr"))
    with pytest.raises(DatasetError) as error:
        dataset.save(fake_plan(KEYS, FakeModel(die_after=1)))
    assert isinstance(error.value.__cause__, Interrupted)
    assert not dataset.exists()
    model = FakeModel()
    dataset.save(fake_plan(KEYS, model))
    assert model.computed == KEYS[4:]
    assert dataset.exists()
    assert np.array_equal(dataset.load().mean_coverage(np.arange(6)), expected_rows(KEYS))
    assert "6 of 6 windows (100 %), 4 of them stored before" in caplog.text


def test_phased_genotypes__what_is_saved_is_run_and_what_is_loaded_has_the_phase(study, tmp_path, monkeypatch):
    called = stand_in(tmp_path, monkeypatch)
    text = vcf_text(
        Cohort(["P1", "P2", "P3"], [Record(p, "A", "C", ["0/1", "1/1", "./."]) for p in range(401, 1600, 40)]),
        {"22": len(SEQUENCE)},
    )
    (tmp_path / "u.vcf").write_text(text)
    vcf, reference = VcfDataset(filepath=str(tmp_path / "u.vcf")).load(), study.input(FastaDataset).load()
    dataset = PhasedGenotypesDataset(filepath=str(tmp_path / "phased"))
    assert not dataset.exists()
    with pytest.raises(DatasetError, match="begin the run at phase_genotypes"):
        dataset.load()
    dataset.save(Phasing(vcf, reference, ("22",), (), find_beagle()))
    assert dataset.exists()
    assert len(called()) == 1
    (batch,) = dataset.load().read([Interval("22", 0, len(SEQUENCE))], vcf.sample_ids, reference)
    assert batch.genotypes.n_unphased == 0
    assert batch.n_imputed.tolist() == [0, 0, 30]
    # What was phased is found by another run, the handle is not.
    other = PhasedGenotypesDataset(filepath=str(tmp_path / "phased"))
    assert not other.exists()
    other.save(Phasing(vcf, reference, ("22",), (), find_beagle()))
    assert len(called()) == 1
    other.save(Phasing(vcf, reference))
    assert other.load() is vcf


def test_html__text_as_it_was(tmp_path):
    dataset = HtmlDataset(filepath=str(tmp_path / "deep" / "report.html"))
    dataset.save("<p>é 1\u2009000\n</p>")
    assert dataset.load() == "<p>é 1\u2009000\n</p>"
    assert (tmp_path / "deep" / "report.html").read_bytes() == "<p>é 1\u2009000\n</p>".encode()


def test_figure__is_stored_as_kedros_dataset_stores_it(tmp_path):
    from kedro_datasets.plotly import JSONDataset
    from plotly.graph_objects import Figure, Scatter

    figure = Figure(Scatter(x=np.arange(3), y=[0.1, None, 2.5]), layout={"title": "é"})
    theirs, ours = (
        JSONDataset(filepath=str(tmp_path / "a.json")),
        FigureDataset(filepath=str(tmp_path / "b" / "b.json")),
    )
    for dataset in (theirs, ours):
        dataset.save(figure)
    assert (tmp_path / "b" / "b.json").read_bytes() == (tmp_path / "a.json").read_bytes()
    assert ours.load() == figure
    assert viz_metadata(ours).preview_type == "PlotlyPreview"
    assert viz_metadata(ours).preview == viz_metadata(theirs).preview


def test_json__is_stored_as_kedros_dataset_stores_it(tmp_path):
    from kedro_datasets.json import JSONDataset

    value = {"b": [1, None, 0.25], "a": "é"}
    theirs, ours = JSONDataset(filepath=str(tmp_path / "a.json")), JsonDataset(filepath=str(tmp_path / "b" / "b.json"))
    for dataset in (theirs, ours):
        dataset.save(value)
    assert (tmp_path / "b" / "b.json").read_bytes() == (tmp_path / "a.json").read_bytes()
    assert ours.load() == value
    assert json.loads(viz_metadata(ours).preview) == value


@pytest.mark.parametrize(
    ("kind", "old", "new"),
    [
        (TableDataset, pd.DataFrame({"a": [1]}), pd.DataFrame({"a": range(10_000)})),
        (HtmlDataset, "old", "new" * 10_000),
        (JsonDataset, {"old": 1}, list(range(10_000))),
    ],
)
def test_save__on_a_full_disk_keeps_what_was_there_and_tells_the_bytes_needed(tmp_path, kind, old, new):
    dataset = kind(filepath=str(tmp_path / "file"))
    dataset.save(old)
    before = (tmp_path / "file").read_bytes()
    with pytest.raises(DatasetError) as caught, full_disk():
        dataset.save(new)
    assert re.fullmatch(
        rf"{tmp_path}/file: cannot be written \(File too large\); make room for [\d,]{{5,}} bytes and run again",
        describe_error(caught.value),
    )
    assert (tmp_path / "file").read_bytes() == before
    assert [p.name for p in tmp_path.iterdir()] == ["file"]


def test_prediction_files__are_where_the_store_is_whatever_their_state(study, tmp_path):
    shutil.copytree(study.root / "stores" / "predictions.zarr", tmp_path / "p.zarr")
    dataset = PredictionFilesDataset(filepath=str(tmp_path / "p.zarr"))
    (tmp_path / "p.zarr" / "plan.json").write_text("{")
    (tmp_path / "p.zarr" / "windows.parquet").unlink()
    assert dataset.exists()
    assert dataset.load() == tmp_path / "p.zarr"
    with pytest.raises(DatasetError, match="is filled by saving track_predictions"):
        dataset.save(tmp_path)
    assert not PredictionFilesDataset(filepath=str(tmp_path / "nothing")).exists()


def test_table__round_trip_and_no_index(tmp_path):
    dataset = TableDataset(filepath=str(tmp_path / "deep" / "t.parquet"))
    table = pd.DataFrame({"a": pd.array([1, pd.NA], dtype="Int64"), "b": ["x", None]}, index=[7, 3])
    dataset.save(table)
    assert dataset.load().equals(table.reset_index(drop=True))
    assert [p.name for p in (tmp_path / "deep").iterdir()] == ["t.parquet"]


def test_catalog__stores_and_inputs_by_configuration(study, tmp_path):
    shutil.copy(study.root / "s.panel", tmp_path / "s.panel")
    catalog = DataCatalog.from_config(
        {
            "panel": {
                "type": "haploformer.datasets.sample_panel.SamplePanelDataset",
                "filepath": str(tmp_path / "s.panel"),
                "metadata": {"kedro-viz": {"layer": "raw"}},
            }
        }
    )
    assert len(catalog.load("panel")) == 2
    assert catalog["panel"].metadata == {"kedro-viz": {"layer": "raw"}}


# Files by pattern, files that may be absent, ids by a map ----------------------------------------------------------


def test_load__the_one_file_that_fits_a_pattern(tmp_path):
    (tmp_path / "c.v8.txt").write_text("id\tP1\nPC1\t0.5\n")
    (tmp_path / "c.v8.txt.tbi").write_bytes(b"an index")
    record_checksum(tmp_path / "c.v8.txt")
    dataset = CovariateTableDataset(filepath=str(tmp_path / "c.*"))
    assert dataset.exists()
    assert dataset.load()["value"].tolist() == [0.5]
    (tmp_path / "c.v9.txt").write_text("id\tP1\nPC1\t0.5\n")
    with pytest.raises(DatasetError) as error:
        dataset.load()
    assert "c.*: 2 files fit the pattern (c.v8.txt, c.v9.txt); keep one of them there" in str(error.value)


def test_files__those_that_are_read(study, tmp_path):
    assert study.input(VcfDataset).files() == [study.root / "g.vcf.gz"]
    assert study.input(KnownAnswerDataset).files() == [study.root / "known.json"]
    assert KnownAnswerDataset(filepath=None).files() == []
    assert CovariateTableDataset(filepath=None).files() == []
    assert CovariateTableDataset(filepath=str(tmp_path / "c.txt"), required=False).files() == []
    (tmp_path / "c.v8.txt").touch()
    assert CovariateTableDataset(filepath=str(tmp_path / "c.*")).files() == [tmp_path / "c.v8.txt"]
    (tmp_path / "p1.v8.bed").touch()
    plink = PlinkDataset(filepath=str(tmp_path / "p1*"))
    assert plink.files() == [tmp_path / f"p1.v8{suffix}" for suffix in (".bed", ".bim", ".fam")]


def test_load__a_pattern_that_fits_nothing_tells_what_is_there(tmp_path):
    (tmp_path / "d.txt").write_text("id\tP1\nPC1\t0.5\n")
    with pytest.raises(DatasetError) as error:
        CovariateTableDataset(filepath=str(tmp_path / "c.*")).load()
    assert "c.*: no file fits the pattern (there: d.txt); check the path" in str(error.value)


@pytest.mark.parametrize(("kind", "stem"), [(PlinkDataset, "p"), (Plink2Dataset, "g")])
def test_load__a_file_set_by_a_pattern_with_or_without_its_suffix(study, tmp_path, kind, stem):
    for path in study.root.glob(f"{stem}.*"):
        shutil.copy(path, tmp_path / f"v8_{path.name}")
    expected = study.input(kind).load()
    for name in (f"v8_{stem}*", f"v*{kind.suffix}", f"v8_{stem}", f"v8_{stem}{kind.suffix}"):
        dataset = kind(filepath=str(tmp_path / name))
        assert dataset.exists()
        assert dataset.load().sha256 == expected.sha256
    shutil.copy(study.input(kind)._path, tmp_path / f"v9{kind.suffix}")
    with pytest.raises(DatasetError, match=rf"2 files fit the pattern \(v8_{stem}{kind.suffix}, v9{kind.suffix}\)"):
        kind(filepath=str(tmp_path / "v*")).load()


@pytest.mark.parametrize(
    ("kind", "n_rows"),
    [(CovariateTableDataset, 0), (SamplePanelDataset, 0), (GeneAnnotationDataset, 0), (TrackTableDataset, 5_313)],
)
def test_load__what_may_be_absent_is_told_once(tmp_path, caplog, kind, n_rows):
    path = str(tmp_path / "absent.txt")
    assert not kind(filepath=path).exists()
    dataset = kind(filepath=path, required=False)
    assert dataset.exists()
    with caplog.at_level("WARNING"):
        assert len(dataset.load()) == len(dataset.load()) == n_rows
    assert [record.getMessage() for record in caplog.records] == [f"no {kind.what}: {path} is not there"]
    caplog.clear()
    assert len(kind(filepath=None).load()) == n_rows
    assert not caplog.records
    Path(path).write_bytes(b"")
    with pytest.raises(DatasetError, match="is empty"):
        dataset.load()


def test_load__ids_by_a_map_whatever_the_order(study, tmp_path):
    path = tmp_path / "ids.tsv"
    path.write_text("id\tindividual_id\nP1\tA\nP2\tB\n")
    bed = ExpressionBedDataset(filepath=str(study.root / "e.bed"), id_map=str(path)).load()
    assert bed.individual_ids == ["A", "B", "P3"]
    covariates = CovariateTableDataset(filepath=str(study.root / "c.txt"), id_map=str(path)).load()
    assert covariates["individual_id"].tolist() == ["A", "B", "P3"]
    panel = SamplePanelDataset(filepath=str(study.root / "s.panel"), id_map=str(path)).load()
    assert panel["individual_id"].tolist() == ["A", "B"]
    vcf = VcfDataset(filepath=str(study.root / "g.vcf.gz"), id_map=str(path)).load()
    assert vcf.sample_ids == ["P1", "P2", "P3"]
    assert vcf.individual_of == {"P1": "A", "P2": "B"}
    assert vcf.__getstate__()["individual_of"] == vcf.individual_of


def test_figure_folder__reads_all_figures_and_takes_images_beside_them(tmp_path):
    import plotly.graph_objects as go

    figures, images = (kind(filepath=str(tmp_path / "figures")) for kind in (FigureFolderDataset, ImageFolderDataset))
    assert not figures.exists()
    for name in ("b", "a"):
        FigureDataset(filepath=str(tmp_path / "figures" / f"{name}.json")).save(go.Figure(layout={"height": ord(name)}))
    assert figures.exists()
    assert not images.exists()
    images.save({"a.png": b"PNG", "a.svg": b"<svg/>"})
    assert images.load() == ["a.png", "a.svg"]
    assert (tmp_path / "figures" / "a.png").read_bytes() == b"PNG"
    assert {name: figure.layout.height for name, figure in figures.load().items()} == {"a": 97, "b": 98}
    with pytest.raises(DatasetError, match="nothing is written to it as a whole"):
        figures.save({})
