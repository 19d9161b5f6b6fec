"""What is checked of a run before anything is written: every input there, readable, and fitting the others."""

from __future__ import annotations

import errno
import logging
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Set
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from haploformer.errors import InputError
from haploformer.input_audit import CheckedStudy

logger = logging.getLogger(__name__)

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
        _check_features(parameters["stacking"].features, parameters["enformer"])
    if "trained_facts" in names:
        _check_trained_models(names, load, parameters)
    if "track_table" in names:
        _check_model(load, parameters["enformer"])
    if "sequences" in names:
        from haploformer.pipelines.sequence_prediction.nodes import open_windows

        open_windows(load("sequences"), load("reference_genome"), parameters["enformer"])
    if "gene_levels" in made:
        _check_levels(load, parameters)
    if "genotype_file" in names:
        study = _check_study(names, made, load, parameters)
    if "variants" in names and "haplotype_windows" in made:
        from haploformer.genome.haplotype_windows import require_phase

        stored = load("variants").genotypes
        _require_compared(stored)
        require_phase(stored, policy=parameters["data_prep"].phase)
    for windows in ("haplotype_windows", *_EDITED_WINDOWS):
        if windows in names and made & _PREDICTIONS:
            _check_window_length(windows, load(windows).length, parameters["enformer"])
    if "variant_windows" in made and (file := parameters["variant_effects"].file) is not None:
        from haploformer.formats.files import require_file

        require_file(Path(file), what="file of variants")
    if "haplotype_effects" in made:
        _require_two_known_copies(parameters["variant_effects"], parameters["data_prep"])
    _check_comparisons(names, made, load, parameters)
    if "disease_windows" in made:
        _require_disease_variants(load)
    if "population_differences" in made:
        _check_populations(load, parameters)
    if "tss_windows" in names and made & set(_EDITED_WINDOWS):
        stored = load("tss_windows")
        _check_window_length("tss_windows", int((stored["end"] - stored["start"]).max()), parameters["enformer"])
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


def _check_comparisons(
    names: Set[str], made: Set[str], load: Callable[[str], Any], parameters: Mapping[str, Any]
) -> None:
    """What effects and scans are compared with is given, can be read, and has rows."""
    if "effect_pairs" in made and load("external_eqtls").form == "none":
        raise InputError(
            "external_eqtls",
            "no table of eQTLs is given",
            "name one: --params eqtls=FILE (kedro run --pipelines eqtl_scan makes one from half of the people)",
        )
    if "eqtl_sizes" in made and load("top_associations").empty:
        raise InputError(
            "top_associations",
            "no table of strongest associations is given, or it is not there",
            "name one: --params top_associations=FILE",
        )
    if "eqtl_scan" in made and "variants" in names:
        from haploformer.effects.scan import split_people

        options = parameters["eqtl_scan"]
        ids = list(load("variants").genotypes.individual_ids)
        split_people(ids, chosen=options.individuals, share=options.share, seed=options.seed)
    if "linear_weights" in made and parameters["linear_export"].build is None:
        raise InputError(
            "parameters:linear_export.build",
            "none is given, and weights without the build of their positions are of no use",
            "set it to GRCh37 or GRCh38",
        )


def _require_two_known_copies(effects: Any, data_prep: Any) -> None:
    """Haplotypes are taken apart into the cohort's variants; a mean of both copies is none."""
    if effects.variants != ("cohort",):
        raise InputError(
            "parameters:variant_effects.variants",
            "haplotypes are taken apart into the cohort's variants, and others are chosen",
            "leave it at cohort for haplotype_effects",
        )
    if data_prep.phase == "mean":
        raise InputError(
            "parameters:data_prep.phase",
            "a mean of both copies cannot be taken apart into the variants of a haplotype",
            "set it to phase, or use variant_effects, which needs no phase",
        )


def _require_disease_variants(load: Callable[[str], Any]) -> None:
    """A file of at least one kind; both can be read."""
    if load("gwas_catalog").n_rows + load("clinvar").n_rows == 0:
        raise InputError(
            "gwas_catalog, clinvar",
            "neither associations of the GWAS catalog nor variants of ClinVar are given, or they are not there",
            "name one: --params gwas=FILE, or clinvar=FILE,clinvar_build=GRCh38",
        )


