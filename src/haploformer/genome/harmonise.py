"""Alleles of a foreign table against the reference and against our variants: which rows are about which of ours.

A foreign table may write alleles the other way round, or of the other strand. What can be told is put right and
counted; what cannot is set aside: A/T and C/G, which look alike on both strands, and an indel the other way round where
nothing says which allele is REF (in a repeat, an insertion and a deletion of one base have the same letters); what
disagrees is refused and counted.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from haploformer.errors import InputError
from haploformer.genome.contigs import canonical_contig
from haploformer.genome.intervals import Interval, group_by_contig, reach_into
from haploformer.genome.reference import Reference, ReferenceText

_ACGT = frozenset("ACGT")
_COMPLEMENT = str.maketrans("ACGT", "TGCA")
_AMBIGUOUS = frozenset({("A", "T"), ("T", "A"), ("C", "G"), ("G", "C")})

#: Of rows compared with the reference, at least this share must have an allele that equals it. In another build a base
#: equals one of two alleles, or of their complements, in about three of four rows without strand-ambiguous ones; as
#: written, in about half.
BUILD_FLOOR = 0.9

#: Fewer rows than these say nothing of the build.
_ENOUGH = 10


@dataclass(frozen=True)
class HarmoniseCounts:
    """What became of the rows of a foreign table. Each row counts once, in the first that fits of the first nine.

    Attributes
    ----------
    n_rows : int
        All rows.
    n_outside : int
        Places that were not asked for.
    n_without_alleles : int
        Rows without two alleles, or with alleles that name no sequence.
    n_ambiguous : int
        A/T and C/G, and indels that are of ours only the other way round, not compared with a reference; set aside.
    n_ref_differs : int
        No allele equals the reference where REF should; refused.
    n_absent : int
        No variant of ours has this place.
    n_other_alleles : int
        Ours have, with other alleles.
    n_repeated : int
        An earlier row is about the same variant.
    n_matched : int
        Rows that are about one of our variants.
    n_swapped, n_flipped : int
        Of the matched: REF and ALT the other way round; alleles of the other strand. A row may be both.
    """

    n_rows: int
    n_outside: int = 0
    n_without_alleles: int = 0
    n_ambiguous: int = 0
    n_ref_differs: int = 0
    n_absent: int = 0
    n_other_alleles: int = 0
    n_repeated: int = 0
    n_matched: int = 0
    n_swapped: int = 0
    n_flipped: int = 0

    @property
    def n_inside(self) -> int:
        """Rows at places that were asked for."""
        return self.n_rows - self.n_outside

    @property
    def matched_share(self) -> float:
        """Share of the rows inside that are about one of our variants; 0 if there are none."""
        return self.n_matched / self.n_inside if self.n_inside else 0.0

    def summary(self) -> str:
        """One line, the matched share first."""
        told = {field.name.removeprefix("n_").replace("_", " "): getattr(self, field.name) for field in fields(self)}
        skipped = ("rows", "matched")
        parts = [f"{n:,} {name}" for name, n in told.items() if n and name not in skipped]
        head = (
            f"{100 * self.matched_share:.1f} % matched ({self.n_matched:,} of {self.n_inside:,} rows inside, "
            f"{self.n_rows:,} in all)"
        )
        return "; ".join([head, ", ".join(parts)]) if parts else head


@dataclass(frozen=True, eq=False)
class Harmonised:
    """Rows of a foreign table that are about our variants.

    Attributes
    ----------
    table : DataFrame (n_matched,)
        The rows, in their order, with their own index and two new columns: ``variant``, the row number of our
        variant, and ``sign``, -1 where the effect of the foreign ALT is that of our REF, else 1.
    counts : HarmoniseCounts
    doubtful : DataFrame
        Rows left out that name one of our indels the other way round, with ``variant``: what they say may be about it.
    """

    table: pd.DataFrame
    counts: HarmoniseCounts
    doubtful: pd.DataFrame


def compare_with_reference(rows: pd.DataFrame, reference: Reference) -> pd.DataFrame:
    """Which alleles equal the reference, upper case, on either strand.

    Parameters
    ----------
    rows : DataFrame
        ``contig`` (canonical), ``pos``, ``ref``, ``alt`` as upper-case ACGT; on contigs of the reference.

    Returns
    -------
    DataFrame (n_rows,) of bool
        ``ref``, ``alt``, and of single bases ``ref_complement``, ``alt_complement``. A row off its contig equals
        nothing.
    """
    order = np.lexsort([rows["pos"].to_numpy(np.int64), rows["contig"].to_numpy(str)])
    text = ReferenceText(reference)
    found = np.zeros((len(rows), 4), bool)
    contigs, pos = rows["contig"].to_numpy(), rows["pos"].to_numpy(np.int64)
    refs, alts = rows["ref"].to_numpy(), rows["alt"].to_numpy()
    for i in order:
        ref, alt, start = str(refs[i]), str(alts[i]), int(pos[i]) - 1
        bases = text.at(str(contigs[i]), start, start + max(len(ref), len(alt)))
        found[i, :2] = bases.startswith(ref), bases.startswith(alt)
        if len(ref) == len(alt) == 1:
            found[i, 2:] = bases == ref.translate(_COMPLEMENT), bases == alt.translate(_COMPLEMENT)
    return pd.DataFrame(found, index=rows.index, columns=["ref", "alt", "ref_complement", "alt_complement"])


@dataclass(frozen=True, eq=False)
class RefChecked:
    """Rows whose REF is the reference's.

    Attributes
    ----------
    table : DataFrame
        Contigs canonical, alleles upper case; the rows keep their index.
    n_outside : int
        Rows on contigs that the reference lacks.
    n_without_alleles : int
        Rows without a place and two alleles that name a sequence.
    n_refused : int
        Rows whose REF differs.
    first_refused : str, optional
        The first of them: place, REF, and what the reference has.
    """

    table: pd.DataFrame
    n_outside: int
    n_without_alleles: int
    n_refused: int
    first_refused: str | None


def refuse_ref_mismatches(rows: pd.DataFrame, reference: Reference, *, source: str) -> RefChecked:
    """The rows of a table whose ALT is what they are about, without those whose REF differs from the reference.

    Parameters
    ----------
    rows : DataFrame
        ``contig, pos, ref, alt`` and any other columns.
    source : str
        The table's name, for messages.

    Raises
    ------
    InputError
        If under `BUILD_FLOOR` of ten rows or more agree: the table is of another build.
    """
    named = name_alleles(rows)
    whole = named.notna().all(axis=1).to_numpy()
    there = whole & named["contig"].isin(list(reference.contig_lengths)).to_numpy()
    agrees = np.zeros(len(rows), bool)
    agrees[there] = compare_with_reference(named[there], reference)["ref"].to_numpy()
    differing = named[there & ~agrees]
    first = None
    if len(differing):
        worst = differing.iloc[0]
        start, n = int(worst["pos"]) - 1, min(len(worst["ref"]), 20)
        bases = ReferenceText(reference, length=n).at(str(worst["contig"]), start, start + n)
        first = f"{worst['contig']}:{worst['pos']} REF {worst['ref'][:20]}, the reference has {bases}"
    if there.sum() >= _ENOUGH and agrees.sum() < BUILD_FLOOR * there.sum():
        raise InputError(
            source,
            f"REF differs from {reference.name} in {len(differing):,} of {there.sum():,} rows ({first}): the table is of "
            "another genome build",
            f"give the table of the build of {reference.name}",
        )
    kept = rows[agrees].assign(**{name: named.loc[agrees, name] for name in ("contig", "ref", "alt")})
    return RefChecked(kept, int((whole & ~there).sum()), int((~whole).sum()), len(differing), first)


def name_alleles(rows: pd.DataFrame) -> pd.DataFrame:
    """``contig, pos, ref, alt`` with canonical contigs and upper-case alleles; null alleles where one names no sequence.

    Parameters
    ----------
    rows : DataFrame
        ``contig, pos, ref, alt``, any of them null.
    """
    named = {contig: canonical_contig(str(contig)) for contig in rows["contig"].dropna().unique()}
    alleles = {}
    for name in ("ref", "alt"):
        upper = rows[name].astype(object).where(rows[name].notna(), "").astype(str).str.upper()
        is_sequence = {allele: bool(allele) and _ACGT.issuperset(allele) for allele in upper.unique()}
        alleles[name] = upper.where(upper.map(is_sequence).astype(bool), None)
    return pd.DataFrame({"contig": rows["contig"].map(named), "pos": rows["pos"], **alleles}, index=rows.index)


def is_ambiguous(refs: Sequence[str], alts: Sequence[str]) -> NDArray[np.bool_]:
    """Whether the two alleles are each other's complement: A/T and C/G; bool (n_rows,)."""
    return np.fromiter((pair in _AMBIGUOUS for pair in zip(refs, alts, strict=True)), bool, len(refs))


