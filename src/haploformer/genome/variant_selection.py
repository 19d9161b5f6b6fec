"""Which variants a user asks for: ids or places among those of a cohort, or alleles spelled out."""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from haploformer.errors import InputError
from haploformer.genome.contigs import canonical_contig
from haploformer.genome.encoding import BASES, decode
from haploformer.genome.intervals import Interval, group_by_contig, reach_into
from haploformer.genome.reference import Reference, fetch_padded
from haploformer.genome.reference_check import ReferenceTally, reference_mismatches
from haploformer.genome.variants import RECORD_COLUMNS
from haploformer.genome.windows import require_contigs

_PLACE = re.compile(r"(?P<contig>[^:\s]+):(?P<pos>[1-9]\d{0,9})(?::(?P<ref>[ACGTacgt]+):(?P<alt>[ACGTacgt]+))?")

#: Variants that a message names.
MAX_NAMED = 3

#: Of a stretch that is mutated: three variants a base.
MAX_MUTATED = 10_000


def choose_variants(entries: Sequence[str], known: pd.DataFrame, *, where: str, source: str) -> pd.DataFrame:
    """The alleles that are named, sorted by place; each once.

    Parameters
    ----------
    entries : sequence of str
        An id as in the genotype file (all ALT alleles of the record); ``contig:pos`` (all alleles of the records there);
        or ``contig:pos:ref:alt``, which need not be known.
    known : DataFrame
        Of `haploformer.genome.variants.named_alleles`.
    where, source : str
        The parameter, and where the known variants come from, for messages.

    Raises
    ------
    InputError
        If an id or a place is none of the known variants: there is nothing that tells its alleles.
    """
    record_id = known["variant_id"].where(~_is_split(known), known["variant_id"].str.rsplit(":", n=1).str[0])
    rows = []
    for entry in entries:
        place = _PLACE.fullmatch(entry)
        fits = (known["variant_id"] == entry) | (record_id == entry)
        if place and not fits.any():
            contig, pos = canonical_contig(place["contig"]), int(place["pos"])
            fits = (known["contig"] == contig) & (known["pos"] == pos)
            if place["ref"]:
                ref, alt = place["ref"].upper(), place["alt"].upper()
                fits &= (known["ref"].str.upper() == ref) & (known["alt"].str.upper() == alt)
                if not fits.any():
                    name = f"{contig}_{pos}_{ref}_{alt}"
                    rows.append(pd.DataFrame([(contig, pos, name, ref, alt)], columns=RECORD_COLUMNS))
                    continue
        if not fits.any():
            raise InputError(
                where,
                f"{entry} is not among the {len(known):,} variants of {source}, and nothing else tells its alleles",
                "give it as contig:pos:ref:alt, or give a VCF that holds it",
            )
        rows.append(known.loc[fits, RECORD_COLUMNS])
    return sort_variants(pd.concat(rows, ignore_index=True).drop_duplicates(["contig", "pos", "ref", "alt"]))


def sort_variants(variants: pd.DataFrame) -> pd.DataFrame:
    """The variants by contig and place; those of one place stay in their order."""
    return variants.sort_values(["contig", "pos"], kind="stable", ignore_index=True)


def lie_in_windows(variants: pd.DataFrame, windows: pd.DataFrame) -> NDArray[np.bool_]:
    """Which variants have a base of REF in a gene's window, bool (n_variants,).

    Parameters
    ----------
    variants : DataFrame (n_variants,)
        ``contig, pos, ref``.
    windows : DataFrame
        ``contig, start, end``.
    """
    inside = np.zeros(len(variants), bool)
    pos, n_bases = variants["pos"].to_numpy(np.int64), variants["ref"].str.len().to_numpy(np.int64)
    places = (Interval(w.contig, w.start, w.end) for w in windows.itertuples())
    for contig, intervals in group_by_contig(places).items():
        here = np.flatnonzero((variants["contig"] == contig).to_numpy())
        inside[here] = reach_into(pos[here], n_bases[here], intervals)
    return inside


