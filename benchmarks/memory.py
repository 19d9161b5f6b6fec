"""Peak memory of our side, from the VCF to all windows grouped, in a process of its own."""

from __future__ import annotations

import json
import sys
from pathlib import Path

from benchmarks.files import CohortFiles
from benchmarks.ours import batches_of, open_store, prepare


def peak_rss_mib() -> float:
    """Highest resident memory of this process; unlike ``ru_maxrss`` it does not begin with that of the parent."""
    line = next(line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM"))
    return int(line.split()[1]) / 1024


def main(folder: Path) -> None:
    """Print the peak, what the imports alone take, and the number of distinct windows."""
    files = CohortFiles(folder)
    at_start = peak_rss_mib()
    prepare(files)
    after_reading = peak_rss_mib()
    opened = open_store(files, 1)
    n_distinct = 0
    for gene in range(files.facts["genes"]):
        found = opened.collect(gene)
        n_distinct += len(set(found.keys))
        for rows in batches_of(len(found), 4):
            found.codes(rows, out=opened.buffer)
    result = {"peak_rss_mib": peak_rss_mib(), "after_reading": after_reading, "imports": at_start}
    print(json.dumps({**result, "n_distinct": n_distinct, **files.facts}))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
