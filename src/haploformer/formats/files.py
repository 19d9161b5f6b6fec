"""Files as such: presence, hashes, and writing that is complete or absent."""

from __future__ import annotations

import errno
import hashlib
import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any, AnyStr

from haploformer.errors import InputError


def require_file(path: Path, *, what: str, remedy: str = "check the path, or give another folder with raw_dir") -> None:
    """Raise InputError unless ``path`` is a file with something in it; ``remedy`` is what to do if it is not there."""
    if not path.is_file():
        raise InputError(str(path), f"the {what} is missing", remedy)
    try:
        with path.open("rb") as stream:
            is_empty = not stream.read(1)
    except OSError as error:
        raise InputError(str(path), f"the {what} cannot be read ({error.strerror})", "check its permissions") from error
    if is_empty:
        raise InputError(str(path), f"the {what} is empty", "copy or make the file again")


#: A line of more characters is refused: a few kilobytes of a compressed file may hold one of a gigabyte.
MAX_LINE = 64 * 1024 * 1024


def read_lines(stream: IO[AnyStr], path: Path) -> Iterator[AnyStr]:
    """The lines that are left in a stream, with their ends; InputError if one is longer than `MAX_LINE`."""
    number = 0
    while line := stream.readline(MAX_LINE):
        number += 1
        if len(line) == MAX_LINE:
            raise InputError(f"{path}:line {number}", f"the line is longer than {MAX_LINE:,} characters", "correct it")
        yield line


def sha256_file(path: Path) -> str:
    """sha256 of a file's bytes, as hexadecimal text."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def sha256_json(value: Any) -> str:
    """sha256 of a JSON value, whatever the order of its keys."""
    return hashlib.sha256(json.dumps(value, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


#: What the system calls a disk, a quota or an allowed length of files that is used up.
_FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})


def full_disk(error: BaseException | None) -> OSError | None:
    """What the system said of a full disk, if that is the error or one of its causes."""
    while error is not None and not (isinstance(error, OSError) and error.errno in _FULL):
        error = error.__cause__ or error.__context__
    return error


@contextmanager
def room_for(path: Path, n_bytes: int) -> Iterator[None]:
    """Turn what the system says of a write into an InputError that names the file and how many bytes it needs."""
    try:
        yield
    except OSError as error:
        raise InputError(
            str(path),
            f"cannot be written ({error.strerror or error})",
            f"make room for {n_bytes:,} bytes and run again" if full_disk(error) else "check its folder's permissions",
        ) from error


def write_durably(path: Path, content: bytes, *, writer: str = "") -> None:
    """Write a file so that it is there whole, or not at all, even after a power cut; ``writer`` as in `publish_file`.

    Raises
    ------
    InputError
        If it cannot be written, for example because the disk is full.
    """
    with room_for(path, len(content)), publish_file(path, writer=writer) as building:
        building.write_bytes(content)


@contextmanager
def publish_file(path: Path, *, writer: str = "") -> Iterator[Path]:
    """An empty file to write, which takes the place of ``path``, synced, when the block ends without an error.

    Where several processes may write it at once, each is a ``writer`` of its own.
    """
    # Always the same name: what a killed run left is overwritten by the next.
    building = path.with_name(f".{path.name}{writer and f'.{writer}'}.tmp")
    try:
        building.unlink(missing_ok=True)
        building.touch()
        mode = building.stat().st_mode
        yield building
        # Some libraries make a file of their own, which only its owner may read.
        building.chmod(mode)
        _sync(building)
        building.replace(path)
    except BaseException:
        building.unlink(missing_ok=True)
        raise
    _sync(path.parent)


def write_json(path: Path, value: Any) -> None:
    """Write a JSON value durably, keys sorted."""
    write_durably(path, (json.dumps(value, indent=1, sort_keys=True) + "\n").encode())


def read_json(path: Path) -> Any:
    """The JSON value in a file."""
    return json.loads(path.read_text(encoding="utf-8"))


@contextmanager
def publish_directory(path: Path) -> Iterator[Path]:
    """A new folder to write into, which takes the place of ``path`` when the block ends without an error.

    Raises
    ------
    InputError
        If the disk is full.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    building = path.with_name(f".{path.name}.tmp")
    shutil.rmtree(building, ignore_errors=True)
    building.mkdir()
    try:
        yield building
        replace_directory(building, path)
    except Exception as error:
        if (full := full_disk(error)) is None:
            raise
        # How much is still to come, nobody knows: alleles, for example, come one batch after the other.
        n_bytes = sum(file.stat().st_size for file in building.rglob("*") if file.is_file())
        raise InputError(
            str(path),
            f"cannot be written ({full.strerror})",
            f"make room for more than {n_bytes:,} bytes and run again",
        ) from error
    finally:
        shutil.rmtree(building, ignore_errors=True)


def replace_directory(new: Path, path: Path) -> None:
    """Rename ``new`` to ``path``; what was there before is removed afterwards."""
    old = path.with_name(f".{path.name}.old")
    shutil.rmtree(old, ignore_errors=True)
    if path.exists():
        path.rename(old)
    new.rename(path)
    _sync(path.parent)
    shutil.rmtree(old, ignore_errors=True)


def _sync(path: Path) -> None:
    """Bring to the disk what was written to a file, or the names in a folder."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
