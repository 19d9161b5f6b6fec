"""GenVarLoader's side, in the environment of ``make bench-env``: its dataset to the bases of every person's haplotypes."""

from __future__ import annotations

import os
import sys
import time
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.arguments import parse
from benchmarks.files import WINDOW, CohortFiles
from benchmarks.rounds import Side, run


def prepare(files: CohortFiles) -> float:
    """Seconds to write its dataset."""
    import genvarloader

    began = time.perf_counter()
    path = files.folder / "dataset.gvl"
    genvarloader.write(path, files.bed, variants=str(files.vcf), overwrite=True)
    genvarloader.Dataset.open(path, reference=str(files.fasta))
    return time.perf_counter() - began


def open_dataset(files: CohortFiles, threads: int) -> Any:
    """Its dataset of windows of one length."""
    # Read when the package is loaded.
    os.environ["GVL_NUM_THREADS"] = str(threads)
    import genvarloader

    dataset = genvarloader.Dataset.open(files.folder / "dataset.gvl", reference=str(files.fasta))
    return dataset.with_seqs("haplotypes").with_len(WINDOW)


def build(opened: Any, gene: int, batch: int) -> NDArray[np.int64]:
    """Every person's two windows of a gene; gives back their number."""
    n_people = opened.shape[1]
    n = 0
    for start in range(0, n_people, batch):
        made = opened[gene, np.arange(start, min(start + batch, n_people))]
        n += made.size // WINDOW
    assert n == 2 * n_people
    return np.array([n])


def sequence(opened: Any, gene: int, person: int, haplotype: int) -> str:
    """Letters of one person's window."""
    made = np.asarray(opened[gene, np.array([person])]).reshape(2, WINDOW)
    return bytes(made[haplotype].tobytes()).decode()


SIDE = Side(open_dataset, build, sequence)

if __name__ == "__main__":
    options = parse(sys.argv[1:])
    if options.prepare:
        print(prepare(options.files))
    else:
        run(SIDE, options.files, **options.measurement)
