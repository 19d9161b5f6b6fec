"""Records of a VCF whose REF and ALT are exchanged, read as if they had been written the right way round."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from haploformer.genome.contigs import canonical_contig
from haploformer.genome.reference import Reference, ReferenceText
from haploformer.genome.reference_check import exchangeable_alt


def exchange_alleles(records: Iterator[Any], reference: Reference) -> Iterator[Any]:
    """The records of cyvcf2 in their order; where REF differs and exactly one ALT equals the reference, exchanged.

    A record stays as it is where no allele fits, where several ALTs do, and where REF fits, whatever ALT is: in a repeat
    both alleles of an insertion equal the reference.
    """
    text = ReferenceText(reference)
    for record in records:
        contig, start = canonical_contig(record.CHROM), record.POS - 1
        # Only a REF that differs costs a look at ALT.
        if text.at(contig, start, start + len(record.REF)) == record.REF.upper():
            yield record
            continue
        longest = max([len(record.REF), *map(len, record.ALT)])
        index = exchangeable_alt(record.REF, record.ALT, text.at(contig, start, start + longest))
        yield ExchangedRecord(record, index) if index else record


class ExchangedRecord:
    """A record of cyvcf2 of which REF and one ALT change places, in the alleles and in the calls.

    Everything else is asked of the record itself.

    Parameters
    ----------
    record : cyvcf2.Variant
    index : int
        Number of the ALT, from 1.
    """

    def __init__(self, record: Any, index: int) -> None:
        self.written = record
        self.index = index
        self.ALT = list(record.ALT)
        self.REF, self.ALT[index - 1] = self.ALT[index - 1], record.REF

    @property
    def genotype(self) -> _ExchangedCalls:
        """The calls; like cyvcf2's, they are asked for their ``array``."""
        return _ExchangedCalls(self.written.genotype, self.index)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.written, name)

    def __str__(self) -> str:
        return str(self.written)


class _ExchangedCalls:
    def __init__(self, genotype: Any, index: int) -> None:
        self._genotype = genotype
        self._index = index

    def array(self) -> NDArray[np.int16]:
        """int16 (n_samples, ploidy + 1): 0 and the index change places; the last column tells the phase.

        The alleles of a call without a phase have no order: it stays as it was, so that 0/1 is 0/1 and not 1/0.
        """
        calls = np.array(self._genotype.array())
        alleles, unphased = calls[:, :-1], calls[:, -1] == 0
        rose = (np.diff(alleles) >= 0).all(1)
        was_ref, was_alt = alleles == 0, alleles == self._index
        alleles[was_ref], alleles[was_alt] = self._index, 0
        turned = unphased & (alleles >= 0).all(1) & (rose != (np.diff(alleles) >= 0).all(1))
        calls[turned, :-1] = alleles[turned, ::-1]
        return calls


def is_exchanged(record: Any) -> bool:
    """Whether REF and ALT have changed places."""
    return isinstance(record, ExchangedRecord)


def as_written(record: Any) -> Any:
    """The record as it stands in the file."""
    return record.written if isinstance(record, ExchangedRecord) else record
