"""A small study in memory, from genotypes to the tables of every step behind them, by the pipelines' own nodes."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from haploformer.enformer.bins import KeptBins
from haploformer.formats.stored_predictions import TrackPredictions
from haploformer.genome.cis import CisDosages, locate_cis_windows
from haploformer.genome.genotypes import Genotypes
from haploformer.parameters import (
    BaselinesParameters,
    EnformerParameters,
    EvaluationParameters,
    ExpressionParameters,
    StackingParameters,
)
from haploformer.pipelines.baselines import nodes as baselines
from haploformer.pipelines.evaluation import nodes as evaluation
from haploformer.pipelines.stacking import nodes as stacking
from haploformer.predicted_expression import zero_shot_rows
from haploformer.stacking.folds import assign_person_folds

SPACING, PER_GENE, WINDOW = 400_000, 8, 100_000


class Rows:
    """An array that is read as a Zarr array is."""

    def __init__(self, values: np.ndarray) -> None:
        self.values, self.ndim = values, values.ndim

    def get_orthogonal_selection(self, selection: tuple[Any, ...]) -> np.ndarray:
        """Rows by number."""
        return self.values[selection[0]]


@dataclass
class Study:
    """Genes with variants of their own, what Enformer's tracks say of each person, and expression made of both.

    The gene ``G1`` has no variant in its window.
    """

    n: int = 60
    n_genes: int = 4
    populations: list[str | None] = field(default_factory=list)
    n_folds: int = 4

    def __post_init__(self) -> None:
        rng = np.random.default_rng(12)
        self.people = [f"P{i:02d}" for i in range(self.n)]
        self.populations = self.populations or [None] * self.n
        ids = [f"G{i}" for i in range(self.n_genes)]
        tss = SPACING * (1 + np.arange(self.n_genes))
        self.genes = pd.DataFrame({"gene_id": ids, "gene_name": ids, "contig": "1", "tss": tss, "strand": "+"})
        pos = np.concatenate([t + 3_000 * np.arange(PER_GENE) for g, t in enumerate(tss) if g != 1])
        records = {"contig": "1", "pos": pos, "variant_id": [f"v{p}" for p in pos], "ref": "A", "alt": "C"}
        alleles = (rng.random((len(pos), self.n, 2)) < rng.uniform(0.2, 0.5, (len(pos), 1, 1))).astype(np.int8)
        self.genotypes = Genotypes(pd.DataFrame(records), self.people, alleles)
        self.tracks = rng.normal(size=(self.n_genes, self.n, 6))
        covariates = rng.normal(size=(2, self.n))
        self.covariates = pd.DataFrame(
            [(p, f"c{c}", covariates[c, i]) for c in range(2) for i, p in enumerate(self.people)],
            columns=["individual_id", "covariate", "value"],
        )
        dosages = alleles.sum(axis=2)
        causal = iter(range(0, len(pos), PER_GENE))
        common = [np.zeros(self.n) if g == 1 else dosages[next(causal)] for g in range(self.n_genes)]
        noise = rng.normal(size=(self.n_genes, self.n))
        self.expression = np.array(common) + 0.7 * self.tracks[:, :, 0] + 0.8 * noise + [0.6, 0.3] @ covariates
        self.folds = assign_person_folds(self.people, self.populations, n_folds=self.n_folds, seeds=[0, 5])

    @property
    def individuals(self) -> pd.DataFrame:
        """Schema ``individuals``."""
        return pd.DataFrame({"individual_id": self.people, "population": self.populations})

    def measured(self, expression: np.ndarray) -> pd.DataFrame:
        """Schema ``measured_expression``."""
        wide = pd.DataFrame(expression, index=self.genes["gene_id"], columns=pd.Index(self.people))
        return wide.rename_axis(index="gene_id", columns="individual_id").stack().rename("expression").reset_index()

    @property
    def predictions(self) -> TrackPredictions:
        """Both copies of a person share a window; coverage is positive."""
        n_windows = self.n_genes * self.n
        windows = pd.DataFrame(
            {
                "gene_id": np.repeat(self.genes["gene_id"], self.n).to_numpy(),
                "individual_id": np.tile(self.people, self.n_genes),
                "haplotype": 0,
                "window": np.arange(n_windows),
            }
        )
        coverage = np.exp2(3 + 0.1 * self.tracks).reshape(n_windows, -1).astype(np.float32)
        attributes = {"weights": "untrained", **KeptBins("centre", (1, 2), 4).identity}
        return TrackPredictions(Rows(coverage), np.arange(6), windows, attributes, Path("nowhere"))

    def run(
        self,
        expression: np.ndarray | None = None,
        *,
        folds: pd.DataFrame | None = None,
        adjusted: ExpressionParameters | None = None,
        **stack: Any,
    ):
        """Every table from the baselines to the scores, by name."""
        measured = self.measured(self.expression if expression is None else expression)
        folds = self.folds if folds is None else folds
        options = BaselinesParameters(cis_window=WINDOW, threads=1, n_pcs=3)
        dosages = CisDosages(self.genotypes, locate_cis_windows(self.genes, self.genotypes, length=WINDOW))
        shared = (measured, self.covariates, folds, adjusted or ExpressionParameters())
        found: dict[str, pd.DataFrame] = {}
        tables = baselines.fit_dosage_models(dosages, *shared, options)
        names = [f"{model} {kind}" for model in baselines.MODELS for kind in ("predicted", "inner", "weights")]
        found |= dict(zip([*names, "fits"], tables, strict=True))
        stored = type("Stored", (), {"genotypes": self.genotypes})()
        names = ["pcs predicted", "covariates_only predicted", "pcs_unadjusted predicted"]
        found |= dict(zip(names, baselines.fit_structure_models(stored, *shared, options), strict=True))
        coverage = np.exp2(3 + 0.1 * self.tracks)
        gene_ids = np.repeat(self.genes["gene_id"], self.n).tolist()
        enformer, all_tracks = (
            zero_shot_rows(gene_ids, self.people * self.n_genes, values.ravel(), model=name)
            for name, values in (("enformer", coverage[..., 0]), ("enformer_all_tracks", coverage.mean(axis=-1)))
        )
        models = [found[f"{m} predicted"] for m in ("top_snp", "prs", "blup", "elastic_net")]
        features = ("top_snp", "prs", "elastic_net", "blup", "enformer")
        choice = StackingParameters(**({"features": features, "components": 2} | stack))
        inner = {f"inner_{m}": found[f"{m} inner"] for m in ("top_snp", "prs", "blup", "elastic_net")}
        zero_shot = [enformer, all_tracks, enformer.iloc[:0]]
        outer = {f"table_{i}": table for i, table in enumerate([*models, *zero_shot[1:]])}
        gathered = stacking.gather_predictions(choice, enformer, **outer, **inner)
        summaries = [
            table.assign(summary=name).rename(columns={"predicted_expression": "personal"})
            for name, table in (("tissue_mean", enformer), ("all_tracks_mean", all_tracks))
        ]
        names = ["stack predicted", "stack_without_enformer predicted", "stack weights"]
        found |= dict(zip(names, stacking.fit_stack(*gathered, *shared, self.predictions, choice), strict=True))
        rules = (choice, EnformerParameters(preset="tiny"), options, EvaluationParameters())
        names = ["shared scores", "shared weights"]
        inputs = (*gathered, pd.concat(summaries), *shared, self.genes)
        found |= dict(zip(names, stacking.share_stack(*inputs, *rules), strict=True))
        of_scores = [*zero_shot, *models[:3], found["pcs predicted"], models[3]]
        stacks = [found["stack predicted"], found["stack_without_enformer predicted"]]
        if "held_out" not in folds.columns:
            scored = (*of_scores, *stacks, *shared, self.genes, self.predictions, choice, rules[1])
            found |= dict(zip(["scored", "scores"], evaluation.score_predictions(*scored), strict=True))
        return found
