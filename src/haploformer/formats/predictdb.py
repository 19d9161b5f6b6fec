"""Linear weights for biobanks: a PredictDB SQLite database with its covariances, and a score file of PLINK2."""

from __future__ import annotations

import gzip
import io
import re
import sqlite3
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from haploformer.errors import InputError
from haploformer.formats.files import publish_directory, read_json, sha256_file, write_durably, write_json

#: Variants and dosages (n_individuals, n_variants) of a gene.
DosagesOf = Callable[[str], tuple[pd.DataFrame, NDArray[np.floating]]]

_KEY = ["contig", "pos", "ref", "alt"]

#: The columns that PrediXcan and S-PrediXcan ask for by name, and beside them what says which allele and build is meant.
_WEIGHTS = """
CREATE TABLE weights (
    gene TEXT NOT NULL, rsid TEXT NOT NULL, varID TEXT NOT NULL, ref_allele TEXT NOT NULL, eff_allele TEXT NOT NULL,
    weight REAL NOT NULL, build TEXT NOT NULL
)
"""
_EXTRA = """
CREATE TABLE extra (
    gene TEXT NOT NULL, genename TEXT NOT NULL, gene_type TEXT, "n.snps.in.window" INTEGER, "n.snps.in.model" INTEGER,
    "pred.perf.R2" REAL, "pred.perf.pval" REAL, "pred.perf.qval" REAL, "linear.r" REAL, "linear.faithful" INTEGER,
    "n.monomorphic" INTEGER NOT NULL
)
"""
_SAMPLE_INFO = "CREATE TABLE sample_info (n_samples INTEGER, population TEXT, tissue TEXT, build TEXT)"
_CONSTRUCTION = "CREATE TABLE construction (key TEXT NOT NULL, value TEXT NOT NULL)"
_INDICES = (
    "CREATE INDEX weights_gene ON weights (gene)",
    "CREATE INDEX weights_rsid ON weights (rsid)",
    "CREATE INDEX weights_rsid_gene ON weights (rsid, gene)",
    "CREATE INDEX weights_varid ON weights (varID)",
    "CREATE INDEX extra_gene ON extra (gene)",
)


@dataclass(frozen=True, eq=False)
class PanelWeights:
    """Weights of the variants that vary in a panel of people.

    Attributes
    ----------
    weights : DataFrame
        ``gene_id, rsid, var_id, contig, pos, ref, alt, weight, column``: the variant's column among the gene's dosages.
    n_monomorphic : dict of gene id to int
        Variants left out because nobody of the panel differs.
    n_zero : dict of gene id to int
        Variants left out because their weight is 0.
    """

    weights: pd.DataFrame
    n_monomorphic: dict[str, int]
    n_zero: dict[str, int]


@dataclass(frozen=True)
class Panel:
    """The people whose dosages tell covariances.

    Attributes
    ----------
    name : str
        What the files call them; a panel has a name, for covariances are those of some population.
    n_individuals : int
    build : str
        ``GRCh37`` or ``GRCh38``.
    """

    name: str
    n_individuals: int
    build: str

    def __post_init__(self) -> None:
        if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_-]*", self.name):
            raise ValueError(f"the panel is called {self.name!r}; expected letters, digits, _ and -, for a file's name")
        if self.build not in {"GRCh37", "GRCh38"}:
            raise ValueError(f"build is {self.build!r}; expected GRCh37 or GRCh38")


def name_variants(variants: pd.DataFrame, *, build: str) -> pd.DataFrame:
    """``rsid`` and ``var_id`` of variants, both unique among them.

    Parameters
    ----------
    variants : DataFrame
        ``variant_id, contig, pos, ref, alt``.
    build : str

    Returns
    -------
    DataFrame
        ``var_id`` is ``chr22_123_A_G_b37``. ``rsid`` is the id as written; where it is none (``.``), or another
        variant has it too, ``var_id``.
    """
    suffix = {"GRCh37": "b37", "GRCh38": "b38"}[build]
    parts = [variants[name].astype(str) for name in _KEY]
    var_id = ("chr" + parts[0] + "_" + parts[1] + "_" + parts[2] + "_" + parts[3] + "_" + suffix).tolist()
    written = variants["variant_id"].astype(str)
    places = pd.Series(var_id, index=written.index)
    shared = places.groupby(written).transform("nunique") > 1
    usable = ~written.isin([".", ""]) & ~shared & ~written.str.contains(r"\s", regex=True)
    return pd.DataFrame({"rsid": written.where(usable, places), "var_id": places}, index=variants.index)


