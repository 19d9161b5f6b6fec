"""Locks between processes."""

from __future__ import annotations

import multiprocessing
import os
import pickle
import signal
from pathlib import Path

import pytest

from haploformer.formats.locks import FileLock


def test_acquire__one_alone_or_several_that_share(tmp_path):
    first, second, third = (FileLock(tmp_path / "lock") for _ in range(3))
    assert first.acquire()
    assert not second.acquire()
    assert not second.acquire(shared=True)
    first.release()
    assert second.acquire(shared=True)
    assert third.acquire(shared=True)
    assert not first.acquire()


def test_acquire__one_that_is_held_can_be_shared(tmp_path):
    first, second = (FileLock(tmp_path / "lock") for _ in range(2))
    assert first.acquire()
    assert first.acquire(shared=True)
    assert second.acquire(shared=True)


def test_release__the_last_one_removes_the_file(tmp_path):
    first, second = (FileLock(tmp_path / "lock") for _ in range(2))
    first.acquire(shared=True)
    second.acquire(shared=True)
    first.release()
    assert (tmp_path / "lock").exists()
    second.release()
    assert list(tmp_path.iterdir()) == []
    second.release()


def _count(folder: Path, n: int) -> None:
    for _ in range(n):
        with FileLock(folder / "lock"):
            number = int((folder / "number").read_text())
            (folder / "number").write_text(str(number + 1))


def test_acquire__processes_that_take_turns_never_meet(tmp_path):
    (tmp_path / "number").write_text("0")
    workers = [multiprocessing.get_context("fork").Process(target=_count, args=(tmp_path, 200)) for _ in range(4)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert (tmp_path / "number").read_text() == "800"
    assert not (tmp_path / "lock").exists()


def _hold_and_die(path: Path) -> None:
    lock = FileLock(path)
    lock.acquire()
    os.kill(os.getpid(), signal.SIGKILL)


def test_acquire__a_killed_process_holds_nothing(tmp_path):
    worker = multiprocessing.get_context("fork").Process(target=_hold_and_die, args=(tmp_path / "lock",))
    worker.start()
    worker.join()
    assert worker.exitcode == -signal.SIGKILL
    assert FileLock(tmp_path / "lock").acquire()


def test_lock__cannot_be_sent_to_another_process(tmp_path):
    with pytest.raises(TypeError, match="belongs to its process"):
        pickle.dumps(FileLock(tmp_path / "lock"))
