"""Why records differ from the reference: each likely cause by its own evidence, and what to do about it."""

from __future__ import annotations

from dataclasses import dataclass
from math import sqrt
from typing import NamedTuple

from haploformer.genome.reference_shift import MAX_SHIFT, ShiftSearch, Stretch

#: Share of the differing records that a cause must explain.
_MOST = 0.9

#: At and above this agreement, single records are wrong.
_FEW = 0.995

#: How far from chance the agreement with another build may lie: variants favour some bases (CpG).
_FROM_CHANCE = 0.15

#: Records on which a word about the genome build can rest.
_ENOUGH = 20


class Diagnosis(NamedTuple):
    """The likely cause with its evidence, and the remedy."""

    finding: str
    remedy: str


@dataclass(frozen=True)
class Evidence:
    """What is known of records that differ from the reference.

    Attributes
    ----------
    n_records, n_mismatches : int
        Records compared, and those whose REF differs (of PLINK1: both alleles).
    n_alt : int
        Of the differing ones, those with an ALT that equals the reference.
    n_complement, n_alt_complement : int
        Those whose REF equals the reference on the other strand; those of which an ALT does.
    n_alike : int
        Those of which an ALT and the complement of REF do (A/T and C/G variants).
    n_unknown : int
        Those where the reference has N.
    n_repaired : int
        Those of which REF and ALT are exchanged by the user's wish.
    search : ShiftSearch, optional
        None where too few records differ to look for a shift.
    written_build, reference_build : str, optional
        Builds told by contig lengths, of the header and of the FASTA.
    has_ref : bool
        Whether the format names a reference allele.
    """

    n_records: int
    n_mismatches: int
    n_alt: int = 0
    n_complement: int = 0
    n_alt_complement: int = 0
    n_alike: int = 0
    n_unknown: int = 0
    n_repaired: int = 0
    search: ShiftSearch | None = None
    written_build: str | None = None
    reference_build: str | None = None
    has_ref: bool = True

    @property
    def share(self) -> float:
        """Share of the records whose REF agrees as written."""
        return 1 - self.n_mismatches / self.n_records

    @property
    def n_wrong(self) -> int:
        """Differing records that are not repaired."""
        return self.n_mismatches - self.n_repaired

    @property
    def are_few(self) -> bool:
        """Whether only single records are wrong."""
        return 1 - self.n_wrong / self.n_records >= _FEW

    @property
    def builds(self) -> str:
        """What the contig lengths say; empty if nothing."""
        written = f"the header's contig lengths are those of {self.written_build}" if self.written_build else ""
        reference = f"the FASTA's {'' if written else 'contig lengths '}are those of {self.reference_build}"
        return ", ".join(filter(None, [written, reference if self.reference_build else ""]))


def diagnose(evidence: Evidence) -> Diagnosis:
    """The likely cause: the first whose evidence is there."""
    causes = (_masked, _exchanged, _other_strand, _named_builds, _shifted, _few, _other_build, _changes_midway)
    found = (cause(evidence) for cause in causes)
    return next((diagnosis for diagnosis in found if diagnosis), _unclear(evidence))


def name_remedy(build: str | None) -> str:
    """Which FASTA to use."""
    return f"use the FASTA of {build}" if build else "use the FASTA that the variants were called on"


def _named_builds(e: Evidence) -> Diagnosis | None:
    if e.share >= _FEW or not e.written_build or not e.reference_build or e.written_build == e.reference_build:
        return None
    return Diagnosis(f"another genome build: {e.builds}", name_remedy(e.written_build))


def _masked(e: Evidence) -> Diagnosis | None:
    if e.n_unknown < _MOST * e.n_mismatches:
        return None
    return Diagnosis(
        f"the reference has N in {e.n_unknown:,} of these {e.n_mismatches:,}: its repeats are masked, or it has gaps",
        "use a FASTA that is not masked by N (lower case does no harm), or leave these records out",
    )


def _exchanged(e: Evidence) -> Diagnosis | None:
    # An ALT equals another base by chance in a third of all.
    if e.n_repaired or e.n_alt < _MOST * e.n_mismatches or (e.n_mismatches < 3 and not e.are_few):
        return None
    are = "may be" if e.are_few else "are"
    finding = f"ALT equals the reference in {e.n_alt:,} of these {e.n_mismatches:,}: REF and ALT {are} exchanged"
    if e.n_alike >= _MOST * e.n_mismatches:
        finding += " (or all of these, A/T and C/G variants, are of the other strand: the two look the same)"
    remedy = "set data_prep.repair_ref: true, or make the file again with REF from the FASTA (plink2 --ref-from-fa)"
    if e.are_few:
        remedy = "correct single records or leave them out, or set data_prep.repair_ref: true"
    return Diagnosis(finding, remedy)


