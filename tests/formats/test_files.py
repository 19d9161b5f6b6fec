"""Files that are there whole or not at all."""

from __future__ import annotations

import errno
import hashlib
from pathlib import Path

import pytest

from haploformer.errors import InputError
from haploformer.formats import files
from haploformer.formats.files import (
    full_disk,
    publish_directory,
    publish_file,
    read_json,
    read_lines,
    require_file,
    sha256_file,
    sha256_json,
    write_durably,
    write_json,
)


def names(folder: Path) -> list[str]:
    return sorted(p.name for p in folder.iterdir())


def test_require_file__missing_empty_or_a_folder(tmp_path):
    with pytest.raises(InputError) as error:
        require_file(tmp_path / "a", what="genotype file")
    assert str(error.value) == (
        f"{tmp_path / 'a'}: the genotype file is missing; check the path, or give another folder with raw_dir"
    )
    with pytest.raises(InputError, match="is missing"):
        require_file(tmp_path, what="x")
    (tmp_path / "a").touch()
    with pytest.raises(InputError, match="a: the x is empty; copy or make the file again"):
        require_file(tmp_path / "a", what="x")
    (tmp_path / "a").write_text("x")
    require_file(tmp_path / "a", what="x")


@pytest.mark.skipif(not Path("/proc/self/mem").exists(), reason="needs a file that even root cannot read")
def test_require_file__that_cannot_be_read():
    with pytest.raises(InputError, match=r"/proc/self/mem: the x cannot be read \(.+\); check its permissions"):
        require_file(Path("/proc/self/mem"), what="x")


def test_write_durably__replaces_the_file_and_leaves_nothing_beside_it(tmp_path):
    path = tmp_path / "a.json"
    write_durably(path, b"old")
    (tmp_path / ".a.json.tmp").write_bytes(b"half of what a killed run wrote")
    write_durably(path, b"new")
    assert path.read_bytes() == b"new"
    assert names(tmp_path) == ["a.json"]


def test_write_durably__a_full_disk_leaves_the_old_file(tmp_path, monkeypatch):
    path = tmp_path / "a.json"
    write_durably(path, b"old")

    def no_room(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("haploformer.formats.files.os.fsync", no_room)
    with pytest.raises(InputError) as error:
        write_durably(path, b"new")
    assert str(error.value) == (
        f"{path}: cannot be written (No space left on device); make room for 3 bytes and run again"
    )
    assert path.read_bytes() == b"old"
    assert names(tmp_path) == ["a.json"]


def test_write_durably__where_nothing_can_be_written(tmp_path):
    with pytest.raises(InputError, match=r"no/a: cannot be written \(No such file .*; check its folder's permissions"):
        write_durably(tmp_path / "no" / "a", b"new")


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT, errno.EFBIG])
def test_full_disk__is_found_among_the_causes(number):
    full, saving, later = OSError(number, "full"), RuntimeError("while saving"), RuntimeError("while cleaning up")
    saving.__cause__, later.__context__ = full, saving
    assert full_disk(later) is full
    assert full_disk(OSError(errno.EACCES, "denied")) is None


def test_publish_directory__a_full_disk_leaves_the_old_store_and_tells_how_much_was_written(tmp_path):
    path = tmp_path / "store"
    with publish_directory(path) as folder:
        (folder / "good").touch()

    def fill() -> None:
        with publish_directory(path) as folder:
            (folder / "first").write_bytes(bytes(3000))
            try:
                (folder / "second").touch()
                raise OSError(errno.ENOSPC, "No space left on device")
            except OSError as error:
                raise RuntimeError("a library's own") from error

    with pytest.raises(InputError) as error:
        fill()
    assert str(error.value) == (
        f"{path}: cannot be written (No space left on device); make room for more than 3,000 bytes and run again"
    )
    assert names(path) == ["good"]
    assert names(tmp_path) == ["store"]


def test_publish_file__readable_by_whom_any_new_file_is(tmp_path):
    """Some libraries write a file of their own, which only its owner may read."""
    path, plain = tmp_path / "a", tmp_path / "plain"
    plain.touch()
    with publish_file(path) as building:
        (tmp_path / "own").write_text("new")
        (tmp_path / "own").chmod(0o600)
        (tmp_path / "own").replace(building)
        assert not path.exists()
    assert path.read_text() == "new"
    assert path.stat().st_mode == plain.stat().st_mode
    assert names(tmp_path) == ["a", "plain"]


def test_publish_file__an_error_leaves_the_old_file(tmp_path):
    path = tmp_path / "a"
    path.write_text("old")

    def fail_half_way() -> None:
        with publish_file(path) as building:
            building.write_text("half")
            raise RuntimeError("half way")

    with pytest.raises(RuntimeError, match="half way"):
        fail_half_way()
    assert path.read_text() == "old"
    assert names(tmp_path) == ["a"]


def test_write_json__same_value_same_bytes(tmp_path):
    write_json(tmp_path / "a", {"b": 1, "a": [1.5, None, "é"]})
    write_json(tmp_path / "b", {"a": [1.5, None, "é"], "b": 1})
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()
    assert read_json(tmp_path / "a") == {"b": 1, "a": [1.5, None, "é"]}


def test_publish_directory__replaces_what_was_there(tmp_path):
    path = tmp_path / "store"
    for content in ("first", "second"):
        with publish_directory(path) as folder:
            (folder / content).write_text(content)
            assert not (path / content).exists()
        assert names(path) == [content]
        assert names(tmp_path) == ["store"]


def test_publish_directory__an_error_leaves_the_old_store(tmp_path):
    path = tmp_path / "store"
    with publish_directory(path) as folder:
        (folder / "good").touch()

    def fail_half_way() -> None:
        with publish_directory(path) as folder:
            (folder / "bad").touch()
            raise RuntimeError("half way")

    with pytest.raises(RuntimeError, match="half way"):
        fail_half_way()
    assert names(path) == ["good"]
    assert names(tmp_path) == ["store"]


def test_publish_directory__what_killed_runs_left_does_not_stay(tmp_path):
    path = tmp_path / "store"
    for rest in (".store.tmp", ".store.old"):
        (tmp_path / rest / "deep").mkdir(parents=True)
        (tmp_path / rest / "deep" / "file").write_text("x")
    with publish_directory(path) as folder:
        assert names(folder) == []
        (folder / "good").touch()
    assert names(path) == ["good"]
    assert names(tmp_path) == ["store"]


@pytest.mark.parametrize("mode", ["r", "rb"])
def test_read_lines__with_their_ends_and_a_limit(tmp_path, monkeypatch, mode):
    path = tmp_path / "a"
    path.write_bytes(b"one\n\n" + b"y" * 20)
    with path.open(mode) as stream:
        assert "".join(line if mode == "r" else line.decode() for line in read_lines(stream, path)) == path.read_text()
    monkeypatch.setattr(files, "MAX_LINE", 10)
    with path.open(mode) as stream, pytest.raises(InputError, match="a:line 3: the line is longer than 10 characters"):
        list(read_lines(stream, path))


def test_sha256__of_files_and_of_values(tmp_path):
    path = tmp_path / "a"
    path.write_bytes(b"x" * 3_000_000)
    assert sha256_file(path) == hashlib.sha256(b"x" * 3_000_000).hexdigest()
    assert sha256_json({"a": 1, "b": (2, 3)}) == sha256_json({"b": [2, 3], "a": 1})
    assert sha256_json({"a": 1}) != sha256_json({"a": 2})
