"""Variants of ClinVar: its variant_summary.txt, its VCF, and tables of one build with their alleles."""

from __future__ import annotations

import gzip
import re
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from haploformer.errors import InputError
from haploformer.formats.bgzf import is_gzip, require_whole
from haploformer.formats.checksums import require_recorded_checksum
from haploformer.formats.files import read_lines, require_file, sha256_file
from haploformer.formats.foreign_tables import Cells, drop_repeated
from haploformer.formats.text_tables import first_line, read_text_table, require_columns

_WHAT = "ClinVar table"

_SEQUENCE = re.compile("[ACGTacgt]+")

_INFO_TEXT = re.compile(r"[{}\"]")

#: Columns of a VCF's records without samples.
_VCF_COLUMNS = ["contig", "pos", "id", "ref", "alt", "qual", "filter", "info"]

_SUMMARY = ["Type", "GeneSymbol", "ClinicalSignificance", "RS# (dbSNP)", "PhenotypeList", "Assembly", "Chromosome"]
_SUMMARY_PLACE = ["ReviewStatus", "VariationID", "PositionVCF", "ReferenceAlleleVCF", "AlternateAlleleVCF"]

_RELEASE = ["release", "chromosome", "start", "reference", "alternative", "set_type", "symbols", "vcv"]

_KEY = ["variation_id", "contig", "pos", "ref", "alt"]


@dataclass(frozen=True, eq=False)
class ClinvarVariants:
    """One file of variants.

    Attributes
    ----------
    table : DataFrame, schema ``clinvar_variants``
    n_rows : int
        Rows of the file.
    n_other_build : int
        Rows left out because their place is that of another build.
    n_without_alleles : int
        Rows left out because they have no place or not two alleles that name a sequence.
    n_repeated : int
        Rows left out because they say again what an earlier one says.
    name : str
        Of the file; empty where there is none.
    sha256 : str
    """

    table: pd.DataFrame
    n_rows: int
    n_other_build: int
    n_without_alleles: int
    n_repeated: int
    name: str = ""
    sha256: str = ""

    @property
    def left_out(self) -> dict[str, int]:
        """Rows that are not in the table, by reason."""
        return {
            "another build": self.n_other_build,
            "no place or no two alleles": self.n_without_alleles,
            "repeated": self.n_repeated,
        }


_TABLE = [
    *("variation_id", "rsid", "contig", "pos", "ref", "alt", "gene_symbols", "significance", "review_status"),
    *("phenotypes", "of_haplotype"),
]


def no_clinvar() -> ClinvarVariants:
    """The variants of a study that looks at none."""
    table = pd.DataFrame({name: [] for name in _TABLE}, dtype=object)
    return ClinvarVariants(table.astype({"pos": "Int64", "of_haplotype": "bool"}), 0, 0, 0, 0)


def read_clinvar(path: Path, *, build: str) -> ClinvarVariants:
    """Read one file, plain or gzip.

    Parameters
    ----------
    path : Path
        ``variant_summary.txt``, a VCF, or a table with ``release, chromosome, start, reference, alternative``.
    build : str
        ``GRCh37`` or ``GRCh38``. What a file says of its build is compared with it; whether it is true, REF tells
        (`genome.harmonise`).

    Raises
    ------
    InputError
        If the form is not known, the VCF says that it is of another build, a row has another length, a position is no
        number, or a variant stands twice with different values.
    """
    if build not in {"GRCh37", "GRCh38"}:
        raise ValueError(f"build is {build!r}; expected GRCh37 or GRCh38")
    line = first_line(path, what=_WHAT)
    if line.startswith("##"):
        cells, wanted, table = _read_vcf(path, build)
    else:
        raw = read_text_table(path, what=_WHAT)
        cells = Cells(raw, path)
        if "release" in raw.columns:
            wanted, table = _read_release(cells, build)
        else:
            wanted, table = _read_summary(cells, build)
    named = table[["contig", "pos", "ref", "alt"]].notna().all(axis=1) & (table["ref"] != table["alt"])
    kept, n_repeated = drop_repeated(table[wanted & named], cells, key=_KEY)
    if not wanted.any():
        raise InputError(str(path), f"none of the {len(cells):,} rows is of {build}", "give a file of this build")
    return ClinvarVariants(
        kept.reset_index(drop=True),
        n_rows=len(cells),
        n_other_build=int((~wanted).sum()),
        n_without_alleles=int((wanted & ~named).sum()),
        n_repeated=n_repeated,
        name=path.name,
        sha256=sha256_file(path),
    )


def _read_summary(cells: Cells, build: str) -> tuple[pd.Series, pd.DataFrame]:
    require_columns(cells.table, _SUMMARY + _SUMMARY_PLACE, cells.path)
    rs_number = cells.text("RS# (dbSNP)")
    # No place is written as -1.
    place = cells.table["PositionVCF"].where(cells.table["PositionVCF"].str.strip() != "-1", "")
    placed = Cells(cells.table.assign(PositionVCF=place), cells.path)
    table = pd.DataFrame(
        {
            "variation_id": cells.text("VariationID", required=True),
            "rsid": ("rs" + rs_number).where(rs_number.notna() & (rs_number != "-1"), None),
            "contig": cells.contigs("Chromosome"),
            "pos": placed.positions("PositionVCF"),
            "ref": _sequences(cells.text("ReferenceAlleleVCF")),
            "alt": _sequences(cells.text("AlternateAlleleVCF")),
            "gene_symbols": cells.text("GeneSymbol"),
            "significance": cells.text("ClinicalSignificance"),
            "review_status": cells.text("ReviewStatus"),
            "phenotypes": cells.text("PhenotypeList"),
            "of_haplotype": cells.table["Type"].str.lower().str.contains("haplotype"),
        }
    )
    return cells.table["Assembly"] == build, table


