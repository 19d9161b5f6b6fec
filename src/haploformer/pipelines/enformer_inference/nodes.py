"""Steps of ``enformer_inference``: from haplotype windows to predicted expression."""

from __future__ import annotations

import pandas as pd

from haploformer.formats.stored_predictions import TrackPredictions
from haploformer.parameters import EnformerParameters
from haploformer.window_predictions import tissue_columns


def summarise_predictions(
    predictions: TrackPredictions, tracks: pd.DataFrame, options: EnformerParameters
) -> pd.DataFrame:
    """Per gene and person the tissue's tracks and all tracks, beside the reference."""
    from haploformer.enformer.summaries import haplotype_mean, summarise_gene, summary_columns

    tissue = tissue_columns(predictions, tracks, options)
    n_stored = len(predictions.tracks)
    columns = summary_columns(
        tissue, n_stored, with_all_bins=options.bins != "centre", with_all_tracks=n_stored == len(tracks)
    )
    summaries = []
    for gene_id, copies in predictions.windows.groupby("gene_id", sort=False):
        reference = copies[copies["individual_id"].isna()]
        carried = copies[copies["individual_id"].notna()]
        person, people = pd.factorize(carried["individual_id"])
        for over, by_summary in columns.items():
            coverage = predictions.mean_coverage(carried["window"].to_numpy(), over=over)
            personal = haplotype_mean(coverage, person, len(people))
            of_reference = predictions.mean_coverage(reference["window"].to_numpy(), over=over)[0]
            summaries.append(summarise_gene(str(gene_id), list(people), personal, of_reference, tracks=by_summary))
    return pd.concat(summaries, ignore_index=True)


def predict_zero_shot(
    summaries: pd.DataFrame, options: EnformerParameters
) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    """The tissue's coverage, that of all tracks, and of all bins where they are kept, as predictors of expression."""
    from haploformer.enformer.summaries import SUMMARY_OF_MODEL, zero_shot_predictions

    tissue, all_tracks, all_bins = (
        zero_shot_predictions(summaries, summary=summary, model=model, transform=options.transform)
        for model, summary in SUMMARY_OF_MODEL.items()
    )
    return tissue, all_tracks, all_bins