def describe_outside(variants: pd.DataFrame, inside: NDArray[np.bool_], *, where: str) -> str | None:
    """Which of the variants lie in no gene's window, in words; None where all lie in one.

    Parameters
    ----------
    variants : DataFrame (n_variants,)
        ``variant_id``.
    inside : bool (n_variants,)
    where : str
        Where they come from, for messages.

    Raises
    ------
    InputError
        If none lies in a window: there is nothing to predict.
    """
    outside = variants.loc[~inside, "variant_id"].tolist()
    if not outside:
        return None
    named = f"{', '.join(outside[:MAX_NAMED])}{', ...' if len(outside) > MAX_NAMED else ''}"
    if len(outside) == len(variants):
        raise InputError(
            where,
            f"none of the {len(variants):,} variants lies in a gene's window ({named})",
            "name variants near the genes of the run; tss_windows tells the windows",
        )
    return f"{len(outside):,} of {len(variants):,} variants lie in no gene's window ({named})"


def require_reference(variants: pd.DataFrame, reference: Reference, *, source: str) -> None:
    """Raise InputError if a REF differs from the reference, or a variant does not lie on its contig.

    Parameters
    ----------
    variants : DataFrame
        Columns of `RECORD_COLUMNS`, contigs each in one piece and sorted by ``pos``.
    """
    require_contigs(variants["contig"], reference)
    tally = ReferenceTally(source, reference)
    for _, records in variants.groupby("contig", sort=False):
        on_contig = [tally.lies_on_contig(r.contig, r.pos, r.ref) for r in records.itertuples()]
        for record in records[~np.array(on_contig)].itertuples():
            tally.add_off_contig(record.contig, record.pos, record.ref)
        kept = records[on_contig]
        tally.add(kept, reference_mismatches(kept, reference))
    tally.require_match()


def mutate_stretch(reference: Reference, contig: str, start: int, end: int) -> pd.DataFrame:
    """All three substitutions of every base of a stretch; unknown bases have none.

    Parameters
    ----------
    start, end : int
        0-based half-open.

    Returns
    -------
    DataFrame
        Columns of `RECORD_COLUMNS`, sorted.

    Raises
    ------
    InputError
        If the stretch is empty, or longer than `MAX_MUTATED` bases.
    """
    if not 0 < end - start <= MAX_MUTATED:
        raise InputError(
            "parameters:variant_effects.mutagenesis",
            f"the stretch {contig}:{start}-{end} has {end - start:,} bases",
            f"give a start and an end, 0-based half-open, 1 to {MAX_MUTATED:,} bases apart",
        )
    letters = decode(fetch_padded(reference, contig, start, end))
    rows = [
        (contig, start + i + 1, f"{contig}_{start + i + 1}_{ref}_{alt}", ref, alt)
        for i, ref in enumerate(letters)
        for alt in BASES
        if ref in BASES and alt != ref
    ]
    return pd.DataFrame(rows, columns=RECORD_COLUMNS)


def require_stretch(gene: str | None, start: int | None, end: int | None, window: pd.DataFrame) -> tuple[int, int]:
    """Start and end of a stretch within a gene's window.

    Parameters
    ----------
    window : DataFrame
        ``gene_id, contig, start, end`` of the gene; empty where it has no window.

    Raises
    ------
    InputError
        If one of them is not given, the gene has no window, or the stretch lies not within it.
    """
    where = "parameters:variant_effects.mutagenesis"
    if gene is None or start is None or end is None:
        raise InputError(
            where,
            "no stretch is given",
            "name one: --params variant_effects.mutagenesis.gene=NAME,variant_effects.mutagenesis.start=...,"
            "variant_effects.mutagenesis.end=...",
        )
    if len(window) == 0:
        raise InputError(where, f"gene {gene} has no window", "see sequence_audit for why, or name another gene")
    row = window.iloc[0]
    if not row["start"] <= start < end <= row["end"]:
        raise InputError(
            where,
            f"{row['contig']}:{start}-{end} does not lie in the window of gene {gene}, "
            f"{row['contig']}:{row['start']}-{row['end']}",
            "give a start and an end within it, 0-based half-open",
        )
    return start, end


def _is_split(known: pd.DataFrame) -> pd.Series:
    """Which alleles are of a record with several: their ids end in the allele."""
    ends = [name.endswith(f":{alt}") for name, alt in zip(known["variant_id"], known["alt"], strict=True)]
    return pd.Series(ends, index=known.index, dtype=bool)