def _check_populations(load: Callable[[str], Any], parameters: Mapping[str, Any]) -> None:
    """Two groups of people, and effects that add up to what is predicted of them."""
    from haploformer.genome.populations import choose_groups

    options, effects = parameters["population_effects"], parameters["variant_effects"]
    choose_groups(load("individuals"), options.first, options.second)
    if effects.variants != ("cohort",):
        raise InputError(
            "parameters:variant_effects.variants",
            "differences between populations are made of the cohort's variants, and others are chosen",
            "leave it at cohort for population_effects",
        )
    if parameters["data_prep"].phase == "mean":
        raise InputError(
            "parameters:data_prep.phase",
            "a mean of both copies is no haplotype, whose variants' effects could be added up",
            "set it to phase for population_effects",
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
    if made & {"tss_windows", *_EDITED_WINDOWS}:
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


def _check_model(load: Callable[[str], Any], options: Any) -> None:
    from haploformer.enformer.geometry import PRESETS
    from haploformer.enformer.tracks import resolve_tracks

    tracks = load("track_table")
    resolve_tracks(options.tracks, tracks)
    try:
        PRESETS[options.preset].centre_bins(options.centre_bins)
    except ValueError as error:
        raise InputError("parameters:enformer.centre_bins", str(error), "choose fewer bins") from error
    if options.weights != "untrained" or options.gamma is not None:
        from haploformer.formats.weights import OFFICIAL, WeightsChoice, check_weights

        if options.weights == OFFICIAL and options.preset != "full":
            raise InputError(
                "parameters:enformer.weights",
                f"the official weights are those of preset full, this run has preset {options.preset}",
                "set enformer.preset=full, or enformer.weights=untrained to try the chain with a small network",
            )
        choice = WeightsChoice(options.weights, Path(options.official_folder), options.gamma)
        check_weights(choice, replace(PRESETS[options.preset], n_tracks=len(tracks)))


def _check_trained_models(names: Set[str], load: Callable[[str], Any], parameters: Mapping[str, Any]) -> None:
    """Models of another run are of use with the same Enformer, and where their variants are read."""
    from haploformer.trained_models import (
        describe_enformer,
        planned_identity,
        require_covering_windows,
        require_same_enformer,
    )

    require_covering_windows(load("trained_facts")["cis_windows"], parameters["baselines"].windows)
    if "trained_enformer_facts" in names:
        trained, tracks = load("trained_enformer_facts"), load("track_table")
        _check_features(trained["features"], parameters["enformer"])
        planned = planned_identity(tracks, parameters["enformer"])
        groups = (parameters["enformer"], parameters["sequence_build"], parameters["data_prep"])
        require_same_enformer(trained, describe_enformer(planned, tracks, *groups))


def _check_levels(load: Callable[[str], Any], parameters: Mapping[str, Any]) -> None:
    """Levels, windows and folds of genes, as the run will have them."""
    from haploformer.pipelines.across_genes.nodes import make_levels

    inputs = ("expression_levels", "gene_annotation", "reference_genome", "enformer_sequences")
    groups = ("data_prep", "select", "sequence_build", "enformer", "across_genes")
    make_levels(*map(load, inputs), *(parameters[name] for name in groups))


def _check_features(features: Iterable[str], enformer: Any) -> None:
    if "enformer_all_bins" in features and enformer.bins == "centre":
        raise InputError(
            "parameters:stacking.features",
            "enformer_all_bins is asked for, and only the centre bins are predicted",
            "set enformer.bins: all, or leave that feature out",
        )


def _check_window_length(name: str, stored: int, options: Any) -> None:
    from haploformer.enformer.geometry import PRESETS

    wanted = PRESETS[options.preset].window
    if stored != wanted:
        raise InputError(
            name,
            f"the stored windows have {stored:,} bases, preset {options.preset} takes {wanted:,}",
            "build them again with this preset: kedro run --pipelines data_prep,sequence_build",
        )


def _check_study(
    names: Set[str], made: Set[str], load: Callable[[str], Any], parameters: Mapping[str, Any]
) -> CheckedStudy:
    from haploformer.enformer.geometry import PRESETS
    from haploformer.genome.haplotype_windows import require_phased_calls
    from haploformer.genome.window_calls import WindowCalls
    from haploformer.genome.windows import covering_intervals
    from haploformer.pipelines.data_prep import nodes as data_prep

    options, length = parameters["data_prep"], PRESETS[parameters["enformer"].preset].window
    genotype_file, panel = load("genotype_file"), load("sample_panel")
    genes = _select_genes(names, load, parameters)
    counts: Counter[Any] = Counter()
    if "covariate_table" in names:
        bed, annotation, covariate_table = load("expression_bed"), load("gene_annotation"), load("covariate_table")
        people = data_prep.select_individuals(bed, genotype_file, covariate_table, panel, options, parameters["select"])
        data_prep.prepare_expression(bed, genes, people)
        _check_covariates(covariate_table, _assign_folds(people, names, load, parameters["evaluation"]))
        found = data_prep.count_study(
            bed, genotype_file, covariate_table, annotation, genes, people, options, parameters["select"]
        )
        datasets = {bed.name: "expression_bed", genotype_file.name: "genotype_file"}
        counts.update({key._replace(source=datasets.get(key.source, "covariate_table")): n for key, n in found.items()})
    else:
        people = data_prep.select_genotyped_individuals(genotype_file, panel, options, parameters["select"])
    reference, with_sequence = load("reference_genome"), parameters["baselines"].reference != "none"
    near = covering_intervals(genes, [length, *parameters["baselines"].windows], margin=options.margin)
    windows, window_calls = pd.DataFrame(columns=["gene_id", "n_share"]), None
    if with_sequence:
        windows, known = _check_windows(genes, reference, length, parameters["sequence_build"])
        window_calls = WindowCalls(known) if "haplotype_windows" in made else None
    records = genotype_file.check_records(
        sorted(set(genes["contig"])),
        reference,
        filters=options.filters,
        repair_ref=options.repair_ref,
        sample_ids=people["sample_id"].tolist(),
        near=near,
        windows=window_calls,
    )
    if "phased_genotypes" in made:
        data_prep.phase_genotypes(genotype_file, reference, genes, options).survey()
    if window_calls is not None:
        sites = window_calls.sites(source=genotype_file.name, intervals=near)
        kept = _check_variable_windows(known, sites, parameters["sequence_build"])
        # Beagle leaves no call without a phase, and none missing.
        if options.phase != "phase":
            require_phased_calls(records.n_unphased, genotype_file.name, policy=options.phase)
            doubtful = window_calls.doubtful(kept, sites, max_missing=parameters["sequence_build"].max_missing)
            groups = (options, parameters["enformer"], parameters["baselines"])
            if len(doubtful):
                stream = data_prep.read_genotypes(genotype_file, reference, genes, people, *groups)
                _check_haplotypes(doubtful, stream, reference, options, parameters["sequence_build"])
    return CheckedStudy(genes, people, windows, records, counts)


def _select_genes(names: Set[str], load: Callable[[str], Any], parameters: Mapping[str, Any]) -> Any:
    """Genes of the expression table; of a cohort without one, those that there are models of."""
    groups = (parameters["data_prep"], parameters["select"])
    if "trained_genes" in names:
        from haploformer.pipelines.apply.nodes import select_trained_genes

        return select_trained_genes(load("trained_genes"), *groups)
    from haploformer.pipelines.data_prep.nodes import select_genes

    return select_genes(load("expression_bed"), load("gene_annotation"), *groups)


def _assign_folds(people: Any, names: Set[str], load: Callable[[str], Any], options: Any) -> Any:
    """Folds as the run will have them, but for duplicates, who are found by the genotypes."""
    from haploformer.pipelines.data_prep.nodes import assign_person_folds
    from haploformer.stacking.relatives import group_relatives, ungrouped

    ids = people["individual_id"].tolist()
    groups = (
        group_relatives(ids, None, load("relatedness_table"), min_kinship=options.min_kinship)
        if "relatedness_table" in names
        else ungrouped(ids)
    )
    return assign_person_folds(people, groups, options)


def _check_covariates(covariate_table: Any, folds: Any) -> None:
    """The smallest training set leaves out three folds: to fit, to choose a penalty, and to stack."""
    n_covariates = covariate_table["covariate"].nunique()
    sizes = folds.groupby("fold_seed")["fold"].value_counts().unstack(fill_value=0).to_numpy()
    smallest = int((sizes.sum(axis=1) - np.sort(sizes, axis=1)[:, -3:].sum(axis=1)).min())
    if n_covariates + 2 >= smallest:
        raise InputError(
            "covariate_table",
            f"{n_covariates} covariates for training sets of {smallest} people",
            "give fewer covariates, more people, or more folds (evaluation.n_folds)",
        )


def _check_windows(genes: Any, reference: Any, length: int, options: Any) -> tuple[Any, Any]:
    """The window of each gene, and of these the ones whose sequence is known."""
    from haploformer.genome.windows import build_windows, known_windows, require_known_sequence

    windows = build_windows(genes, reference, length=length, checked_length=options.checked_window)
    if options.unknown_windows == "refuse":
        require_known_sequence(windows, max_n_share=options.max_n_share, reference_name=reference.name)
    return windows, known_windows(windows, max_n_share=options.max_n_share)


def _check_variable_windows(known: Any, sites: Any, options: Any) -> Any:
    """Of the windows whose sequence is known, those with enough variants, which are to be made."""
    from haploformer.genome.windows import read_reversed, variable_windows

    kept = variable_windows(known, sites, min_variants=options.min_variants, checked_length=options.checked_window)
    read_reversed(kept, strand=options.strand, source="gene_annotation")
    return kept


def _check_haplotypes(windows: Any, stream: Any, reference: Any, options: Any, build: Any) -> None:
    """Make the haplotypes of some windows, as `sequence_build` does; the calls lie in a folder of their own meanwhile."""
    from tempfile import TemporaryDirectory, gettempdir

    from haploformer.formats.genotype_store import read_genotypes, write_genotypes
    from haploformer.genome.haplotypes import collect_gene_haplotypes
    from haploformer.genome.intervals import Interval

    logger.info("the calls of %d windows are looked at more closely", len(windows))
    with TemporaryDirectory(prefix="haploformer-") as folder:
        store = Path(folder) / "genotypes"
        try:
            write_genotypes(stream, store)
        except OSError as error:
            if error.errno != errno.ENOSPC:
                raise
            remedy = "make room, or name another folder in the environment variable TMPDIR"
            raise InputError(gettempdir(), "no room for the calls of windows that are in doubt", remedy) from error
        genotypes = read_genotypes(store).genotypes
        for window in windows.itertuples():
            collect_gene_haplotypes(
                genotypes,
                reference,
                Interval(window.contig, window.start, window.end),
                window.tss,
                max_missing=build.max_missing,
                mean=options.phase == "mean",
            )
