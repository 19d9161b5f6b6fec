"""Genotypes in VCF or BCF, by way of cyvcf2."""

from __future__ import annotations

import gzip
import logging
import zlib
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from haploformer.errors import InputError
from haploformer.formats.bcf import header_length, require_sound_calls
from haploformer.formats.bgzf import is_gzip, require_whole
from haploformer.formats.checksums import require_recorded_checksum
from haploformer.formats.exchanged_records import as_written, exchange_alleles
from haploformer.formats.files import require_file, sha256_file
from haploformer.formats.genotype_batch import (
    BATCH_RECORDS,
    FAR,
    GenotypeBatch,
    RecordAudit,
    batch_records,
    reason_to_drop,
)
from haploformer.formats.spelled_records import spell_deletions
from haploformer.formats.tabix import BlockIndex, find_indices, read_index, require_index_fits
from haploformer.formats.vcf_calls import Called, Columns, called_alleles, require_equal_calls
from haploformer.formats.vcf_records import (
    fetch_records,
    in_order,
    near_records,
    on_contig,
    reaches_into,
    readable,
    ref_span,
    scan_records,
    use_of,
    written_lengths,
)
from haploformer.genome.audit import AuditCounts, AuditKey
from haploformer.genome.contigs import canonical_contig
from haploformer.genome.genotypes import Genotypes
from haploformer.genome.intervals import Interval, group_by_contig, whole_contig
from haploformer.genome.overlaps import OverlapStack
from haploformer.genome.reference import Reference
from haploformer.genome.reference_check import ReferenceTally, reference_mismatches
from haploformer.genome.variants import RECORD_COLUMNS, record_class
from haploformer.genome.window_calls import WindowCalls

logger = logging.getLogger(__name__)

#: A header of more characters is refused: no real cohort has one.
MAX_HEADER = 64 * 1024 * 1024


