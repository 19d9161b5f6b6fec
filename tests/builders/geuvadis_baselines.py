"""The real people's dosages, expression, covariates and folds in memory, read without the project's genotype readers."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from bed_reader import open_bed
from numpy.typing import NDArray

from haploformer.expression.covariates import adjustment_for
from haploformer.formats.covariate_table import read_covariate_table
from haploformer.formats.expression_bed import read_expression_bed
from haploformer.formats.sample_panel import read_sample_panel
from haploformer.stacking.folds import assign_person_folds, folds_by_seed

PREFIX = "geuvadis343.hm3.chr22_16-22Mb"

#: What bases have been compared: genes whose window of 196,608 bases has under 100 unknown ones, and a variant.
FIRST_KNOWN, LAST_KNOWN = 16_050_000, 22_000_000
GAPS = ((16_697_850, 16_847_850), (20_509_431, 20_609_431))
WINDOW = 196_608

#: Out of fold elsewhere, mean of five fold seeds in this window: r of the elastic net, and the mean r of 58 genes.
ELASTIC_NET_R = {
    "ENSG00000185065": 0.536,
    "ENSG00000070371": 0.466,
    "ENSG00000237438": 0.376,
    "ENSG00000099940": 0.343,
    "ENSG00000100075": 0.328,
    "ENSG00000069998": 0.291,
    "ENSG00000093010": 0.273,
}
MEAN_R = {"top_snp": 0.107, "prs": 0.117, "elastic_net": 0.105, "blup": 0.120}


@dataclass(frozen=True, eq=False)
class Geuvadis:
    """343 people, the variants of chr22:16-22 Mb, and the genes whose window is known."""

    people: list[str]
    variants: pd.DataFrame
    dosages: NDArray[np.float32]
    genes: pd.DataFrame
    expression: dict[str, NDArray[np.float64]]
    covariates: pd.DataFrame
    populations: list[str]

    @property
    def adjust(self):
        return adjustment_for(self.covariates, self.people)

    def folds_of_seed(self, *seeds: int) -> dict[int, NDArray[np.int64]]:
        table = assign_person_folds(self.people, self.populations, n_folds=5, seeds=seeds)
        return folds_by_seed(table, self.people)

    def columns_of(self, gene_id: str, *, length: int = WINDOW) -> NDArray[np.intp]:
        """Variants of a gene's cis window."""
        tss = int(self.genes.set_index("gene_id")["tss"][gene_id])
        zero_based = self.variants["pos"].to_numpy() - 1
        return np.flatnonzero((zero_based >= tss - length // 2) & (zero_based < tss + length // 2))

    def dosages_of(self, gene_id: str) -> tuple[pd.DataFrame, NDArray[np.float32]]:
        columns = self.columns_of(gene_id)
        return self.variants.iloc[columns].reset_index(drop=True), self.dosages[:, columns]

    def id_of(self, gene_id: str) -> str:
        """With the version of the table."""
        return next(found for found in self.expression if found.split(".")[0] == gene_id)


def read_geuvadis(folder: Path) -> Geuvadis:
    """Everything in memory, A1 counted as ALT: which allele is counted changes no prediction."""
    with open_bed(folder / f"genotypes/{PREFIX}.bed", count_A1=True) as bed:
        people = [str(name) for name in bed.iid]
        variants = pd.DataFrame(
            {"variant_id": bed.sid, "contig": "22", "pos": bed.bp_position, "ref": bed.allele_2, "alt": bed.allele_1}
        )
        dosages = bed.read(dtype="float32")
    table = read_expression_bed(folder / "expression/GEUVADIS_LCL.chr22.fastqtl.normalized_expression.bed.gz")
    covariates = read_covariate_table(folder / "expression/fastqtl_covariates.txt.gz")
    panel = read_sample_panel(folder / "annotation/integrated_call_samples_v3.20130502.ALL.panel")
    populations = panel.set_index("individual_id")["population"].reindex(people).tolist()
    place = {name: i for i, name in enumerate(table.individual_ids)}
    columns = [place[name] for name in people]
    values = dict(zip(table.genes["gene_id"], np.asarray(table.values)[:, columns], strict=True))
    known = [gene for gene in table.genes.itertuples() if _is_known(gene.tss, variants["pos"].to_numpy())]
    genes = pd.DataFrame(known).drop(columns="Index")
    expression = {gene_id: values[gene_id] for gene_id in genes["gene_id"]}
    kept = covariates[covariates["individual_id"].isin(people)]
    return Geuvadis(people, variants, dosages, genes, expression, kept, populations)


def _is_known(tss: int, positions: NDArray[np.int64]) -> bool:
    start, end = tss - WINDOW // 2, tss + WINDOW // 2
    inside = start >= FIRST_KNOWN and end <= LAST_KNOWN
    clear = all(end - 99 < first or start + 99 > last for first, last in GAPS)
    return inside and clear and bool(((positions > start) & (positions <= end)).any())
