"""Our own scan for eQTLs: each variant near each gene against its expression in some of the people."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from haploformer.adjustment import Residualise
from haploformer.baselines.association import Associations, associate
from haploformer.errors import InputError
from haploformer.genome.windows import tss_distance

#: From a gene to its variants (``variant_id, contig, pos, ref, alt``) and dosages (n_individuals, n_variants).
DosagesOf = Callable[[str], tuple[pd.DataFrame, NDArray[np.floating]]]

SCAN_COLUMNS = [
    *("gene_id", "contig", "tss", "strand", "n_tested", "variant_id", "pos", "ref", "alt", "tss_distance"),
    *("alt_frequency", "slope", "slope_se", "r", "p_value", "is_top"),
]

#: People without whom neither part says anything.
_FEWEST = 10


def split_people(
    individual_ids: Sequence[str], *, chosen: Sequence[str] | None, share: float, seed: int
) -> NDArray[np.bool_]:
    """Who is scanned; the others are left to score the scan.

    Parameters
    ----------
    individual_ids : sequence of str (n_individuals,)
    chosen : sequence of str, optional
        Those who are scanned; drawn if not given.
    share : float
        Of all people, that are drawn.
    seed : int
        The same people are drawn whatever their order.

    Returns
    -------
    bool (n_individuals,)

    Raises
    ------
    InputError
        If somebody chosen is not there, or fewer than ten people are in a part.
    """
    ids = np.array(individual_ids, dtype=object)
    if chosen is None:
        order = np.random.default_rng(seed).permutation(np.sort(ids))
        scanned = np.isin(ids, order[: round(share * len(ids))])
    else:
        absent = sorted(set(chosen) - set(ids))
        if absent:
            raise InputError(
                "parameters:eqtl_scan.individuals",
                f"{len(absent)} of {len(chosen)} are not in the study (first: {absent[0]})",
                "correct the ids",
            )
        scanned = np.isin(ids, list(chosen))
    sizes = (int(scanned.sum()), int((~scanned).sum()))
    if min(sizes) < _FEWEST:
        raise InputError(
            "parameters:eqtl_scan",
            f"{sizes[0]} people are scanned, {sizes[1]} are left to score the scan; each part needs {_FEWEST}",
            "choose other people, or another share",
        )
    return scanned


def scan_genes(
    genes: pd.DataFrame,
    dosages_of: DosagesOf,
    expression: Mapping[str, NDArray[np.float64]],
    people: NDArray[np.bool_],
    *,
    residualise: Residualise | None = None,
    n_degrees: int | None = None,
    top_only: bool = False,
) -> pd.DataFrame:
    """Associations of every gene's variants among some people.

    Parameters
    ----------
    genes : DataFrame
        ``gene_id, contig, tss, strand``.
    dosages_of : callable
        Of everybody.
    expression : mapping of gene id to float64 (n_individuals,)
    people : bool (n_individuals,)
        Whose dosages and expression are looked at.
    residualise, n_degrees
        As of `associate`; residuals of (n_people, k), fitted to these people.
    top_only : bool
        Whether each gene's strongest variant alone is told.

    Returns
    -------
    DataFrame
        `SCAN_COLUMNS`, of one more copy of ALT. No row of a variant that does not vary, nor of a gene without any.
    """
    parts = []
    for gene_id, tss, strand in zip(genes["gene_id"], genes["tss"], genes["strand"], strict=True):
        if gene_id not in expression:
            continue
        variants, dosages = dosages_of(gene_id)
        part, measured = dosages[people], expression[gene_id][people]
        found = associate(part, measured, residualise=residualise, n_degrees=n_degrees)
        if found.tested.any():
            rows = _rows_of_gene(variants, part, found, int(tss), str(strand), top_only)
            parts.append(rows.assign(gene_id=gene_id)[SCAN_COLUMNS])
    return pd.concat(parts, ignore_index=True) if parts else pd.DataFrame(columns=SCAN_COLUMNS)


def _rows_of_gene(
    variants: pd.DataFrame, dosages: NDArray[np.floating], found: Associations, tss: int, strand: str, top_only: bool
) -> pd.DataFrame:
    rows = np.array([found.top]) if top_only else np.flatnonzero(found.tested)
    told = variants.iloc[rows][["variant_id", "contig", "pos", "ref", "alt"]].reset_index(drop=True)
    return told.assign(
        tss=tss,
        strand=strand,
        n_tested=int(found.tested.sum()),
        tss_distance=tss_distance(told["pos"].to_numpy(np.int64), tss, strand),
        alt_frequency=np.nanmean(np.asarray(dosages[:, rows], np.float64), axis=0) / 2,
        slope=found.slope[rows],
        slope_se=found.slope_se[rows],
        r=found.r[rows],
        p_value=found.p_value[rows],
        is_top=rows == found.top,
    )


def top_associations(scan: pd.DataFrame) -> pd.DataFrame:
    """Each gene's strongest variant of a scan, as ``top_associations``."""
    top = scan[scan["is_top"]].reset_index(drop=True)
    frequency = top["alt_frequency"].to_numpy(np.float64)
    return top[["gene_id", "tss_distance"]].assign(maf=np.minimum(frequency, 1 - frequency), r=top["r"])