def select_polymorphic(
    weights: Mapping[str, NDArray[np.floating]], dosages_of: DosagesOf, *, build: str
) -> PanelWeights:
    """The weights that a panel can use.

    Parameters
    ----------
    weights : mapping of gene id to floating (n_variants,)
        Per copy of ALT, in the order of the gene's dosages.
    dosages_of : callable
        The panel's.
    build : str

    Raises
    ------
    ValueError
        If a gene has not as many weights as variants, or a weight is not finite.
    """
    pieces, n_monomorphic, n_zero = [], {}, {}
    for gene_id, values in weights.items():
        variants, dosages = dosages_of(gene_id)
        if len(variants) != len(values) or not np.isfinite(values).all():
            raise ValueError(f"{gene_id}: {len(values)} weights of {len(variants)} variants; finite ones are expected")
        varies = _filled(dosages).std(axis=0) > 0
        used = varies & (np.asarray(values) != 0)
        n_monomorphic[gene_id] = int((~varies).sum())
        n_zero[gene_id] = int((varies & ~used).sum())
        kept = variants.loc[used, ["variant_id", *_KEY]].assign(
            gene_id=gene_id, weight=np.asarray(values, np.float64)[used], column=np.flatnonzero(used)
        )
        pieces.append(kept)
    if not pieces:
        raise InputError("linear weights", "there is no gene", "select genes with variants in their windows")
    table = pd.concat(pieces, ignore_index=True)
    names = name_variants(table, build=build)
    columns = ["gene_id", "rsid", "var_id", *_KEY, "weight", "column"]
    return PanelWeights(table.assign(rsid=names["rsid"], var_id=names["var_id"])[columns], n_monomorphic, n_zero)


def write_predictdb(
    path: Path,
    selected: PanelWeights,
    genes: pd.DataFrame,
    *,
    panel: Panel,
    tissue: str,
    construction: Mapping[str, str],
) -> None:
    """Write a database that PrediXcan, S-PrediXcan and other readers of PredictDB open; whole or not at all.

    The effect allele is ALT. A position in `varID` is that of `build`, which stands in each row, too. Weights are in
    the unit of the predictions. ``pred.perf.*`` say how well the *prediction* does against measured expression, null
    where nobody measured; ``linear.r`` and ``linear.faithful`` how well the weights stand for the prediction.

    Parameters
    ----------
    path : Path
    selected : PanelWeights
    genes : DataFrame
        ``gene_id, gene_name, gene_type, n_variants, r2, p_value, q_value, linear_r, faithful``, one row per gene of
        ``selected``; all but ids and names may be null.
    panel : Panel
    tissue : str
        What is predicted.
    construction : mapping
        What the weights come from.

    Raises
    ------
    ValueError
        If genes are not those of the weights.
    """
    known = set(selected.n_monomorphic)
    if set(genes["gene_id"]) != known:
        raise ValueError("genes differ from those with weights")
    n_in_model = selected.weights.groupby("gene_id").size()
    connection = sqlite3.connect(":memory:")
    try:
        for statement in (_WEIGHTS, _EXTRA, _SAMPLE_INFO, _CONSTRUCTION):
            connection.execute(statement)
        rows = selected.weights[["gene_id", "rsid", "var_id", "ref", "alt", "weight"]]
        connection.executemany(
            "INSERT INTO weights VALUES (?, ?, ?, ?, ?, ?, ?)",
            [(*map(_plain, row), panel.build) for row in rows.itertuples(index=False)],
        )
        connection.executemany(
            "INSERT INTO extra VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            [_extra_row(gene, n_in_model, selected.n_monomorphic) for gene in genes.itertuples()],
        )
        sample = (panel.n_individuals, panel.name, tissue, panel.build)
        connection.execute("INSERT INTO sample_info VALUES (?, ?, ?, ?)", sample)
        said = {"effect_allele": "alt", "covariates": "none", "genotype_pcs": "none", "build": panel.build}
        connection.executemany("INSERT INTO construction VALUES (?, ?)", sorted((dict(construction) | said).items()))
        for statement in _INDICES:
            connection.execute(statement)
        connection.commit()
        content = connection.serialize()
    finally:
        connection.close()
    path.parent.mkdir(parents=True, exist_ok=True)
    write_durably(path, content)


