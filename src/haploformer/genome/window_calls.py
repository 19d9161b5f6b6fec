"""What is known of the calls in each gene's window before any haplotype is made: enough to refuse it, or nearly so."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from haploformer.genome.genotypes import ABSENT, MISSING, Genotypes
from haploformer.genome.haplotypes import may_be_refused
from haploformer.genome.intervals import Interval
from haploformer.genome.variants import RECORD_COLUMNS


class WindowCalls:
    """Missing and haploid calls of each person in each window, counted while records go by, and the records.

    Parameters
    ----------
    windows : DataFrame (n_windows,)
        ``contig, start, end, tss``.
    """

    def __init__(self, windows: pd.DataFrame) -> None:
        self.windows = windows.reset_index(drop=True)
        self._tables: list[pd.DataFrame] = []
        #: (n_windows, n_people), once there is such a call.
        self._missing: NDArray[np.int32] | None = None
        self._haploid: NDArray[np.int32] | None = None

    def add(self, genotypes: Genotypes) -> None:
        """Count the calls of some records, all of one contig."""
        self._tables.append(genotypes.records)
        alleles = np.asarray(genotypes.alleles[slice(None)])
        rows = np.flatnonzero((alleles < 0).any((1, 2)))
        if len(rows) == 0:
            return
        first, ends, alleles = genotypes.records["pos"].to_numpy()[rows] - 1, genotypes.ends[rows], alleles[rows]
        starts, stops = (self.windows[name].to_numpy()[:, None] for name in ("start", "end"))
        on_contig = (self.windows["contig"] == genotypes.records["contig"].iloc[0]).to_numpy()
        inside = on_contig[:, None] & (first < stops) & (ends > starts)  # (n_windows, n_rows)
        reached = np.flatnonzero(inside.any(1))
        inside = inside[reached]
        self._missing = _add(self._missing, (alleles == MISSING).sum(-1), inside, reached, len(self.windows))
        haploid = alleles[..., 1] == ABSENT
        if haploid.any():
            self._haploid = _add(self._haploid, haploid, inside, reached, len(self.windows))

    def sites(self, *, source: str, intervals: Sequence[Interval]) -> Genotypes:
        """The records that have gone by, without people.

        Parameters
        ----------
        source : str
            What messages call the file.
        intervals : sequence of Interval
            Where records were looked for.
        """
        records = pd.concat(self._tables, ignore_index=True) if self._tables else pd.DataFrame(columns=RECORD_COLUMNS)
        alleles = np.zeros((len(records), 0, 2), np.int8)
        return Genotypes(records.astype({"pos": "int64"}), [], alleles, 0, {"source": source}, tuple(intervals))

    def doubtful(self, windows: pd.DataFrame, sites: Genotypes, *, max_missing: float) -> pd.DataFrame:
        """Those of ``windows``, rows of the windows counted, that the calls could make `collect_gene_haplotypes` refuse.

        Parameters
        ----------
        sites : Genotypes
            As `sites` gives them.
        """
        doubtful = [
            may_be_refused(
                sites,
                Interval(window.contig, window.start, window.end),
                window.tss,
                n_missing=_row(self._missing, window.Index),
                n_haploid=_row(self._haploid, window.Index),
                max_missing=max_missing,
            )
            for window in windows.itertuples()
        ]
        return windows[np.array(doubtful, bool)]


def _add(
    sums: NDArray[np.int32] | None,
    counted: NDArray[np.generic],
    inside: NDArray[np.bool_],
    windows: NDArray[np.int64],
    n_windows: int,
) -> NDArray[np.int32]:
    """Add what is counted in each record (n_rows, n_people) to the windows that it lies in."""
    if sums is None:
        sums = np.zeros((n_windows, counted.shape[1]), np.int32)
    # Whole numbers below 2**24 are exact in float32, whose products are fast.
    sums[windows] += (inside.astype(np.float32) @ counted.astype(np.float32)).astype(np.int32)
    return sums


def _row(sums: NDArray[np.int32] | None, row: int) -> NDArray[np.int32]:
    return np.zeros(1, np.int32) if sums is None else sums[row]
