"""Records of a VCF whose deletion is told by its ends, read as if its bases had been written."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from haploformer.genome.contigs import canonical_contig
from haploformer.genome.reference import Reference, ReferenceText

#: A longer deletion is not spelled out, and stays symbolic: no window is filled from so far away.
MAX_DELETION = 1 << 24


def spell_deletions(records: Iterator[Any], reference: Reference) -> Iterator[Any]:
    """The records of cyvcf2 in their order, every ``<DEL>`` with a known end spelled out by the reference.

    POS is the base before the deletion (VCF 4.3, section 1.6.1); it ends with END, after SVLEN bases, or with a REF of
    more than one base. Where none of them is given, the ends are IMPRECISE, or more than `MAX_DELETION` bases are gone, the
    record stays symbolic.
    """
    text = ReferenceText(reference)
    for record in records:
        last = deleted_to(record) if "<DEL>" in record.ALT else None
        if last is not None and last - record.POS > MAX_DELETION:
            last = None
        if last is None:
            yield record
            continue
        contig, start = canonical_contig(record.CHROM), record.POS - 1
        known = contig in reference.contig_lengths
        yield SpelledRecord(record, text.at(contig, start, last)) if known else record


def deleted_to(record: Any) -> int | None:
    """1-based last base of a ``<DEL>``; None where it is not known."""
    info = record.INFO
    if info.get("IMPRECISE"):
        return None
    if (end := info.get("END")) is not None:
        # A header may declare it to be a text or several numbers.
        return end if isinstance(end, int) and end > record.POS else None
    if (length := info.get("SVLEN")) is not None:
        # One number for each ALT.
        lengths = length if isinstance(length, tuple) else (length,)
        told = lengths[record.ALT.index("<DEL>")] if len(lengths) == len(record.ALT) else 0
        return record.POS + abs(told) if isinstance(told, int) and told else None
    return record.POS - 1 + len(record.REF) if len(record.REF) > 1 else None


class SpelledRecord:
    """A record of cyvcf2 whose REF reaches to the end of its deletion. Everything else is asked of the record itself.

    Parameters
    ----------
    record : cyvcf2.Variant
    bases : str
        The reference from POS to the last base deleted.
    """

    def __init__(self, record: Any, bases: str) -> None:
        written = len(record.REF)
        # The base before the deletion stays as it was written: it is compared with the reference.
        self.REF = record.REF[:1] + bases[1:] if len(bases) > written else record.REF
        tail = self.REF[written:]
        self.ALT = [record.REF[:1] if alt == "<DEL>" else alt + tail * alt.isalpha() for alt in record.ALT]
        self.symbolic = record

    def __getattr__(self, name: str) -> Any:
        return getattr(self.symbolic, name)

    def __str__(self) -> str:
        return str(self.symbolic)


def is_spelled(record: Any) -> bool:
    """Whether a deletion has been spelled out."""
    return isinstance(record, SpelledRecord)
