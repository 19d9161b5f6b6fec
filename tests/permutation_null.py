"""r of the baselines and their stack when people are permuted: nothing is there, so that the mean over genes must be 0.

``python -m tests.permutation_null FOLDER`` permutes the expression of the real people (FOLDER: the GEUVADIS data), the
same permutation for every gene, fits every model anew with every part of cross-fitting, and prints for each model the
mean r over genes and permutations, its standard error over permutations, and their ratio. Exit code 1 if a ratio is
over 3. ``--models elastic_net stack --permutations 10`` is the nested elastic net and the stack of top SNP, PRS, BLUP and
elastic net; ``--noise`` gives the stack a column of random numbers where Enformer's would be.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from time import perf_counter

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits
from tqdm import tqdm

from haploformer.baselines.cohort import dosage_models, map_genes
from haploformer.baselines.crossfit import DosageModel, cross_predict_models, with_degrees
from haploformer.evaluation.metrics import within_fold_r
from haploformer.stacking.features import OutOfFold
from haploformer.stacking.stack import stack_gene
from tests.builders.geuvadis_baselines import Geuvadis, read_geuvadis

#: Of the permutations, and of the folds of each.
FIRST_SEED = 1_000

#: The stack, and the models that are in it.
STACK, MEMBERS = "stack", ("elastic_net", "top_snp", "prs", "blup")

#: From variants, dosages and expression to models: one that looks at more than its training people is made here.
MakeModels = Callable[[pd.DataFrame, NDArray[np.floating], NDArray[np.float64]], Sequence[DosageModel]]


def permute_people(
    data: Geuvadis,
    make_models: MakeModels,
    *,
    gene_ids: Sequence[str],
    n_permutations: int,
    n_threads: int = 1,
    stacked: bool = False,
    noise: bool = False,
) -> pd.DataFrame:
    """Mean r over genes of each model and permutation (n_permutations, n_models).

    ``stacked``: of their stack, too, nested as in a run; ``noise``: which has a random column in Enformer's place.
    """
    adjust = data.adjust
    rows = []
    for number in tqdm(range(n_permutations), unit="permutation", mininterval=10.0):
        rng = np.random.default_rng(FIRST_SEED + number)
        order = rng.permutation(len(data.people))
        folds = data.folds_of_seed(FIRST_SEED + number)[FIRST_SEED + number]
        with_df = with_degrees(adjust)

        def predict(
            gene_id: str,
            order: NDArray[np.intp] = order,
            folds: NDArray[np.int64] = folds,
            adjusted: Callable = with_df,
        ) -> dict[str, float]:
            variants, dosages = data.dosages_of(gene_id)
            expression = data.expression[gene_id][order]
            models = make_models(variants, dosages, expression)
            results = cross_predict_models(
                models, dosages, expression, folds, adjusted, positions=variants["pos"].to_numpy()
            )
            fitted = {m.name: OutOfFold(found.outer, found.inner) for m, found in zip(models, results, strict=True)}
            predicted = {name: found.outer for name, found in fitted.items()}
            if stacked:
                own = np.random.default_rng([FIRST_SEED, list(data.expression).index(gene_id)])
                zero_shot = {"noise": own.normal(size=len(folds))} if noise else {}
                predicted[STACK] = stack_gene(expression, folds, adjust, fitted=fitted, zero_shot=zero_shot).predicted
            measured = np.empty(len(folds))
            for fold in np.unique(folds):
                measured[folds == fold] = adjusted(folds != fold)[0](expression)[folds == fold]
            return {
                name: float(within_fold_r(values[None], measured[None], folds).pearson[0])
                for name, values in predicted.items()
            }

        rows.append(pd.DataFrame(map_genes(predict, gene_ids, n_threads=n_threads)).mean())
    return pd.DataFrame(rows)


def summarise(mean_r: pd.DataFrame) -> pd.DataFrame:
    """Mean, standard error over permutations, and their ratio, of each model."""
    error = mean_r.std(ddof=1) / np.sqrt(len(mean_r))
    return pd.DataFrame({"mean_r": mean_r.mean(), "standard_error": error, "ratio": mean_r.mean() / error})


def usual_models(names: Sequence[str]) -> MakeModels:
    """The project's models of these names."""
    by_name: Mapping[str, DosageModel] = {model.name: model for model in dosage_models(min_maf=0.01, l1_ratio=0.5)}
    chosen = [by_name[name] for name in names]

    def make(
        variants: pd.DataFrame, dosages: NDArray[np.floating], expression: NDArray[np.float64]
    ) -> Sequence[DosageModel]:
        return chosen

    return make


def main() -> int:
    """Permute, and print."""
    parser = argparse.ArgumentParser(prog="python -m tests.permutation_null", description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path, help="the GEUVADIS data")
    parser.add_argument("--permutations", type=int, default=200)
    parser.add_argument("--genes", type=int, default=None, help="the first so many; all if not given")
    parser.add_argument("--models", nargs="+", choices=[*MEMBERS, STACK], default=["top_snp", "prs", "blup"])
    parser.add_argument("--noise", action="store_true", help="a random column in the stack, in Enformer's place")
    parser.add_argument("--threads", type=int, default=2)
    arguments = parser.parse_args()
    data, begun = read_geuvadis(arguments.folder), perf_counter()
    gene_ids = list(data.expression)[: arguments.genes]
    stacked = STACK in arguments.models
    with threadpool_limits(1):
        mean_r = permute_people(
            data,
            usual_models(MEMBERS if stacked else arguments.models),
            gene_ids=gene_ids,
            n_permutations=arguments.permutations,
            n_threads=arguments.threads,
            stacked=stacked,
            noise=arguments.noise,
        )
    table = summarise(mean_r[arguments.models])
    print(table.round(4).to_string())
    print(f"{len(gene_ids)} genes, {arguments.permutations} permutations, {perf_counter() - begun:.0f} s")
    return int((table["ratio"].abs() > 3).any())


if __name__ == "__main__":
    raise SystemExit(main())
