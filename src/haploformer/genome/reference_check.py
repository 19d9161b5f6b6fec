"""Alleles of records against the reference: which differ, which could be exchanged, and what that says of the files."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from haploformer.errors import InputError
from haploformer.genome.builds import name_build
from haploformer.genome.encoding import UNKNOWN, decode, encode
from haploformer.genome.reference import NoReference, Reference, fetch_padded
from haploformer.genome.reference_diagnosis import Evidence, diagnose, name_remedy
from haploformer.genome.reference_shift import ShiftSearch, Site, search_shifts

#: Records kept to look for a shift, spread evenly over all; and as many of those that differ.
SAMPLE = 1024

#: Fewer differing records than these are not searched for a shift.
_SEARCHED = 10

_ACGT = frozenset("ACGT")
_COMPLEMENT = str.maketrans("ACGTacgt", "TGCAtgca")


def reference_mismatches(records: pd.DataFrame, reference: Reference) -> NDArray[np.bool_]:
    """Which records' REF differs from the reference.

    Parameters
    ----------
    records : DataFrame
        Columns of `RECORD_COLUMNS`, one contig, sorted by ``pos``.

    Returns
    -------
    bool (n_records,)
        A reference N agrees with no base. Without a reference nothing differs.
    """
    if len(records) == 0 or isinstance(reference, NoReference):
        return np.zeros(len(records), bool)
    return ~_Bases.under(records, [records["ref"].tolist()], reference).equal(records["ref"].tolist())


def exchangeable_alt(ref: str, alts: Sequence[str], bases: str) -> int:
    """Number of the ALT (from 1) that is the reference's allele where REF is not; 0 if there is none, or more than one.

    Parameters
    ----------
    bases : str
        The reference from the record's POS on, upper case, at least as long as the longest allele.
    """
    if bases.startswith(ref.upper()):
        return 0
    named = [(i, alt.upper()) for i, alt in enumerate(alts, 1) if alt and _ACGT.issuperset(alt.upper())]
    fitting = [i for i, alt in named if bases.startswith(alt)]
    return fitting[0] if len(fitting) == 1 else 0


class Fits(NamedTuple):
    """How the alleles of records whose REF differs stand to the reference; bool (n_records,) each."""

    #: One ALT equals it, and no other does.
    exchangeable: NDArray[np.bool_]
    #: At least one ALT equals it.
    alt: NDArray[np.bool_]
    #: The reverse complement of REF equals it.
    complement: NDArray[np.bool_]
    #: That of an ALT does.
    alt_complement: NDArray[np.bool_]
    #: It is N under REF.
    unknown: NDArray[np.bool_]


def compare_alleles(records: pd.DataFrame, reference: Reference) -> Fits:
    """How REF and ALT stand to the reference, and their reverse complements.

    Parameters
    ----------
    records : DataFrame
        As of `reference_mismatches`; those whose REF differs.
    """
    refs = records["ref"].tolist()
    split = [alts.split(",") for alts in records["alt"]]
    row = np.repeat(np.arange(len(refs)), [len(alts) for alts in split])
    alts = [alt for alleles in split for alt in alleles]
    bases = _Bases.under(records, [refs, alts], reference)
    n_fitting = np.bincount(row, bases.equal(alts, row), minlength=len(refs))
    n_turned = np.bincount(row, bases.equal([_turn(alt) for alt in alts], row), minlength=len(refs))
    return Fits(
        n_fitting == 1, n_fitting > 0, bases.equal([_turn(ref) for ref in refs]), n_turned > 0, bases.unknown(refs)
    )


class _Bases(NamedTuple):
    """A stretch of the reference, and where in it the records begin."""

    stretch: NDArray[np.uint8]
    starts: NDArray[np.int64]

    @classmethod
    def under(cls, records: pd.DataFrame, alleles: list[list[str]], reference: Reference) -> _Bases:
        starts = records["pos"].to_numpy() - 1
        longest = max((len(allele) for group in alleles for allele in group), default=0)
        first = int(starts.min())
        stretch = fetch_padded(reference, str(records["contig"].iloc[0]), first, int(starts.max()) + max(longest, 1))
        return cls(stretch, starts - first)

    def equal(self, alleles: list[str], row: NDArray[np.int64] | None = None) -> NDArray[np.bool_]:
        """Whether each allele equals the reference where its record begins; record i of allele i, or of ``row[i]``."""
        codes = encode("".join(alleles))
        under, ends, lengths = self._under(alleles, row)
        return ~_any(((codes != under) | (codes == UNKNOWN)), ends, lengths) & (lengths > 0)

    def unknown(self, alleles: list[str]) -> NDArray[np.bool_]:
        """Whether a base under each allele is unknown."""
        under, ends, lengths = self._under(alleles, None)
        return _any(under == UNKNOWN, ends, lengths)

    def _under(
        self, alleles: list[str], row: NDArray[np.int64] | None
    ) -> tuple[NDArray[np.uint8], NDArray[np.int64], NDArray[np.int64]]:
        """The reference's bases under all alleles in one piece; where each allele ends in it; their lengths."""
        lengths = np.fromiter(map(len, alleles), np.int64, len(alleles))
        ends = np.cumsum(lengths)
        starts = self.starts if row is None else self.starts[row]
        index = np.arange(lengths.sum()) + np.repeat(starts - (ends - lengths), lengths)
        return self.stretch[index], ends, lengths


