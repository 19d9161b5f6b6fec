"""Beagle itself, and a stand-in that tells how it was called."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from haploformer.errors import InputError
from haploformer.formats.beagle import find_beagle
from haploformer.formats.genetic_map import GeneticMap
from tests.builders.beagle import needs_beagle, stand_in, write_called


def test_find_beagle__absent(monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(
        InputError, match=r"no command beagle; install Debian's package beagle .*data_prep\.beagle\.jar"
    ):
        find_beagle()


def test_find_beagle__no_jar_there_and_no_java(monkeypatch, tmp_path):
    with pytest.raises(
        InputError, match=r"data_prep\.beagle\.jar: there is no file .*b\.jar; install Debian's package"
    ):
        find_beagle(jar=tmp_path / "b.jar")
    (tmp_path / "b.jar").write_bytes(b"PK")
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(InputError, match="needs Java, and there is no command java; install it"):
        find_beagle(jar=tmp_path / "b.jar")


@pytest.mark.parametrize(
    ("first_line", "said"),
    [
        ("beagle.27Jan18.7e1.jar (version 4.1)", "beagle.27Jan18.7e1.jar (version 4.1)"),
        ("Usage: beagle [search terms]", "Usage: beagle [search terms]"),
        ("", "no output"),
    ],
)
def test_find_beagle__another_program_of_that_name(monkeypatch, tmp_path, first_line, said):
    stand_in(tmp_path, monkeypatch, version=first_line)
    with pytest.raises(InputError, match="is not Beagle 5") as caught:
        find_beagle()
    assert f"it says: {said}" in str(caught.value)


def test_phase__what_it_is_called_with(monkeypatch, tmp_path):
    called = stand_in(tmp_path, monkeypatch)
    monkeypatch.setenv("JAVA_TOOL_OPTIONS", "-Xms1m")
    genetic_map = GeneticMap("maps", {"22": "22 . 0.0 100\n22 . 1.0 900\n", "21": "21 . 0 1\n21 . 1 2\n"})
    beagle = find_beagle(seed=7, threads=3, memory_gib=5, genetic_map=genetic_map)
    assert beagle.version == "22Jul22.46e"
    folder = tmp_path / "a folder with spaces"
    folder.mkdir()
    phased = beagle.phase(write_called(folder / "called.vcf.gz"), "22")
    assert phased == folder / "phased.vcf.gz"
    assert called() == ["gt=called.vcf.gz out=phased seed=7 nthreads=3 map=genetic.map | -Xms1m -Xmx5g"]
    assert (folder / "genetic.map").read_text() == "22 . 0.0 100\n22 . 1.0 900\n"


def test_phase__without_a_map_and_with_javas_own_memory(monkeypatch, tmp_path):
    called = stand_in(tmp_path, monkeypatch)
    monkeypatch.delenv("JAVA_TOOL_OPTIONS", raising=False)
    find_beagle().phase(write_called(tmp_path / "called.vcf.gz"), "22")
    assert called() == ["gt=called.vcf.gz out=phased seed=1 nthreads=1 | "]


def test_settings__what_phases_depend_on(monkeypatch, tmp_path):
    stand_in(tmp_path, monkeypatch)
    genetic_map = GeneticMap("maps", {"22": "22 . 0.0 100\n"})
    settings = find_beagle(seed=7, memory_gib=5, genetic_map=genetic_map).settings()
    assert settings == {
        "program": "Beagle",
        "version": "22Jul22.46e",
        "seed": 7,
        "threads": 1,
        "genetic_map": {"source": "maps", "sha256": genetic_map.sha256},
    }


@needs_beagle
def test_phase__a_jar_gives_what_the_command_gives(tmp_path):
    jar = Path("/usr/share/beagle/beagle.jar")
    if not jar.is_file():
        pytest.skip("Debian's jar of Beagle is not here")
    (tmp_path / "a b").mkdir()
    shutil.copy(jar, tmp_path / "a b" / "given.jar")
    by_jar, by_command = find_beagle(jar=tmp_path / "a b" / "given.jar", memory_gib=1), find_beagle()
    assert by_jar.version == by_command.version
    lines = []
    for beagle in (by_jar, by_command):
        phased = beagle.phase(write_called(tmp_path / "a b" / "called.vcf.gz"), "22")
        lines.append([line for line in _lines(phased) if not line.startswith("##filedate")])
        assert ("-Xmx1024m" in phased.with_name("phased.log").read_text()) == (beagle is by_jar)
    assert lines[0] == lines[1]


@needs_beagle
@pytest.mark.parametrize(
    ("options", "content", "complaint"),
    [
        ({}, {"n_people": 1}, "(exit code 1): there is only one sample; "),
        ({}, {"n_records": 1}, "(exit code 1): Window has only one position: CHROM=22 POS=1000; "),
        (
            {"genetic_map": GeneticMap("m", {"22": "21 . 0 1\n21 . 1 2\n"})},
            {},
            "(exit code 1): missing genetic map for chromosome 22; ",
        ),
        ({}, {"call": "0"}, "is haploid"),
    ],
)
def test_phase__a_failure_is_one_line(tmp_path, options, content, complaint):
    vcf = write_called(tmp_path / "called.vcf.gz", **content)
    with pytest.raises(InputError) as caught:
        find_beagle(**options).phase(vcf, "22")
    message = str(caught.value)
    assert message.startswith("Beagle ")
    assert complaint in message
    assert "\n" not in message
    assert "Command line: java" in str(caught.value.__cause__), "the whole output is behind it"


@needs_beagle
def test_phase__out_of_memory(tmp_path, monkeypatch):
    monkeypatch.setenv("JAVA_TOOL_OPTIONS", "-Xmx4m")
    with pytest.raises(InputError, match=r"OutOfMemoryError.*; give Java more memory by data_prep\.beagle\.memory_gib"):
        find_beagle().phase(write_called(tmp_path / "called.vcf.gz"), "22")


def test_phase__success_without_a_result(tmp_path, monkeypatch):
    stand_in(tmp_path, monkeypatch, result=None)
    with pytest.raises(InputError, match=r"it failed \(exit code 0\): done"):
        find_beagle().phase(write_called(tmp_path / "called.vcf.gz"), "22")


def test_find_beagle__a_command_that_cannot_be_run(tmp_path, monkeypatch):
    path = tmp_path / "beagle"
    path.write_bytes(b"\x00\x01")
    path.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    with pytest.raises(InputError, match="cannot be run"):
        find_beagle()


def _lines(path: Path) -> list[str]:
    import gzip

    return gzip.decompress(path.read_bytes()).decode().splitlines()
