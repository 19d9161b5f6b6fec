"""Nothing fitted rests on a held-out person's expression, and what would is found."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import pandas as pd
import pytest
from numpy.typing import NDArray

from haploformer.baselines.cohort import CisModels, dosage_models, predict_cohort
from haploformer.baselines.crossfit import DosageModel
from haploformer.baselines.structure import GenotypeComponents, predict_from_columns
from haploformer.baselines.top_snp import TopSnp
from haploformer.baselines.training import Candidates, TrainingSet
from haploformer.predicted_expression import person_columns
from tests.permutation_null import MEMBERS, permute_people, summarise, usual_models

pytestmark = pytest.mark.real_data

GENES = ("ENSG00000070371", "ENSG00000093010", "ENSG00000099940")

Tables = dict[str, pd.DataFrame]


class ChoiceOnAll(TopSnp):
    """A planted leak: the variant is chosen on everybody, and only its slope on training people."""

    def __init__(self, variants: pd.DataFrame, dosages: NDArray[np.floating], expression: NDArray[np.float64]) -> None:
        super().__init__()
        r = [np.corrcoef(dosage, expression)[0, 1] for dosage in dosages.T.astype(float)]
        object.__setattr__(self, "strength", pd.Series(np.abs(r), variants["pos"]))

    def fit_candidates(self, training: TrainingSet) -> Candidates:
        weights = np.zeros((len(training.positions), 1))
        best = int(self.strength[training.positions].to_numpy().argmax())
        weights[best, 0] = training.correlation[best]
        return Candidates.of(weights)


def fit_everything(
    geuvadis, expression: dict[str, NDArray[np.float64]], models_of: Callable[[str], Sequence[DosageModel]]
) -> Tables:
    """All tables of all dosage models and structure models."""
    folds_of_seed = geuvadis.folds_of_seed(0, 1)
    tables = {}
    for gene_id, measured in expression.items():
        window = CisModels(models_of(gene_id), geuvadis.dosages_of)
        found = predict_cohort([window], {gene_id: measured}, geuvadis.people, folds_of_seed, geuvadis.adjust)
        for name, result in found.items():
            for kind in ("predicted", "inner", "weights", "fits"):
                tables[f"{gene_id} {name} {kind}"] = getattr(result, kind)
    everywhere = GenotypeComponents(
        geuvadis.dosages,
        geuvadis.variants["contig"].to_numpy(dtype=object),
        geuvadis.variants["pos"].to_numpy(),
        n_components=10,
    )
    shared = (expression, geuvadis.people, folds_of_seed)
    tables["pcs predicted"] = predict_from_columns(
        everywhere.of_training, *shared, model="genotype_pcs", adjust=geuvadis.adjust
    )
    return tables


def require_blind(geuvadis, person: str, first: Tables, second: Tables) -> None:
    """Every number that was fitted without the person's fold is the same to the bit in both; some other is not."""
    differ = 0
    for seed, folds in geuvadis.folds_of_seed(0, 1).items():
        fold = folds[geuvadis.people.index(person)]
        for name in first:
            a, b = (table[table["fold_seed"] == seed].reset_index(drop=True) for table in (first[name], second[name]))
            without = a["fold"] == fold
            if name.endswith("inner"):
                own = person_columns(np.array(geuvadis.people)[folds == fold])
                assert a[own].equals(b[own]), name
            if name.endswith("weights"):
                a, b, without = a[without], b[b["fold"] == fold], slice(None)
            assert a[without].reset_index(drop=True).equals(b[without].reset_index(drop=True)), name
            differ += not a.equals(b)
    assert differ


@pytest.fixture(scope="module")
def changed(geuvadis):
    """Expression of three genes as it is, and with one person's changed."""
    person = geuvadis.people[17]
    expression = {geuvadis.id_of(gene): geuvadis.expression[geuvadis.id_of(gene)] for gene in GENES}
    other = {gene: np.where(np.arange(len(geuvadis.people)) == 17, 40.0, values) for gene, values in expression.items()}
    return person, expression, other


def test_predict_cohort__held_out_expression_changes_no_fitted_number_to_the_bit(geuvadis, changed):
    person, expression, other = changed
    models = dosage_models(min_maf=0.01, l1_ratio=0.5)
    first, second = (fit_everything(geuvadis, values, lambda gene: models) for values in (expression, other))
    assert len(first) == len(GENES) * 4 * 4 + 1
    require_blind(geuvadis, person, first, second)


def test_require_blind__finds_a_variant_chosen_on_everybody(geuvadis, changed):
    person, *both = changed
    tables = []
    for values in both:

        def leaky(gene_id: str, values=values) -> list[DosageModel]:
            return [ChoiceOnAll(*geuvadis.dosages_of(gene_id), values[gene_id])]

        tables.append(fit_everything(geuvadis, values, leaky))
    with pytest.raises(AssertionError, match="top_snp"):
        require_blind(geuvadis, person, *tables)


def test_permute_people__mean_r_is_near_0_and_a_leak_is_not(geuvadis):
    gene_ids = list(geuvadis.expression)[::15]

    def leaky(variants, dosages, expression) -> list[DosageModel]:
        return [ChoiceOnAll(variants, dosages, expression)]

    options = {"gene_ids": gene_ids, "n_permutations": 8}
    null = summarise(permute_people(geuvadis, usual_models(MEMBERS), stacked=True, noise=True, **options))
    assert sorted(null.index) == sorted([*MEMBERS, "stack"])
    assert (null["ratio"].abs() < 3).all(), null
    assert (null["standard_error"] < 0.02).all(), null
    planted = summarise(permute_people(geuvadis, leaky, **options))
    assert planted["ratio"].item() > 6
    assert planted["mean_r"].item() > 0.05
