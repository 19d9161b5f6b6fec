"""Variants called on one genome and compared with another: every way in which REF comes to differ."""

from __future__ import annotations

import numpy as np
import pandas as pd

from tests.builders.genome import MemoryReference, random_sequence

_OTHER = str.maketrans("ACGT", "TGCA")


def call_snps(sequence: str, n: int, rng: np.random.Generator, *, contig: str = "22", first: int = 0) -> pd.DataFrame:
    """SNPs at random positions, two in three of them transitions."""
    pos = np.sort(rng.choice(np.arange(first, len(sequence)), n, replace=False)) + 1
    refs = [sequence[p - 1] for p in pos]
    transition = {"A": "G", "G": "A", "C": "T", "T": "C"}
    alts = [
        transition[ref] if rng.random() < 2 / 3 else rng.choice([b for b in "ACGT" if b not in (ref, transition[ref])])
        for ref in refs
    ]
    names = [f"v{p}" for p in pos]
    return pd.DataFrame({"contig": contig, "pos": pos, "variant_id": names, "ref": refs, "alt": alts})


def exchange(records: pd.DataFrame, rows: np.ndarray) -> pd.DataFrame:
    """REF and ALT exchanged in some rows."""
    ref, alt = (records[name].where(~rows, records[other]) for name, other in (("ref", "alt"), ("alt", "ref")))
    return records.assign(ref=ref, alt=alt)


def flip(records: pd.DataFrame, rows: np.ndarray) -> pd.DataFrame:
    """Alleles of the other strand in some rows; single bases."""
    turned = {name: records[name].where(~rows, records[name].str.translate(_OTHER)) for name in ("ref", "alt")}
    return records.assign(**turned)


def genome(length: int, rng: np.random.Generator, **contigs: int) -> MemoryReference:
    """Contig 22 of random bases, and others of given lengths."""
    lengths = {"22": length} | contigs
    return MemoryReference({name: random_sequence(n, rng) for name, n in lengths.items()}, name="r.fa")
