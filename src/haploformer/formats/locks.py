"""Locks between processes, which end with the process that holds them, however it ends."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path
from types import TracebackType
from typing import IO, NoReturn


class FileLock:
    """A lock on a file that lies there only while the lock is held.

    Parameters
    ----------
    path : Path
        Its folder must exist.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._held: IO[bytes] | None = None

    def acquire(self, *, shared: bool = False, wait: bool = False) -> bool:
        """Take the lock, alone or beside others who share it; whether it was free. Once held it may be taken otherwise."""
        kind = (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | (0 if wait else fcntl.LOCK_NB)
        while True:
            stream = self._held or self.path.open("ab")
            try:
                fcntl.flock(stream, kind)
            except BlockingIOError:
                if self._held is None:
                    stream.close()
                return False
            if self._held is not None or _is_file(stream, self.path):
                self._held = stream
                return True
            # Its last holder has removed the file in the meantime: a lock on it is worth nothing.
            stream.close()

    def release(self) -> None:
        """Give the lock back; the last one to do so removes the file."""
        if self._held is None:
            return
        if self.acquire():
            self.path.unlink(missing_ok=True)
        self._held.close()
        self._held = None

    def __enter__(self) -> FileLock:
        self.acquire(wait=True)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.release()

    def __getstate__(self) -> NoReturn:
        raise TypeError("a lock belongs to its process")


def _is_file(stream: IO[bytes], path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(stream.fileno()), path.stat())
    except FileNotFoundError:
        return False
