"""What is checked of a run before anything is written: every input there, readable, and fitting the others."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

from haploformer.errors import InputError


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


def check_inputs(names: set[str], made: set[str], load: Callable[[str], Any], parameters: Mapping[str, Any]) -> None:
    """Run the cheap steps on all inputs together, and throw away what they make.

    Parameters
    ----------
    names, made : set of str
        Datasets that the run reads and does not make, and those that it makes.
    load : callable
        Dataset or parameter group by name.

    Raises
    ------
    InputError
        What any step of the run would raise about its inputs.
    """
    if "track_table" in names:
        _check_model(load, parameters)
    if "genotype_file" in names:
        _check_study(made, load, parameters)
    if "variants" in names and "haplotype_windows" in made:
        from haploformer.genome.haplotype_windows import require_phase

        require_phase(load("variants").genotypes)


def _check_model(load: Callable[[str], Any], parameters: Mapping[str, Any]) -> None:
    from haploformer.enformer.geometry import PRESETS
    from haploformer.enformer.tracks import resolve_tracks
    from haploformer.formats.files import require_file

    options = parameters["enformer"]
    resolve_tracks(options.tracks, load("track_table"))
    try:
        PRESETS[options.preset].centre_bins(options.centre_bins)
    except ValueError as error:
        raise InputError("parameters:enformer.centre_bins", str(error), "choose fewer bins") from error
    if options.weights != "untrained":
        require_file(Path(options.weights), what="weights file")


def _check_study(made: set[str], load: Callable[[str], Any], parameters: Mapping[str, Any]) -> None:
    from haploformer.enformer.geometry import PRESETS
    from haploformer.genome.windows import covering_intervals
    from haploformer.pipelines.data_prep import nodes as data_prep
    from haploformer.pipelines.sequence_build.nodes import build_tss_windows

    options, enformer = parameters["data_prep"], parameters["enformer"]
    bed, genotype_file = load("expression_bed"), load("genotype_file")
    genes = data_prep.select_genes(bed, load("gene_annotation"), options)
    people = data_prep.select_individuals(bed, genotype_file, load("covariate_table"), load("sample_panel"), options)
    reference = load("reference_genome")
    build_tss_windows(genes, reference, enformer, parameters["sequence_build"])
    lengths = [PRESETS[enformer.preset].window, parameters["baselines"].cis_window]
    intervals = covering_intervals(genes, lengths)
    genotype_file.check_records(sorted(set(genes["contig"])), reference, filters=options.filters)
    if "haplotype_windows" in made:
        from haploformer.genome.haplotype_windows import require_phase

        first = genotype_file.read(intervals, people["sample_id"].tolist(), reference, filters=options.filters)
        require_phase(next(first).genotypes)
