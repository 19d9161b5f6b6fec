"""What a run says at its end: for each output that it makes, a text for a terminal and where things lie."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Set
from dataclasses import dataclass
from typing import Any

from haploformer import summary_text as text
from haploformer.effects.external import describe_matched


@dataclass(frozen=True)
class Ending:
    """What is said where a run has made an output.

    Attributes
    ----------
    output : str
        Dataset.
    texts : sequence of (callable, names of datasets)
        Each called with these datasets' contents.
    places : sequence of (label, dataset)
        Where these lie.
    """

    output: str
    texts: tuple[tuple[Callable[..., str], tuple[str, ...]], ...]
    places: tuple[tuple[str, str], ...]


def _with_page(output: str, describe: Callable[..., str], *, page: str | None = None) -> Ending:
    """A table that is described, and its page."""
    places = (("Table", output), ("Page", f"{output}_page" if page is None else page))
    return Ending(output, ((describe, (output,)),), places)


#: In the order in which they are said.
ENDINGS = (
    _with_page("gene_prediction", text.describe_predictions),
    _with_page("individual_prediction", text.describe_predictions),
    _with_page("sequence_prediction", text.describe_predictions),
    _with_page("variant_effects", text.describe_effects),
    _with_page("haplotype_effects", text.describe_effects),
    _with_page("mutagenesis", text.describe_effects, page="mutagenesis_effects_page"),
    Ending(
        "effect_concordance",
        ((describe_matched, ("harmonise_audit",)), (text.describe_concordance, ("effect_concordance",))),
        (("Table", "effect_concordance"), ("Page", "effect_concordance_page")),
    ),
    Ending(
        "scan_concordance",
        ((describe_matched, ("scan_audit",)), (text.describe_concordance, ("scan_concordance",))),
        (("eQTLs", "eqtl_scan"), ("Table", "scan_concordance"), ("Page", "scan_concordance_page")),
    ),
    Ending("eqtl_sizes", (), (("Table", "eqtl_sizes"), ("Page", "eqtl_sizes_page"))),
    Ending(
        "linear_faithfulness",
        ((text.describe_faithfulness, ("linear_faithfulness",)),),
        (("Weights", "linear_weights"), ("Page", "linear_faithfulness_page")),
    ),
    Ending(
        "disease_variant_effects",
        (
            (text.describe_audit, ("disease_audit",)),
            (text.describe_disease_effects, ("disease_variant_effects",)),
        ),
        (("Table", "disease_variant_effects"), ("Page", "disease_variants_page")),
    ),
    Ending(
        "population_differences",
        ((text.describe_differences, ("population_differences",)),),
        (("Table", "population_effects"), ("Page", "population_effects_page")),
    ),
    Ending(
        "input_validation",
        ((text.describe_validation, ("input_validation",)),),
        (("Table", "input_validation"),),
    ),
    Ending(
        "prediction_verification",
        ((text.describe_verification, ("prediction_verification",)),),
        (("Table", "prediction_verification"),),
    ),
    Ending(
        "shared_stack_scores",
        ((text.describe_held_out_genes, ("shared_stack_scores",)),),
        (("Table", "shared_stack_scores"),),
    ),
    Ending(
        "held_out_population_scores",
        ((text.describe_populations, ("held_out_population_scores", "gene_scores")),),
        (("Page", "held_out_populations_page"),),
    ),
    Ending("baseline_scores", ((text.describe_scores, ("baseline_scores",)),), (("Table", "baseline_scores"),)),
    Ending(
        "apply_audit",
        ((text.describe_applied, ("apply_audit", "applied_predictions")),),
        (("Table", "applied_predictions"), ("Files", "applied_beds")),
    ),
    Ending(
        "across_genes_scores",
        ((text.describe_across_genes, ("across_genes_scores",)),),
        (("Table", "across_genes_scores"),),
    ),
    Ending("image_files", (), (("Images", "image_files"),)),
    Ending(
        "evaluation_report",
        ((text.describe_scores, ("gene_scores", "known_answer_check")),),
        (("Report", "evaluation_report"),),
    ),
)


def summarise_run(made: Set[str], load: Callable[[str], Any], place: Callable[[str], str]) -> Iterator[str]:
    """Texts of what was made.

    Parameters
    ----------
    made : set of str
        Outputs of the run.
    load, place : callable
        From a dataset's name to what it holds, and to where it lies.
    """
    for ending in ENDINGS:
        if ending.output in made:
            yield from (describe(*map(load, tables)) for describe, tables in ending.texts)
            yield from (f"{label}: {place(name)}" for label, name in ending.places)
