"""A search for malformed inputs on which a run does not end with one line.

    python -m tests.hostile_inputs --minutes 60 --seed 0

A small study is damaged in one to three places, file by file and format by format: cells, lines and bytes are exchanged,
doubled, cut, or replaced by what does not belong there. Each case must pass ``validate``, and then be read and made into
windows, or be refused by one readable line; no traceback, no crash, no hang, nothing written. Cases come from hypothesis,
which makes those that fail as small as it can; they are tried in a process of their own.

    python -m tests.hostile_inputs --kind vcf --case "[('cell', 'genotypes.vcf', 20, 1, '-1')]"

tries one case again. What ends the process: 0 if all cases are as they should be, 1 otherwise.
"""

from __future__ import annotations

import argparse
import ast
import sys
import time
from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass, field
from functools import cache

import hypothesis.strategies as st
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis.errors import Flaky

from tests.builders.hostile import CONFIGURATION, FILES, Edit
from tests.builders.hostile_server import Server, Verdict
from tests.builders.hostile_words import CONTENTS, HEADERS, VCF_WORDS, WORDS, YAML_LINES, YAML_WORDS

_PLACES = st.integers(0, 60) | st.integers(0, 10**6)
_NUMBERS = st.integers(0, 120)
_COLUMNS = st.integers(0, 12) | st.integers(0, 40)
_LENGTHS = st.sampled_from([300, 70_000])
_SHORT_BYTES = st.binary(min_size=1, max_size=9) | st.sampled_from(
    [
        b"\0" * 4,
        b"\xff" * 4,
        b"\x7f\xff\xff\xff",
        b"\xff\xff\xff\x7f",
        b"\0\0\0\x80",
        b"\x01",
        b"\x07",
        b"\x17",
        b"\x1f\x8b",
        b"\0" * 40,
        b"\xff" * 40,
    ]
)


def _words(file: str) -> st.SearchStrategy[str]:
    return st.sampled_from(WORDS) | st.text(max_size=8) | st.integers().map(str) | st.floats().map(str)


def text_edits(file: str) -> st.SearchStrategy[Edit]:
    """Edits of cells, lines and the whole of a text."""
    words, one = _words(file), st.just(file)
    lines = st.sampled_from(HEADERS) | st.lists(words, max_size=14).map("\t".join)
    return st.one_of(
        st.tuples(st.just("cell"), one, _NUMBERS, _COLUMNS, words),
        st.tuples(st.just("cell"), one, _NUMBERS, _COLUMNS, words),
        st.tuples(st.just("insert cell"), one, _NUMBERS, _COLUMNS, words),
        st.tuples(st.just("long cell"), one, _NUMBERS, _COLUMNS, st.sampled_from("A1\u00e9"), _LENGTHS),
        st.tuples(st.sampled_from(["double cell", "cut cell"]), one, _NUMBERS, _COLUMNS),
        st.tuples(st.just("swap cells"), one, _NUMBERS, _COLUMNS, _COLUMNS),
        st.tuples(st.just("swap lines"), one, _NUMBERS, _NUMBERS),
        st.tuples(st.sampled_from(["double line", "cut line"]), one, _NUMBERS),
        st.tuples(st.just("insert line"), one, _NUMBERS, lines),
        st.tuples(st.just("column"), one, _COLUMNS, words),
        st.tuples(st.just("cut column"), one, _COLUMNS),
        st.tuples(st.just("cut text"), one, st.integers(0, 999)),
        st.tuples(st.just("line ends"), one, st.sampled_from(["\r\n", "\r", "\n\n", "", " ", "\t\n", "\x0b", "\0"])),
        st.tuples(st.just("encode"), one, st.sampled_from(["utf-16", "utf-32", "utf-8-sig", "cp037", "utf-7"])),
        st.tuples(st.sampled_from(["append", "put before"]), one, words | lines),
        st.tuples(st.just("replace"), one, st.sampled_from(["\t", "0", "1", ".", "2", "|", "P0", "G", "chr"]), words),
    )  # fmt: skip