def _other_strand(e: Evidence) -> Diagnosis | None:
    flipped = e.n_complement + e.n_alt_complement
    # By chance, REF and ALT fit on the other strand equally often: two alleles and their complements are all four bases.
    excess = (e.n_complement - e.n_alt_complement) / sqrt(max(flipped, 1))
    if flipped < _MOST * e.n_mismatches or e.n_complement < 1.5 * e.n_alt_complement or excess < 2.33:
        return None
    return Diagnosis(
        f"the complement of {'REF' if e.has_ref else 'A2'} equals the reference in {e.n_complement:,} of these "
        f"{e.n_mismatches:,}: alleles are of the other strand",
        "write the alleles of the forward strand (bcftools +fixref, plink --flip)",
    )


def _shifted(e: Evidence) -> Diagnosis | None:
    if e.search is None:
        return None
    fitting = [s for s in e.search.stretches if s.shift == 0 or (s.shift and e.search.is_beyond_chance(s))]
    moved = [s for s in fitting if s.shift]
    n_agree, n_sites = sum(s.n_agree for s in fitting), e.search.n_sites
    if not moved or n_agree < 0.99 * n_sites:
        return None
    first = moved[0]
    if len({s.shift for s in fitting}) == 1:
        finding = f"positions are shifted by {_signed(first)}: {n_agree:,} of {n_sites:,} records looked at agree there"
        if first.shift == 1:
            return Diagnosis(f"{finding}, as if POS were 0-based", f"count POS from 1, or {name_remedy(None)}")
        return Diagnosis(finding, f"{name_remedy(None)}, from its first base on")
    before = _stretch_before(first, fitting)
    where = f"on contig {first.contig}" if before is None else f"from {first.contig}:{first.first} on"
    finding = f"{where} positions are shifted by {_signed(first)}"
    if before is not None and before.shift == 0:
        finding = f"up to {before.contig}:{before.last} REF agrees, {finding}"
    if len(moved) > 1:
        finding += f" (and in {len(moved) - 1:,} more stretches)"
    return Diagnosis(f"{finding}: bases are missing from this FASTA or too many in it", name_remedy(None))


def _few(e: Evidence) -> Diagnosis | None:
    if not e.are_few:
        return None
    one = e.n_wrong == 1
    return Diagnosis(
        "a single record is wrong" if one else "single records are wrong",
        "correct the record or leave it out" if one else "correct the records or leave them out",
    )


def _other_build(e: Evidence) -> Diagnosis | None:
    if e.search is None or e.n_mismatches < _ENOUGH or abs(e.share - e.search.chance) > _FROM_CHANCE:
        return None
    if sum(s.n_sites for s in e.search.stretches if s.shift is None) < _MOST * e.search.n_sites:
        return None
    builds = f" ({e.builds})" if e.builds else ""
    return Diagnosis(
        f"no more agree than by chance ({100 * e.search.chance:.0f} %), shifted by up to {MAX_SHIFT:,} bases or not: "
        f"another genome build{builds}",
        name_remedy(e.written_build),
    )


def _changes_midway(e: Evidence) -> Diagnosis | None:
    """As far as some place all agree, and behind it none but by chance: more bases are missing than are looked for."""
    if e.search is None:
        return None
    limit = e.search.chance + _FROM_CHANCE
    pairs = zip(e.search.stretches, e.search.stretches[1:], strict=False)
    for before, after in pairs:
        chance_alone = after.shift is None and after.n_agree <= limit * after.n_sites and after.n_sites >= _ENOUGH
        if before.contig == after.contig and before.shift == 0 and e.search.is_beyond_chance(before) and chance_alone:
            return Diagnosis(
                f"up to {before.contig}:{before.last} REF agrees, from {after.contig}:{after.first} on no more than by "
                f"chance, shifted by up to {MAX_SHIFT:,} bases or not: from there on this FASTA is another",
                name_remedy(e.written_build),
            )
    return None


def _unclear(e: Evidence) -> Diagnosis:
    if e.n_repaired:
        return Diagnosis("none of their alleles equals the reference, or several do", "correct them or leave them out")
    first, other = ("REF", "ALT") if e.has_ref else ("A2", "A1")
    counts = {
        "ALT": e.n_alt if e.has_ref else 0,
        f"the complement of {first}": e.n_complement,
        f"the complement of {other}": e.n_alt_complement,
    }
    told = ", ".join(f"{what} in {n:,}" for what, n in counts.items() if n)
    finding = f"of these {e.n_mismatches:,}, the reference equals {told}" if told else "no allele fits, on any strand"
    remedy = f"{name_remedy(e.written_build)}, or set REF by it (bcftools +fixref)"
    if e.n_alt == e.n_mismatches:
        remedy = "set data_prep.repair_ref: true if REF and ALT are exchanged, or correct the records"
    return Diagnosis(finding, remedy)


def _stretch_before(stretch: Stretch, stretches: list[Stretch]) -> Stretch | None:
    """The stretch before it on its contig."""
    place = stretches.index(stretch)
    before = stretches[place - 1] if place else None
    return before if before is not None and before.contig == stretch.contig else None


def _signed(stretch: Stretch) -> str:
    return f"{stretch.shift:+,}"