def may_both_be_ref(ref: str, alt: str) -> bool:
    """Whether one allele begins with the other: in a repeat the reference has both, and either may be REF."""
    return ref.startswith(alt) or alt.startswith(ref)


def harmonise(
    rows: pd.DataFrame,
    variants: pd.DataFrame,
    *,
    source: str,
    reference: Reference | None = None,
    intervals: Sequence[Interval] | None = None,
    within: Sequence[str] = (),
    may_swap: bool = True,
    ref_named: bool = True,
    min_matched_share: float = 0.0,
) -> Harmonised:
    """Find the rows of a foreign table that are about our variants, and which way round.

    Parameters
    ----------
    rows : DataFrame
        ``contig, pos, ref, alt`` and any other columns; nulls where the table does not say. The effect is that of
        ``alt``.
    variants : DataFrame (n_variants,)
        Ours: ``contig, pos, ref, alt``, one row per ALT allele.
    source : str
        The foreign table's name, for messages.
    reference : Reference, optional
        What REF is checked by; without it only our variants say what is right.
    intervals : sequence of Interval, optional
        Where rows are looked for; None: all contigs of ``variants``.
    within : sequence of str
        Columns within which a variant may occur once (a gene, a credible set): the first row as written, else the
        first.
    may_swap : bool
        Whether a row whose ALT is our REF counts as the same variant seen from the other side. False for tables
        whose ALT is what they are about (ClinVar): such a row is refused as one whose REF differs.
    ref_named : bool
        Whether REF is said to be the reference's on both sides. An indel whose alleles may both be REF
        (`may_both_be_ref`) is then another variant the other way round, unless the reference has its ALT and not its
        REF. False where a file names two alleles and no REF (PLINK1): it counts as the same variant.
    min_matched_share : float
        Below this share of matched rows, of those inside, nothing is returned.

    Returns
    -------
    Harmonised

    Raises
    ------
    InputError
        If under `BUILD_FLOOR` of the rows have an allele that equals the reference (another build), or under
        ``min_matched_share`` of them match.
    """
    state = _States(rows, variants, reference, intervals, may_swap, ref_named)
    if reference is not None:
        state.require_build(source, reference.name)
    variant, swapped, flipped, doubtful = state.match()
    repeated = np.zeros(len(rows), bool)
    matched = variant >= 0
    if within and matched.any():
        keys = rows[list(within)].assign(_variant=variant)
        preferred = np.argsort(1 * swapped + flipped, kind="stable")
        preferred = preferred[matched[preferred]]
        repeated[preferred] = keys.iloc[preferred].duplicated().to_numpy()
        matched &= ~repeated
    counts = HarmoniseCounts(
        len(rows),
        **state.counts(),
        n_repeated=int(repeated.sum()),
        n_matched=int(matched.sum()),
        n_swapped=int((swapped & matched).sum()),
        n_flipped=int((flipped & matched).sum()),
    )
    require_matched(counts, source=source, floor=min_matched_share)
    sign = np.where(swapped[matched], -1, 1)
    left = doubtful >= 0
    return Harmonised(
        rows[matched].assign(variant=variant[matched], sign=sign), counts, rows[left].assign(variant=doubtful[left])
    )