def vcf_edits(file: str) -> st.SearchStrategy[Edit]:
    """Edits of records and header lines of a VCF."""
    cell = st.sampled_from(sorted(VCF_WORDS)).flatmap(
        lambda column: st.tuples(
            st.just("cell"),
            st.just(file),
            st.integers(10, 60),
            st.just(column) if column < 9 else st.integers(9, 9 + 23),
            st.sampled_from(VCF_WORDS[column]) | _words(file),
        )
    )
    column = st.sampled_from(sorted(VCF_WORDS)).flatmap(
        lambda column: st.tuples(st.just("column"), st.just(file), st.just(column), st.sampled_from(VCF_WORDS[column]))
    )
    header = st.tuples(st.just("insert line"), st.just(file), st.integers(0, 14), st.sampled_from(HEADERS))
    return cell | cell | cell | column | header | text_edits(file)


def yaml_edits(file: str) -> st.SearchStrategy[Edit]:
    """Edits of keys, values and lines of a YAML."""
    one, values = st.just(file), st.sampled_from(YAML_WORDS) | st.text(max_size=6)
    return st.one_of(
        st.tuples(st.just("value"), one, _NUMBERS, values),
        st.tuples(st.just("value"), one, _NUMBERS, values),
        st.tuples(st.just("insert line"), one, _NUMBERS, st.sampled_from(YAML_LINES)),
        st.tuples(st.just("indent"), one, _NUMBERS, st.integers(0, 9)),
        text_edits(file).filter(lambda edit: edit[0] not in {"column", "cut column"}),
    )


def byte_edits(file: str, *, inner: bool) -> st.SearchStrategy[Edit]:
    """Edits of bytes, or with ``inner`` of what is compressed."""
    start = (st.just(file), st.just(inner))
    return st.one_of(
        st.tuples(st.just("flip"), *start, _PLACES, st.integers(0, 7)),
        st.tuples(st.sampled_from(["overwrite", "put in"]), *start, _PLACES, _SHORT_BYTES),
        st.tuples(st.just("take out"), *start, _PLACES, st.sampled_from([1, 2, 4, 28, 1000])),
        st.tuples(st.sampled_from(["cut bytes", "keep end"]), *start, _PLACES),
        st.tuples(st.just("add"), *start, _SHORT_BYTES),
        st.tuples(st.sampled_from(["twice", "gzip", "bgzip"]), *start),
    )


def file_edits(file: str, others: Collection[str]) -> st.SearchStrategy[Edit]:
    """Something else in a file's place."""
    one = st.just(file)
    return st.one_of(
        st.tuples(st.sampled_from(["remove", "directory", "loop", "pipe", "unreadable"]), one),
        st.tuples(st.just("link"), one, st.sampled_from(_TARGETS)),
        st.tuples(st.just("write"), one, st.sampled_from(CONTENTS) | st.binary(max_size=60)),
        st.tuples(st.just("copy"), one, st.sampled_from(sorted(others))),
    )  # fmt: skip


_TARGETS = ["nowhere", ".", "..", "/dev/zero", "/dev/null", "/proc/self/mem"]
_ALL = sorted({file for files in FILES.values() for file in files if not file.startswith("conf/")})


@cache
def cases(kind: str) -> st.SearchStrategy[list[Edit]]:
    """Lists of edits of the files of one kind of input."""
    of_file = [_edits_of(kind, file) for file in FILES[kind]]
    index = (
        [st.tuples(st.just("index"), st.just(FILES[kind][0]), st.booleans())] if kind in {"vcf_bgzip", "bcf"} else []
    )
    edits = st.lists(st.one_of(*of_file), min_size=1, max_size=3)
    return edits if not index else st.tuples(edits, st.lists(index[0], max_size=1)).map(lambda pair: pair[0] + pair[1])


def _edits_of(kind: str, file: str) -> st.SearchStrategy[Edit]:
    if file.startswith("conf/"):
        return yaml_edits(file)
    other = file_edits(file, _ALL)
    if file.endswith((".tbi", ".csi", ".gzi", ".zst")):
        return byte_edits(file, inner=True) | byte_edits(file, inner=False) | other
    if file.endswith((".pgen", ".bed")) and kind.startswith("plink"):
        return byte_edits(file, inner=False) | byte_edits(file, inner=False) | other
    if file.endswith(".bcf"):
        inner = byte_edits(file, inner=True)
        return inner | inner | byte_edits(file, inner=False) | other
    text = vcf_edits(file) if ".vcf" in file else text_edits(file)
    if file.endswith(".gz"):
        return text | text | byte_edits(file, inner=False) | other
    return text | text | text | byte_edits(file, inner=False) | other