def _extra_row(gene: Any, n_in_model: pd.Series, n_monomorphic: Mapping[str, int]) -> tuple[object, ...]:
    told = (_plain(getattr(gene, name)) for name in ("gene_id", "gene_name", "gene_type", "n_variants"))
    performance = (_plain(getattr(gene, name)) for name in ("r2", "p_value", "q_value", "linear_r"))
    faithful = _plain(gene.faithful)
    gene_id = gene.gene_id
    return (
        *told,
        int(n_in_model.get(gene_id, 0)),
        *performance,
        None if faithful is None else int(bool(faithful)),
        n_monomorphic[gene_id],
    )


def _plain(value: Any) -> object:
    """A value that SQLite keeps as what it is; null for NaN."""
    if value is None or (not isinstance(value, str) and pd.isna(value)):
        return None
    return value.item() if isinstance(value, np.generic) else value


def write_covariances(
    path: Path, selected: PanelWeights, dosages_of: DosagesOf, *, panel: Panel, key: Literal["rsid", "var_id"] = "rsid"
) -> None:
    """Write the covariances of each gene's variants in a panel: ``GENE RSID1 RSID2 VALUE``, gzip, each pair once.

    Sample covariances (n - 1) of ALT dosages; a missing one is the mean. A gene's lines follow each other, as
    S-PrediXcan asks for. The panel's name stands in the file's name, since the form has no place for it. n variants are
    n (n + 1) / 2 lines: dense genotypes need the elastic net, or a selection such as HapMap3.

    Parameters
    ----------
    key : str
        What variants are called: as the database's ``rsid``, or its ``varID`` (``--model_db_snp_key varID``).

    Raises
    ------
    InputError
        If the file's name does not hold the panel's name.
    """
    if panel.name not in path.name:
        raise InputError(
            str(path), f"covariances of {panel.name} in a file that does not say so", "name it by the panel"
        )
    lines = ["GENE RSID1 RSID2 VALUE\n"]
    for gene_id, rows in selected.weights.groupby("gene_id", sort=False):
        _, dosages = dosages_of(str(gene_id))
        values = np.atleast_2d(np.cov(_filled(dosages[:, rows["column"].to_numpy()]), rowvar=False))
        names = rows[key].tolist()
        lines += [
            f"{gene_id} {names[i]} {names[j]} {values[i, j]:.10g}\n"
            for i in range(len(names))
            for j in range(i, len(names))
        ]
    path.parent.mkdir(parents=True, exist_ok=True)
    write_durably(path, gzip.compress("".join(lines).encode(), compresslevel=6, mtime=0))


def write_plink_score(path: Path, selected: PanelWeights, variant_ids: pd.Series | None = None) -> list[str]:
    """Write a file for ``plink2 --score FILE 1 2 header-read no-mean-imputation cols=+scoresums --score-col-nums 3-N``.

    Columns: ``ID`` (the variant's id in the genotypes to be scored), ``A1`` (ALT), then one per gene, named by it,
    0 where a gene does not use the variant. The sums are the predictions less the reference's; a missing call counts
    as reference, as where haplotypes are built. One line per variant: 8 bytes or so x variants x genes, so that a
    genome is written chromosome by chromosome.

    Parameters
    ----------
    path : Path
    selected : PanelWeights
    variant_ids : Series, optional
        Ids of the rows of ``selected.weights`` in those genotypes; None: ``rsid``.

    Returns
    -------
    list of str
        Genes in the order of their columns.

    Raises
    ------
    InputError
        If two variants have the same id: PLINK would not know which is meant.
    """
    rows = selected.weights
    ids = rows["rsid"] if variant_ids is None else variant_ids
    table = rows.assign(ID=ids.to_numpy(object))
    variants = table.drop_duplicates(["ID", *_KEY])
    doubled = variants["ID"][variants["ID"].duplicated()]
    if len(doubled):
        raise InputError(
            str(path), f"{doubled.iloc[0]} is the id of several variants", "give the genotypes ids of their own"
        )
    genes = list(dict.fromkeys(rows["gene_id"]))
    wide = table.pivot(index="ID", columns="gene_id", values="weight").reindex(index=variants["ID"], columns=genes)
    wide = wide.fillna(0.0)
    wide.insert(0, "A1", variants["alt"].to_numpy(object))
    buffer = io.StringIO()
    wide.to_csv(buffer, sep="\t", float_format="%.17g", lineterminator="\n")
    path.parent.mkdir(parents=True, exist_ok=True)
    write_durably(path, buffer.getvalue().encode())
    return genes


