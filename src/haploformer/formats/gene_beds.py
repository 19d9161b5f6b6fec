"""Predictions for other programs: one table of genes and people per model, in the shape of GTEx's expression BED."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
import pysam

from haploformer.errors import InputError
from haploformer.formats.expression_bed import ExpressionBed, read_expression_bed
from haploformer.formats.files import publish_directory, read_json, sha256_file, write_json

_MANIFEST = "beds.json"
_MODEL = re.compile(r"[a-z0-9_]+")


@dataclass(frozen=True, eq=False)
class GeneBeds:
    """What the files are made from.

    Attributes
    ----------
    genes : DataFrame
        ``gene_id, contig, tss`` and more.
    predicted : DataFrame, schema ``applied_predictions``
        Every gene of a model in the same people.
    """

    genes: pd.DataFrame
    predicted: pd.DataFrame


def write_gene_beds(path: Path, beds: GeneBeds) -> None:
    """Write ``<model>.bed.gz`` and its ``.tbi`` of each model into a folder, which is there whole or not at all.

    Columns: ``#chr`` (``chr22``), ``start`` (the TSS, 0-based), ``end``, ``gene_id``, then one per person; rows sorted by
    place. Numbers have all their digits. A gene without a prediction has no row.
    """
    with publish_directory(path) as building:
        files: dict[str, str] = {}
        for model, of_model in beds.predicted.groupby("model", sort=False):
            if not _MODEL.fullmatch(str(model)):
                raise ValueError(f"model {model!r} cannot name a file")
            name = f"{model}.bed.gz"
            with pysam.BGZFile(str(building / name), "wb", index=None) as stream:
                stream.write(_lines(beds.genes, of_model).encode())
            pysam.tabix_index(str(building / name), preset="bed", force=True)
            files |= {file: sha256_file(building / file) for file in (name, f"{name}.tbi")}
        write_json(building / _MANIFEST, {"files": files})


def read_gene_beds(path: Path) -> dict[str, ExpressionBed]:
    """The table of each model; InputError if a file is not the one that was written."""
    files = read_json(path / _MANIFEST)["files"]
    for name, recorded in files.items():
        if not (path / name).is_file() or sha256_file(path / name) != recorded:
            raise InputError(str(path / name), "is not the file that was written", "apply the models again")
    suffix = ".bed.gz"
    return {name.removesuffix(suffix): read_expression_bed(path / name) for name in files if name.endswith(suffix)}


def gene_beds_exist(path: Path) -> bool:
    """Whether a finished folder is there."""
    return (path / _MANIFEST).is_file()


def _lines(genes: pd.DataFrame, predicted: pd.DataFrame) -> str:
    people = predicted["individual_id"].unique()
    wide = predicted.pivot(index="gene_id", columns="individual_id", values="predicted_expression")[people]
    placed = genes[genes["gene_id"].isin(wide.index)].sort_values(["contig", "tss"], kind="stable")
    names = {"MT": "chrM"}
    table = pd.DataFrame(
        {
            "#chr": [names.get(contig, f"chr{contig}") for contig in placed["contig"]],
            "start": placed["tss"].to_numpy(),
            "end": placed["tss"].to_numpy() + 1,
            "gene_id": placed["gene_id"].to_numpy(),
        }
    )
    # By place: a person may be called "start".
    values = wide.loc[table["gene_id"]].reset_index(drop=True)
    return pd.concat([table, values], axis=1).to_csv(sep="\t", index=False, lineterminator="\n")
