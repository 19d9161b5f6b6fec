"""Expected intervals of the demo's scores: noise and folds drawn anew, the project's own chain run each time.

``python -m demo.known_answer data/01_raw/demo`` reads the committed demo and writes ``known_answer.json`` into it. The
truth behind it comes from bcftools and the plain library forward (`demo.generate`); only the spread of scores round it
is found by the chain itself.
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import cached_property
from multiprocessing import get_context
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter
from typing import Any

import numpy as np
import pandas as pd
from kedro.config import OmegaConfigLoader

from demo.expression import draw_expression
from haploformer.baselines.cohort import CisModels, CohortPredictions, dosage_models
from haploformer.formats.covariate_table import read_covariate_table
from haploformer.formats.expression_bed import read_expression_bed
from haploformer.formats.fasta import FastaReference
from haploformer.formats.files import write_json
from haploformer.formats.gene_annotation import read_gene_annotation
from haploformer.formats.genotype_store import StoredGenotypes, read_genotypes, write_genotypes
from haploformer.formats.sample_panel import read_sample_panel
from haploformer.formats.vcf import VcfFile
from haploformer.genome.genotypes import Genotypes
from haploformer.parameters import GROUPS, EvaluationParameters
from haploformer.pipelines.baselines import nodes as baselines
from haploformer.pipelines.data_prep import nodes as data_prep
from haploformer.pipelines.evaluation import nodes as evaluation
from haploformer.pipelines.stacking import nodes as stacking
from haploformer.predicted_expression import zero_shot_rows
from haploformer.stacking.relatives import ungrouped

N_DRAWS = 200
#: Added to the number of the draw: folds of the draws are not those of the run.
FIRST_SEED = 10_000
QUANTILES = (0.01, 0.99)
#: In standard deviations of a gene's prediction between people.
TOLERANCE = 1e-3
MODELS = ("enformer", "top_snp", "prs", "blup", "elastic_net", "stack")
NOTICE = (
    "This is the embedded demo: everybody in it is simulated, and expression was simulated from the very network that "
    "predicts it here. That the network's share is found again shows that the parts fit together; r here is no "
    "evidence about Enformer."
)


class Demo:
    """The demo's people, genes and dosages as the default pipeline sees them, in memory."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        values = OmegaConfigLoader(conf_source="conf", base_env="base", default_run_env="base")["parameters"]
        self.options: dict[str, Any] = {name: model.model_validate(values[name]) for name, model in GROUPS.items()}
        bed = read_expression_bed(folder / "expression.bed.gz")
        vcf = VcfFile(folder / "genotypes.vcf.gz")
        covariate_table = read_covariate_table(folder / "covariates.txt.gz")
        panel = read_sample_panel(folder / "samples.panel")
        prep, everything = self.options["data_prep"], self.options["select"]
        self.genes = data_prep.select_genes(bed, read_gene_annotation(folder / "genes.gtf.gz"), prep, everything)
        self.individuals = data_prep.select_individuals(bed, vcf, covariate_table, panel, prep, everything)
        self.covariates = data_prep.prepare_covariates(covariate_table, self.individuals)
        stream = data_prep.read_genotypes(
            vcf,
            FastaReference(folder / "reference.fa.gz"),
            self.genes,
            self.individuals,
            prep,
            self.options["enformer"],
            self.options["baselines"],
        )
        with TemporaryDirectory() as scratch:
            write_genotypes(stream, Path(scratch) / "variants")
            stored = read_genotypes(Path(scratch) / "variants")
            found = stored.genotypes
            in_memory = Genotypes(found.records, found.individual_ids, np.asarray(found.alleles[slice(None)]))
        variants = StoredGenotypes(in_memory, stored.audit, stored.n_imputed)
        _, self.dosages = baselines.locate_cis_variants(self.genes, variants, self.options["baselines"])

    @cached_property
    def truth(self) -> pd.DataFrame:
        """What expression is made of."""
        return pd.read_csv(self.folder / "truth.tsv.gz", sep="\t")

    @cached_property
    def enformer(self) -> pd.DataFrame:
        """The committed prediction as the table of a zero-shot model."""
        truth = self.truth
        return zero_shot_rows(
            truth["gene_id"].tolist(), truth["individual_id"].tolist(), truth["enformer"].to_numpy(), model="enformer"
        )

    def fit_baselines(
        self, measured: pd.DataFrame, covariates: pd.DataFrame, folds: pd.DataFrame
    ) -> dict[str, CohortPredictions]:
        """Tables of every dosage model, by its name."""
        options = self.options["baselines"]
        models = dosage_models(min_maf=options.min_maf, l1_ratio=options.l1_ratio)
        window, people = CisModels(models, self.dosages.of_gene), self.dosages.individual_ids
        return baselines.fit_cohort(
            [window], people, measured, covariates, folds, self.options["expression"], threads=1
        )

    def score(self, draw: int) -> dict[str, float]:
        """Mean r over genes of each model, with the noise and the folds of one draw."""
        n_seeds = len(self.options["evaluation"].fold_seeds)
        seeds = tuple(FIRST_SEED + draw * n_seeds + i for i in range(n_seeds))
        folds = data_prep.assign_person_folds(
            self.individuals,
            ungrouped(self.individuals["individual_id"].tolist()),
            EvaluationParameters(n_folds=self.options["evaluation"].n_folds, fold_seeds=seeds),
        )
        wide = draw_expression(self.truth, np.random.default_rng([FIRST_SEED, draw]))
        measured = wide.stack().rename("expression").reset_index()
        fitted = self.fit_baselines(measured, self.covariates, folds)
        stack, _, _ = stacking.fit_stack(
            *stacking.gather_predictions(
                self.options["stacking"],
                **{model: tables.predicted for model, tables in fitted.items()},
                enformer=self.enformer,
                **{f"inner_{model}": tables.inner for model, tables in fitted.items()},
            ),
            measured=measured,
            covariates=self.covariates,
            person_folds=folds,
            adjusted=self.options["expression"],
            track_predictions=None,
            options=self.options["stacking"],
        )
        predictions = [*(tables.predicted for tables in fitted.values()), self.enformer, stack]
        _, scores = evaluation.score_models(
            predictions, measured, self.covariates, folds, self.options["expression"], self.genes
        )
        return scores.groupby("model")["pearson_r"].mean()[list(MODELS)].to_dict()


