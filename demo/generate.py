"""The order of steps: history, reference, variants, files of genotypes, truth, expression."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from demo import checks, settings, write
from demo.contigs import BOUNDARIES, LENGTH
from demo.expression import (
    add_strangers,
    additive_component,
    covariate_component,
    draw_expression,
    make_covariates,
)
from demo.genes import Gene, make_genes
from demo.people import make_people, simulate_sites
from demo.prediction import demo_network, float32_error, personal_coverage, predict_coverage
from demo.sequence import make_reference
from demo.tracks import make_tracks, tissue_tracks
from demo.variants import Variants, make_variants
from demo.windows import PersonalWindows, build_windows
from haploformer.enformer.geometry import PRESETS

README = "README.md"


@dataclass(frozen=True)
class Genome:
    """Everybody's simulated genome.

    ``variants.haplotypes`` has all people of ``people``, genotyped or not, in that order.
    """

    people: pd.DataFrame
    genes: list[Gene]
    reference: NDArray[np.uint8]
    variants: Variants


@dataclass(frozen=True)
class Prediction:
    """What the demo network says.

    Attributes
    ----------
    windows : PersonalWindows
    coverage : float64 (n_genes, n_people)
        Mean over both haplotypes of those with genotypes and expression.
    reference : float64 (n_genes,)
    error : float
        Largest error of float32 over the reference windows.
    """

    windows: PersonalWindows
    coverage: NDArray[np.float64]
    reference: NDArray[np.float64]
    error: float

    @property
    def sd(self) -> NDArray[np.float64]:
        """Between people, float64 (n_genes,)."""
        return self.coverage.std(1)


@dataclass(frozen=True)
class Report:
    """What was made, for the table that ``python -m demo`` prints."""

    genome: Genome
    prediction: Prediction
    sizes: dict[str, int]


def generate(folder: Path) -> Report:
    """Write the demo into ``folder``.

    Parameters
    ----------
    folder : Path
        Made if it does not exist. Files of the same names are replaced once everything is made and checked; others,
        the README among them, stay.

    Returns
    -------
    Report

    Raises
    ------
    ValueError
        If a check fails; ``folder`` is then as it was.
    """
    genome = simulate_genome()
    checks.check_variants(genome.variants, genome.genes)
    tracks = make_tracks()
    with TemporaryDirectory() as name:
        made, scratch = Path(name) / "made", Path(name) / "scratch"
        made.mkdir()
        scratch.mkdir()
        write_genotypes(made, genome)
        write.write_gtf(made / "genes.gtf.gz", genome.genes)
        write.write_tracks(made / "targets.txt", tracks)
        prediction = predict(made, genome, tissue_tracks(tracks, settings.TISSUE), scratch)
        checks.check_precision(prediction.sd, prediction.error, genome.genes)
        write_expression(made, genome, prediction)
        files = sorted(made.iterdir())
        checks.check_size([*files, *folder.glob(README)])
        folder.mkdir(parents=True, exist_ok=True)
        for path in files:
            shutil.copyfile(path, folder / path.name)
        return Report(genome, prediction, {path.name: path.stat().st_size for path in files})


def simulate_genome() -> Genome:
    """People, genes, reference and variants, all from the seeds of ``settings``."""
    people = make_people(settings.generator("people"))
    genes = make_genes(settings.generator("genes"))
    reference = make_reference(genes, length=LENGTH, rng=settings.generator("sequence"))
    sites = simulate_sites(
        people,
        length=LENGTH,
        boundaries=BOUNDARIES,
        ancestry_seed=settings.seed("ancestry"),
        mutation_seed=settings.seed("mutations"),
    )
    variants = make_variants(
        sites, reference, genes, genotyped=people["genotyped"].to_numpy(), rng=settings.generator("variants")
    )
    return Genome(people, genes, reference, variants)


def write_genotypes(folder: Path, genome: Genome) -> None:
    """Reference, VCF, PLINK1 files and panel."""
    genotyped = genome.people[genome.people["genotyped"]]
    variants = _of_people(genome.variants, genome.people["genotyped"].to_numpy())
    write.write_fasta(folder / "reference.fa.gz", genome.reference)
    write.write_vcf(folder / "genotypes.vcf.gz", variants, genotyped["individual_id"].to_list())
    write.write_plink(folder / "genotypes.bed", variants, genotyped)
    write.write_panel(folder / "samples.panel", genome.people)


def predict(folder: Path, genome: Genome, tracks: list[int], scratch: Path) -> Prediction:
    """The tissue's coverage at the centre bins for everybody with genotypes and expression."""
    module, geometry = demo_network(settings.PRESET, settings.MODEL_SEED)
    bins = geometry.centre_bins(settings.CENTRE_BINS)
    windows = build_windows(
        folder / "reference.fa.gz",
        folder / "genotypes.vcf.gz",
        genome.genes,
        genome.people.loc[_complete(genome.people), "individual_id"].to_list(),
        window=geometry.window,
        scratch=scratch,
    )
    checks.check_windows(windows.distinct_per_gene())
    coverage = predict_coverage(module, windows.sequences, bins=bins, tracks=tracks)
    of_reference = [windows.sequences[i] for i in windows.reference]
    return Prediction(
        windows=windows,
        coverage=personal_coverage(coverage, windows),
        reference=coverage[windows.reference],
        error=float32_error(module, of_reference, bins=bins, tracks=tracks),
    )


def write_expression(folder: Path, genome: Genome, prediction: Prediction) -> None:
    """Covariates, causal variants, truth and expression."""
    people, complete = genome.people, _complete(genome.people)
    covariates = make_covariates(people, genome.variants, settings.generator("covariates"))
    additive = additive_component(
        genome.variants,
        genome.genes,
        people=complete,
        window=PRESETS[settings.PRESET].window,
        rng=settings.generator("additive"),
    )
    covariate = covariate_component(
        covariates.loc[:, complete].to_numpy(), len(genome.genes), settings.generator("covariate_effects")
    )
    individuals = people.loc[complete, "individual_id"].to_numpy()
    truth = write.round_truth(
        pd.DataFrame(
            {
                "gene_id": np.repeat([gene.gene_id for gene in genome.genes], len(individuals)),
                "individual_id": np.tile(individuals, len(genome.genes)),
                "enformer": prediction.coverage.ravel(),
                "enformer_reference": np.repeat(prediction.reference, len(individuals)),
                "additive": additive.component.ravel(),
                "covariate": covariate.ravel(),
            }
        )
    )
    expression = draw_expression(truth, settings.generator("noise"))
    strangers = people.loc[people["expressed"] & ~people["genotyped"], "individual_id"].to_list()
    expression = add_strangers(expression, strangers, settings.generator("only_expression"))
    # Another order than in the VCF, as in real studies.
    order = settings.generator("order").permutation(sorted(expression.columns))
    write.write_truth(folder / "truth.tsv.gz", truth)
    write.write_causal_variants(folder / "causal_variants.tsv", additive.variants)
    write.write_covariates(folder / "covariates.txt.gz", covariates[order])
    write.write_expression(folder / "expression.bed.gz", expression[order], genome.genes)


def _complete(people: pd.DataFrame) -> NDArray[np.bool_]:
    """Who has both genotypes and expression."""
    return (people["genotyped"] & people["expressed"]).to_numpy()


def _of_people(variants: Variants, chosen: NDArray[np.bool_]) -> Variants:
    return Variants(variants.start, variants.ref, variants.alt, variants.haplotypes[:, chosen])