@dataclass
class Failed:
    """The smallest case found with one fault."""

    kind: str
    edits: list[Edit]
    verdict: Verdict

    def describe(self) -> str:
        """What is wrong, and how to try it again."""
        again = f"--kind {self.kind} --case {repr(self.edits)[:3000]!r}"
        return f"FAILED {self.verdict.signature}\n{again}\n{self.verdict.text[-2500:]}"


@dataclass
class Found:
    """Cases tried, by how they ended, and those that are not as they should be, by signature."""

    outcomes: Counter[str] = field(default_factory=Counter)
    failures: dict[str, Failed] = field(default_factory=dict)


class _NotAsItShouldBe(Exception):
    pass


def search(kind: str, server: Server, *, n_cases: int, number: int, known: Collection[str] = ()) -> Found:
    """Try cases of one kind until one fails, and make that one small.

    Parameters
    ----------
    n_cases : int
    number : int
        Seed: the same cases each time.
    known : collection of str
        Signatures of failures to pass over.
    """
    found = Found()
    smallest: Failed | None = None

    @seed(number)
    @settings(
        max_examples=n_cases,
        database=None,
        deadline=None,
        phases=(Phase.generate, Phase.shrink),
        suppress_health_check=list(HealthCheck),
        report_multiple_bugs=False,
    )
    @given(cases(kind))
    def check(edits: list[Edit]) -> None:
        nonlocal smallest
        verdict = server.try_case(kind, edits)
        found.outcomes[verdict.outcome] += 1
        if verdict.outcome != "failed" or verdict.signature in known:
            return
        # Another fault than the one that is being made small is for the next search.
        if smallest is None or verdict.signature == smallest.verdict.signature:
            smallest = Failed(kind, edits, verdict)
            raise _NotAsItShouldBe

    try:
        check()
    except (_NotAsItShouldBe, Flaky):
        # One that does not fail again when it is tried again is told, too.
        assert smallest is not None
        found.failures[smallest.verdict.signature] = smallest
    return found


def search_all(
    server: Server, kinds: Collection[str], *, minutes: float, number: int, per_round: int = 150
) -> dict[str, Found]:
    """Search kind after kind, round after round, until the time is over; failures are printed as they are found."""
    found = {kind: Found() for kind in kinds}
    end, round_ = time.monotonic() + 60 * minutes, 0
    while time.monotonic() < end:
        for kind in kinds:
            if time.monotonic() >= end:
                break
            total = found[kind]
            n_cases = per_round // 3 if kind in CONFIGURATION else per_round
            one = search(kind, server, n_cases=n_cases, number=number + 1000 * round_, known=total.failures.keys())
            total.outcomes += one.outcomes
            total.failures |= one.failures
            print(f"{kind}: {_outcomes(total)}", flush=True)
            for failed in one.failures.values():
                print(f"\n{failed.describe()}", flush=True)
        round_ += 1
        print(f"round {round_}: {sum(sum(f.outcomes.values()) for f in found.values()):,} cases", flush=True)
    return found


def _outcomes(found: Found) -> str:
    told = ", ".join(f"{n:,} {outcome}" for outcome, n in sorted(found.outcomes.items()))
    return f"{sum(found.outcomes.values()):,} cases: {told}"


def main(arguments: list[str] | None = None) -> int:
    """Search for as long as asked for, or try one case."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=60.0)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--kind", action="append", choices=sorted(FILES), help="default: all")
    parser.add_argument("--case", help="a list of edits, as the search prints it")
    options = parser.parse_args(arguments)
    kinds = options.kind or list(FILES)
    with Server() as server:
        if options.case:
            verdict = server.try_case(kinds[0], ast.literal_eval(options.case))
            print(verdict.outcome, verdict.signature, verdict.text, sep="\n")
            return int(verdict.outcome == "failed")
        print(f"seed {options.seed}", flush=True)
        began = time.monotonic()
        found = search_all(server, kinds, minutes=options.minutes, number=options.seed)
    seconds = time.monotonic() - began
    for kind, one in found.items():
        print(f"{kind:14} {_outcomes(one)}; {len(one.failures)} different failures")
    n = sum(sum(one.outcomes.values()) for one in found.values())
    print(f"{n:,} cases in {seconds:,.0f} s ({n / seconds:.0f} a second)")
    return int(any(one.failures for one in found.values()))


if __name__ == "__main__":
    sys.exit(main())
