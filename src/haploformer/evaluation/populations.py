"""r within each population: pooled over populations it would count that their means differ."""

from __future__ import annotations

import numpy as np
import pandas as pd

from haploformer.evaluation.metrics import within_fold_r
from haploformer.evaluation.scored_cohort import ScoredCohort

#: The r of a fold has weight n - 3.
_MIN_PEOPLE = 4

#: Trained on people of every population, or on all but this one.
SEEN, HELD_OUT = "seen", "held out"


def count_populations(individuals: pd.DataFrame, person_folds: pd.DataFrame) -> pd.DataFrame:
    """Which populations have enough people for an r of their own.

    Parameters
    ----------
    individuals : DataFrame, schema ``individuals``
    person_folds : DataFrame, schema ``person_folds``

    Returns
    -------
    DataFrame, schema ``population_audit``
        ``population, n, smallest_fold, scored, reason``; people without a population are not in it. A population with
        fewer than four people in some fold is not scored.
    """
    known = individuals.dropna(subset=["population"])[["individual_id", "population"]]
    rows = person_folds.merge(known, on="individual_id")
    cells = rows.groupby(["fold_seed", "fold", "population"]).size().unstack(fill_value=0)
    table = []
    for population, n in known["population"].value_counts().sort_index().items():
        smallest = int(cells[population].min()) if population in cells else 0
        scored = smallest >= _MIN_PEOPLE
        people = "person" if n == 1 else "people"
        reason = "scored" if scored else f"{n} {people}, {smallest} in a fold; an r needs {_MIN_PEOPLE}"
        table.append((population, n, smallest, scored, reason))
    return pd.DataFrame(table, columns=["population", "n", "smallest_fold", "scored", "reason"]).astype(
        {"population": object, "n": int, "smallest_fold": int, "scored": bool, "reason": object}
    )


def score_populations(cohort: ScoredCohort, individuals: pd.DataFrame, audit: pd.DataFrame) -> pd.DataFrame:
    """r of each gene and model among the people of one population, the models trained on all populations.

    Parameters
    ----------
    cohort : ScoredCohort
    individuals : DataFrame, schema ``individuals``
    audit : DataFrame, schema ``population_audit``
        Populations that are not ``scored`` are left out.

    Returns
    -------
    DataFrame, schema ``population_scores``
        ``design`` is ``seen``: within folds, Fisher's mean, then the mean over fold seeds, as for everybody.
    """
    of_person = individuals.set_index("individual_id")["population"].reindex(list(cohort.individual_ids)).to_numpy()
    tables = []
    for population in audit.loc[audit["scored"], "population"]:
        people = np.flatnonzero(of_person == population)
        tables += _tables(cohort, people, str(population), SEEN)
    return _concatenate(tables)


def score_held_out_population(cohort: ScoredCohort, population: str) -> pd.DataFrame:
    """r of each gene and model among people of a population that no model was trained on.

    Parameters
    ----------
    cohort : ScoredCohort
        These people alone, with one fold seed and one fold.
    population : str

    Returns
    -------
    DataFrame, schema ``population_scores``
        ``design`` is ``held out``.
    """
    everybody = np.arange(len(cohort.individual_ids))
    return _concatenate(_tables(cohort, everybody, population, HELD_OUT))


def _tables(cohort: ScoredCohort, people: np.ndarray, population: str, design: str) -> list[pd.DataFrame]:
    """A table per model."""
    tables = []
    for i, model in enumerate(cohort.models):
        results = [
            within_fold_r(seed.predicted[i][:, people], seed.measured[:, people], seed.folds[people])
            for seed in cohort.seeds.values()
        ]
        tables.append(
            pd.DataFrame(
                {
                    "gene_id": list(cohort.gene_ids),
                    "model": model,
                    "population": population,
                    "design": design,
                    "n": len(people),
                    "pearson_r": np.mean([result.pearson for result in results], axis=0),
                    "n_constant_folds": np.sum([result.n_constant_folds for result in results], axis=0),
                }
            )
        )
    return tables


def _concatenate(tables: list[pd.DataFrame]) -> pd.DataFrame:
    columns = ["gene_id", "model", "population", "design", "n", "pearson_r", "n_constant_folds"]
    empty = pd.DataFrame({name: pd.Series(dtype=object) for name in columns})
    return pd.concat(tables, ignore_index=True) if tables else empty
