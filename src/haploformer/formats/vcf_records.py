"""Records of a VCF or BCF as cyvcf2 reads them: which there are, in which order, and whether they can be used."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from haploformer.errors import InputError
from haploformer.formats.exchanged_records import is_exchanged
from haploformer.formats.genotype_batch import FAR, require_common_contig
from haploformer.formats.spelled_records import is_spelled
from haploformer.formats.tabix import BlockIndex
from haploformer.genome.contigs import canonical_contig
from haploformer.genome.intervals import Interval, group_by_contig, whole_contig
from haploformer.genome.overlaps import OverlapStack
from haploformer.genome.reference_check import ReferenceTally
from haploformer.genome.variants import record_class


def scan_records(vcf: Any, intervals: Sequence[Interval], path: Path) -> Iterator[Any]:
    """Records that begin in one of the intervals, of a file read from end to end."""
    of_contig = group_by_contig(intervals)
    seen: set[str] = set()
    for record in vcf:
        seen.add(record.CHROM)
        wanted = of_contig.get(canonical_contig(record.CHROM), [])
        if any(_begins_in(record, interval) for interval in wanted):
            yield record
    require_common_contig(of_contig, sorted(seen), path)


def fetch_records(vcf: Any, index: BlockIndex, intervals: Sequence[Interval], path: Path) -> Iterator[Any]:
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


def readable(records: Iterator[Any], path: Path) -> Iterator[Any]:
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


def reaches_into(record: Any, intervals: Sequence[Interval]) -> bool:
    """Whether a base of REF lies in one of the intervals."""
    first, behind = ref_span(record)
    return any(first < end and behind > start for _, start, end in intervals)


def ref_span(record: Any) -> tuple[int, int]:
    """The bases of REF, 0-based half-open."""
    return record.POS - 1, record.POS - 1 + len(record.REF)


def near_records(
    records: Iterator[tuple[Any, str, str, str | None]], near: Mapping[str, Sequence[Interval]], *, limit: int
) -> Iterator[tuple[Any, str, str, str | None]]:
    """Records with contig, class and reason to leave them out, which is now also that they lie elsewhere.

    Those to be read come in their order, the others some time.

    Parameters
    ----------
    near : mapping
        Intervals of each contig.
    limit : int
        As in `haploformer.genome.overlaps.OverlapStack`.
    """
    stack: OverlapStack[tuple[Any, str, str, str | None]] = OverlapStack(limit)
    for entry in records:
        record, contig, _, reason = entry
        if reason is not None:
            yield entry
            continue
        is_near = reaches_into(record, near.get(contig, []))
        kept, far = stack.add(contig, *ref_span(record), entry, is_near=is_near)
        yield from ((*found[:3], FAR) for found in far)
        yield from kept
    yield from ((*found[:3], FAR) for found in stack.close())


def use_of(record: Any) -> str:
    """How a record that is kept was read, for the audit."""
    if is_exchanged(record):
        return "REF and ALT exchanged"
    return "used, <DEL> spelled out by the reference" if is_spelled(record) else "used"


def in_order(records: Iterator[Any], path: Path) -> Iterator[Any]:
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


def on_contig(records: Iterator[Any], tally: ReferenceTally) -> Iterator[Any]:
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


def written_lengths(vcf: Any) -> dict[str, int]:
    """Contig lengths of the header, by canonical name; -1 where it tells none."""
    try:
        return {canonical_contig(name): n for name, n in zip(vcf.seqnames, vcf.seqlens, strict=True)}
    except AttributeError:  # cyvcf2, where the header names no contig
        return {}
