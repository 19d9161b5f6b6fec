"""A study read from the users' files: people, genes, covariates, windows and calls, fitting each other."""

from __future__ import annotations

import errno
import logging
from collections import Counter
from collections.abc import Callable, Mapping, Set
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from haploformer.errors import InputError
from haploformer.input_audit import CheckedStudy

logger = logging.getLogger(__name__)


def check_study(
    names: Set[str], made: Set[str], load: Callable[[str], Any], parameters: Mapping[str, Any]
) -> CheckedStudy:
    """Read everything once, as the steps of the run do, and keep what was counted."""
    from haploformer.enformer.geometry import PRESETS
    from haploformer.genome.haplotype_windows import require_phased_calls
    from haploformer.genome.window_calls import WindowCalls
    from haploformer.genome.windows import checked_windows, covering_intervals
    from haploformer.pipelines.data_prep import nodes as data_prep

    options, build = parameters["data_prep"], parameters["sequence_build"]
    build = build.of_new_people() if "trained_genes" in names else build
    length = PRESETS[parameters["enformer"].preset].window
    genotype_file, panel = load("genotype_file"), load("sample_panel")
    genes = _select_genes(names, load, parameters)
    counts: Counter[Any] = Counter()
    if "covariate_table" in names:
        bed, annotation, covariate_table = load("expression_bed"), load("gene_annotation"), load("covariate_table")
        people = data_prep.select_individuals(bed, genotype_file, covariate_table, panel, options, parameters["select"])
        data_prep.prepare_expression(bed, genes, people)
        folds = _assign_folds(people, names, load, parameters["evaluation"])
        _check_covariates(
            data_prep.prepare_covariates(covariate_table, people), people, folds, parameters["expression"]
        )
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
        windows, known = checked_windows(genes, reference, length=length, **build.window_rules)
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
        kept = _check_variable_windows(known, sites, build)
        # Beagle leaves no call without a phase, and none missing.
        if options.phase != "phase":
            require_phased_calls(records.n_unphased, genotype_file.name, policy=options.phase)
            doubtful = window_calls.doubtful(kept, sites, max_missing=build.max_missing)
            groups = (options, parameters["enformer"], parameters["baselines"])
            if len(doubtful):
                stream = data_prep.read_genotypes(genotype_file, reference, genes, people, *groups)
                _check_haplotypes(doubtful, stream, reference, options, build)
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
    """Folds as the run will have them, but for duplicates and relatives who are found by the genotypes."""
    from haploformer.pipelines.data_prep.nodes import assign_person_folds
    from haploformer.stacking.relatives import group_relatives, ungrouped

    ids = people["individual_id"].tolist()
    groups = (
        group_relatives(ids, None, load("relatedness_table"), min_kinship=options.min_kinship)
        if "relatedness_table" in names
        else ungrouped(ids)
    )
    return assign_person_folds(people, groups, options)


def _check_covariates(covariates: Any, people: Any, folds: Any, options: Any) -> None:
    """The smallest training sets leave out three folds: to fit, to choose a penalty, and to stack.

    If every one of those holds each level of a formula, so do those that leave out fewer folds.
    """
    from haploformer.expression.design import require_usable
    from haploformer.stacking.folds import folds_by_seed

    ids = people["individual_id"].tolist()
    training_sets = (
        ~np.isin(of_seed, held_out)
        for of_seed in folds_by_seed(folds, ids).values()
        for held_out in combinations(np.unique(of_seed).tolist(), 3)
    )
    n_covariates = require_usable(covariates, ids, options.covariates, training_sets)
    sizes = folds.groupby("fold_seed")["fold"].value_counts().unstack(fill_value=0).to_numpy()
    smallest = int((sizes.sum(axis=1) - np.sort(sizes, axis=1)[:, -3:].sum(axis=1)).min())
    if n_covariates + 2 >= smallest:
        raise InputError(
            "covariate_table",
            f"{n_covariates} covariates for training sets of {smallest} people",
            "give fewer covariates, more people, or more folds (evaluation.n_folds)",
        )


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