def _read_release(cells: Cells, build: str) -> tuple[pd.Series, pd.DataFrame]:
    require_columns(cells.table, _RELEASE, cells.path)
    label, status = "summary_clinvar_pathogenicity_label", "summary_clinvar_review_status_label"
    vcv = cells.text("vcv", required=True)
    table = pd.DataFrame(
        {
            "variation_id": vcv.str.replace(r"^VCV0*", "", regex=True),
            "rsid": cells.text(None),
            "contig": cells.contigs("chromosome"),
            "pos": cells.positions("start"),
            "ref": _sequences(cells.text("reference")),
            "alt": _sequences(cells.text("alternative")),
            "gene_symbols": cells.text("symbols").map(_list_symbols),
            "significance": cells.text(label if label in cells.table else None),
            "review_status": cells.text(status if status in cells.table else None),
            "phenotypes": cells.text(None),
            "of_haplotype": cells.table["set_type"] == "haplotype",
        }
    )
    return cells.table["release"] == build, table


def _read_vcf(path: Path, build: str) -> tuple[Cells, pd.Series, pd.DataFrame]:
    header, rows, first = _read_records(path)
    written = next((line.partition("=")[2] for line in header if line.startswith("##reference=")), "")
    told = [name for name in ("GRCh37", "GRCh38") if name.lower() in written.lower()]
    if told and told != [build]:
        raise InputError(
            f"{path}:header", f"the VCF is of {told[0]}, the run is of {build}", f"give ClinVar's VCF of {build}"
        )
    cells = Cells(pd.DataFrame(rows, columns=_VCF_COLUMNS), path, first_line=first)
    info = pd.DataFrame([_parse_info(text) for text in cells.table["info"]], index=cells.table.index, dtype=object)
    info = info.reindex(columns=["RS", "GENEINFO", "CLNSIG", "CLNSIGINCL", "CLNREVSTAT", "CLNDN"])
    table = pd.DataFrame(
        {
            "variation_id": cells.text("id", required=True),
            "rsid": info["RS"].map(_name_rsid),
            "contig": cells.contigs("contig"),
            "pos": cells.positions("pos", required=True),
            "ref": _sequences(cells.text("ref")),
            "alt": _sequences(cells.text("alt")),
            "gene_symbols": info["GENEINFO"].map(_list_genes),
            "significance": info["CLNSIG"].map(_spaced),
            "review_status": info["CLNREVSTAT"].map(_spaced),
            "phenotypes": info["CLNDN"].map(_spaced),
            # Without a significance of its own the variant is there for the haplotypes that include it.
            "of_haplotype": info["CLNSIG"].isna() & info["CLNSIGINCL"].notna(),
        }
    )
    return cells, pd.Series(True, index=table.index), table


def _read_records(path: Path) -> tuple[list[str], list[list[str]], int]:
    """Header lines of a VCF, its records' first eight cells, and the line of the first record."""
    require_file(path, what=_WHAT)
    require_whole(path)
    require_recorded_checksum(path)
    opener: Callable[..., Any] = gzip.open if is_gzip(path) else open
    header: list[str] = []
    rows: list[list[str]] = []
    try:
        with opener(path, "rt", encoding="utf-8") as stream:
            for number, line in enumerate(_stripped(stream, path), start=1):
                if line.startswith("#"):
                    header.append(line)
                    continue
                row = line.split("\t")
                if len(row) < len(_VCF_COLUMNS):
                    raise InputError(
                        f"{path}:line {number}", f"the record has {len(row)} cells, a VCF has 8", "correct the line"
                    )
                rows.append(row[: len(_VCF_COLUMNS)])
    except (OSError, EOFError, zlib.error, UnicodeDecodeError) as error:
        raise InputError(
            str(path), f"the {_WHAT} cannot be read ({error})", "correct or make the file again"
        ) from error
    if not rows:
        raise InputError(str(path), f"the {_WHAT} has a header and no row", "copy or make the file again")
    return header, rows, len(header) + 1


def _stripped(stream: Any, path: Path) -> Iterator[str]:
    return (line.rstrip("\r\n") for line in read_lines(stream, path))


def _parse_info(text: str) -> dict[str, str]:
    return dict(part.split("=", 1) for part in text.split(";") if "=" in part)


def _sequences(alleles: pd.Series) -> pd.Series:
    """Upper-case alleles, None where one names no sequence."""
    return alleles.map(lambda a: a.upper() if isinstance(a, str) and _SEQUENCE.fullmatch(a) else None).astype(object)


def _name_rsid(text: object) -> str | None:
    """The first of the rs numbers."""
    return f"rs{text.partition('|')[0]}" if isinstance(text, str) else None


def _spaced(text: object) -> str | None:
    """A value of INFO, in which blanks are underscores."""
    return text.replace("_", " ") if isinstance(text, str) else None


def _list_symbols(text: object) -> str | None:
    """``A,B`` of ``{"A","B"}``."""
    return _INFO_TEXT.sub("", text) or None if isinstance(text, str) else None


def _list_genes(text: object) -> str | None:
    """``A,B`` of ``A:1|B:2``."""
    return ",".join(part.partition(":")[0] for part in text.split("|")) if isinstance(text, str) else None
