"""A minute of the search for malformed inputs; ``python -m tests.hostile_inputs`` searches for as long as one likes."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.builders.hostile import CONFIGURATION, FILES
from tests.builders.hostile_server import Server, judge_line
from tests.hostile_inputs import search

CATALOG = "conf/base/catalog/01_raw.yml"
TRACKS = "haploformer.datasets.track_table.TrackTableDataset\n  filepath: ${globals:raw_dir}/targets.txt"


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with Server(time_limit=60) as made:
        yield made


@pytest.mark.parametrize("kind", FILES)
def test_validate__passes_a_damaged_input_or_refuses_it_in_one_line(server, kind):
    found = search(kind, server, n_cases=12 if kind in CONFIGURATION else 30, number=0)
    assert not found.failures, "\n\n".join(failed.describe() for failed in found.failures.values())
    assert found.outcomes["refused"] >= 2


@pytest.mark.parametrize("kind", FILES)
def test_validate__passes_what_is_not_damaged(server, kind):
    assert server.try_case(kind, []).outcome == "passed"


@pytest.mark.parametrize(
    ("kind", "edit", "line"),
    [
        ("vcf", ("cell", "genotypes.vcf", 11, 1, "0"), "POS is 0, the first base of a contig is 1"),
        ("expression", ("loop", "expression.bed"), "expression.bed: the input file expression_bed is missing"),
        ("parameters", ("value", "conf/base/parameters.yml", 3, "[]"), "parameters:data_prep"),
        ("parameters", ("insert line", "conf/base/parameters.yml", 0, "true: 1"), "parameters:True: no such parameter"),
        ("catalog", ("value", CATALOG, 1, "no.Such"), "no.Such"),
        ("catalog", ("cut text", CATALOG, 0), "catalog:covariate_table: the catalog has no such entry; add it to"),
        (
            "catalog",
            ("replace", CATALOG, TRACKS, "MemoryDataset"),
            "catalog:track_table: it is an input of the run, and a",
        ),
        ("globals", ("cut text", "conf/base/globals.yml", 0), "Globals key '"),
        ("globals", ("write", "conf/base/globals.yml", b"cohort: &a [*a]\n"), "globals.yml: a value of the YAML holds"),
        ("checksum", ("link", "genotypes.vcf.sha256", "/proc/self/mem"), "vcf.sha256: cannot be read ("),
    ],
)
def test_server__tells_how_a_case_is_refused(server, kind, edit, line):
    verdict = server.try_case(kind, [edit])
    assert verdict.outcome == "refused", verdict.text
    assert line in verdict.text


def test_server__what_is_found_window_by_window_is_refused(server):
    columns = [("cell", "genotypes.vcf", line, 12, ".|.") for line in range(11, 60)]
    verdict = server.try_case("vcf", columns)
    assert verdict.outcome == "refused", verdict.text
    assert "100.0 % of the alleles of P03 are missing, 5.0 % are allowed" in verdict.text


def test_server__a_process_that_dies_is_a_failure_and_is_replaced(server):
    assert server.try_case("vcf", [("die", "genotypes.vcf")]).text == "the process ended with exit code 3"
    assert server.try_case("vcf", []).outcome == "passed"


def test_server__a_case_that_hangs_is_a_failure_and_is_ended():
    with Server(time_limit=0.5) as hasty:
        verdict = hasty.try_case("vcf", [("sleep", "genotypes.vcf", 60)])
        assert (verdict.outcome, verdict.signature) == ("failed", "vcf: hangs")
        assert hasty.folders() == []


@pytest.mark.parametrize("line", ["", " ", "a\x1b[31m", "a\nb", "\u202ea", "x" * 3000])
def test_judge_line__what_cannot_be_read(line):
    assert judge_line("vcf", line).outcome == "failed"
    assert judge_line("vcf", "a.vcf:22:1: is wrong; correct it").outcome == "refused"


def test_search__makes_a_failing_case_small(monkeypatch, server):
    monkeypatch.setattr("tests.builders.hostile_server.LONGEST_LINE", 0)

    class Strict:
        """Takes every refusal for a failure."""

        def try_case(self, kind, edits):
            verdict = server.try_case(kind, edits)
            return judge_line(kind, verdict.text) if verdict.outcome == "refused" else verdict

    [failed] = search("panel", Strict(), n_cases=20, number=0).failures.values()
    assert len(failed.edits) == 1
