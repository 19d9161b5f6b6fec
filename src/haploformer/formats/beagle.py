"""Beagle, the program that phases genotypes (Browning et al. 2021): where it is, which one it is, and running it."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from haploformer.errors import InputError
from haploformer.formats.genetic_map import GeneticMap

#: Debian's command, which is also the name of its package.
COMMAND = "beagle"

#: What Beagle prints first: ``beagle.22Jul22.46e.jar (version 5.4)``.
_VERSION = re.compile(r"^beagle\.(\S+)\.jar \(version (\d+)\.\d+\)", re.MULTILINE)

#: The arguments are those of Beagle 5.
_MAJOR = 5

#: Java's own variable, read whatever script starts it.
_JAVA_OPTIONS = "JAVA_TOOL_OPTIONS"

#: The genetic map in the folder that Beagle runs in.
_MAP = "genetic.map"

_HOW_TO_GET = (
    "install Debian's package beagle (apt install beagle), or download the jar and set data_prep.beagle.jar to its path"
)


@dataclass(frozen=True)
class Beagle:
    """Beagle on this machine, and how it is to phase.

    Attributes
    ----------
    command : tuple of str
        What starts it.
    version : str
        As it tells itself: ``22Jul22.46e``.
    seed, threads : int
        Results repeat for the same records, people and order of both, version, map, seed and number of threads.
    memory_gib : int, optional
        Java's heap; Java decides if not given (a quarter of the machine's memory).
    genetic_map : GeneticMap, optional
        1 cM is 1 Mb without it.
    """

    command: tuple[str, ...]
    version: str
    seed: int = 1
    threads: int = 1
    memory_gib: int | None = None
    genetic_map: GeneticMap | None = None

    def settings(self) -> dict[str, Any]:
        """What phases depend on beside the calls, as JSON values."""
        genetic_map = self.genetic_map and {"source": self.genetic_map.name, "sha256": self.genetic_map.sha256}
        return {
            "program": "Beagle",
            "version": self.version,
            "seed": self.seed,
            "threads": self.threads,
            "genetic_map": genetic_map,
        }

    def phase(self, vcf: Path, contig: str) -> Path:
        """Phase all records of a VCF, which are of one contig.

        Returns
        -------
        Path
            ``phased.vcf.gz`` in the folder of the VCF; beside it ``phased.log``.

        Raises
        ------
        InputError
            If Beagle fails, in its own words.
        """
        # Names without a folder, for Debian's command splits what it is given at spaces.
        arguments = [f"gt={vcf.name}", "out=phased", f"seed={self.seed}", f"nthreads={self.threads}"]
        if self.genetic_map is not None:
            (vcf.parent / _MAP).write_text(self.genetic_map.rows[contig], encoding="utf-8")
            arguments.append(f"map={_MAP}")
        result = _run([*self.command, *arguments], self.memory_gib, folder=vcf.parent)
        phased = vcf.parent / "phased.vcf.gz"
        if result.returncode or not phased.is_file():
            raise InputError(
                f"Beagle {self.version}, contig {contig}",
                f"it failed (exit code {result.returncode}): {_complaint(result)}",
                "give Java more memory by data_prep.beagle.memory_gib if that is what lacks; else correct what it names",
            ) from RuntimeError(f"{result.stdout}\n{result.stderr}")
        return phased


def find_beagle(
    *,
    jar: Path | None = None,
    seed: int = 1,
    threads: int = 1,
    memory_gib: int | None = None,
    genetic_map: GeneticMap | None = None,
) -> Beagle:
    """Find Beagle, and ask it for its version.

    Parameters
    ----------
    jar : Path, optional
        Run by ``java``; Debian's command if not given.
    seed, threads, memory_gib, genetic_map
        As in `Beagle`.

    Raises
    ------
    InputError
        If it is not there, Java is not there, or it is not Beagle 5.
    """
    if jar is None:
        found = shutil.which(COMMAND)
        if found is None:
            raise InputError("parameters:data_prep.phase", "Beagle is not here: no command beagle", _HOW_TO_GET)
        command: tuple[str, ...] = (found,)
    else:
        if not jar.is_file():
            raise InputError("parameters:data_prep.beagle.jar", f"there is no file {jar}", _HOW_TO_GET)
        java = shutil.which("java")
        if java is None:
            raise InputError(
                "parameters:data_prep.beagle.jar",
                "Beagle needs Java, and there is no command java",
                "install it (Debian: apt install default-jre-headless)",
            )
        command = (java, "-jar", str(jar.resolve()))
    result = _run(command, memory_gib)
    told = _VERSION.search(result.stdout)
    if told is None or int(told[2]) != _MAJOR:
        said = told[0] if told else _complaint(result)
        raise InputError(" ".join(command), f"is not Beagle {_MAJOR} (it says: {said})", _HOW_TO_GET)
    return Beagle(command, told[1], seed, threads, memory_gib, genetic_map)


def _run(
    command: Sequence[str], memory_gib: int | None, *, folder: Path | None = None
) -> subprocess.CompletedProcess[str]:
    environment = dict(os.environ)
    if memory_gib is not None:
        # The last of several counts.
        given = environment.get(_JAVA_OPTIONS, "")
        environment[_JAVA_OPTIONS] = f"{given} -Xmx{memory_gib}g".strip()
    try:
        return subprocess.run(  # noqa: S603 - no shell; the program is the one that the user chose
            list(command), cwd=folder, env=environment, capture_output=True, text=True, errors="replace", check=False
        )
    except OSError as error:
        raise InputError(" ".join(command), f"cannot be run ({error})", _HOW_TO_GET) from error


def _complaint(result: subprocess.CompletedProcess[str]) -> str:
    """The line of the output that says what is wrong: that of the error, not of the places in Java's code."""
    lines = [line.strip() for line in f"{result.stdout}\n{result.stderr}".splitlines()]
    lines = [line for line in lines if line and not line.startswith(("at ", "Picked up ", "Terminating"))]
    errors = [line for line in lines if re.search("error|exception", line, re.IGNORECASE)]
    line = (errors or lines[-1:] or ["no output"])[0]
    return re.sub(r'^(Exception in thread "[^"]*" )?([\w.]+\.[A-Z]\w*(Exception|Error): )?(ERROR: )?', "", line)[:300]
