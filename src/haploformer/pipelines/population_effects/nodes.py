"""Steps of ``population_effects``."""

from __future__ import annotations

import logging
from typing import Any

import pandas as pd

from haploformer.formats.genotype_store import StoredGenotypes
from haploformer.formats.stored_predictions import TrackPredictions
from haploformer.parameters import EnformerParameters, PopulationEffectsParameters

logger = logging.getLogger(__name__)


def compare_populations(
    effects: pd.DataFrame,
    summaries: pd.DataFrame,
    variants: StoredGenotypes,
    individuals: pd.DataFrame,
    genes: pd.DataFrame,
    options: PopulationEffectsParameters,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """What each variant adds to the difference of both groups' mean predictions, and that difference itself."""
    from haploformer.effects.populations import attribute_differences, compare_groups
    from haploformer.effects.same_predictions import require_same_predictions
    from haploformer.genome.populations import choose_groups
    from haploformer.genome.variant_frequencies import tabulate_frequencies

    groups = choose_groups(individuals, options.first, options.second)
    require_same_predictions(effects, summaries)
    genotypes = variants.genotypes
    of_people = [groups.of_person.get(person) for person in genotypes.individual_ids]
    frequencies = tabulate_frequencies(genotypes, effects, of_people, per_person=True)
    attributed = attribute_differences(effects, frequencies, first=groups.first, second=groups.second)
    differences = compare_groups(summaries, attributed, groups.of_person, first=groups.first, second=groups.second)
    logger.info(
        "%d people of %s against %d of %s",
        groups.size(groups.first),
        groups.first,
        groups.size(groups.second),
        groups.second,
    )
    names = genes.set_index("gene_id")["gene_name"]
    for table in (attributed, differences):
        table.insert(1, "gene_name", table["gene_id"].map(names))
    return attributed, differences


def report_population_effects(
    effects: pd.DataFrame,
    differences: pd.DataFrame,
    summaries: pd.DataFrame,
    individuals: pd.DataFrame,
    predictions: TrackPredictions,
    tracks: pd.DataFrame,
    options: EnformerParameters,
) -> tuple[Any, str]:
    """Effects against differences of frequency, and genes taken apart, as a figure and a page."""
    from haploformer import figures
    from haploformer.enformer.tracks import resolve_tracks

    content = figures.PopulationContent(effects, differences, summaries, individuals)
    tissue = resolve_tracks(options.tracks, tracks)
    page = figures.build_population_effects_page(content, predictions.attributes, tissue=tissue)
    return figures.plot_frequency_effects(effects), page
