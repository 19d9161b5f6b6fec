"""The cohort's called alleles on disk: a table of records and a compressed array, read window by window."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from haploformer.formats.files import publish_directory, read_json, write_json
from haploformer.formats.genotype_batch import GenotypeBatch, chunk_records
from haploformer.genome.audit import AuditCounts, audit_table
from haploformer.genome.genotypes import Genotypes
from haploformer.genome.intervals import Interval
from haploformer.genome.variants import RECORD_COLUMNS

_SUMMARY = "genotypes.json"
_RECORDS = "records.parquet"
_AUDIT = "audit.parquet"
_ALLELES = "alleles.zarr"

#: Chunks that stay decoded once they are read.
_KEPT_CHUNKS = 8


@dataclass(frozen=True)
class GenotypeStream:
    """Genotypes on their way to the store, and what they come from."""

    batches: Iterable[GenotypeBatch]
    individual_ids: list[str]
    provenance: dict[str, Any]
    intervals: tuple[Interval, ...] | None = None


@dataclass(frozen=True)
class StoredGenotypes:
    """Genotypes whose alleles stay on disk, the audit of their source, and how many calls of each person are imputed."""

    genotypes: Genotypes
    audit: pd.DataFrame
    n_imputed: NDArray[np.int64]


class _KeptAlleles:
    """A stored array of which the chunks read last stay decoded: windows of neighbouring genes lie in the same ones."""

    def __init__(self, array: Any) -> None:
        self._array = array
        self.shape: tuple[int, ...] = array.shape
        # In one piece, so that threads see a start and its rows together.
        self._kept = (0, np.zeros((0, *self.shape[1:]), np.int8))

    def __getitem__(self, rows: slice) -> NDArray[np.int8]:
        start, stop, _ = rows.indices(self.shape[0])
        size = self._array.chunks[0]
        first, last = start // size, -(-stop // size)
        if last - first > _KEPT_CHUNKS:
            return np.asarray(self._array[start:stop])
        begin, kept = self._kept
        if not begin <= start <= stop <= begin + len(kept):
            begin, kept = first * size, np.asarray(self._array[first * size : last * size])
            kept.flags.writeable = False
            self._kept = (begin, kept)
        return kept[start - begin : stop - begin]


def write_genotypes(stream: GenotypeStream, path: Path) -> None:
    """Write all batches; the folder is there whole or not at all. Memory is that of one batch."""
    import zarr

    n = len(stream.individual_ids)
    counts: AuditCounts = Counter()
    tables: list[pd.DataFrame] = []
    n_unphased = 0
    n_imputed = np.zeros(n, np.int64)
    with publish_directory(path) as folder:
        alleles = zarr.create_array(
            folder / _ALLELES, shape=(0, n, 2), chunks=(chunk_records(n), max(n, 1), 2), dtype="int8", fill_value=0
        )
        for batch in stream.batches:
            counts += batch.counts
            n_unphased += batch.genotypes.n_unphased
            n_imputed += 0 if batch.n_imputed is None else batch.n_imputed
            tables.append(batch.genotypes.records)
            alleles.append(np.asarray(batch.genotypes.alleles[slice(None)]), axis=0)
        records = pd.concat(tables, ignore_index=True) if tables else pd.DataFrame(columns=RECORD_COLUMNS)
        records.astype({"pos": "int64"}).to_parquet(folder / _RECORDS, index=False)
        audit_table(counts).to_parquet(folder / _AUDIT, index=False)
        summary = {
            "individual_ids": stream.individual_ids,
            "n_records": len(records),
            "n_unphased": n_unphased,
            "n_imputed": n_imputed.tolist(),
            "provenance": stream.provenance,
            "intervals": stream.intervals,
        }
        write_json(folder / _SUMMARY, summary)


def read_genotypes(path: Path) -> StoredGenotypes:
    """Open a store; alleles are read when a window is asked for."""
    import zarr

    summary = read_json(path / _SUMMARY)
    genotypes = Genotypes(
        records=pd.read_parquet(path / _RECORDS),
        individual_ids=summary["individual_ids"],
        alleles=_KeptAlleles(zarr.open_array(path / _ALLELES, mode="r")),
        n_unphased=summary["n_unphased"],
        provenance=summary["provenance"],
        intervals=summary["intervals"] and tuple(Interval(*interval) for interval in summary["intervals"]),
    )
    return StoredGenotypes(genotypes, pd.read_parquet(path / _AUDIT), np.array(summary["n_imputed"], np.int64))


def genotypes_exist(path: Path) -> bool:
    """Whether a finished store lies at ``path``."""
    return (path / _SUMMARY).is_file()