class VcfFile:
    """A VCF or BCF of a cohort.

    Parameters
    ----------
    path : Path
        Plain, bgzipped, or BCF. An index (.tbi, .csi) is used where it is there and fits, so that only the chosen
        contigs are read.
    individual_of : mapping, optional
        Individual of each sample id that is not the individual's own.
    """

    names_ref = True

    def __init__(self, path: Path, *, individual_of: Mapping[str, str] | None = None) -> None:
        self.path = path
        self.name = path.name
        self.individual_of = dict(individual_of or {})

    def check(self) -> None:
        """Raise InputError if the file is absent, cut short, no VCF, or names a sample twice."""
        require_file(self.path, what="genotype file")
        require_whole(self.path)
        require_recorded_checksum(self.path, compute=lambda: self.sha256)
        doubled = [name for name, n in Counter(self.sample_ids).items() if n > 1]
        if doubled:
            raise InputError(
                f"{self.path}:header",
                f"sample id {doubled[0]} stands {Counter(self.sample_ids)[doubled[0]]} times",
                "give each sample an id of its own (bcftools reheader -s)",
            )
        if not self.sample_ids:
            raise InputError(f"{self.path}:header", "the file has no samples", "give a VCF with genotypes")
        if any("\ufffd" in name for name in self.sample_ids) or list(self._open().samples) != self.sample_ids:
            raise self._odd_sample()

    @cached_property
    def sha256(self) -> str:
        """sha256 of the file."""
        return sha256_file(self.path)

    @cached_property
    def sample_ids(self) -> list[str]:
        """Sample ids in the order of the columns."""
        if self.path.suffix == ".bcf":
            if header_length(self.path) > MAX_HEADER:
                raise self._long_header()
            try:
                return list(self._open().samples)
            except UnicodeDecodeError as error:
                raise self._odd_sample() from error
        opener: Callable[..., Any] = gzip.open if is_gzip(self.path) else open
        n_read = 0
        try:
            with opener(self.path, "rt", encoding="utf-8", errors="replace", newline="\n") as stream:
                while line := stream.readline(MAX_HEADER):
                    n_read += len(line)
                    if n_read >= MAX_HEADER:
                        raise self._long_header()
                    if line.startswith("#CHROM"):
                        return line.rstrip("\r\n").split("\t")[9:]
                    if not line.startswith("##"):
                        break
        except (OSError, EOFError, zlib.error) as error:
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
        repair_ref: bool = False,
        individual_ids: Sequence[str] | None = None,
    ) -> Iterator[GenotypeBatch]:
        """Records that reach into one of the intervals and name a sequence, with the alleles of some samples.

        With them those before that decide whether they are applied, because their REF share bases.

        All records of the intervals' contigs are looked at: those that lie elsewhere are counted.

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
        repair_ref : bool
            Where REF differs from the reference and exactly one ALT equals it, exchange the two: alleles are numbered
            anew, the record keeps its id and place, and is counted as exchanged.
        individual_ids : sequence of str
            Names for ``sample_ids`` in the result; the sample ids themselves by default.

        Yields
        ------
        GenotypeBatch
            At most `batch_records` records of one contig; the last one may be empty but carries its counts.

        Raises
        ------
        InputError
            If a REF differs from the reference or a record does not lie on its contig, records are out of order or
            stand twice with different calls, the file has no contig of the intervals, or a call cannot be used.
        """
        vcf = self._open(samples=list(dict.fromkeys(sample_ids)))
        columns = Columns(vcf.samples, sample_ids)
        names = list(individual_ids or sample_ids)
        n_records = batch_records(len(names), limit=BATCH_RECORDS)
        batch = _Batch(self.name, names)
        near = group_by_contig(intervals)
        whole = [whole_contig(name) for name in near]
        tally = self._tally(reference, repair_ref)
        records = self._sorted_out(vcf, whole, filters, tally)
        for record, contig, kind, reason in near_records(records, near, limit=n_records):
            outcome = ("dropped", reason) if reason else ("kept", use_of(record))
            batch.counts[AuditKey(self.name, contig, kind, *outcome)] += 1
            if reason:
                continue
            if batch.contig not in {None, contig} or len(batch.rows) == n_records:
                yield self._checked(batch.close(), tally)
                batch = _Batch(self.name, names)
            batch.add(contig, record, called_alleles(record, columns, self.path))
        yield self._checked(batch.close(), tally)

    def read_sites(
        self,
        intervals: Sequence[Interval],
        reference: Reference,
        *,
        filters: Sequence[str] = (),
        repair_ref: bool = False,
    ) -> tuple[pd.DataFrame, AuditCounts]:
        """Records that reach into one of the intervals, whoever carries them: the file need not hold a sample.

        Parameters
        ----------
        intervals, reference, filters, repair_ref
            As of `read`.

        Returns
        -------
        records : DataFrame
            Columns of `RECORD_COLUMNS`, in file order.
        counts : AuditCounts
            What was kept and left out.

        Raises
        ------
        InputError
            As of `read`, but for calls, which are not looked at.
        """
        require_file(self.path, what="file of variants")
        require_whole(self.path)
        require_recorded_checksum(self.path, compute=lambda: self.sha256)
        near = group_by_contig(intervals)
        tally, batch, tables = self._tally(reference, repair_ref), _Batch(self.name, []), []
        nobody = np.zeros((0, 2), np.int8), 0
        for record, contig, kind, reason in self._sorted_out(
            self._open(), [whole_contig(name) for name in near], filters, tally
        ):
            if reason is None and not reaches_into(record, near[contig]):
                reason = FAR
            outcome = ("dropped", reason) if reason else ("kept", use_of(record))
            batch.counts[AuditKey(self.name, contig, kind, *outcome)] += 1
            if reason:
                continue
            if batch.contig not in {None, contig} or len(batch.rows) == BATCH_RECORDS:
                tables.append(self._checked(batch.close(), tally))
                batch = _Batch(self.name, [])
            batch.add(contig, record, nobody)
        tables.append(self._checked(batch.close(), tally))
        records = pd.concat([table.genotypes.records for table in tables], ignore_index=True)
        return records, sum((table.counts for table in tables), Counter())

    def check_records(
        self,
        contigs: Sequence[str],
        reference: Reference,
        *,
        filters: Sequence[str] = (),
        repair_ref: bool = False,
        sample_ids: Sequence[str] = (),
        near: Sequence[Interval] | None = None,
        windows: WindowCalls | None = None,
    ) -> RecordAudit:
        """Read all records of some contigs once: compare each REF with the reference, and look at the calls.

        Parameters
        ----------
        sample_ids : sequence of str
            Samples whose calls must be usable, at every record of the contigs that is not left out.
        near : sequence of Interval, optional
            Records that lie elsewhere are counted as far from every gene, and their calls are not counted.
        windows : WindowCalls, optional
            Counts the calls window by window, of records that count at all.

        Raises
        ------
        InputError
            If a REF differs (and, with ``repair_ref``, no ALT or more than one equals the reference), a record does
            not lie on its contig, a call cannot be used, records are out of order or stand twice with different calls,
            there are fewer or more than the index counts, or the file has no contig of these.
        """
        samples = list(dict.fromkeys(sample_ids))
        vcf = self._open(samples=samples or None)
        found, tally = RecordAudit(windows=windows), self._tally(reference, repair_ref)
        records = self._sorted_out(vcf, [whole_contig(name) for name in contigs], filters, tally)
        if samples:
            records = self._with_calls(records, vcf, samples, found, near)
        for table in _site_tables(records):
            tally.add(table, reference_mismatches(table, reference))
        tally.require_match()
        if repair_ref:
            logger.info(
                "%s: REF and ALT are exchanged in %d of %d records, %d of them A/T or C/G, which look so on the other "
                "strand too",
                *(self.name, tally.n_exchangeable, tally.n_records, tally.n_alike),
            )
        found.n_compared = tally.n_records
        return found

    def _with_calls(
        self,
        records: Iterator[tuple[Any, str, str, str | None]],
        vcf: Any,
        samples: list[str],
        found: RecordAudit,
        near: Sequence[Interval] | None,
    ) -> Iterator[tuple[Any, str, str, str | None]]:
        """The records; what is left out and what is called is counted in ``found``."""
        columns, n_records = Columns(vcf.samples, samples), batch_records(len(samples), limit=BATCH_RECORDS)
        wanted = None if near is None else group_by_contig(near)
        batch = _Batch(self.name, samples)
        stack: OverlapStack[tuple[Any, AuditKey, Called]] = OverlapStack(n_records)
        for record, contig, kind, reason in records:
            key = AuditKey(self.name, contig, kind, *(("dropped", reason) if reason else ("kept", use_of(record))))
            if reason is None:
                called = called_alleles(record, columns, self.path)
                is_near = wanted is None or reaches_into(record, wanted.get(contig, []))
                kept, far = stack.add(contig, *ref_span(record), (record, key, called), is_near=is_near)
                for held, kept_key, calls in kept:
                    if batch.contig not in {None, contig} or len(batch.rows) == n_records:
                        found.add_batch(batch.close())
                        batch = _Batch(self.name, samples)
                    batch.add(contig, held, calls)
                    found.counts[kept_key] += 1
                found.counts.update(_far(far_key) for _, far_key, _ in far)
            else:
                found.counts[key] += 1
            yield record, contig, kind, reason
        found.counts.update(_far(key) for _, key, _ in stack.close())
        found.add_batch(batch.close())

    def _tally(self, reference: Reference, repair_ref: bool) -> ReferenceTally:
        return ReferenceTally(
            str(self.path), reference, repair_ref=repair_ref, written_lengths=lambda: written_lengths(self._open())
        )

    def _sorted_out(
        self, vcf: Any, intervals: Sequence[Interval], filters: Sequence[str], tally: ReferenceTally
    ) -> Iterator[tuple[Any, str, str, str | None]]:
        """Records that begin in one of the intervals, each with contig, class, and the reason to leave it out.

        Those that do not lie on their contig are only counted, by ``tally``.
        """
        index = self._fitting_index(intervals)
        self._require_sound_calls(vcf, index, {interval.contig for interval in intervals})
        records = (
            scan_records(vcf, intervals, self.path)
            if index is None
            else fetch_records(vcf, index, intervals, self.path)
        )
        place: tuple[str, int] | None = None
        here: dict[tuple[str, str], Any] = {}
        records = spell_deletions(in_order(readable(records, self.path), self.path), tally.reference)
        records = on_contig(records, tally)
        if tally.repair_ref:
            records = exchange_alleles(records, tally.reference)
        for record in records:
            contig, alts = canonical_contig(record.CHROM), ",".join(record.ALT)
            kind = record_class(record.REF, alts)
            reason = reason_to_drop(kind, record.FILTER, filters)
            if reason is None:
                if place != (contig, record.POS):
                    place, here = (contig, record.POS), {}
                twin = here.setdefault((record.REF.upper(), alts.upper()), record)
                if twin is not record:
                    if vcf.samples:
                        require_equal_calls(twin, record, self.path)
                    reason = "repeats an earlier record"
            yield record, contig, kind, reason

    def _fitting_index(self, intervals: Sequence[Interval]) -> BlockIndex | None:
        """The index that htslib will use, once it is known to be this file's; None if there is none."""
        indices = [index for index in self._indices if any(index.spans)]
        wanted = {interval.contig for interval in intervals}
        for index in indices:
            names = index.names or []
            require_index_fits(index, self.path, {name for name in names if canonical_contig(name) in wanted})
        return indices[0] if indices else None

    def _require_sound_calls(self, vcf: Any, index: BlockIndex | None, contigs: Collection[str]) -> None:
        """Of a BCF, that htslib survives the calls of these contigs; it makes those of a VCF itself."""
        if not header_length(self.path):
            return
        spans = None
        if index is not None:
            spelled = vcf.seqnames if index.names is None else index.names
            pairs = zip(spelled, index.spans, strict=False)
            spans = [span for name, span in pairs if span and canonical_contig(name) in contigs]
        require_sound_calls(self.path, vcf, spans, n_samples=len(self.sample_ids))

    @cached_property
    def _indices(self) -> list[BlockIndex]:
        """The indices beside the file, the one that htslib takes first."""
        return [read_index(path) for path in find_indices(self.path)]

    def _checked(self, batch: GenotypeBatch, tally: ReferenceTally) -> GenotypeBatch:
        records = batch.genotypes.records
        tally.add(records, reference_mismatches(records, tally.reference))
        tally.require_match()
        return batch

    def _open(self, samples: list[str] | None = None) -> Any:
        from cyvcf2 import VCF

        # htslib reads them, too, and may not survive what it does not notice.
        _ = self._indices
        # htslib takes a list of names joined by commas, and a first ^ or - for "all but" and "all".
        if samples and any("," in name or name[:1] in {"^", "-"} for name in samples):
            samples = None
        try:
            return VCF(str(self.path), samples=samples, gts012=False, threads=1)
        except Exception as error:  # htslib's reader raises bare exceptions of many kinds
            raise InputError(
                str(self.path), f"not a readable VCF or BCF ({error})", "give a VCF or BCF file"
            ) from error

    def _odd_sample(self) -> InputError:
        return InputError(
            f"{self.path}:header",
            "a sample id is not UTF-8 text, or holds a NUL or a carriage return",
            "give the sample another id (bcftools reheader -s)",
        )

    def _long_header(self) -> InputError:
        return InputError(
            f"{self.path}:header",
            f"the header is longer than {MAX_HEADER:,} characters",
            "remove what it does not need (bcftools annotate, bcftools reheader)",
        )

    def __getstate__(self) -> dict[str, Any]:
        return {"path": self.path, "name": self.name, "individual_of": self.individual_of}


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

    def add(self, contig: str, record: Any, called: Called) -> None:
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


def _far(key: AuditKey) -> AuditKey:
    return key._replace(outcome="dropped", reason=FAR)


def _site_tables(records: Iterable[tuple[Any, str, str, str | None]]) -> Iterator[pd.DataFrame]:
    """Tables of the records that are kept, each of one contig, with the alleles as written."""
    rows: list[tuple[str, int, str, str, str]] = []
    for record, contig, _, reason in records:
        if reason:
            continue
        if rows and (rows[-1][0] != contig or len(rows) == BATCH_RECORDS):
            yield pd.DataFrame(rows, columns=RECORD_COLUMNS)
            rows = []
        written = as_written(record)
        rows.append((contig, record.POS, record.ID or "", written.REF, ",".join(written.ALT)))
    yield pd.DataFrame(rows, columns=RECORD_COLUMNS)
