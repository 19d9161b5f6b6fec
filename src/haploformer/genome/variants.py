"""Records of a variant file, and the edit that one of their alleles makes to the reference."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from haploformer.errors import InputError
from haploformer.genome.encoding import UNKNOWN, encode
from haploformer.genome.reference import Reference, fetch_padded

#: Columns of a table of records. ``pos`` is 1-based; ``alt`` holds the ALT alleles, joined by commas as in VCF.
RECORD_COLUMNS = ["contig", "pos", "variant_id", "ref", "alt"]

#: Classes of alleles that name no sequence of their own.
NO_SEQUENCE = frozenset({"symbolic", "breakend", "spanning", "ambiguous", "missing"})

_ACGT = frozenset("ACGTacgt")


def allele_class(ref: str, alt: str) -> str:
    """``snp``, ``mnp``, ``insertion``, ``deletion``, or one of `NO_SEQUENCE`."""
    if alt in {"", "."}:
        return "missing"
    if alt == "*":
        return "spanning"
    if alt[0] == "<":
        return "symbolic"
    if "[" in alt or "]" in alt or alt[0] == "." or alt[-1] == ".":
        return "breakend"
    if not _ACGT.issuperset(alt) or not _ACGT.issuperset(ref):
        return "ambiguous"
    if len(alt) == len(ref):
        return "snp" if len(ref) == 1 else "mnp"
    return "insertion" if len(alt) > len(ref) else "deletion"


def record_class(ref: str, alts: str) -> str:
    """The class of a record: that of its first ALT allele that names a sequence, else of its first."""
    classes = [allele_class(ref, alt) for alt in alts.split(",")]
    return next((c for c in classes if c not in NO_SEQUENCE), classes[0])


def reference_mismatches(records: pd.DataFrame, reference: Reference) -> NDArray[np.bool_]:
    """Which records' REF differs from the reference.

    Parameters
    ----------
    records : DataFrame
        Columns of `RECORD_COLUMNS`, one contig, sorted by ``pos``.

    Returns
    -------
    bool (n_records,)
        A reference N agrees with no base.
    """
    mismatch = np.zeros(len(records), bool)
    if len(records) == 0:
        return mismatch
    contig = str(records["contig"].iloc[0])
    starts = records["pos"].to_numpy() - 1
    first, last = int(starts[0]), int(starts[-1]) + int(records["ref"].str.len().max())
    stretch = fetch_padded(reference, contig, first, last)
    for i, (start, ref) in enumerate(zip(starts - first, records["ref"], strict=True)):
        codes = encode(ref)
        mismatch[i] = bool((codes == UNKNOWN).any()) or not np.array_equal(stretch[start : start + len(ref)], codes)
    return mismatch


@dataclass
class ReferenceTally:
    """How many records agree with the reference, and the first that does not.

    Attributes
    ----------
    source, reference : str
        Names of the two files, for messages.
    """

    source: str
    reference: str
    n_records: int = 0
    n_mismatches: int = 0
    first: str = ""
    difference: str = ""

    def add(self, records: pd.DataFrame, mismatch: NDArray[np.bool_], *, shown: tuple[str, ...] = ("ref",)) -> None:
        """Count some records; the columns ``shown`` are told of the first that differs."""
        if self.n_mismatches == 0 and mismatch.any():
            row = records.iloc[int(mismatch.argmax())]
            self.first = f"{row['contig']}:{row['pos']}"
            self.difference = ", ".join(f"{name.upper()} {str(row[name])[:20]}" for name in shown)
        self.n_records += len(records)
        self.n_mismatches += int(mismatch.sum())

    def require_match(self) -> None:
        """Raise InputError if any record differs; below 99.5 % agreement the message names the likely cause."""
        if self.n_mismatches == 0:
            return
        share = 1 - self.n_mismatches / self.n_records
        remedy = "correct the record or leave it out"
        if share < 0.995:
            remedy = "use the genome build that the variants were called on, or set REF to the reference allele"
        raise InputError(
            f"{self.source}:{self.first}",
            f"REF differs from {self.reference} ({self.difference}); {self.n_mismatches:,} of {self.n_records:,} records "
            f"differ ({100 * share:.2f} % agree)",
            remedy,
        )
