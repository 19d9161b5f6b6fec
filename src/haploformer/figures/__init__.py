"""Figures and the report: tidy tables in (see :mod:`haploformer.schemas`), Plotly figures and one HTML page out."""

from __future__ import annotations

from haploformer.figures.comparisons import (
    plot_model_differences,
    plot_permutation_null,
    plot_populations,
    plot_r_against_heritability,
)
from haploformer.figures.concordance import (
    plot_concordance_by_distance,
    plot_effect_against_slope,
    plot_faithfulness,
    plot_roc,
    plot_sizes,
)
from haploformer.figures.concordance_page import (
    ComparedTable,
    build_concordance_page,
    build_linear_page,
    build_sizes_page,
)
from haploformer.figures.conditions import StudyConditions
from haploformer.figures.disease import plot_disease_loci
from haploformer.figures.disease_page import build_disease_page
from haploformer.figures.effects import plot_additivity, plot_effects_by_distance, plot_mutagenesis
from haploformer.figures.effects_page import build_effects_page, build_haplotype_page, build_mutagenesis_page
from haploformer.figures.explorer import Explorer, explore_predictions
from haploformer.figures.page import ReportFigure
from haploformer.figures.population_effects import plot_contributions, plot_frequency_effects, plot_population_means
from haploformer.figures.population_effects_page import PopulationContent, build_population_effects_page
from haploformer.figures.population_page import build_population_page
from haploformer.figures.prediction_page import build_selection_page, build_sequence_page
from haploformer.figures.predictions import best_and_median_genes, plot_predicted_against_measured
from haploformer.figures.report import ReportContent, build_report
from haploformer.figures.scores import plot_model_against_model, plot_scores_by_model
from haploformer.figures.selection import plot_genes_of_individual, plot_people_of_gene, plot_sequences
from haploformer.figures.style import plot_nothing
from haploformer.figures.windows import plot_distinct_haplotypes

__all__ = [
    "ComparedTable",
    "Explorer",
    "ReportContent",
    "ReportFigure",
    "StudyConditions",
    "best_and_median_genes",
    "build_concordance_page",
    "PopulationContent",
    "build_disease_page",
    "build_effects_page",
    "build_haplotype_page",
    "build_linear_page",
    "build_mutagenesis_page",
    "build_population_effects_page",
    "build_population_page",
    "build_report",
    "build_selection_page",
    "build_sequence_page",
    "build_sizes_page",
    "explore_predictions",
    "plot_additivity",
    "plot_concordance_by_distance",
    "plot_contributions",
    "plot_disease_loci",
    "plot_distinct_haplotypes",
    "plot_effect_against_slope",
    "plot_effects_by_distance",
    "plot_faithfulness",
    "plot_frequency_effects",
    "plot_model_against_model",
    "plot_genes_of_individual",
    "plot_model_differences",
    "plot_mutagenesis",
    "plot_nothing",
    "plot_people_of_gene",
    "plot_permutation_null",
    "plot_population_means",
    "plot_populations",
    "plot_predicted_against_measured",
    "plot_r_against_heritability",
    "plot_roc",
    "plot_scores_by_model",
    "plot_sequences",
    "plot_sizes",
]
