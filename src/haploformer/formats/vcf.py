"""Genotypes in VCF or BCF, by way of cyvcf2."""

from __future__ import annotations

import gzip
import logging
import zlib
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from haploformer.errors import InputError
from haploformer.formats.bgzf import is_bgzf, is_gzip, read_blocks, require_whole
from haploformer.formats.checksums import require_recorded_checksum
from haploformer.formats.exchanged_records import as_written, exchange_alleles, is_exchanged
from haploformer.formats.files import require_file, sha256_file
from haploformer.formats.genotype_batch import (
    BATCH_RECORDS,
    FAR,
    MAX_ALLELE,
    GenotypeBatch,
    RecordAudit,
    batch_records,
    reason_to_drop,
    require_common_contig,
)
from haploformer.formats.spelled_records import is_spelled, spell_deletions
from haploformer.formats.tabix import BlockIndex, find_indices, read_index, require_index_fits
from haploformer.genome.audit import AuditCounts, AuditKey
from haploformer.genome.contigs import canonical_contig
from haploformer.genome.genotypes import ABSENT, MISSING, Genotypes
from haploformer.genome.intervals import Interval, group_by_contig, whole_contig
from haploformer.genome.reference import Reference
from haploformer.genome.reference_check import ReferenceTally, reference_mismatches
from haploformer.genome.variants import RECORD_COLUMNS, record_class

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
            if _bcf_header_length(self.path) > MAX_HEADER:
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
        columns = _Columns(vcf.samples, sample_ids)
        names = list(individual_ids or sample_ids)
        n_records = batch_records(len(names), limit=BATCH_RECORDS)
        batch = _Batch(self.name, names)
        near = group_by_contig(intervals)
        whole = [whole_contig(name) for name in near]
        tally = self._tally(reference, repair_ref)
        for record, contig, kind, reason in self._sorted_out(vcf, whole, filters, tally):
            if reason is None and not _reaches_into(record, near[contig]):
                reason = FAR
            outcome = ("dropped", reason) if reason else ("kept", _use(record))
            batch.counts[AuditKey(self.name, contig, kind, *outcome)] += 1
            if reason:
                continue
            if batch.contig not in {None, contig} or len(batch.rows) == n_records:
                yield self._checked(batch.close(), tally)
                batch = _Batch(self.name, names)
            batch.add(contig, record, _called_alleles(record, columns, self.path))
        yield self._checked(batch.close(), tally)

    def check_records(
        self,
        contigs: Sequence[str],
        reference: Reference,
        *,
        filters: Sequence[str] = (),
        repair_ref: bool = False,
        sample_ids: Sequence[str] = (),
        near: Sequence[Interval] | None = None,
    ) -> RecordAudit:
        """Read all records of some contigs once: compare each REF with the reference, and look at the calls.

        Parameters
        ----------
        sample_ids : sequence of str
            Samples whose calls must be usable, at every record of the contigs that is not left out.
        near : sequence of Interval, optional
            Records that begin elsewhere are counted as far from every gene, and their calls are not counted.

        Raises
        ------
        InputError
            If a REF differs (and, with ``repair_ref``, no ALT or more than one equals the reference), a record does
            not lie on its contig, a call cannot be used, records are out of order or stand twice with different calls,
            there are fewer or more than the index counts, or the file has no contig of these.
        """
        samples = list(dict.fromkeys(sample_ids))
        vcf = self._open(samples=samples or None)
        found, tally = RecordAudit(), self._tally(reference, repair_ref)
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
        columns = _Columns(vcf.samples, samples)
        wanted = None if near is None else group_by_contig(near)
        for record, contig, kind, reason in records:
            missed = reason
            if reason is None:
                alleles, n_unphased = _called_alleles(record, columns, self.path)
                if wanted is None or _reaches_into(record, wanted.get(contig, [])):
                    found.add_calls(alleles, n_unphased)
                else:
                    missed = FAR
            outcome = ("dropped", missed) if missed else ("kept", _use(record))
            found.counts[AuditKey(self.name, contig, kind, *outcome)] += 1
            yield record, contig, kind, reason

    def _tally(self, reference: Reference, repair_ref: bool) -> ReferenceTally:
        return ReferenceTally(
            str(self.path), reference, repair_ref=repair_ref, written_lengths=lambda: _written_lengths(self._open())
        )

    def _sorted_out(
        self, vcf: Any, intervals: Sequence[Interval], filters: Sequence[str], tally: ReferenceTally
    ) -> Iterator[tuple[Any, str, str, str | None]]:
        """Records that begin in one of the intervals, each with contig, class, and the reason to leave it out.

        Those that do not lie on their contig are only counted, by ``tally``.
        """
        index = self._fitting_index(intervals)
        records = _scan(vcf, intervals, self.path) if index is None else _fetch(vcf, index, intervals, self.path)
        place: tuple[str, int] | None = None
        here: dict[tuple[str, str], Any] = {}
        records = spell_deletions(_in_order(_readable(records, self.path), self.path), tally.reference)
        records = _on_contig(records, tally)
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
                    _require_equal_calls(twin, record, self.path)
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


