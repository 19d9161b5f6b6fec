"""People of a PLINK2 file set (.psam)."""

from __future__ import annotations

from pathlib import Path

from haploformer.errors import InputError
from haploformer.formats.files import require_file
from haploformer.formats.text_tables import read_plain_lines, require_lengths

#: Columns of a file without a header, as in a .fam; the phenotype may be absent.
_FAM_COLUMNS = ["#FID", "IID", "PAT", "MAT", "SEX", "PHENO1"]


def read_psam(path: Path) -> list[str]:
    """Individual ids (IID) in the order of the rows.

    Raises
    ------
    InputError
        If the file is absent, no text, cut short, has no person, no IID, or a row of another length than its header.
    """
    require_file(path, what=".psam file")
    rows = [line.split() for line in read_plain_lines(path)]
    n_header = next((i for i, row in enumerate(rows) if not "".join(row).startswith("#")), len(rows))
    header = next((row for row in reversed(rows[:n_header]) if row[0] in {"#FID", "#IID"}), None)
    if header is None and n_header:
        raise InputError(f"{path}:line {n_header}", "the header has neither #FID nor #IID", "make it by plink2")
    people = rows[n_header:]
    if not people:
        raise InputError(str(path), "has a header and no person", "copy or make the file set again")
    if header is None:
        header = _FAM_COLUMNS[: max(len(people[0]), 5)]
    column = header.index("#IID") if "#IID" in header else header.index("IID") if "IID" in header else None
    if column is None:
        raise InputError(f"{path}:line {n_header}", "the header has no IID", "make it by plink2")
    require_lengths(people, len(header), path, first_line=n_header + 1)
    return [row[column] for row in people]
