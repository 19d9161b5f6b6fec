"""External eQTLs in the forms that GTEx, the eQTL Catalogue, tensorQTL, FastQTL and QTLtools write."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from haploformer.errors import InputError
from haploformer.formats.checksums import require_recorded_checksum
from haploformer.formats.files import require_file
from haploformer.formats.foreign_tables import Cells, drop_repeated, is_rsid, parse_variant_id, upper_case
from haploformer.formats.text_tables import first_line, read_text_table, require_columns

_WHAT = "eQTL table"

#: Where a column's content comes from: the first of these names that is there.
_Names = tuple[str, ...]


@dataclass(frozen=True)
class _Form:
    """A form of table: what it is called, the columns that tell it, and where each of our columns comes from."""

    name: str
    needs: frozenset[str]
    columns: Mapping[str, _Names]
    build: str | None = None


_ASSOCIATION: Mapping[str, _Names] = {
    "trait_id": ("phenotype_id", "gene_id"),
    "gene_id": ("gene_id", "phenotype_id"),
    "variant_id": ("variant_id",),
    "contig": ("chr",),
    "pos": ("variant_pos", "snp_pos"),
    "ref": ("ref",),
    "alt": ("alt",),
    "slope": ("slope",),
    "slope_se": ("slope_se",),
    "pvalue": ("pval_nominal",),
    "maf": ("maf", "af"),
    "pip": ("pip",),
    "cs_id": ("cs_id",),
    "rsid": ("rs_id_dbSNP151_GRCh38p7", "rs_id_dbSNP147_GRCh37p13", "rs_id_dbSNP142_GRCh37p13", "rs_id_dbSNP155"),
}

_CATALOGUE: Mapping[str, _Names] = {
    "trait_id": ("molecular_trait_id",),
    "gene_id": ("gene_id", "molecular_trait_object_id", "molecular_trait_id"),
    "variant_id": ("variant",),
    "contig": ("chromosome",),
    "pos": ("position",),
    "ref": ("ref",),
    "alt": ("alt",),
    "slope": ("beta",),
    "slope_se": ("se",),
    "pvalue": ("pvalue",),
    "maf": ("maf",),
    "pip": ("pip",),
    "cs_id": ("cs_id",),
    "rsid": ("rsid",),
}

_QTLTOOLS: Mapping[str, _Names] = {
    "trait_id": ("phe_id", "grp_id"),
    "gene_id": ("grp_id", "phe_id"),
    "variant_id": ("var_id",),
    "contig": ("var_chr",),
    "pos": ("var_from",),
    "slope": ("slope",),
    "slope_se": ("slope_se",),
    "pvalue": ("nom_pval",),
}

#: In this order: the first form whose columns are all there is the file's.
_FORMS = (
    _Form("eQTL Catalogue", frozenset({"molecular_trait_id", "variant"}), _CATALOGUE, build="GRCh38"),
    _Form(
        "GTEx DAP-G",
        frozenset({"gene_id", "variant_id", "variant_pip"}),
        {
            "tissue": ("tissue_id",),
            "trait_id": ("gene_id",),
            "gene_id": ("gene_id",),
            "variant_id": ("variant_id",),
            "pip": ("variant_pip",),
            "cs_id": ("cluster_id",),
        },
    ),
    _Form(
        "GTEx CAVIAR",
        frozenset({"GENE", "eQTL", "CHROM", "POS", "Probability"}),
        {
            "tissue": ("TISSUE",),
            "trait_id": ("GENE",),
            "gene_id": ("GENE",),
            "variant_id": ("eQTL",),
            "contig": ("CHROM",),
            "pos": ("POS",),
            "pip": ("Probability",),
        },
    ),
    _Form("tensorQTL SuSiE", frozenset({"phenotype_id", "variant_id", "pip"}), _ASSOCIATION),
    _Form("tensorQTL", frozenset({"phenotype_id", "variant_id", "slope", "pval_nominal"}), _ASSOCIATION),
    _Form("GTEx or FastQTL", frozenset({"gene_id", "variant_id", "slope", "pval_nominal"}), _ASSOCIATION),
    _Form("QTLtools", frozenset({"phe_id", "var_id", "nom_pval", "slope"}), _QTLTOOLS),
    _Form("QTLtools", frozenset({"grp_id", "var_id", "nom_pval", "slope"}), _QTLTOOLS),
)

_PHENOTYPE = ["phe_id", "phe_chr", "phe_from", "phe_to", "phe_strd", "n_var_in_cis", "dist_phe_var"]
_VARIANT = ["var_id", "var_chr", "var_from", "var_to"]
_PERMUTED = ["dof1", "dof2", "bml1", "bml2", "nom_pval"]
_ADJUSTED = ["adj_emp_pval", "adj_beta_pval"]

#: Columns of files without a header by their number, for QTLtools 1.1 and 1.3 with and without --std-err, and FastQTL.
_WITHOUT_HEADER: Mapping[int, list[str]] = {
    14: [*_PHENOTYPE, *_VARIANT, "nom_pval", "slope", "best_hit"],
    15: [*_PHENOTYPE, *_VARIANT, "nom_pval", "r_squared", "slope", "best_hit"],
    16: [*_PHENOTYPE, *_VARIANT, "nom_pval", "r_squared", "slope", "slope_se", "best_hit"],
    19: [*_PHENOTYPE, *_VARIANT, *_PERMUTED, "slope", *_ADJUSTED],
    20: [*_PHENOTYPE, *_VARIANT, *_PERMUTED, "r_squared", "slope", *_ADJUSTED],
    21: [*_PHENOTYPE, *_VARIANT, *_PERMUTED, "r_squared", "slope", "slope_se", *_ADJUSTED],
    5: ["gene_id", "variant_id", "tss_distance", "pval_nominal", "slope"],
    11: [
        *("gene_id", "num_var", "beta_shape1", "beta_shape2", "dummy", "variant_id", "tss_distance"),
        *("pval_nominal", "slope", "pval_perm", "pval_beta"),
    ],
}

_KEY = ["tissue", "trait_id", "variant_id", "cs_id"]


@dataclass(frozen=True, eq=False)
class ExternalEqtls:
    """One file of eQTLs.

    Attributes
    ----------
    table : DataFrame, schema ``external_eqtls``
    form : str
        What the file is.
    n_rows : int
        Rows of the file.
    n_repeated : int
        Rows left out because they repeat an earlier one under another rsid.
    n_without_variant : int
        Rows left out because no variant was tested.
    name : str
        Of the file.
    """

    table: pd.DataFrame
    form: str
    n_rows: int
    n_repeated: int
    n_without_variant: int
    name: str = "none"


_TEXT = ("tissue", "trait_id", "gene_id", "variant_id", "rsid", "contig", "ref", "alt", "cs_id", "build")
_TABLE = [
    *("tissue", "trait_id", "gene_id", "variant_id", "rsid", "contig", "pos", "ref", "alt"),
    *("slope", "slope_se", "pvalue", "maf", "pip", "cs_id", "build"),
]


def no_eqtls() -> ExternalEqtls:
    """The eQTLs of a study that has none."""
    table = pd.DataFrame({name: pd.Series(dtype=object if name in _TEXT else "float64") for name in _TABLE})
    return ExternalEqtls(table.astype({"pos": "Int64"}), "none", 0, 0, 0)


def no_top_associations() -> pd.DataFrame:
    """The associations of a study that has none."""
    columns = {"gene_id": object, "tss_distance": "float64", "maf": "float64", "r": "float64"}
    return pd.DataFrame({name: pd.Series(dtype=kind) for name, kind in columns.items()})


def read_eqtls(path: Path) -> ExternalEqtls:
    """Read one file: text, plain or gzip, with or without its header, or Parquet.

    Place and alleles come from the file's columns and from ids like ``chr22_123_A_G_b38``; where both tell a place they
    must agree. Other ids, an rsid for one, say nothing of alleles: see ``alleles_by_id`` in `genome.harmonise`.

    Raises
    ------
    InputError
        If the form is not known, a cell is no number or out of range, a row stands twice with different values, or an
        id and the columns disagree.
    """
    cells = _read_cells(path)
    columns = set(cells.table.columns)
    form = next((form for form in _FORMS if form.needs <= columns), None)
    if form is None:
        there = ", ".join(map(str, list(cells.table.columns)[:8]))
        raise InputError(
            f"{path}:header",
            f"not a known form of eQTL table (columns: {there})",
            "give a table of GTEx, the eQTL Catalogue, tensorQTL, FastQTL or QTLtools as they write it",
        )
    table = _build(cells, form)
    tested = table["variant_id"].notna()
    kept, n_repeated = drop_repeated(
        table[tested], cells, key=_KEY, may_differ={"rsid": "a variant has one row per rsid in the eQTL Catalogue"}
    )
    n_untested = int((~tested).sum())
    return ExternalEqtls(kept.reset_index(drop=True), form.name, len(cells), n_repeated, n_untested, path.name)


def read_top_associations(path: Path) -> pd.DataFrame:
    """A table that names a gene's strongest association by r, but no variant and no allele (comma-separated).

    Columns ``GENE_ID, distance, minor_allele_freq, rvalue``; rows without a GENE_ID hold nothing.

    Returns
    -------
    DataFrame, schema ``top_associations``

    Raises
    ------
    InputError
        If a column is missing, a cell is no number or out of range, or a gene stands twice.
    """
    raw = read_text_table(path, what=_WHAT, separator=",")
    require_columns(raw, ["GENE_ID", "distance", "minor_allele_freq", "rvalue"], path)
    cells = Cells(raw, path)
    gene_id = cells.text("GENE_ID")
    table = pd.DataFrame(
        {
            "gene_id": gene_id,
            "tss_distance": cells.numbers("distance"),
            "maf": cells.numbers("minor_allele_freq", low=0, high=0.5),
            "r": cells.numbers("rvalue", low=-1, high=1),
        }
    )
    kept, _ = drop_repeated(table[gene_id.notna()], cells, key=["gene_id"])
    return kept.reset_index(drop=True)


def _read_cells(path: Path) -> Cells:
    require_file(path, what=_WHAT)
    with path.open("rb") as stream:
        if stream.read(4) == b"PAR1":
            return _read_parquet(path)
    line = first_line(path, what=_WHAT)
    separator = "\t" if "\t" in line else " "
    words = line.split(separator)
    if any(form.needs <= set(words) for form in _FORMS):
        return Cells(read_text_table(path, what=_WHAT, separator=separator), path)
    names = _WITHOUT_HEADER.get(len(words))
    # A header of another form has no number in it.
    if names is None or not any(word.replace(".", "", 1).isdigit() for word in words):
        return Cells(read_text_table(path, what=_WHAT, separator=separator), path)
    return Cells(read_text_table(path, what=_WHAT, separator=separator, names=names), path, first_line=1)


def _read_parquet(path: Path) -> Cells:
    require_recorded_checksum(path)
    try:
        # Not by pandas' own notes in the file: an index that they name (tensorQTL's phenotype_id) is a column, too.
        table = pq.read_table(path, page_checksum_verification=True).replace_schema_metadata().to_pandas()
    except (OSError, ValueError, pa.ArrowException) as error:
        raise InputError(str(path), f"the {_WHAT} cannot be read ({error})", "copy or make the file again") from error
    if len(table) == 0:
        raise InputError(str(path), f"the {_WHAT} has no row", "copy or make the file again")
    return Cells(table, path, first_line=1)


def _build(cells: Cells, form: _Form) -> pd.DataFrame:
    """The table in the order of its schema, a row per row of the file."""
    there = set(cells.table.columns)
    source = {ours: next((n for n in names if n in there), None) for ours, names in form.columns.items()}
    named = cells.text(source["variant_id"])
    parsed = {name: parse_variant_id(name) for name in named.dropna().unique()}
    written = pd.DataFrame(
        [parsed.get(name, parse_variant_id("")) for name in named],
        columns=["contig", "pos", "ref", "alt", "build"],
        index=named.index,
        dtype=object,
    )
    contig, pos = cells.contigs(source.get("contig")), cells.positions(source.get("pos"))
    _require_agreement(cells, written, contig, pos)
    _require_same_alleles(cells, written, {name: cells.text(source.get(name)) for name in ("ref", "alt")})
    gene_id = cells.text(source["gene_id"])
    trait_id = cells.text(source["trait_id"], required=True)
    rsid = cells.text(source.get("rsid"))
    maf = cells.numbers(source.get("maf"), low=0, high=1)
    table = pd.DataFrame(
        {
            "tissue": cells.text(source.get("tissue")),
            "trait_id": trait_id,
            "gene_id": gene_id.where(gene_id.notna(), trait_id),
            "variant_id": named,
            "rsid": rsid.where(rsid.notna(), named.where(named.map(is_rsid).astype(bool), None)),
            "contig": contig.where(contig.notna(), written["contig"]),
            "pos": pos.where(pos.notna(), written["pos"].astype("Int64")),
            "ref": _alleles(cells, source.get("ref"), written["ref"]),
            "alt": _alleles(cells, source.get("alt"), written["alt"]),
            "slope": cells.numbers(source.get("slope")),
            "slope_se": cells.numbers(source.get("slope_se"), low=0),
            "pvalue": cells.numbers(source.get("pvalue"), low=0, high=1),
            # An allele's frequency, where the file tells that.
            "maf": np.minimum(maf, 1 - maf),
            "pip": cells.numbers(source.get("pip"), low=0, high=1),
            "cs_id": cells.text(source.get("cs_id")),
            "build": written["build"].where(written["build"].notna(), form.build),
        }
    )
    return table.astype(dict.fromkeys(("tissue", "cs_id", "build"), object))


def _alleles(cells: Cells, column: str | None, written: pd.Series) -> pd.Series:
    told = upper_case(cells.text(column))
    return told.where(told.notna(), written).astype(object)


def _require_agreement(cells: Cells, written: pd.DataFrame, contig: pd.Series, pos: pd.Series) -> None:
    """Raise InputError if an id names another place than the columns."""
    both = written["contig"].notna() & contig.notna()
    other = both & (written["contig"] != contig)
    placed = written["pos"].notna() & pos.notna()
    other |= placed & (written["pos"].astype("Int64") != pos).fillna(False)
    if other.any():
        row = int(other.to_numpy().argmax())
        raise InputError(
            cells.where(row),
            f"the id of the variant says {written['contig'].iloc[row]}:{written['pos'].iloc[row]}, the columns "
            f"{contig.iloc[row]}:{pos.iloc[row]}",
            "correct the row: one of the two may be of another build",
        )


def _require_same_alleles(cells: Cells, written: pd.DataFrame, told: Mapping[str, pd.Series]) -> None:
    """Raise InputError if an id names other alleles than the columns: nobody could tell which one the effect is of."""
    for name, column in told.items():
        other = (written[name].notna() & column.notna() & (written[name] != upper_case(column))).to_numpy(bool)
        if other.any():
            row = int(other.argmax())
            raise InputError(
                f"{cells.where(row)}, column {name}",
                f"the id of the variant says {written[name].iloc[row]}, the column {column.iloc[row]}",
                "correct the row",
            )