def _bcf_header_length(path: Path) -> int:
    """Bytes of a BCF's header as the file says, 0 if it is no BCF."""
    if is_bgzf(path):
        start = next(read_blocks(path))[1][:9]
    else:
        with path.open("rb") as stream:
            start = stream.read(9)
    return int.from_bytes(start[5:], "little") if start.startswith(b"BCF") else 0


def _scan(vcf: Any, intervals: Sequence[Interval], path: Path) -> Iterator[Any]:
    """Records that begin in one of the intervals, of a file read from end to end."""
    of_contig = group_by_contig(intervals)
    seen: set[str] = set()
    for record in vcf:
        seen.add(record.CHROM)
        wanted = of_contig.get(canonical_contig(record.CHROM), [])
        if any(_begins_in(record, interval) for interval in wanted):
            yield record
    require_common_contig(of_contig, sorted(seen), path)


def _fetch(vcf: Any, index: BlockIndex, intervals: Sequence[Interval], path: Path) -> Iterator[Any]:
    """Records that begin in one of the intervals, by way of the index."""
    of_contig = group_by_contig(intervals)
    spelled = vcf.seqnames if index.names is None else index.names
    there = [(i, name) for i, (name, span) in enumerate(zip(spelled, index.spans, strict=False)) if span]
    require_common_contig(of_contig, [name for _, name in there], path)
    for number, name in there:
        for interval in of_contig.get(canonical_contig(name), []):
            n_read = 0
            for record in vcf(f"{name}:{interval.start + 1}-{interval.end}"):
                n_read += 1
                if _begins_in(record, interval):
                    yield record
            if interval == whole_contig(interval.contig):
                index.require_count(number, n_read, f"{path}:{name}")


def _begins_in(record: Any, interval: Interval) -> bool:
    """Whether the first base is in the interval; a POS of 0 is before the first base, and must not get lost."""
    return interval.start < max(record.POS, 1) <= interval.end


def _readable(records: Iterator[Any], path: Path) -> Iterator[Any]:
    """The records; what htslib cannot read is the user's to mend."""
    last = "before the first record"
    try:
        for record in records:
            # Decoded here, for what is not UTF-8 is not readable either.
            place, _ = f"after {record.CHROM}:{record.POS}", (record.ID, record.REF, record.ALT)
            yield record
            last = place
    except Exception as error:
        # cyvcf2 raises bare exceptions.
        if type(error) is not Exception and not isinstance(error, UnicodeDecodeError):
            raise
        raise InputError(str(path), f"cannot be read {last} ({error})", "correct or make the file again") from error


def _reaches_into(record: Any, intervals: Sequence[Interval]) -> bool:
    """Whether a base of REF lies in one of the intervals."""
    first, behind = record.POS - 1, record.POS - 1 + len(record.REF)
    return any(first < end and behind > start for _, start, end in intervals)


def _use(record: Any) -> str:
    """How a record that is kept was read, for the audit."""
    if is_exchanged(record):
        return "REF and ALT exchanged"
    return "used, <DEL> spelled out by the reference" if is_spelled(record) else "used"


def _in_order(records: Iterator[Any], path: Path) -> Iterator[Any]:
    """The records; InputError unless each contig stands in one piece, under one name, sorted."""
    name, pos = "", 0
    finished: dict[str, str] = {}
    for record in records:
        if name != record.CHROM:
            finished[canonical_contig(name)] = name
            name, pos = record.CHROM, 0
            if (earlier := finished.get(canonical_contig(name))) is not None:
                raise InputError(
                    f"{path}:{name}:{record.POS}",
                    f"contig {name} stands in two places (before as {earlier})",
                    "give each contig one name (bcftools annotate --rename-chrs) and sort the file: bcftools sort",
                )
        if pos > record.POS:
            raise InputError(
                f"{path}:{name}:{record.POS}",
                "the record stands after one with a larger POS",
                "sort it: bcftools sort",
            )
        pos = record.POS
        yield record


