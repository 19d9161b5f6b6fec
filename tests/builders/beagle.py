"""A stand-in for Beagle, and small cohorts for the real one."""

from __future__ import annotations

import gzip
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

needs_beagle = pytest.mark.skipif(shutil.which("beagle") is None, reason="Debian's package beagle is not installed")

#: Called without arguments it tells its version; else it records how it was called, and gives the heterozygotes of its
#: input a phase: all 0|1, or as the sed program says.
_SCRIPT = """#!/bin/sh
if [ $# -eq 0 ]; then echo "{version}"; exit 0; fi
echo "$* | $JAVA_TOOL_OPTIONS" >> "{log}"
echo done
{result}
"""
_PHASE = "gzip -dc called.vcf.gz | sed '{program}' | gzip > phased.vcf.gz"


def stand_in(
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    *,
    version: str = "beagle.22Jul22.46e.jar (version 5.4)",
    result: str | None = "s#/#|#g; s#[.]|[.]#0|0#g",
) -> Callable[[], list[str]]:
    """Put a script ``beagle`` before everything else; a function that tells each of its calls.

    ``result`` is a sed program that makes the output of the input; None: there is no output.
    """
    script, log = folder / "bin" / "beagle", folder / "bin" / "calls.txt"
    script.parent.mkdir(exist_ok=True)
    made = "" if result is None else _PHASE.format(program=result)
    script.write_text(_SCRIPT.format(version=version, log=log, result=made))
    script.chmod(0o755)
    monkeypatch.setenv("PATH", f"{script.parent}{os.pathsep}{os.environ['PATH']}")
    return lambda: log.read_text().splitlines() if log.is_file() else []


def simulate_haplotypes(n_people: int, n_records: int, *, seed: int = 0, n_founders: int = 5) -> np.ndarray:
    """int8 (n_records, n_people, 2): copies of a few founders, with a rare switch between them."""
    rng = np.random.default_rng(seed)
    founders = rng.integers(0, 2, (n_founders, n_records))
    switch = rng.random((2 * n_people, n_records)) < 0.01
    switch[:, 0] = True
    source = rng.integers(0, n_founders, (2 * n_people, n_records))
    last = np.maximum.accumulate(np.where(switch, np.arange(n_records), 0), axis=1)
    source = np.take_along_axis(source, last, axis=1)
    return founders[source, np.arange(n_records)].T.reshape(n_records, n_people, 2).astype(np.int8)


def write_called(path: Path, *, n_people: int = 20, n_records: int = 30, call: str | None = None) -> Path:
    """A gzipped VCF without phases on contig 22; ``call`` is that of the first person in the second record."""
    lines = ["##fileformat=VCFv4.2", '##FORMAT=<ID=GT,Number=1,Type=String,Description="Genotype">']
    fixed = ["#CHROM", "POS", "ID", "REF", "ALT", "QUAL", "FILTER", "INFO", "FORMAT"]
    lines.append("\t".join([*fixed, *(f"S{i}" for i in range(n_people))]))
    for i, row in enumerate(np.sort(simulate_haplotypes(n_people, n_records), axis=-1).tolist()):
        calls = [f"{a}/{b}" for a, b in row]
        if i == 1 and call is not None:
            calls[0] = call
        lines.append("\t".join(["22", str(1000 + 500 * i), ".", "A", "C", ".", ".", ".", "GT", *calls]))
    path.write_bytes(gzip.compress("\n".join([*lines, ""]).encode()))
    return path
