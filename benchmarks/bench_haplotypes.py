"""Windows per second and peak memory of haplotype building, beside GenVarLoader, an obvious loop and bcftools.

    make bench-env
    python -m benchmarks.bench_haplotypes
    python -m benchmarks.bench_haplotypes --people 60 --genes 3 --rounds 1 --cohorts 50 100

People and genes are simulated (`benchmarks.cohort`), once with SNPs alone and once with a tenth of the variants as indels.
A window counts for every person, gene and haplotype, however many of them are the same sequence: GenVarLoader builds each,
we build each distinct one and tell who carries it. The two run in turn, in processes of their own, each in whatever way on
two cores is its fastest, which is tried first. Sequences of both are compared with bcftools. The last line is JSON.
"""

from __future__ import annotations

import argparse
import json
import platform
import sys
import tempfile
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np

from benchmarks.files import CONTIG, WINDOW, CohortFiles, sample_id
from benchmarks.processes import ROOT, call, machine

PEER_PYTHON = ROOT / ".venv-bench" / "bin" / "python"
DATA_SETS = {"snps": 0.0, "indels": 0.1}
#: Processes and windows (ours) or people (GenVarLoader) at a time, of which the fastest is taken.
TRIED = {
    "ours": [(2, 2), (2, 4), (2, 8), (1, 4)],
    "genvarloader": [(2, 8), (2, 16), (2, 32), (1, 16), (1, 32), (1, 64)],
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, print a table and one line of JSON; 1 if a sequence differs."""
    options = _parse(arguments)
    with tempfile.TemporaryDirectory(dir=options.folder) as name:
        folder = Path(name)
        sets = _simulate(folder, "sets", options.people, options.genes, options.seed, DATA_SETS)
        result: dict[str, Any] = {"people": options.people, "genes": options.genes, "machine": machine()}
        for data_set, files in sets.items():
            measured = measure(files, options)
            suffix = "" if data_set == "snps" else "_indels"
            result |= {f"{key}{suffix}": value for key, value in measured.items()}
        result |= _memory(folder, options)
    result["headline"] = "speedup_over_genvarloader is of the set with SNPs alone"
    result["versions"] = _versions()
    print(json.dumps(result))
    return int(result["n_sequences_differing"] + result["n_sequences_differing_indels"] > 0)


def measure(files: CohortFiles, options: argparse.Namespace) -> dict[str, Any]:
    """All figures of one data set."""
    ours, peer = _Side("benchmarks.ours", sys.executable), _Side("benchmarks.genvarloader_side", str(PEER_PYTHON))
    sides = {"ours": ours, "genvarloader": peer}
    preparing = {name: float(side.call(files, "--prepare")) for name, side in sides.items()}
    copies = _some_copies(files, options.checked)
    first = {name: side.measure(files, ways=TRIED[name], passes=3, copies=copies) for name, side in sides.items()}
    rates: dict[str, list[float]] = {name: [] for name in sides}
    for _ in range(options.rounds):
        for name, side in sides.items():
            seconds = side.measure(files, ways=[first[name]["way"]], passes=options.passes)["seconds"]
            rates[name].append(2 * files.facts["people"] * files.facts["genes"] / median(seconds))
    rates |= _obvious(files, options.sampled)
    ways = {name: tuple(found["way"]) for name, found in first.items()}
    sequences = {name: found["sequences"] for name, found in first.items()}
    return _summary(files, rates, preparing, ways) | compare(files, copies, sequences)


def _obvious(files: CohortFiles, n_sampled: int) -> dict[str, list[float]]:
    """Windows per second of the ways that take one person at a time, over some people and genes; three times."""
    from benchmarks.loop import Loop, bcftools, time_sample

    rng = np.random.default_rng(1)
    pairs = [
        (int(g), int(p)) for g, p in rng.integers(0, (files.facts["genes"], files.facts["people"]), (n_sampled, 2))
    ]
    pairs.sort(key=lambda pair: pair[1])
    ways = {"loop": Loop(one_sample=False), "loop_of_one_sample": Loop(one_sample=True), "bcftools": bcftools}
    return {name: [time_sample(build, files, pairs) for _ in range(3)] for name, build in ways.items()}


def compare(files: CohortFiles, copies: list[list[int]], found: dict[str, list[str]]) -> dict[str, int]:
    """How many sequences of ours differ from bcftools, and how many of GenVarLoader from ours.

    GenVarLoader begins at the window's first base and cuts at the end, where we keep the TSS in its place: with indels its
    windows are others, which is told and is no error.
    """
    from tests.oracles.consensus import consensus_window

    theirs = [
        consensus_window(
            files.plain_fasta, files.vcf, sample_id(p), h, contig=CONTIG, tss=files.tss[g], length=WINDOW, margin=5_000
        )
        for g, p, h in copies
    ]
    return {
        "n_sequences_compared": len(copies),
        "n_sequences_differing": sum(a != b for a, b in zip(found["ours"], theirs, strict=True)),
        "n_sequences_as_genvarloader": sum(a == b for a, b in zip(found["ours"], found["genvarloader"], strict=True)),
    }


def _summary(
    files: CohortFiles,
    rates: dict[str, list[float]],
    preparing: dict[str, float],
    ways: dict[str, tuple[int, ...]],
) -> dict[str, Any]:
    middle, best = ({name: of(values) for name, values in rates.items()} for of in (median, max))
    print("\n{people} people, {genes} genes, {variants} variants".format(**files.facts), f"({files.folder.name})")
    print(f"{'':20}{'windows/s':>12}{'lowest':>12}{'highest':>12}{'ours is':>10}   prepared in")
    for name, values in rates.items():
        prepared = f"{preparing[name]:.1f} s" if name in preparing else ""
        numbers = f"{middle[name]:>12,.0f}{min(values):>12,.0f}{max(values):>12,.0f}"
        print(f"{name:20}{numbers}{middle['ours'] / middle[name]:>9.1f}x   {prepared}", flush=True)
    return {
        "speedup_over_genvarloader": round(middle["ours"] / middle["genvarloader"], 2),
        "speedup_over_genvarloader_of_best_rounds": round(best["ours"] / best["genvarloader"], 2),
        "speedup_over_loop": round(middle["ours"] / middle["loop"], 1),
        "speedup_over_loop_of_one_sample": round(middle["ours"] / middle["loop_of_one_sample"], 1),
        "speedup_over_bcftools": round(middle["ours"] / middle["bcftools"], 1),
        **{f"windows_per_second_{name}": round(value) for name, value in middle.items()},
        "noise": {name: [round(min(values)), round(max(values))] for name, values in rates.items()},
        "seconds_to_prepare": {name: round(value, 2) for name, value in preparing.items()},
        "way": {
            "ours": "{} process(es), {} windows at a time".format(*ways["ours"]),
            "genvarloader": "{} process(es), {} people at a time, two threads in all".format(*ways["genvarloader"]),
            **dict.fromkeys(["loop", "loop_of_one_sample", "bcftools"], "one process, a sample, extrapolated"),
        },
    }


def _memory(folder: Path, options: argparse.Namespace) -> dict[str, Any]:
    """Peak memory for cohorts of different size, the same genes and density of variants."""
    peaks: dict[int, float] = {}
    for n_people in options.cohorts:
        files = _simulate(folder, f"cohort_{n_people}", n_people, options.memory_genes, options.seed, {"snps": 0.0})[
            "snps"
        ]
        found = json.loads(call([sys.executable, "-m", "benchmarks.memory", str(files.folder)]).splitlines()[-1])
        peaks[n_people] = found["peak_rss_mib"]
        print(
            f"{n_people:>6,} people: peak {found['peak_rss_mib']:.0f} MiB ({found['imports']:.0f} are imports, "
            f"{found['after_reading']:.0f} after reading), {found['variants']} variants, {found['n_distinct']:,} windows",
            flush=True,
        )
    first, last = min(peaks), max(peaks)
    return {
        "peak_rss_mib": {str(n): round(peak, 1) for n, peak in peaks.items()},
        f"peak_rss_ratio_{last}_over_{first}": round(peaks[last] / peaks[first], 3),
    }


class _Side:
    """One tool, in a process of its own."""

    def __init__(self, module: str, python: str) -> None:
        self.command = [python, "-m", module]

    def call(self, files: CohortFiles, *arguments: str) -> str:
        """The last line that it prints."""
        return call([*self.command, str(files.folder), *arguments]).splitlines()[-1]

    def measure(
        self,
        files: CohortFiles,
        *,
        ways: Sequence[tuple[int, int]],
        passes: int,
        copies: Sequence[Sequence[int]] = (),
    ) -> dict[str, Any]:
        """The fastest of some ways, its seconds, and sequences."""
        given = ("--ways", json.dumps(ways), "--passes", str(passes), "--copies", json.dumps(copies))
        found: dict[str, Any] = json.loads(self.call(files, *given))
        return found


def _some_copies(files: CohortFiles, n: int) -> list[list[int]]:
    facts = files.facts
    found: list[list[int]] = np.random.default_rng(2).integers(0, (facts["genes"], facts["people"], 2), (n, 3)).tolist()
    return found


def _simulate(
    folder: Path, name: str, n_people: int, n_genes: int, seed: int, sets: dict[str, float]
) -> dict[str, CohortFiles]:
    """Cohorts of the same people and places, written by a process of its own."""
    target = folder / name
    call(
        [
            sys.executable,
            "-m",
            "benchmarks.cohort",
            str(target),
            str(n_people),
            str(n_genes),
            str(seed),
            json.dumps(sets),
        ]
    )
    return {key: CohortFiles(target / key) for key in sets}


def _versions() -> dict[str, str]:
    code = "from importlib.metadata import version; print(version('genvarloader'), version('numpy'))"
    theirs = call([str(PEER_PYTHON), "-c", code]).split()
    ours = {name: version(name) for name in ("numpy", "zarr", "cyvcf2", "pyfaidx", "pysam", "msprime")}
    return {"python": platform.python_version(), "genvarloader": theirs[0], "genvarloader's numpy": theirs[1], **ours}


def _parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--people", type=int, default=670)
    parser.add_argument("--genes", type=int, default=20)
    parser.add_argument("--rounds", type=int, default=5, help="each side this many times in turn")
    parser.add_argument("--passes", type=int, default=3, help="over all genes, in each round")
    parser.add_argument("--sampled", type=int, default=40, help="people and genes for the loop and bcftools")
    parser.add_argument("--checked", type=int, default=40, help="sequences that are compared")
    parser.add_argument("--cohorts", type=int, nargs="+", default=[100, 1_000, 10_000], help="people, for peak memory")
    parser.add_argument("--memory-genes", type=int, default=6)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--folder", type=Path, help="where the temporary files lie")
    options = parser.parse_args(arguments)
    if not PEER_PYTHON.is_file():
        parser.error("GenVarLoader is not there: run make bench-env")
    return options


if __name__ == "__main__":
    sys.exit(main())
