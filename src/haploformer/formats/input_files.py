"""Files that users bring, as files: their size, and what would show that one is damaged."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from haploformer.errors import InputError
from haploformer.formats.bgzf import is_bgzf, is_gzip
from haploformer.formats.checksums import checksum_path

_INDEX_SUFFIXES = (".csi", ".tbi", ".fai")


@dataclass(frozen=True)
class InputFile:
    """One input: a file, or a set of files that belong together.

    Attributes
    ----------
    name : str or None
        Names of the files without folders; None where the run goes on without the input.
    n_bytes : int
    compression : str
        ``bgzip``, ``gzip``, ``none``, of the first file.
    indices : tuple of str
        Suffixes of the indices beside the first file.
    has_checksum : bool
        Whether a sha256 is recorded beside each file.
    """

    name: str | None
    n_bytes: int = 0
    compression: str = "none"
    indices: tuple[str, ...] = ()
    has_checksum: bool = False


def describe_input(paths: Sequence[Path]) -> InputFile:
    """What can be told of an input without reading it."""
    if not paths or not all(path.is_file() for path in paths):
        return InputFile(", ".join(path.name for path in paths) or None)
    try:
        compression = "bgzip" if is_bgzf(paths[0]) else "gzip" if is_gzip(paths[0]) else "none"
    except OSError as error:
        raise InputError(str(paths[0]), f"cannot be read ({error.strerror})", "give a file that can be read") from error
    return InputFile(
        name=", ".join(path.name for path in paths),
        n_bytes=sum(path.stat().st_size for path in paths),
        compression=compression,
        indices=tuple(suffix for suffix in _INDEX_SUFFIXES if Path(f"{paths[0]}{suffix}").is_file()),
        has_checksum=all(checksum_path(path).is_file() for path in paths),
    )
