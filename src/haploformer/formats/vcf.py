"""Genotypes in VCF or BCF, by way of cyvcf2."""

from __future__ import annotations

import gzip
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from haploformer.errors import InputError
from haploformer.formats.bgzf import is_gzip, require_whole
from haploformer.formats.files import require_file, sha256_file
from haploformer.genome.audit import AuditCounts, AuditKey
from haploformer.genome.contigs import canonical_contig
from haploformer.genome.genotypes import ABSENT, Genotypes
from haploformer.genome.intervals import Interval
from haploformer.genome.reference import Reference
from haploformer.genome.variants import (
    NO_SEQUENCE,
    RECORD_COLUMNS,
    record_class,
    reference_mismatches,
    require_reference_match,
)

#: Records read before they are handed on; bounds the memory by 2 bytes x records x people.
BATCH_RECORDS = 4096

#: A header line longer than this is refused: no real cohort has one.
MAX_HEADER_LINE = 64 * 1024 * 1024


@dataclass
class GenotypeBatch:
    """Some records in file order, and what was left out before and among them."""

    genotypes: Genotypes
    counts: AuditCounts = field(default_factory=Counter)


class VcfFile:
    """A VCF or BCF of a cohort.

    Parameters
    ----------
    path : Path
        Plain, bgzipped, or BCF. An index (.tbi, .csi) is used where it is there, so that only the chosen contigs are
        read.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.name = path.name

    def check(self) -> None:
        """Raise InputError if the file is absent, cut short, no VCF, or names a sample twice."""
        require_file(self.path, what="genotype file")
        require_whole(self.path)
        doubled = [name for name, n in Counter(self.sample_ids).items() if n > 1]
        if doubled:
            raise InputError(
                f"{self.path}:header",
                f"sample id {doubled[0]} stands {Counter(self.sample_ids)[doubled[0]]} times",
                "give each sample an id of its own (bcftools reheader -s)",
            )
        if not self.sample_ids:
            raise InputError(f"{self.path}:header", "the file has no samples", "give a VCF with genotypes")

    @cached_property
    def sha256(self) -> str:
        """sha256 of the file."""
        return sha256_file(self.path)

    @cached_property
    def sample_ids(self) -> list[str]:
        """Sample ids in the order of the columns."""
        if self.path.suffix == ".bcf":
            return list(self._open().samples)
        opener: Callable[..., Any] = gzip.open if is_gzip(self.path) else open
        try:
            with opener(self.path, "rt", encoding="utf-8", errors="replace") as stream:
                while line := stream.readline(MAX_HEADER_LINE):
                    if line.startswith("#CHROM"):
                        return line.rstrip("\r\n").split("\t")[9:]
                    if not line.startswith("##"):
                        break
        except (OSError, EOFError) as error:
            raise InputError(
                str(self.path), f"cannot be decompressed ({error})", "copy or make the file again"
            ) from error
        raise InputError(str(self.path), "no #CHROM header line", "give a VCF or BCF file")

    def read(
        self,
        intervals: Sequence[Interval],
        sample_ids: Sequence[str],
        reference: Reference,
        *,
        filters: Sequence[str] = (),
        individual_ids: Sequence[str] | None = None,
    ) -> Iterator[GenotypeBatch]:
        """Records that begin in one of the intervals and name a sequence, with the alleles of some samples.

        Parameters
        ----------
        intervals : sequence of Interval
            Sorted, merged, canonical contig names.
        sample_ids : sequence of str
            Columns to read, in the order wanted.
        reference : Reference
            Every REF is compared with it.
        filters : sequence of str
            FILTER values to keep beside PASS and ``.``; ``*`` keeps everything.
        individual_ids : sequence of str
            Names for ``sample_ids`` in the result; the sample ids themselves by default.

        Yields
        ------
        GenotypeBatch
            At most `BATCH_RECORDS` records of one contig; the last one may be empty but carries its counts.

        Raises
        ------
        InputError
            If a REF differs from the reference, records are out of order, or a call cannot be used.
        """
        vcf = self._open(samples=list(dict.fromkeys(sample_ids)))
        columns = [vcf.samples.index(sample) for sample in sample_ids]
        names = list(individual_ids or sample_ids)
        batch = _Batch(self.name, names)
        for record in _records(vcf, self._indexed, intervals):
            contig = canonical_contig(record.CHROM)
            kind = record_class(record.REF, ",".join(record.ALT))
            reason = _reason_to_drop(record, kind, filters)
            batch.counts[AuditKey(self.name, contig, kind, "dropped" if reason else "kept", reason or "used")] += 1
            if reason:
                continue
            if batch.contig not in {None, contig} or len(batch.rows) == BATCH_RECORDS:
                yield self._checked(batch.close(), reference)
                batch = _Batch(self.name, names)
            batch.add(contig, record, _called_alleles(record, columns, self.path))
        yield self._checked(batch.close(), reference)

    def check_records(self, intervals: Sequence[Interval], reference: Reference, *, filters: Sequence[str] = ()) -> int:
        """Read all records of the intervals once, without their genotypes, and compare each REF with the reference.

        Returns
        -------
        int
            Records compared.

        Raises
        ------
        InputError
            If a REF differs, or records are out of order.
        """
        n_records = n_mismatches = 0
        first: tuple[str, str] | None = None
        for table in _site_tables(_records(self._open(), self._indexed, intervals), filters):
            _require_sorted(table, self.path)
            mismatch = reference_mismatches(table, reference)
            n_records += len(table)
            n_mismatches += int(mismatch.sum())
            if first is None and mismatch.any():
                row = table.iloc[int(mismatch.argmax())]
                first = (f"{row.contig}:{row.pos}", f"REF {row.ref[:20]}")
        require_reference_match(n_records, n_mismatches, first, source=str(self.path), reference=reference.name)
        return n_records

    def _checked(self, batch: GenotypeBatch, reference: Reference) -> GenotypeBatch:
        records = batch.genotypes.records
        _require_sorted(records, self.path)
        mismatch = reference_mismatches(records, reference)
        if mismatch.any():
            row = records.iloc[int(mismatch.argmax())]
            first = (f"{row.contig}:{row.pos}", f"REF {row.ref[:20]}")
            require_reference_match(
                len(records), int(mismatch.sum()), first, source=str(self.path), reference=reference.name
            )
        return batch

    @property
    def _indexed(self) -> bool:
        return any(Path(f"{self.path}{suffix}").is_file() for suffix in (".tbi", ".csi"))

    def _open(self, samples: list[str] | None = None) -> Any:
        from cyvcf2 import VCF

        try:
            return VCF(str(self.path), samples=samples, gts012=False, lazy=True, threads=1)
        except Exception as error:  # htslib's reader raises bare exceptions of many kinds
            raise InputError(
                str(self.path), f"not a readable VCF or BCF ({error})", "give a VCF or BCF file"
            ) from error

    def __getstate__(self) -> dict[str, Any]:
        return {"path": self.path, "name": self.name}


class _Batch:
    """Records on their way into one `GenotypeBatch`."""

    def __init__(self, source: str, individual_ids: list[str]) -> None:
        self.source = source
        self.individual_ids = individual_ids
        self.rows: list[tuple[str, int, str, str, str]] = []
        self.alleles: list[NDArray[np.int8]] = []
        self.n_unphased = 0
        self.contig: str | None = None
        self.counts: AuditCounts = Counter()

    def add(self, contig: str, record: Any, called: tuple[NDArray[np.int8], int]) -> None:
        self.contig = contig
        alts = ",".join(record.ALT)
        name = record.ID or f"{contig}_{record.POS}_{record.REF}_{alts}"
        self.rows.append((contig, record.POS, name, record.REF, alts))
        self.alleles.append(called[0])
        self.n_unphased += called[1]

    def close(self) -> GenotypeBatch:
        n = len(self.individual_ids)
        alleles = np.stack(self.alleles) if self.alleles else np.zeros((0, n, 2), np.int8)
        records = pd.DataFrame(self.rows, columns=RECORD_COLUMNS).astype({"pos": "int64"})
        genotypes = Genotypes(records, self.individual_ids, alleles, self.n_unphased, {"source": self.source})
        return GenotypeBatch(genotypes, self.counts)


def _records(vcf: Any, indexed: bool, intervals: Sequence[Interval]) -> Iterator[Any]:
    """Records that begin in one of the intervals, in file order."""
    starts: dict[str, list[Interval]] = {}
    for interval in intervals:
        starts.setdefault(interval.contig, []).append(interval)
    if indexed:
        for name in vcf.seqnames:
            wanted = starts.get(canonical_contig(name), [])
            for interval in wanted:
                for record in vcf(f"{name}:{interval.start + 1}-{interval.end}"):
                    if interval.start < record.POS <= interval.end:
                        yield record
    else:
        for record in vcf:
            wanted = starts.get(canonical_contig(record.CHROM), [])
            if any(interval.start < record.POS <= interval.end for interval in wanted):
                yield record


def _reason_to_drop(record: Any, kind: str, filters: Sequence[str]) -> str | None:
    if kind in NO_SEQUENCE:
        return f"{kind} allele"
    status = record.FILTER
    if status is not None and "*" not in filters and not set(status.split(";")) <= {"PASS", ".", *filters}:
        return f"FILTER {status}"
    return None


def _called_alleles(record: Any, columns: list[int], path: Path) -> tuple[NDArray[np.int8], int]:
    """Alleles (n_individuals, 2) of the samples wanted, and how many heterozygotes are unphased."""
    genotype = record.genotype
    where = f"{path}:{record.CHROM}:{record.POS}"
    if genotype is None:
        raise InputError(where, "the record has no GT", "give a VCF with genotypes")
    # int16 (n_samples, ploidy + 1): the last column tells the phase; -1 is MISSING, -2 ABSENT
    calls = genotype.array()
    ploidy = calls.shape[1] - 1
    if ploidy > 2:
        raise InputError(where, f"a call has {ploidy} alleles", "leave out samples that are not diploid")
    highest = int(calls[:, :-1].max(initial=0))
    if highest > len(record.ALT):
        sample = int((calls[:, :-1] > len(record.ALT)).any(1).argmax())
        raise InputError(
            where,
            f"sample {sample + 1} carries allele {highest}, the record has {len(record.ALT)} ALT",
            "correct the record or leave it out",
        )
    alleles = np.full((len(columns), 2), ABSENT, np.int8)
    alleles[:, :ploidy] = calls[columns, :ploidy]
    unphased = (alleles[:, 0] != alleles[:, 1]) & (alleles >= 0).all(1) & (calls[columns, -1] == 0)
    return alleles, int(unphased.sum())


def _site_tables(records: Iterable[Any], filters: Sequence[str]) -> Iterator[pd.DataFrame]:
    rows: list[tuple[str, int, str, str, str]] = []
    for record in records:
        alts = ",".join(record.ALT)
        if _reason_to_drop(record, record_class(record.REF, alts), filters):
            continue
        contig = canonical_contig(record.CHROM)
        if rows and (rows[-1][0] != contig or len(rows) == BATCH_RECORDS):
            yield pd.DataFrame(rows, columns=RECORD_COLUMNS)
            rows = []
        rows.append((contig, record.POS, record.ID or "", record.REF, alts))
    yield pd.DataFrame(rows, columns=RECORD_COLUMNS)


def _require_sorted(records: pd.DataFrame, path: Path) -> None:
    steps = np.diff(records["pos"].to_numpy(dtype="int64"))
    if (steps < 0).any():
        row = records.iloc[int((steps < 0).argmax()) + 1]
        raise InputError(
            f"{path}:{row.contig}:{row.pos}", "the record stands after one with a larger POS", "sort it: bcftools sort"
        )
