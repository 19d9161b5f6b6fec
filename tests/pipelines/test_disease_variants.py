"""Disease variants of files beside the demo's stored run: found, counted, predicted, ranked; against the plain forward."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from haploformer import schemas
from haploformer.datasets.clinvar import ClinvarDataset
from haploformer.datasets.gwas_catalog import GwasCatalogDataset
from haploformer.datasets.prediction_store import PredictionStoreDataset
from haploformer.errors import InputError
from haploformer.formats.clinvar import no_clinvar, read_clinvar
from haploformer.formats.expression_bed import read_expression_bed
from haploformer.formats.fasta import FastaReference
from haploformer.formats.gene_annotation import read_gene_annotation
from haploformer.formats.genotype_store import StoredGenotypes
from haploformer.formats.gwas_catalog import no_associations, read_gwas_catalog
from haploformer.genome.encoding import decode
from haploformer.genome.genes import select_genes
from haploformer.genome.reference import fetch_padded
from haploformer.genome.windows import build_windows, known_windows
from haploformer.parameters import (
    BaselinesParameters,
    DiseaseVariantsParameters,
    ExecutionParameters,
    SequenceBuildParameters,
    VariantEffectsParameters,
)
from haploformer.pipelines.disease_variants import nodes
from haploformer.preflight import check_inputs
from haploformer.summary_text import describe_audit, describe_disease_effects
from haploformer.window_predictions import plan_window_predictions
from tests.builders.demo_genes import CENTRE, ENFORMER, TINY, TISSUE, DemoGenes, plain_coverage, plain_engine
from tests.builders.geuvadis import read_geuvadis

OPTIONS = DiseaseVariantsParameters()
#: Of the catalog's BED: place, rsid, p-value, risk allele, and the rest that is not looked at.
BED = "chr{contig}\t{start}\t{pos}\t{rsid}\t{pvalue}\t{rsid}-{risk}\tG\tintron\t2015-03-17\tJ\t1p1\t{trait}"
RELEASE = ["release", "chromosome", "start", "reference", "alternative", "set_type", "symbols", "vcv"]
LABEL = "summary_clinvar_pathogenicity_label"


class Study(DemoGenes):
    """Two genes of the demo, two of whose SNPs have rsids, and files of disease variants near them."""

    def __init__(self, root: Path, folder: Path) -> None:
        super().__init__(root)
        self.annotation = read_gene_annotation(self.root / "data/01_raw/demo/genes.gtf.gz")
        genotypes = self.variants.genotypes
        place = self.windows.iloc[0]
        near = genotypes.records
        inside = near[
            (near["contig"] == place["contig"]) & near["pos"].between(place["tss"] - 6000, place["tss"] + 6000)
        ]
        snps = inside[(inside["ref"].str.len() == 1) & (inside["alt"].str.len() == 1)]
        self.first, self.second = snps.iloc[0], snps.iloc[-1]
        records = near.assign(
            variant_id=near["variant_id"]
            .mask(near.index == self.first.name, "rs1")
            .mask(near.index == self.second.name, "rs2")
        )
        self.variants = StoredGenotypes(
            **{
                field: getattr(self.variants, field)
                for field in self.variants.__dataclass_fields__
                if field != "genotypes"
            },
            genotypes=replace(genotypes, records=records),
        )
        self.gwas_path = self._write_gwas(folder / "catalog.bed")
        self.clinvar_path = self._write_clinvar(folder / "release.tsv")

    def bases(self, contig: str, pos: int, n: int) -> str:
        return decode(fetch_padded(self.reference, contig, pos - 1, pos - 1 + n))

    def _write_gwas(self, path: Path) -> Path:
        def row(record: Any, rsid: str, pvalue: str, risk: str, trait: str) -> str:
            told = {"contig": record["contig"], "start": record["pos"] - 1, "pos": record["pos"], "rsid": rsid}
            return BED.format(**told, pvalue=pvalue, risk=risk, trait=trait)

        first, second = self.first, self.second
        lines = [
            row(first, "rs1", "4E-9", first["alt"], "Height"),
            row(first, "rs1", "3E-6", first["ref"], "Asthma <b>bold</b>"),
            row(second, "rs2", "2E-20", "?", "Gout"),
            row({"contig": "22", "pos": 7}, "rs77", "1E-9", "A", "Elsewhere"),
            row(first, "rs1", "4E-9", first["alt"], "Height"),
            row(first, "rs1 x rs2", "4E-9", "?", "Together"),
        ]
        path.write_text("\n".join(lines) + "\n")
        return path

    def _write_clinvar(self, path: Path) -> Path:
        place = self.windows.iloc[1]
        contig, tss = place["contig"], int(place["tss"])
        other = {"A": "C", "C": "G", "G": "T", "T": "A"}
        deleted = self.bases(contig, tss + 500, 4)
        places = (tss - 200, tss - 900, tss - 1700, tss + 50_000)
        base, wrong, away, far = (self.bases(contig, pos, 1) for pos in places)
        rows = [
            ("GRCh37", contig, tss - 200, base, other[base], "variant", "benign"),
            ("GRCh37", contig, tss + 500, deleted, deleted[0], "variant", "pathogenic"),
            ("GRCh37", contig, tss - 900, other[wrong], wrong, "variant", "pathogenic"),
            ("GRCh37", contig, tss - 1700, away, other[away], "haplotype", "likely pathogenic"),
            ("GRCh37", self.first["contig"], self.first["pos"], self.first["ref"], self.first["alt"], "variant", None),
            ("GRCh37", contig, 11, "A", "N", "variant", "benign"),
            ("GRCh38", contig, tss - 201, "A", "C", "variant", "benign"),
            ("GRCh37", contig, tss + 50_000, far, other[far], "variant", "benign"),
        ]
        table = pd.DataFrame(
            [(*row[:6], '{"GENE"}', f"VCV00000{i}", row[6] or "") for i, row in enumerate(rows, start=1)],
            columns=[*RELEASE, LABEL],
        )
        table.to_csv(path, sep="\t", index=False)
        return path

    def find(self, gwas: Any, clinvar: Any, options: DiseaseVariantsParameters = OPTIONS) -> Any:
        return nodes.collect_disease_variants(
            *(gwas, clinvar, self.annotation, self.genes, self.windows, self.variants, self.reference),
            *(SequenceBuildParameters(), VariantEffectsParameters(), options),
        )

    @property
    def gwas(self) -> Any:
        return GwasCatalogDataset(filepath=str(self.gwas_path)).load()

    @property
    def clinvar(self) -> Any:
        return ClinvarDataset(filepath=str(self.clinvar_path), build="GRCh37").load()


@pytest.fixture(scope="module")
def study(demo_run, tmp_path_factory) -> Study:
    made, _ = demo_run
    return Study(made.root, tmp_path_factory.mktemp("files"))


@pytest.fixture(scope="module")
def finished(study, tmp_path_factory) -> tuple[Any, pd.DataFrame, pd.DataFrame, Any, pd.DataFrame]:
    """Windows, variants, audit, predictions at every bin, and ranked effects."""
    windows, variants, audit = study.find(study.gwas, study.clinvar)
    schemas.disease_variants(variants)
    schemas.audit(audit)
    predictions = predict(study, windows, tmp_path_factory.mktemp("disease") / "d.zarr")
    effects = nodes.tabulate_disease_effects(predictions, variants, study.windows, study.tracks, ENFORMER)
    return windows, variants, audit, predictions, schemas.disease_variant_effects(effects)


def predict(study: Study, windows: Any, path: Path) -> Any:
    store = PredictionStoreDataset(filepath=str(path))
    store.save(plan_window_predictions(windows, study.tracks, ENFORMER, ExecutionParameters()))
    return store.load()


def counted(audit: pd.DataFrame) -> dict[tuple[str, str, str], int]:
    return {(row.source, row.record_class, row.reason): row.count for row in audit.itertuples(name="Row")} | {
        (source, kind, reason): int(count)
        for source, kind, reason, count in audit[["source", "record_class", "reason", "count"]].itertuples(index=False)
    }


def test_disease_variants__every_row_of_the_files_is_counted(finished):
    _, _, audit, _, _ = finished
    assert counted(audit) == {
        ("GWAS catalog", "association", "used"): 3,
        ("GWAS catalog", "association", "no variant of the cohort"): 1,
        ("GWAS catalog", "association", "repeated"): 1,
        ("GWAS catalog", "association", "several SNPs together"): 1,
        ("GWAS catalog", "place", "found by rsid"): 3,
        ("GWAS catalog", "risk allele", "as written"): 2,
        ("GWAS catalog", "risk allele", "not told"): 1,
        ("ClinVar", "variant", "used"): 4,
        ("ClinVar", "variant", "REF differs from the reference"): 1,
        ("ClinVar", "variant", "no place or no two alleles"): 1,
        ("ClinVar", "variant", "another build"): 1,
        ("ClinVar", "variant", "in no window of a protein-coding gene"): 1,
        ("genes", "gene", "codes for a protein"): 2,
    }


def test_disease_variant_effects__equal_the_plain_forward(study, finished):
    _, variants, _, _, effects = finished
    plain = plain_engine()
    reference, found = {}, {}
    for row in variants.drop_duplicates(["gene_id", "contig", "pos", "ref", "alt"]).itertuples():
        place = next(p for p in study.windows.itertuples() if p.gene_id == row.gene_id)
        if row.gene_id not in reference:
            reference[row.gene_id] = plain_coverage(plain, study, place, None, both_strands=False)
        alternate = plain_coverage(plain, study, place, row, both_strands=False)
        ours, theirs = alternate[CENTRE], reference[row.gene_id][CENTRE]
        for summary, track, columns in (
            ("tissue_mean", None, TISSUE),
            ("all_tracks_mean", None, list(range(TINY.n_tracks))),
            *(("track", track, [track]) for track in TISSUE),
        ):
            alt, ref = ours[:, columns].mean(), theirs[:, columns].mean()
            found[row.gene_id, row.pos, row.alt, summary, track] = (
                *(ref, alt, 10 * (alt - ref), np.log2(10 * alt + 1) - np.log2(10 * ref + 1)),
                np.log2(alt + 1) - np.log2(ref + 1),
            )
    assert len(effects) == len(variants) * (2 + len(TISSUE))
    for row in effects.itertuples():
        track = None if pd.isna(row.track) else int(row.track)
        expected = found[row.gene_id, row.pos, row.alt, row.summary, track]
        ours = (row.coverage_ref, row.coverage_alt, row.sad, row.sadr, row.log_fold_change)
        assert ours == pytest.approx(expected, rel=2e-3, abs=2e-4)
    tissue = effects[effects["summary"] == "tissue_mean"]
    sizes = [abs(found[row.gene_id, row.pos, row.alt, "tissue_mean", None][4]) for row in tissue.itertuples()]
    assert all(a >= b - 2e-5 for a, b in pairwise(sizes)), "the strongest first"
    assert tissue["rank"].tolist() == list(range(1, len(variants) + 1))
    assert (tissue["log_fold_change"].abs() > 1e-3).any()


def test_disease_variant_effects__risk_alleles_frequencies_and_traits(study, finished):
    _, _, _, _, effects = finished
    tissue = effects[effects["summary"] == "tissue_mean"]
    of_first = tissue[(tissue["variant_id"] == "rs1") & (tissue["source"] == "gwas")].set_index("trait")
    effect = of_first["log_fold_change"]
    assert effect.nunique() == 1
    assert of_first.loc["Height", "risk_log_fold_change"] == effect["Height"]
    assert of_first.loc["Asthma <b>bold</b>", "risk_log_fold_change"] == -effect["Height"]
    gout = tissue[tissue["trait"] == "Gout"].iloc[0]
    assert pd.isna(gout["allele"])
    assert pd.isna(gout["risk_log_fold_change"])
    assert gout["neg_log10_pvalue"] == pytest.approx(20 - np.log10(2))
    row = np.flatnonzero(study.variants.genotypes.records["variant_id"] == "rs1")[0]
    alleles = np.asarray(study.variants.genotypes.alleles[slice(row, row + 1)])
    assert of_first["alt_frequency"].tolist() == [pytest.approx((alleles == 1).mean())] * 2
    told = tissue[tissue["source"] == "clinvar"].set_index("variant_id")
    assert told.loc["rs1", "alt_frequency"] == pytest.approx((alleles == 1).mean()), "of ClinVar, typed"
    assert told.drop(index="rs1")["alt_frequency"].isna().all()
    assert set(told["significance"].dropna()) == {
        *("benign", "pathogenic", "likely pathogenic (together with other variants)")
    }
    assert told.drop(index="rs1")["allele"].tolist() == told.drop(index="rs1")["alt"].tolist()


def test_disease_variants__one_file_is_enough(study):
    windows, variants, audit = study.find(study.gwas, no_clinvar())
    assert set(variants["source"]) == {"gwas"}
    assert set(audit["source"]) == {"GWAS catalog", "genes"}
    assert windows.provenance["variants"]["source"] == "catalog.bed"
    windows, variants, audit = study.find(no_associations(), study.clinvar)
    assert set(variants["source"]) == {"clinvar"}
    assert windows.provenance["clinvar"]["sha256"] == study.clinvar.sha256
    assert set(variants["gene_id"]) == set(windows.strands[0].genes["gene_id"]), "no window of a gene without a variant"


def test_disease_variants__neither_file_is_an_error_before_anything_is_written(study):
    groups = {
        "select": type("Select", (), {"genes": None, "individuals": None}),
        "execution": ExecutionParameters(),
        "baselines": BaselinesParameters(),
        "enformer": ENFORMER,
    }
    stored = {"gwas_catalog": no_associations(), "clinvar": no_clinvar(), "tss_windows": study.windows}
    message = "neither associations of the GWAS catalog nor variants of ClinVar are given"
    with pytest.raises(InputError, match=message):
        check_inputs({"tss_windows"}, {"disease_windows"}, stored.get, groups)
    assert (
        check_inputs({"tss_windows"}, {"disease_windows"}, (stored | {"gwas_catalog": study.gwas}).get, groups) is None
    )
    small = groups | {"enformer": ENFORMER.model_copy(update={"preset": "small"})}
    with pytest.raises(InputError, match="the stored windows have 16,384 bases, preset small takes 196,608"):
        check_inputs({"tss_windows"}, {"disease_windows"}, (stored | {"gwas_catalog": study.gwas}).get, small)
    parts = groups | {"execution": ExecutionParameters(shard_index=0, shard_count=2)}
    assert check_inputs(set(), {"disease_track_predictions"}, {}.get, parts) is None
    with pytest.raises(InputError, match="can do nothing else"):
        check_inputs(set(), {"disease_track_predictions", "disease_variant_effects"}, {}.get, parts)


def test_disease_variants__choices_are_counted(study):
    options = DiseaseVariantsParameters(max_pvalue=4e-9, significance="Likely_pathogenic")
    _, variants, audit = study.find(study.gwas, study.clinvar, options)
    found = counted(audit)
    assert found["GWAS catalog", "association", "p-value above the limit"] == 1
    assert found["GWAS catalog", "association", "used"] == 2
    assert found["ClinVar", "variant", "another significance"] == 5
    assert found["ClinVar", "variant", "used"] == 1
    assert set(variants.loc[variants["source"] == "gwas", "trait"]) == {"Height", "Gout"}
    with pytest.raises(InputError, match="no row is about a variant in the window of a protein-coding gene"):
        study.find(no_associations(), study.clinvar, DiseaseVariantsParameters(significance="drug_response"))
    study_of_rna = Counter(gene_type="lincRNA")
    with pytest.raises(InputError, match="none of the 2 genes of the study codes for a protein"):
        nodes.collect_disease_variants(
            *(study.gwas, study.clinvar, study.annotation.assign(**study_of_rna), study.genes, study.windows),
            *(study.variants, study.reference, SequenceBuildParameters(), VariantEffectsParameters(), OPTIONS),
        )


def test_disease_predictions__are_resumed_without_work(study, finished, monkeypatch):
    windows, _, _, predictions, _ = finished
    plan = plan_window_predictions(windows, study.tracks, ENFORMER, ExecutionParameters())
    monkeypatch.setattr(type(plan.predict_rows), "__call__", lambda *_: pytest.fail("predicted again"))
    PredictionStoreDataset(filepath=str(predictions.path)).save(plan)
    assert predictions.attributes["gwas_catalog"]["source"] == "catalog.bed"


def test_report_disease_effects__a_locus_per_gene_and_a_page(study, finished):
    _, variants, audit, predictions, effects = finished
    figure, page = nodes.report_disease_effects(effects, audit, study.windows, predictions, study.tracks, ENFORMER)
    spec = json.loads(figure.to_json())
    buttons = spec["layout"]["updatemenus"][0]["buttons"]
    assert len(buttons) == variants["gene_id"].nunique() == 2
    # Two traits of one variant are one point.
    assert sum(len(x) for button in buttons for x in button["args"][0]["x"]) == 2 + 4
    assert buttons[0]["label"].split()[0] == effects["gene_name"].iloc[0]
    assert "Height; Asthma &lt;b&gt;bold&lt;/b&gt;" in json.dumps(buttons)
    assert "<b>bold</b>" not in page
    assert "GWAS catalog: 3 of 6 rows are used." in page
    assert "ClinVar: 4 of 8 rows are used; 1 refused because REF differs from the reference." in page
    assert "catalog.bed and release.tsv" in page
    assert "1 REF differs from the reference" in describe_audit(audit)
    shown = describe_disease_effects(effects)
    assert effects["gene_name"].iloc[0] in shown
    assert "(5 pairs of gene and disease variant, the strongest above)" in shown


@pytest.mark.real_data
def test_disease_variants__of_the_real_region(shared_data):
    reference = FastaReference(shared_data / "reference/chr22_1-22000000.hg19.fa.gz")
    annotation = read_gene_annotation(shared_data / "annotation/gencode.v19.annotation.chr22.gtf.gz")
    bed = read_expression_bed(shared_data / "expression/GEUVADIS_LCL.chr22.fastqtl.normalized_expression.bed.gz")
    genes = select_genes(bed.genes, annotation, chromosomes=["22"], source="bed")
    windows = known_windows(build_windows(genes, reference, length=196_608), max_n_share=0.0005)
    genotypes = read_geuvadis(shared_data)
    stored = type("Stored", (), {"genotypes": genotypes})
    gwas = read_gwas_catalog(shared_data / "annotation/GWAS-SNP-List_hg19_full.bed")
    clinvar = read_clinvar(shared_data / "annotation/Clinvar_chr22_grch37.tsv.gz", build="GRCh37")
    planted = clinvar.table.copy()
    planted.loc[7, "ref"] = {"A": "C", "C": "A", "G": "T", "T": "G"}[planted.loc[7, "ref"][0]]
    made, table, audit = nodes.collect_disease_variants(
        *(gwas, replace(clinvar, table=planted), annotation, genes, windows, stored, reference),
        *(SequenceBuildParameters(), VariantEffectsParameters(), OPTIONS),
    )
    schemas.disease_variants(table)
    found = counted(audit)
    assert found["ClinVar", "variant", "used"] == 124
    assert found["ClinVar", "variant", "REF differs from the reference"] == 1
    ada2 = genes.loc[genes["gene_id"].str.startswith("ENSG00000093072"), "gene_id"].iloc[0]
    of_ada2 = table[(table["source"] == "clinvar") & (table["gene_id"] == ada2)]
    assert len(of_ada2) == 124
    assert found["GWAS catalog", "place", "found by rsid, elsewhere than the file says"] == 26
    near = table[table["source"] == "gwas"]
    in_window = found["GWAS catalog", "association", "used"]
    assert in_window + found["GWAS catalog", "association", "in no window of a protein-coding gene"] == 26
    counts = Counter(rsid for rsid in gwas.table["rsid"].dropna() if rsid in set(genotypes.records["variant_id"]))
    assert (len(counts), sum(counts.values())) == (16, 26), "the SNPs of the catalog that the cohort has"
    assert set(near["rsid"]) <= set(counts)
    assert (in_window, near["rsid"].nunique()) == (12, 10)
    pair = ["gene_id", "contig", "pos", "ref", "alt"]
    assert len(made.table) == len(table.drop_duplicates(pair))
