"""What all datasets of the project share: a path, its description, and whether it is there."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any, Generic, NoReturn, TypeVar

from kedro.io import AbstractDataset, DatasetError

from haploformer.errors import InputError
from haploformer.formats.id_map import IdMap, read_id_map

logger = logging.getLogger(__name__)

Saved = TypeVar("Saved")
Loaded = TypeVar("Loaded")


class PathDataset(AbstractDataset[Saved, Loaded], Generic[Saved, Loaded]):
    """A dataset that is one file or folder.

    Parameters
    ----------
    filepath : str
    metadata : dict, optional
        Not used by the dataset; Kedro-Viz reads the layer from it.
    """

    def __init__(self, *, filepath: str, metadata: dict[str, Any] | None = None) -> None:
        self._path = Path(filepath)
        self.metadata = metadata

    def _describe(self) -> dict[str, Any]:
        return {"filepath": str(self._path)}

    def _exists(self) -> bool:
        return self._path.exists()


#: Files that lie beside others and are never meant by a pattern.
_SUFFIXES_BESIDE = (".tbi", ".csi", ".fai", ".gzi", ".sha256")


class InputFileDataset(PathDataset[NoReturn, Loaded], Generic[Loaded]):
    """A file that users bring and the project only reads.

    Parameters
    ----------
    filepath : str or None
        The last part may hold ``*``: exactly one file must fit. None: there is none.
    required : bool
        Whether a run stops where the file is not there; if not, it goes on without, and says so.
    """

    #: What is done without where the file may be absent.
    what = "file"

    #: What the file is.
    kind = "file"

    def __init__(self, *, filepath: str | None, required: bool = True, metadata: dict[str, Any] | None = None) -> None:
        super().__init__(filepath=filepath or "", metadata=metadata)
        self._given = filepath is not None
        self._required = required
        self._said = False

    def files(self) -> list[Path]:
        """The files that are read; none where the run goes on without."""
        return [] if self._is_absent() else [self._file]

    @property
    def _file(self) -> Path:
        """The file that is meant."""
        return self._path if "*" not in self._path.name else only_one(self._path, self._fitting())

    def _is_absent(self) -> bool:
        """Whether to go on without the file; the first time that this is found out, it is said."""
        if not self._given or (not self._required and not self._is_there()):
            if self._given and not self._said:
                logger.warning("no %s: %s is not there", self.what, self._path)
            self._said = True
            return True
        return False

    def _fitting(self) -> list[Path]:
        found = sorted(self._path.parent.glob(self._path.name))
        return [path for path in found if path.suffix not in _SUFFIXES_BESIDE]

    def _is_there(self) -> bool:
        return bool(self._fitting()) if "*" in self._path.name else self._path.exists()

    def _exists(self) -> bool:
        # Where no file fits a pattern, loading says what is there.
        return not self._given or not self._required or "*" in self._path.name or self._is_there()

    def save(self, data: NoReturn) -> None:
        """Refuse: the file belongs to the user."""
        raise DatasetError(f"{self._path} is an input: nothing is written to it")


class PeopleFileDataset(InputFileDataset[Loaded], Generic[Loaded]):
    """An input file that names people.

    Parameters
    ----------
    id_map : str, optional
        A table of which individual each id means; ids are individuals' as written without it.
    """

    def __init__(
        self,
        *,
        filepath: str | None,
        id_map: str | None = None,
        required: bool = True,
        metadata: dict[str, Any] | None = None,
    ) -> None:
        super().__init__(filepath=filepath, required=required, metadata=metadata)
        self._id_map = None if id_map is None else Path(id_map)

    def _ids(self) -> IdMap:
        """Which individual each id means."""
        return read_id_map(self._id_map)


def only_one(pattern: Path, found: list[Path]) -> Path:
    """The one file that fits a pattern; InputError if none does, or several do."""
    if not found:
        there = sorted(path.name for path in pattern.parent.glob("*"))
        shown = ", ".join(there[:6]) + (" ..." if len(there) > 6 else "")
        raise InputError(
            str(pattern),
            f"no file fits the pattern (there: {shown or 'nothing'})",
            "check the path, or give another folder with raw_dir",
        )
    if len(found) > 1:
        shown = ", ".join(path.name for path in found[:4])
        raise InputError(
            str(pattern), f"{len(found)} files fit the pattern ({shown})", "keep one of them there, or name it in full"
        )
    return found[0]