def _any(flags: NDArray[np.bool_], ends: NDArray[np.int64], lengths: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Whether a flag is set in each part of a row of parts."""
    counts = np.concatenate([[0], np.cumsum(flags)])
    return counts[ends] > counts[ends - lengths]


def _turn(allele: str) -> str:
    """The allele on the other strand."""
    return allele.translate(_COMPLEMENT)[::-1]


class ReferenceTally:
    """How many records agree with the reference, which is the first that does not, and what is known of those.

    Parameters
    ----------
    source : str
        Name of the genotype file, for messages.
    reference : Reference
    repair_ref : bool
        Whether REF and the one ALT that equals the reference may be exchanged: such records count as agreeing.
    alleles : tuple of str
        Columns of the alleles of which one should equal the reference; messages show them.
    written_lengths : callable
        Contig lengths that the genotype file tells, by canonical name; asked for only if something is wrong.
    """

    def __init__(
        self,
        source: str,
        reference: Reference,
        *,
        repair_ref: bool = False,
        alleles: tuple[str, ...] = ("ref",),
        written_lengths: Callable[[], Mapping[str, int]] = dict,
    ) -> None:
        self.source = source
        self.reference = reference
        self.repair_ref = repair_ref
        self.alleles = alleles
        self.written_lengths = written_lengths
        #: Records compared; those whose REF differs; of these, the ones that cannot be used.
        self.n_records = self.n_mismatches = self.n_wrong = 0
        #: Of the differing ones: one ALT fits, some ALT, complements of REF and ALT, exchangeable that look alike, N.
        self.n_exchangeable = self.n_alt = self.n_complement = self.n_alt_complement = 0
        self.n_alike = self.n_unknown = 0
        #: Records that do not lie on their contig.
        self.n_off = 0
        self._first: tuple[str, str] | None = None
        self._first_off: tuple[str, str] | None = None
        self._lengths = reference.contig_lengths
        self._samples = (_Sample(), _Sample())

    def lies_on_contig(self, contig: str, pos: int, ref: str) -> bool:
        """Whether all of a record's REF lies on its contig, as far as its length is known."""
        if isinstance(self.reference, NoReference):
            return pos >= 1
        return pos >= 1 and pos - 1 + len(ref) <= self._lengths[contig]

    def add_off_contig(self, contig: str, pos: int, ref: str) -> None:
        """Count a record that does not lie on its contig, and is not to be compared."""
        self.n_off += 1
        if self._first_off is not None:
            return
        length = self._lengths.get(contig, 0)
        ends = f"the end of contig {contig}, which has {length:,} bases in {self.reference.name}"
        if pos < 1:
            what = f"POS is {pos}, the first base of a contig is 1"
        elif pos > length:
            what = f"POS lies past {ends}"
        else:
            what = f"REF ({len(ref):,} bases) reaches past {ends}"
        self._first_off = (f"{contig}:{pos}", what)

    def add(self, records: pd.DataFrame, mismatch: NDArray[np.bool_]) -> None:
        """Count some records (columns of `RECORD_COLUMNS` and ``alleles``, one contig, sorted, all on it).

        Parameters
        ----------
        mismatch : bool (n_records,)
            Whether none of ``alleles`` equals the reference.
        """
        if isinstance(self.reference, NoReference):
            return
        of_all, of_differing = self._samples
        numbers = np.arange(self.n_records, self.n_records + len(records))
        of_all.add(records, numbers, self.alleles)
        self.n_records += len(records)
        if not mismatch.any():
            return
        differing = records[mismatch]
        of_differing.add(differing, numbers[mismatch], self.alleles)
        fits = compare_alleles(differing, self.reference)
        self.n_mismatches += len(differing)
        self.n_exchangeable += int(fits.exchangeable.sum())
        self.n_alt += int(fits.alt.sum())
        self.n_complement += int(fits.complement.sum())
        self.n_alt_complement += int(fits.alt_complement.sum())
        self.n_alike += int((fits.exchangeable & fits.complement).sum())
        self.n_unknown += int(fits.unknown.sum())
        wrong = ~fits.exchangeable if self.repair_ref else np.ones(len(differing), bool)
        self.n_wrong += int(wrong.sum())
        if self._first is None and wrong.any():
            self._first = self._describe(differing.iloc[int(wrong.argmax())])

    def require_match(self) -> None:
        """Raise InputError if a record does not lie on its contig, or differs and is not repaired.

        The message names the first one, how many there are, and the likely cause.
        """
        if self._first_off is not None:
            raise self._off_contig(*self._first_off)
        if self._first is None:
            return
        place, difference = self._first
        share = 1 - self.n_wrong / self.n_records
        diagnosis = diagnose(self._evidence())
        repaired = f", with REF and ALT exchanged in {self.n_exchangeable:,} others" if self.repair_ref else ""
        raise InputError(
            f"{self.source}:{place}",
            f"REF differs from {self.reference.name} ({difference}); {self.n_wrong:,} of {self.n_records:,} records "
            f"differ ({100 * share:.2f} % agree{repaired}); {diagnosis.finding}",
            diagnosis.remedy,
        )

    def _describe(self, record: pd.Series) -> tuple[str, str]:
        """Place of a record, and its alleles beside the reference's."""
        start, length = int(record["pos"]) - 1, min(len(record[self.alleles[0]]), 20)
        bases = decode(fetch_padded(self.reference, record["contig"], start, start + max(length, 1)))
        told = ", ".join(f"{name.upper()} {str(record[name])[:20]}" for name in self.alleles)
        return f"{record['contig']}:{record['pos']}", f"{told}, the reference has {bases}"

    def _off_contig(self, place: str, what: str) -> InputError:
        evidence = self._evidence()
        total = self.n_off + self.n_records
        others = f", {100 * evidence.share:.2f} % of the others agree" if self.n_records else ""
        builds = f"; {evidence.builds}" if evidence.builds else ""
        remedy = f"{name_remedy(evidence.written_build)}, all of it, or correct the records"
        return InputError(
            f"{self.source}:{place}",
            f"{what}; {self.n_off:,} of {total:,} records do not lie on their contig{others}{builds}",
            remedy,
        )

    def _evidence(self) -> Evidence:
        return Evidence(
            n_records=max(self.n_records, 1),
            n_mismatches=self.n_mismatches,
            n_alt=self.n_alt,
            n_complement=self.n_complement,
            n_alt_complement=self.n_alt_complement,
            n_alike=self.n_alike,
            n_unknown=self.n_unknown,
            n_repaired=self.n_exchangeable if self.repair_ref else 0,
            search=self._search() if self.n_mismatches >= _SEARCHED and self._first_off is None else None,
            written_build=name_build(self.written_lengths()),
            reference_build=name_build(self.reference.contig_lengths),
            has_ref=self.alleles == ("ref",),
        )

    def _search(self) -> ShiftSearch:
        kept = self._samples[0].sites | self._samples[1].sites
        return search_shifts([kept[number] for number in sorted(kept)], self.reference)


class _Sample:
    """Every n-th of the records that are added; n doubles whenever they are too many."""

    def __init__(self) -> None:
        #: Sites by the number of their record among all.
        self.sites: dict[int, Site] = {}
        self._n_seen = 0
        self._every = 1

    def add(self, records: pd.DataFrame, numbers: NDArray[np.int64], alleles: tuple[str, ...]) -> None:
        first = -self._n_seen % self._every
        self._n_seen += len(records)
        some = records.iloc[first :: self._every]
        texts = zip(*(some[name] for name in alleles), strict=True)
        sites = map(Site, some["contig"], some["pos"].tolist(), texts)
        self.sites.update(zip(numbers[first :: self._every].tolist(), sites, strict=True))
        while len(self.sites) > SAMPLE:
            self.sites = dict(list(self.sites.items())[::2])
            self._every *= 2
