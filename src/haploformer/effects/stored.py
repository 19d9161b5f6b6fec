"""Effects from stored predictions, gene by gene."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from haploformer.effects.tables import ALL, CENTRE, EFFECT_COLUMNS, tabulate_gene_effects
from haploformer.enformer.bins import KeptBins
from haploformer.enformer.summaries import ALL_TRACKS_MEAN, TISSUE_MEAN
from haploformer.genome.haplotype_windows import HaplotypeWindows
from haploformer.genome.variant_windows import STRANDS, VARIANT_COLUMNS, EditedWindows
from haploformer.genome.windows import tss_distance

_ALLELE = VARIANT_COLUMNS[2:]


class StoredCoverage(Protocol):
    """Predicted coverage of numbered windows: `haploformer.formats.stored_predictions.TrackPredictions`."""

    tracks: NDArray[np.int64]
    windows: pd.DataFrame

    @property
    def bins(self) -> KeptBins:
        """Which bins are stored."""
        ...

    def mean_coverage(self, window: NDArray[np.int64], *, over: str = CENTRE) -> NDArray[np.float32]:
        """Mean over the centre bins, or over ``all``: float32 (*window.shape, n_tracks)."""
        ...


def tabulate_stored_effects(
    predictions: StoredCoverage,
    gene_windows: pd.DataFrame,
    *,
    tissue: Sequence[int],
    frequencies: pd.DataFrame | None = None,
) -> pd.DataFrame:
    """Effects of every gene and variant; of both strands, where both are stored, the mean coverage.

    Means over centre bins and over all bins are the same for the mirrored bins of the other strand.

    Parameters
    ----------
    predictions : StoredCoverage
        Of windows as `EditedWindows.carriers` tells them.
    gene_windows : DataFrame
        ``gene_id, tss, strand``.
    tissue : sequence of int
        Columns of the tissue's tracks.
    frequencies : DataFrame, optional
        ``contig, pos, ref, alt, alt_frequency``, each allele once.
    """
    windows = predictions.windows
    variants = windows[windows["variant_id"].notna() & (windows["strand"] == STRANDS[0])]
    variants = variants.astype({"pos": "int64"}).drop(columns=["window", "strand"])
    if frequencies is None:
        variants = variants.assign(alt_frequency=np.nan)
    else:
        variants = variants.merge(frequencies[[*_ALLELE, "alt_frequency"]], on=_ALLELE, how="left", validate="m:1")
    places = gene_windows.set_index("gene_id")
    of_gene_and_strand = windows.groupby(["gene_id", "strand"], sort=False)["window"]
    rows_of = {key: rows.to_numpy(np.int64) for key, rows in of_gene_and_strand}
    strands = list(dict.fromkeys(windows["strand"]))
    by_bins = {CENTRE: len(predictions.bins.centre)}
    if predictions.bins.keep != CENTRE:
        by_bins[ALL] = predictions.bins.n_bins
    parts = []
    for gene_id, of_gene in variants.groupby("gene_id", sort=False):
        place = places.loc[gene_id]
        distance = tss_distance(of_gene["pos"].to_numpy(), int(place["tss"]), str(place["strand"]))
        of_strands = [rows_of[gene_id, strand] for strand in strands]
        for over, n_bins in by_bins.items():
            # A gene's reference stands before its variants.
            coverage = np.stack([predictions.mean_coverage(rows, over=over) for rows in of_strands]).mean(0, np.float64)
            parts.append(
                tabulate_gene_effects(
                    of_gene.assign(tss_distance=distance),
                    coverage[1:],
                    coverage[0],
                    bins=over,
                    n_bins=n_bins,
                    summaries={TISSUE_MEAN: tissue, ALL_TRACKS_MEAN: range(len(predictions.tracks))},
                    tracks=tissue,
                )
            )
    return pd.concat(parts, ignore_index=True) if parts else pd.DataFrame(columns=EFFECT_COLUMNS)


def list_carried(
    haplotypes: HaplotypeWindows,
    predictions: StoredCoverage,
    left_out: EditedWindows,
    left_out_predictions: StoredCoverage,
    *,
    tissue: Sequence[int],
) -> pd.DataFrame:
    """Every person's copies with the variants that they carry, and coverage with and without each.

    Parameters
    ----------
    haplotypes : HaplotypeWindows
    predictions : StoredCoverage
        Of the haplotypes.
    left_out : EditedWindows
        As `haploformer.genome.variant_windows.build_left_out_windows` gives.
    left_out_predictions : StoredCoverage
        Of those.
    tissue : sequence of int
        Columns of the tissue's tracks.

    Returns
    -------
    DataFrame
        What `haploformer.effects.tables.tabulate_haplotype_effects` takes, at the centre bins.
    """
    summaries = {TISSUE_MEAN: list(tissue), ALL_TRACKS_MEAN: list(range(len(predictions.tracks)))}
    keys = ["gene_id", "individual_id", "haplotype"]
    # The plan of predictions numbers windows anew: equal sequences of different genes share a row.
    copies = predictions.windows[predictions.windows["individual_id"].notna()].astype({"haplotype": "int64"})
    whole = haplotypes.haplotypes.rename(columns={"window": "haplotype_window"})
    whole = whole.astype({"haplotype": "int64"}).merge(copies, on=keys, validate="1:1")
    reference = predictions.windows[predictions.windows["individual_id"].isna()]
    parts_of = left_out_predictions.windows
    parts_of = parts_of[parts_of["variant_id"].notna()].astype({"haplotype_window": "int64"})
    rows = whole.merge(
        parts_of.rename(columns={"window": "without"}).drop(columns="strand"),
        on=["gene_id", "haplotype_window"],
        how="left",
    ).merge(reference[["gene_id", "window"]].rename(columns={"window": "of_reference"}), on="gene_id")
    personal = _summarise(predictions, rows["window"], summaries)
    theirs = _summarise(predictions, rows["of_reference"], summaries)
    without = _summarise(left_out_predictions, rows["without"], summaries)
    told = rows[[*keys, *VARIANT_COLUMNS[1:]]].astype({"pos": "Int64"})
    parts = [
        told.assign(summary=name, personal=personal[name], reference=theirs[name], without=without[name])
        for name in summaries
    ]
    return pd.concat(parts, ignore_index=True)


def _summarise(
    predictions: StoredCoverage, window: pd.Series, summaries: dict[str, list[int]]
) -> dict[str, NDArray[Any]]:
    """Mean coverage of numbered windows (n,) for each summary; NaN where there is none. A window is read once."""
    there = window.notna().to_numpy()
    unique, position = np.unique(window[there].to_numpy(np.int64), return_inverse=True)
    coverage = predictions.mean_coverage(unique)
    found = {}
    for name, columns in summaries.items():
        values = np.full(len(window), np.nan)
        values[there] = coverage[:, columns].mean(1, dtype=np.float64)[position]
        found[name] = values
    return found
