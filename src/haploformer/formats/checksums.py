"""Recorded checksums: ``FILE.sha256`` beside ``FILE``, as ``sha256sum FILE > FILE.sha256`` writes it."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

from haploformer.errors import InputError
from haploformer.formats.files import sha256_file

SUFFIX = ".sha256"

#: A line of sha256sum: the digest, a space, a space or an asterisk, the name; or the digest alone.
_LINE = re.compile(r"\\?([0-9a-fA-F]{64})(?: [ *](.+))?")

#: A file of checksums is a few lines: of a longer one no more is read.
_MAX_LENGTH = 1024 * 1024


def checksum_path(path: Path) -> Path:
    """Where the checksum of a file is recorded, if it is."""
    return path.with_name(path.name + SUFFIX)


def require_recorded_checksum(path: Path, *, compute: Callable[[], str] | None = None) -> None:
    """Compare a file with the sha256 recorded beside it; without a record nothing is compared.

    Parameters
    ----------
    path : Path
    compute : callable, optional
        The file's sha256, where it is known or wanted again.

    Raises
    ------
    InputError
        If the file is not the one whose sha256 was recorded, or the record is not to be read.
    """
    record = checksum_path(path)
    if not record.is_file():
        return
    recorded = _read_record(record, path.name)
    found = compute() if compute else sha256_file(path)
    if found != recorded:
        raise InputError(
            str(path),
            f"is not the file whose sha256 {record.name} records (there {recorded[:12]}, here {found[:12]})",
            f"copy it again; if it was changed on purpose, record it anew: sha256sum {path.name} > {record.name}",
        )


def _read_record(record: Path, name: str) -> str:
    """The sha256 that a record tells of the file ``name``."""
    try:
        with record.open("rb") as stream:
            lines = stream.read(_MAX_LENGTH).decode("utf-8", "replace").splitlines()
    except OSError as error:
        raise InputError(str(record), f"cannot be read ({error.strerror})", "check its permissions") from error
    matches = [match for line in lines if (match := _LINE.fullmatch(line.strip()))]
    for match in matches:
        # Of a name with a folder the last part counts: files are copied together with their records.
        if match[2] is None or match[2].replace("\\", "/").split("/")[-1] == name:
            return match[1].lower()
    told = f"tells of {matches[0][2]}, not of {name}" if matches else "is no output of sha256sum"
    raise InputError(str(record), f"the recorded checksum {told}", f"make it again: sha256sum {name} > {record.name}")
