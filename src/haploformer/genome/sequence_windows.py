"""Sequences of the model's length that belong to nobody: contigs of a FASTA, or regions of a reference."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from haploformer.errors import InputError
from haploformer.genome.content_keys import sequence_key
from haploformer.genome.encoding import UNKNOWN, one_hot
from haploformer.genome.reference import Reference, fetch_padded

COLUMNS = ["sequence", "contig", "start", "end"]


@dataclass(frozen=True)
class SequenceWindows:
    """Windows read on demand.

    Attributes
    ----------
    reference : Reference
        Where the bases lie.
    table : DataFrame (n_windows,)
        ``sequence`` (its name), ``contig`` (canonical), ``start``, ``end``; all of one length.
    """

    reference: Reference
    table: pd.DataFrame

    def __len__(self) -> int:
        return len(self.table)

    def codes(self, rows: Sequence[int]) -> NDArray[np.uint8]:
        """Base codes of some windows, uint8 (n_rows, length); what lies off a contig is unknown."""
        chosen = self.table.iloc[list(rows)]
        return np.stack([fetch_padded(self.reference, w.contig, w.start, w.end) for w in chosen.itertuples()])

    def reference_rows(self, rows: Sequence[int]) -> NDArray[np.int64]:
        """Each window itself: sequences are no haplotypes of one another."""
        return np.asarray(rows, np.int64)

    def snps(self, rows: Sequence[int]) -> None:
        """None: sequences differ by anything."""

    def one_hot(self, rows: Sequence[int]) -> NDArray[np.float32]:
        """One-hot form of some windows, float32 (n_rows, length, 4), order A C G T."""
        return one_hot(self.codes(rows))

    @property
    def keys(self) -> list[str]:
        """Content key of each window."""
        return self._content["key"].tolist()

    @property
    def n_share(self) -> NDArray[np.float64]:
        """Share of unknown bases of each window (n_windows,)."""
        return self._content["n_share"].to_numpy()

    @cached_property
    def _content(self) -> pd.DataFrame:
        rows = []
        for i in range(len(self)):
            codes = self.codes([i])[0]
            rows.append((sequence_key(codes), float(np.mean(codes == UNKNOWN))))
        return pd.DataFrame(rows, columns=["key", "n_share"])


def sequence_windows(regions: pd.DataFrame, reference: Reference, *, length: int, source: str) -> SequenceWindows:
    """Windows of the model's length from named regions.

    Parameters
    ----------
    regions : DataFrame
        ``sequence, contig, start, end``.
    reference : Reference
        Where the regions lie.
    length : int
        Bases that the model takes.
    source : str
        The regions' file, for messages.

    Raises
    ------
    InputError
        If there is no region, one has another length or an unknown contig, or two have one name.
    """
    if len(regions) == 0:
        raise InputError(source, "no sequence is in it", "give a FASTA, or a BED of regions")
    doubled = regions["sequence"][regions["sequence"].duplicated()]
    if len(doubled):
        raise InputError(f"{source}:{doubled.iloc[0]}", "two sequences have this name", "give each a name of its own")
    lengths = regions["end"] - regions["start"]
    wrong = np.flatnonzero(lengths != length)
    if len(wrong):
        first = regions.iloc[wrong[0]]
        raise InputError(
            f"{source}:{first['sequence']}",
            f"the sequence has {lengths.iloc[wrong[0]]:,} bases, the model takes {length:,} "
            f"({len(wrong)} of {len(regions)} sequences have another length)",
            "give sequences of that length, or choose another enformer.preset",
        )
    absent = regions[~regions["contig"].isin(list(reference.contig_lengths))]
    if len(absent):
        first = absent.iloc[0]
        raise InputError(
            f"{source}:{first['sequence']}",
            f"contig {first['contig']} is not in {reference.name} "
            f"(contigs there: {', '.join(list(reference.contig_lengths)[:8])})",
            "give a reference that holds it",
        )
    return SequenceWindows(reference, regions[COLUMNS].reset_index(drop=True))