def find_intervals(folder: Path, *, n_draws: int, workers: int) -> pd.DataFrame:
    """Mean r of each model (n_draws, n_models), in the order of the draws."""
    parts = [range(first, n_draws, workers) for first in range(workers)]
    # One thread each: the workers already fill the cores.
    os.environ.update({"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"})
    with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
        tables = list(pool.map(_score_draws, [folder] * workers, parts))
    return pd.concat(tables).sort_index()


def _score_draws(folder: Path, draws: Sequence[int]) -> pd.DataFrame:
    demo = Demo(folder)
    return pd.DataFrame({draw: demo.score(draw) for draw in draws}).T


def main() -> None:
    """Draw, and write the intervals beside the demo's files."""
    parser = argparse.ArgumentParser(prog="python -m demo.known_answer", description="Expected scores of the demo.")
    parser.add_argument("folder", type=Path, help="the demo, e.g. data/01_raw/demo")
    parser.add_argument("--draws", type=int, default=N_DRAWS)
    parser.add_argument("--workers", type=int, default=2)
    arguments = parser.parse_args()
    begun = perf_counter()
    scores = find_intervals(arguments.folder, n_draws=arguments.draws, workers=arguments.workers)
    intervals = {
        model: [round(float(q), 4) for q in scores[model].quantile(list(QUANTILES))] for model in scores.columns
    }
    write_json(
        arguments.folder / "known_answer.json",
        {
            "mean_pearson_r": intervals,
            "enformer_tolerance": TOLERANCE,
            "truth": "truth.tsv.gz",
            "draws": arguments.draws,
            "quantiles": list(QUANTILES),
            "notice": NOTICE,
        },
    )
    print(scores.describe().loc[["mean", "std", "min", "max"]].round(4).to_string())
    print(f"{arguments.draws} draws, {perf_counter() - begun:.0f} s")


if __name__ == "__main__":
    main()
