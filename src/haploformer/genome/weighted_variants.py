"""Variants that carry weights, found among the genotypes of other people.

The other people's files may write alleles the other way round, or of the other strand. A/T and C/G look alike on both
strands: they are taken as written where both files were compared with a reference, else told by their frequencies, else
set aside. Of an indel in a repeat either allele may be REF: the other way round it is another variant where both files were
compared with a reference, else it is set aside; a file that names no REF (PLINK1) has it either way.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from haploformer.genome.contigs import NOT_AUTOSOMES
from haploformer.genome.genotypes import Genotypes, count_copies
from haploformer.genome.harmonise import harmonise, is_ambiguous, may_both_be_ref
from haploformer.genome.variants import named_alleles

#: What became of a variant; the first two can be used.
AS_WRITTEN, TURNED, AMBIGUOUS, MISSING = "as written", "turned", "ambiguous", "missing"

#: An allele is told by its frequency where it is this far from one half in both groups of people ...
FREQUENCY_MARGIN = 0.1

#: ... and this many of the new people have a call.
MIN_PEOPLE = 50

_BATCH = 2048
_KEY = ["contig", "pos", "ref", "alt"]


def find_weighted_variants(
    wanted: pd.DataFrame, genotypes: Genotypes, *, source: str, ref_compared: bool, ref_named: bool = True
) -> pd.DataFrame:
    """Where each variant stands among other people's records, and which of their alleles has its effect.

    Parameters
    ----------
    wanted : DataFrame (n_variants,)
        ``contig, pos, ref, alt, mean_dosage``, each variant once; the last is that of ALT, 0 to 2, in the people whom the
        weights come from.
    genotypes : Genotypes
        Of the other people.
    source : str
        What messages call the weights.
    ref_compared : bool
        Whether REF is the reference's in both: then alleles as written are of the forward strand.
    ref_named : bool
        Whether both files say which allele is REF; PLINK1 does not.

    Returns
    -------
    DataFrame (n_variants,), the index of ``wanted``
        ``record``, the row of ``genotypes`` (-1: none); ``allele``, the index of the allele whose copies count as ALT of
        ``wanted``, 0 where that is their REF; ``outcome``: ``as written``, ``turned`` (alleles the other way round, or of
        the other strand), ``ambiguous`` (set aside) or ``missing``.
    """
    known = named_alleles(genotypes.records)
    found = pd.DataFrame({"record": -1, "allele": -1, "outcome": MISSING}, index=wanted.index)
    matched = harmonise(wanted, known, source=source, ref_named=False).table
    ours = known.iloc[matched["variant"].to_numpy(np.int64)]
    swapped = matched["sign"].to_numpy(np.int64) < 0
    same = ~swapped & (ours["ref"].to_numpy() == matched["ref"].to_numpy())
    found.loc[matched.index, "record"] = ours["record"].to_numpy()
    found.loc[matched.index, "allele"] = np.where(swapped, 0, ours["allele"].to_numpy())
    found.loc[matched.index, "outcome"] = np.where(same, AS_WRITTEN, TURNED)
    if ref_named:
        either = np.fromiter(map(may_both_be_ref, matched["ref"], matched["alt"]), bool, len(matched))
        found.loc[matched.index[swapped & either]] = -1, -1, MISSING if ref_compared else AMBIGUOUS
    doubtful = wanted[is_ambiguous(wanted["ref"].tolist(), wanted["alt"].tolist())]
    places = _same_alleles(doubtful, known)
    if ref_compared:
        places = places[~places["swapped"]]
        found.loc[places.index, ["record", "allele"]] = places[["record", "allele"]]
        found.loc[places.index, "outcome"] = AS_WRITTEN
        return found
    told = _tell_by_frequency(doubtful, places, genotypes)
    found.loc[told.index, ["record", "allele", "outcome"]] = told
    return found


def effect_dosages(genotypes: Genotypes, record: NDArray[np.int64], allele: NDArray[np.int64]) -> NDArray[np.float64]:
    """Copies of the alleles that have an effect, float64 (n_individuals, n_variants); NaN where missing.

    Parameters
    ----------
    genotypes : Genotypes
    record, allele : int64 (n_variants,)
        As of `find_weighted_variants`, near each other: what lies between them is read too.
    """
    if not len(record):
        return np.zeros((len(genotypes.individual_ids), 0))
    first = int(record.min())
    alleles = np.asarray(genotypes.alleles[slice(first, int(record.max()) + 1)])
    return count_copies(alleles, record - first, allele).astype(np.float64)


def _same_alleles(rows: pd.DataFrame, known: pd.DataFrame) -> pd.DataFrame:
    """``record, allele, swapped`` of the rows whose two alleles, in any order, are those of a record."""
    first = known.drop_duplicates(_KEY).set_index(_KEY)[["record", "allele"]]
    pieces = []
    left = rows
    for swapped in (False, True):
        renamed = left.rename(columns={"ref": "alt", "alt": "ref"}) if swapped else left
        keys = pd.MultiIndex.from_frame(renamed[_KEY])
        places = first.reindex(keys).set_axis(left.index).dropna().astype(np.int64)
        pieces.append(places.assign(swapped=swapped))
        left = left.drop(places.index)
    return pd.concat(pieces)


def _tell_by_frequency(rows: pd.DataFrame, places: pd.DataFrame, genotypes: Genotypes) -> pd.DataFrame:
    """``record, allele, outcome`` of rows whose alleles look alike on both strands."""
    n_called, frequency = _alt_frequencies(genotypes, places["record"].to_numpy(), places["allele"].to_numpy())
    theirs = rows.loc[places.index, "mean_dosage"].to_numpy(np.float64) / 2
    clear = (np.abs(theirs - 0.5) >= FREQUENCY_MARGIN) & (np.abs(frequency - 0.5) >= FREQUENCY_MARGIN)
    clear &= n_called >= MIN_PEOPLE
    # A mean dosage over women and men says nothing of a frequency unless both groups have the same share of either.
    clear &= ~rows.loc[places.index, "contig"].isin(NOT_AUTOSOMES).to_numpy()
    alt_counts = (theirs > 0.5) == (frequency > 0.5)
    as_written = alt_counts & ~places["swapped"].to_numpy()
    told = places[["record"]].assign(
        allele=np.where(alt_counts, places["allele"], 0), outcome=np.where(as_written, AS_WRITTEN, TURNED)
    )
    told.loc[~clear, ["record", "allele"]] = -1
    told.loc[~clear, "outcome"] = AMBIGUOUS
    return told


def _alt_frequencies(
    genotypes: Genotypes, record: NDArray[np.int64], allele: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """People with a call, and the frequency of each allele among their two copies (n,); NaN where nobody has one."""
    n_called, frequency = np.zeros(len(record), np.int64), np.full(len(record), np.nan)
    for first in range(0, len(genotypes), _BATCH):
        here = np.flatnonzero((record >= first) & (record < first + _BATCH))
        if not len(here):
            continue
        alleles = np.asarray(genotypes.alleles[slice(first, first + _BATCH)])
        copies = count_copies(alleles, record[here] - first, allele[here])
        n_called[here] = (~np.isnan(copies)).sum(axis=0)
        total = np.nansum(copies, axis=0, dtype=np.float64)
        frequency[here] = np.divide(total, 2 * n_called[here], out=np.full(len(here), np.nan), where=n_called[here] > 0)
    return n_called, frequency
