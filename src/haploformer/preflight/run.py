"""The checks of a run, whatever it makes."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Set
from pathlib import Path
from typing import Any

from haploformer.errors import InputError
from haploformer.input_audit import CheckedStudy
from haploformer.preflight.effects import (
    check_comparisons,
    check_named_variants,
    check_populations,
    require_disease_variants,
    require_two_known_copies,
)
from haploformer.preflight.models import (
    check_cis_windows,
    check_features,
    check_levels,
    check_model,
    check_trained_models,
    check_window_length,
)
from haploformer.preflight.study import check_study

#: Of a cohort's run, the outputs that decide what is checked; `validate` checks as if it made them.
COHORT_OUTPUTS = frozenset({"phased_genotypes", "haplotype_windows", "track_predictions", "predicted_expression_stack"})

#: Windows of single variants, and what the shards of a run may be parts of.
_EDITED_WINDOWS = ("variant_windows", "mutagenesis_windows", "disease_windows")

_PREDICTIONS = frozenset({"track_predictions", "variant_track_predictions", "disease_track_predictions"})


def require_stored_inputs(
    names: Iterable[str], exists: Callable[[str], bool], describe: Callable[[str], str], producers: Mapping[str, str]
) -> None:
    """Raise InputError if an input of the run is not there.

    Parameters
    ----------
    names : iterable of str
        Datasets that the run reads and does not make.
    exists, describe : callable
        Whether a dataset is there, and where it lies.
    producers : mapping
        Which pipeline makes a dataset; those that users bring are not in it.
    """
    for name in sorted(names):
        if exists(name):
            continue
        if name in producers:
            raise InputError(
                describe(name),
                f"the stored input {name} is missing or incomplete",
                f"run the pipeline that makes it first: kedro run --pipelines {producers[name]}",
            )
        raise InputError(
            describe(name), f"the input file {name} is missing", "check the path, or give another folder with raw_dir"
        )


def check_inputs(
    names: Set[str], made: Set[str], load: Callable[[str], Any], parameters: Mapping[str, Any]
) -> CheckedStudy | None:
    """Run the cheap steps on all inputs together, and throw away what they make.

    Parameters
    ----------
    names, made : set of str
        Datasets that the run reads and does not make, and those that it makes.
    load : callable
        Dataset by name.
    parameters : mapping
        Parameter groups by name.

    Returns
    -------
    CheckedStudy or None
        None where the run reads no genotype file.

    Raises
    ------
    InputError
        What any step of the run would raise about its inputs.
    """
    study = None
    require_selection(made, parameters["select"])
    _require_shards_only(made, parameters["execution"])
    _check_reference(made, parameters)
    if "predicted_expression_stack" in made:
        check_features(parameters["stacking"].features, parameters["enformer"])
    if "track_table" in names:
        check_model(load, parameters["enformer"])
    if "trained_facts" in names:
        check_trained_models(names, load, parameters)
    if "sequences" in names:
        from haploformer.pipelines.sequence_prediction.nodes import open_windows

        open_windows(load("sequences"), load("reference_genome"), parameters["enformer"])
    if "gene_levels" in made:
        check_levels(load, parameters)
    if "genotype_file" in names:
        study = check_study(names, made, load, parameters)
    if "variants" in names and "haplotype_windows" in made:
        from haploformer.genome.haplotype_windows import require_phase

        stored = load("variants").genotypes
        _require_compared(stored)
        require_phase(stored, policy=parameters["data_prep"].phase)
    if "cis_windows" in names:
        check_cis_windows(load("cis_windows"), parameters["baselines"])
    for windows in ("haplotype_windows", *_EDITED_WINDOWS):
        if windows in names and made & _PREDICTIONS:
            check_window_length(windows, load(windows).length, parameters["enformer"])
    if "variant_windows" in made:
        if (file := parameters["variant_effects"].file) is not None:
            from haploformer.formats.files import require_file

            require_file(Path(file), what="file of variants")
        check_named_variants(names, load, parameters["variant_effects"])
    if "haplotype_effects" in made:
        require_two_known_copies(parameters["variant_effects"], parameters["data_prep"])
    check_comparisons(names, made, load, parameters)
    if "disease_windows" in made:
        require_disease_variants(load)
    if "population_differences" in made:
        check_populations(load, parameters)
    if "tss_windows" in names and made & set(_EDITED_WINDOWS):
        stored = load("tss_windows")
        check_window_length("tss_windows", int((stored["end"] - stored["start"]).max()), parameters["enformer"])
    return study


def require_selection(made: Set[str], select: Any) -> None:
    """Raise InputError if a run that is about chosen genes or people names none."""
    for output, entries, field, example in (
        ("gene_prediction", select.genes, "genes", "gene=COMT"),
        ("haplotype_effects", select.genes, "genes", "gene=COMT"),
        ("individual_prediction", select.individuals, "individuals", "individual=HG00097"),
    ):
        if output in made and entries is None:
            raise InputError(
                f"parameters:select.{field}",
                f"{output} is about chosen {field}, and none is given",
                f"name one, or several joined by +: --params {example}",
            )


def _require_shards_only(made: Set[str], execution: Any) -> None:
    """A part of the shards is nothing that another step could read."""
    if execution.shard_count is not None and made not in [{predictions} for predictions in _PREDICTIONS]:
        raise InputError(
            "parameters:execution.shard_count",
            "a run that computes a part of the shards can do nothing else",
            "run kedro run --pipelines data_prep,sequence_build once, then enformer_shards with every shard_index, then "
            "enformer_inference without (variant_effect_shards, then variant_effects; disease_variant_shards, then "
            "disease_variants)",
        )


def require_same_sources(load: Callable[[str], Any], options: Any, *, reference: str = "fasta") -> None:
    """Raise InputError if the stored variants were read from another genotype file than the one now named, or otherwise.

    Or if they lack the phase that Beagle is to give them. What is stored and finished counts as there
    (``--only-missing-outputs``), whatever it was made from.

    Parameters
    ----------
    options : DataPrepParameters
    reference : str
        ``baselines.reference``.
    """
    from haploformer.genome.haplotype_windows import require_phase

    genotypes = load("variants").genotypes
    if options.phase == "phase":
        require_phase(genotypes, policy="phase")
    stored = {"filters": [], "repair_ref": False, "ref_compared": True} | genotypes.provenance
    genotype_file = load("genotype_file")
    if stored["sha256"] != genotype_file.sha256:
        raise InputError(
            str(genotype_file.path),
            f"the stored variants were read from another file ({stored['source']}, sha256 {stored['sha256'][:12]})",
            "run once without --only-missing-outputs",
        )
    for name, field, wanted in (
        ("filters", "data_prep.filters", list(options.filters)),
        ("repair_ref", "data_prep.repair_ref", options.repair_ref),
        ("ref_compared", "baselines.reference", reference != "none"),
    ):
        if stored[name] != wanted:
            raise InputError(
                f"parameters:{field}",
                f"the stored variants were read with {stored[name]}, this run has {wanted}",
                "run once without --only-missing-outputs",
            )


def _check_reference(made: Set[str], parameters: Mapping[str, Any]) -> None:
    """Without a reference there are dosages, and no sequence."""
    if parameters["baselines"].reference != "none":
        return
    where = "parameters:baselines.reference"
    if made & {"tss_windows", "gene_levels", *_EDITED_WINDOWS}:
        raise InputError(
            where,
            "it is none (dosages only, no FASTA is read), and this run builds sequences",
            "run what needs none: --pipelines data_prep,baselines,baseline_scores; or set baselines.reference=fasta",
        )
    if parameters["data_prep"].repair_ref:
        raise InputError(
            where,
            "it is none, and data_prep.repair_ref exchanges alleles by the reference",
            "set one of them only",
        )


def _require_compared(genotypes: Any) -> None:
    if not genotypes.provenance.get("ref_compared", True):
        raise InputError(
            str(genotypes.provenance.get("source", "genotypes")),
            "the stored variants were read without a reference (baselines.reference=none): no sequence can rest on them",
            "read them again: kedro run --pipelines data_prep",
        )