def _on_contig(records: Iterator[Any], tally: ReferenceTally) -> Iterator[Any]:
    """The records that lie on their contig; the others are counted, but for breakends at a telomere (0 and N + 1)."""
    for record in records:
        contig = canonical_contig(record.CHROM)
        if (
            tally.lies_on_contig(contig, record.POS, record.REF)
            or record_class(record.REF, ",".join(record.ALT)) == "breakend"
        ):
            yield record
        else:
            tally.add_off_contig(contig, record.POS, record.REF)


def _written_lengths(vcf: Any) -> dict[str, int]:
    """Contig lengths of the header, by canonical name; -1 where it tells none."""
    try:
        return {canonical_contig(name): n for name, n in zip(vcf.seqnames, vcf.seqlens, strict=True)}
    except AttributeError:  # cyvcf2, where the header names no contig
        return {}


def _calls(record: Any, path: Path) -> NDArray[np.int16]:
    """int16 (n_samples, ploidy + 1): allele indices, MISSING, ABSENT; the last column tells whether they are phased."""
    keys, where = record.FORMAT or [], f"{path}:{record.CHROM}:{record.POS}"
    if keys.count("GT") > 1:
        raise InputError(where, f"FORMAT is {':'.join(keys)}: GT stands {keys.count('GT')} times", "correct the record")
    if "GT" in keys and keys[0] != "GT":
        # Trailing fields may be left out. Where every sample leaves out GT, htslib ends the process when asked for it.
        calls = [cell.split(":")[keys.index("GT")] for cell in str(record).rstrip("\n").split("\t")[9:]]
        if set(calls) == {"."}:
            return np.tile(np.array([MISSING, 0], np.int16), (len(calls), 1))
    try:
        return record.genotype.array()
    except Exception as error:  # cyvcf2 raises a bare exception
        raise InputError(where, "the record has no GT", "give a VCF with genotypes") from error


def _require_equal_calls(twin: Any, record: Any, path: Path) -> None:
    if not np.array_equal(_calls(twin, path), _calls(record, path)):
        raise InputError(
            f"{path}:{record.CHROM}:{record.POS}",
            "the record stands twice, with the same REF and ALT and different calls",
            "leave one of them out",
        )


class _Columns:
    """Where the samples wanted stand among those that are read."""

    def __init__(self, there: Sequence[str], wanted: Sequence[str]) -> None:
        place = {sample: i for i, sample in enumerate(there)}
        self.samples = list(wanted)
        self.numbers = np.array([place[sample] for sample in wanted], np.int64)


def _called_alleles(record: Any, columns: _Columns, path: Path) -> tuple[NDArray[np.int8], int]:
    """Alleles (n_individuals, 2) of the samples wanted, and how many heterozygotes are unphased."""
    # A copy, for cyvcf2 may use the buffer again.
    calls = _calls(record, path)[columns.numbers]
    called, phased = calls[:, :-1], calls[:, -1] == 1
    where = f"{path}:{record.CHROM}:{record.POS}"
    if called.shape[1] > 2 and (called[:, 2:] != ABSENT).any():
        n_alleles = (called != ABSENT).sum(axis=1)
        sample = columns.samples[int(n_alleles.argmax())]
        raise InputError(
            where,
            f"the call of sample {sample} has {n_alleles.max()} alleles",
            "leave out samples that are not diploid",
        )
    highest = int(called.max(initial=0))
    if highest > min(len(record.ALT), MAX_ALLELE):
        sample = columns.samples[int((called == highest).any(1).argmax())]
        raise InputError(
            where,
            f"sample {sample} carries allele {highest}, the record has {len(record.ALT)} ALT"
            + (f" (at most {MAX_ALLELE} are read)" if highest > MAX_ALLELE else ""),
            "correct the record or leave it out",
        )
    alleles = np.full((len(called), 2), ABSENT, np.int8)
    alleles[:, : called.shape[1]] = called[:, :2]
    # A lone dot is a call that is missing as a whole; it does not say that there is no second copy.
    first, second = alleles[:, 0], alleles[:, 1]
    second[(first == MISSING) & (second == ABSENT)] = MISSING
    unphased = (first != second) & (first >= 0) & (second >= 0) & ~phased
    return alleles, int(unphased.sum())


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
