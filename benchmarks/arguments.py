"""Arguments of one side's process."""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

from benchmarks.files import CohortFiles


class Options(NamedTuple):
    """Whether to prepare, the files, and what `benchmarks.rounds.run` takes."""

    prepare: bool
    files: CohortFiles
    measurement: dict[str, Any]


def parse(arguments: Sequence[str]) -> Options:
    """Options of a side's process."""
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=Path)
    parser.add_argument("--prepare", action="store_true")
    parser.add_argument("--ways", type=json.loads, default=[[2, 4]])
    parser.add_argument("--passes", type=int, default=3)
    parser.add_argument("--copies", type=json.loads, default=[])
    found = parser.parse_args(arguments)
    files = CohortFiles(found.folder)
    ways = [tuple(way) for way in found.ways]
    return Options(found.prepare, files, {"ways": ways, "passes": found.passes, "copies": found.copies})