def alleles_by_id(rows: pd.DataFrame, variants: pd.DataFrame) -> tuple[pd.DataFrame, int]:
    """Place and alleles of the rows that say none, from variants of the same id.

    Parameters
    ----------
    rows : DataFrame
        ``variant_id, contig, pos, ref, alt``, nulls where the table does not say.
    variants : DataFrame
        ``variant_id, contig, pos, ref, alt``: of the genotypes that the table was made from, whose ALT its effects are
        of. Other genotypes may have the alleles the other way round.

    Returns
    -------
    rows : DataFrame
    n_filled : int
        Rows whose alleles come from ``variants``. An id that several of them have says nothing.
    """
    known = variants[~variants["variant_id"].duplicated(keep=False)].set_index("variant_id")
    empty = rows[["ref", "alt"]].isna().any(axis=1) & rows["variant_id"].isin(known.index)
    filled = rows.copy()
    for name in ("contig", "pos", "ref", "alt"):
        filled.loc[empty, name] = known[name].reindex(rows.loc[empty, "variant_id"]).to_numpy()
    return filled, int(empty.sum())


def require_matched(counts: HarmoniseCounts, *, source: str, floor: float) -> None:
    """Raise InputError, with all counts, if less than ``floor`` of the rows inside match."""
    if counts.matched_share < floor:
        raise InputError(
            source,
            f"{counts.summary()}; at least {100 * floor:g} % are expected",
            "check the build and the contigs of the table, give genotypes with more of its variants, or lower the floor",
        )