def _filled(dosages: NDArray[np.floating]) -> NDArray[np.float64]:
    """Dosages with the mean of the called ones for a missing one, 0 where nobody was called."""
    raw = np.asarray(dosages, np.float64)
    called = ~np.isnan(raw)
    n_called = called.sum(axis=0)
    mean = np.divide(np.nansum(raw, axis=0), n_called, out=np.zeros(raw.shape[1]), where=n_called > 0)
    return np.where(called, raw, mean)


def covariance_file_name(database: str, panel: Panel, *, key: Literal["rsid", "var_id"] = "rsid") -> str:
    """Name of the covariances beside a database: ``DATABASE.PANEL.cov.txt.gz``, ``DATABASE.PANEL.varID.cov.txt.gz``."""
    return f"{database}.{panel.name}{'.varID' if key == 'var_id' else ''}.cov.txt.gz"


def describe_left_out(selected: PanelWeights) -> Iterable[tuple[str, int]]:
    """What was left out and why, for the audit."""
    yield "monomorphic in the panel", sum(selected.n_monomorphic.values())
    yield "weight 0", sum(selected.n_zero.values())


@dataclass(frozen=True, eq=False)
class PredictDbExport:
    """All that a folder of linear weights is made from; see `write_predictdb` and `write_covariances`."""

    selected: PanelWeights
    genes: pd.DataFrame
    panel: Panel
    tissue: str
    construction: Mapping[str, str]
    dosages_of: DosagesOf


@dataclass(frozen=True, eq=False)
class PredictDb:
    """Tables of a database.

    Attributes
    ----------
    path : Path
    weights : DataFrame
        ``gene, rsid, varID, ref_allele, eff_allele, weight, build``.
    extra : DataFrame
        One row per gene.
    panel : Panel
    """

    path: Path
    weights: pd.DataFrame
    extra: pd.DataFrame
    panel: Panel


#: Files of the folder; the last one is written last and names the others.
_DATABASE, _SCORE, _MANIFEST = "weights.db", "plink2_score.tsv", "export.json"


def write_export(path: Path, export: PredictDbExport) -> None:
    """Write the database, its covariances under both names and the score file into a folder, whole or not at all."""
    with publish_directory(path) as building:
        write_predictdb(
            building / _DATABASE,
            export.selected,
            export.genes,
            panel=export.panel,
            tissue=export.tissue,
            construction=export.construction,
        )
        names = [_DATABASE, _SCORE]
        keys: tuple[Literal["rsid", "var_id"], ...] = ("rsid", "var_id")
        for key in keys:
            names.append(covariance_file_name("weights", export.panel, key=key))
            write_covariances(building / names[-1], export.selected, export.dosages_of, panel=export.panel, key=key)
        order = write_plink_score(building / _SCORE, export.selected)
        files = {name: sha256_file(building / name) for name in names}
        told = {"files": files, "score_genes": order, "left_out": dict(describe_left_out(export.selected))}
        write_json(building / _MANIFEST, told)


def export_exists(path: Path) -> bool:
    """Whether a finished folder is there."""
    return (path / _MANIFEST).is_file()


def read_export(path: Path) -> PredictDb:
    """The database of a folder; InputError if a file is not the one that was written."""
    for name, recorded in read_json(path / _MANIFEST)["files"].items():
        file = path / name
        if not file.is_file() or sha256_file(file) != recorded:
            raise InputError(str(file), "is not the file that was exported", "export the weights again")
    connection = sqlite3.connect(f"file:{(path / _DATABASE).resolve()}?mode=ro", uri=True)
    try:
        weights = pd.read_sql_query("SELECT * FROM weights", connection)
        extra = pd.read_sql_query("SELECT * FROM extra", connection)
        n, name, build = connection.execute("SELECT n_samples, population, build FROM sample_info").fetchone()
    finally:
        connection.close()
    return PredictDb(path / _DATABASE, weights, extra, Panel(name, n, build))