class _States:
    """What each row is, found out step by step; a row keeps the first verdict."""

    def __init__(
        self,
        rows: pd.DataFrame,
        variants: pd.DataFrame,
        reference: Reference | None,
        intervals: Sequence[Interval] | None,
        may_swap: bool,
        ref_named: bool,
    ) -> None:
        self.may_swap, self.ref_named = may_swap, ref_named
        self.rows = name_alleles(rows).reset_index(drop=True)
        self.variants = name_alleles(variants).reset_index(drop=True)
        self.verdict = np.full(len(rows), "", object)
        self._settle(~_lies_inside(self.rows, self.variants, intervals), "n_outside")
        self._settle(self.rows[["ref", "alt"]].isna().any(axis=1).to_numpy(), "n_without_alleles")
        self._settle(is_ambiguous(self.rows["ref"].tolist(), self.rows["alt"].tolist()), "n_ambiguous")
        self.fits: pd.DataFrame | None = None
        if reference is not None:
            self._check(reference)

    def _settle(self, flags: NDArray[np.bool_], verdict: str) -> None:
        self.verdict[flags & (self.verdict == "")] = verdict

    @property
    def _open(self) -> NDArray[np.bool_]:
        return self.verdict == ""

    def _check(self, reference: Reference) -> None:
        known = self.rows["contig"].isin(list(reference.contig_lengths)).to_numpy()
        open_ = self._open & known
        self.fits = compare_with_reference(self.rows[open_], reference)
        wanted = ["ref", "alt", "ref_complement", "alt_complement"] if self.may_swap else ["ref"]
        differs = np.zeros(len(self.rows), bool)
        differs[open_] = ~self.fits[wanted].any(axis=1).to_numpy()
        self._settle(differs, "n_ref_differs")

    def require_build(self, source: str, reference_name: str) -> None:
        """Raise InputError if REF and ALT are no more often the reference's than in another build."""
        assert self.fits is not None
        n = len(self.fits)
        n_written = int(self.fits[["ref", "alt"]].any(axis=1).sum())
        n_flipped = int(self.fits[["ref_complement", "alt_complement"]].any(axis=1).sum())
        # A table of one strand fits on that strand; in another build, each strand fits in about half of the rows.
        if n >= _ENOUGH and max(n_written, n_flipped) < BUILD_FLOOR * n:
            first = self.rows.loc[self.fits.index[int((~self.fits[["ref", "alt"]].any(axis=1)).to_numpy().argmax())]]
            raise InputError(
                f"{source}:{first['contig']}:{first['pos']}",
                f"neither REF {first['ref']} nor ALT {first['alt']} is the base of {reference_name}; of {n:,} rows "
                f"{n_written:,} have an allele that is: the table is of another genome build",
                f"give the table of the build of {reference_name}, or lift it over",
            )

    def match(self) -> tuple[NDArray[np.int64], NDArray[np.bool_], NDArray[np.bool_], NDArray[np.int64]]:
        """Our variant of each row (-1: none), whether alleles are the other way round, and of the other strand.

        Last the variant that a row may be about the other way round, and is not taken for.
        """
        ours: dict[tuple[str, int, str, str], int] = {}
        for number, key in enumerate(_keys(self.variants, "ref", "alt")):
            ours.setdefault(key, number)
        n = len(self.rows)
        variant, doubtful, swapped, flipped = np.full(n, -1), np.full(n, -1), np.zeros(n, bool), np.zeros(n, bool)
        turned = self.rows.assign(ref=_turn(self.rows["ref"]), alt=_turn(self.rows["alt"]))
        forms = [(self.rows, False, False), (self.rows, True, False), (turned, False, True), (turned, True, True)]
        differs, untold = self._other_ways_round()
        for table, swap, flip in forms if self.may_swap else forms[:1]:
            left = np.flatnonzero(self._open & (variant < 0))
            keys = _keys(table.iloc[left], *(("alt", "ref") if swap else ("ref", "alt")))
            at = np.fromiter((ours.get(key, -1) for key in keys), np.int64, len(keys))
            hit = at >= 0
            if swap:
                doubt = hit & (differs | untold)[left]
                doubtful[left[doubt]] = at[doubt]
                self.verdict[left[doubt & untold[left]]] = "n_ambiguous"
                hit &= ~doubt
            variant[left[hit]], swapped[left[hit]], flipped[left[hit]] = at[hit], swap, flip
        places = set(zip(self.variants["contig"], self.variants["pos"], strict=True))
        at_ours = np.fromiter((p in places for p in zip(self.rows["contig"], self.rows["pos"], strict=True)), bool, n)
        self._settle((variant < 0) & ~at_ours, "n_absent")
        self._settle(variant < 0, "n_other_alleles")
        return variant, swapped, flipped, doubtful

    def _other_ways_round(self) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
        """Rows that are another variant the other way round, and rows of which that cannot be told."""
        differs, untold = np.zeros((2, len(self.rows)), bool)
        if self.ref_named:
            open_ = self.rows[self._open]
            untold[self._open] = np.fromiter(map(may_both_be_ref, open_["ref"], open_["alt"]), bool, len(open_))
        if self.fits is not None:
            compared = self.fits.index.to_numpy()
            differs[compared] = untold[compared] & self.fits["ref"].to_numpy()
            untold[compared] = False
        return differs, untold

    def counts(self) -> dict[str, int]:
        names, n = np.unique(self.verdict[self.verdict != ""].astype(str), return_counts=True)
        return dict(zip(names.tolist(), n.tolist(), strict=True))


def _lies_inside(rows: pd.DataFrame, variants: pd.DataFrame, intervals: Sequence[Interval] | None) -> NDArray[np.bool_]:
    placed = (rows["contig"].notna() & rows["pos"].notna()).to_numpy()
    if intervals is None:
        return placed & rows["contig"].isin(variants["contig"].unique()).to_numpy()
    inside = np.zeros(len(rows), bool)
    for contig, of_contig in group_by_contig(intervals).items():
        here = np.flatnonzero(placed & (rows["contig"] == contig).to_numpy())
        pos = rows["pos"].iloc[here].to_numpy(np.int64)
        inside[here] = reach_into(pos, np.ones(len(here), np.int64), of_contig)
    return inside


def _keys(rows: pd.DataFrame, ref: str, alt: str) -> list[tuple[str, int, str, str]]:
    return list(zip(rows["contig"], rows["pos"], rows[ref], rows[alt], strict=True))


def _turn(alleles: pd.Series) -> list[str | None]:
    """Single bases on the other strand; longer alleles have no other strand at the same place."""
    return [a.translate(_COMPLEMENT) if isinstance(a, str) and len(a) == 1 else None for a in alleles]
