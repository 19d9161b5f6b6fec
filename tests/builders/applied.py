"""A small cohort with models of everybody, and other people's files to carry them to; no network is run."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from haploformer import schemas
from haploformer.formats.genotype_store import StoredGenotypes, read_genotypes, write_genotypes
from haploformer.formats.vcf import VcfFile
from haploformer.genome.genotypes import alt_dosages
from haploformer.genome.reference import NoReference
from haploformer.parameters import (
    ApplyParameters,
    BaselinesParameters,
    DataPrepParameters,
    EnformerParameters,
    ExpressionParameters,
    SelectParameters,
    StackingParameters,
)
from haploformer.pipelines.apply import nodes as apply
from haploformer.pipelines.baselines import nodes as baselines
from haploformer.pipelines.data_prep import nodes as data_prep
from haploformer.pipelines.stacking import nodes as stacking
from haploformer.predicted_expression import zero_shot_rows
from haploformer.stacking.folds import assign_person_folds
from tests.builders.genome import Cohort, MemoryReference, Record, random_sequence, write_vcf

LENGTH, CIS = 60_000, 8_000
GENES = pd.DataFrame(
    {"gene_id": ["G1", "G2", "G3"], "gene_name": ["A", "B", "C"], "contig": "22", "tss": [12_000, 30_000, 48_000]}
).assign(strand="+")
PEOPLE = [f"P{i:02d}" for i in range(80)]
OPTIONS = BaselinesParameters(cis_window=CIS, threads=1)
STACKED = ("elastic_net", "blup", "enformer")


@dataclass(frozen=True)
class FakeCoverage:
    """What stands for stored predictions: coverage that a person's own variants decide."""

    people: dict[str, np.ndarray]
    tracks: np.ndarray

    def log_coverage(self, gene_id: str, *, individual_ids: list[str]) -> np.ndarray:
        return np.stack([np.log2(1 + self.of(gene_id, person)) for person in individual_ids])

    def of(self, gene_id: str, person: str) -> np.ndarray:
        """Coverage (n_tracks,)."""
        rng = np.random.default_rng(GENES["gene_id"].tolist().index(gene_id))
        copies = self.people[person]
        return 4 + copies @ rng.uniform(0, 0.2, (len(copies), len(self.tracks)))


class Study:
    """80 people, three genes, and what ``final_models`` makes of them."""

    def __init__(self, folder: Path, *, components: int = 0) -> None:
        rng = np.random.default_rng(3)
        self.folder = folder
        sequence = random_sequence(LENGTH, rng)
        self.reference = MemoryReference({"22": sequence})
        self.cohort = Cohort(PEOPLE, _records(sequence, rng))
        self.variants = self.read(self.cohort, "train")
        _, dosages = alt_dosages(self.variants.genotypes)
        pos = self.variants.genotypes.records["pos"].to_numpy()
        self.measured, self.covariates = _expression(pos, dosages, rng)
        self.folds = assign_person_folds(PEOPLE, [None] * 80, n_folds=5, seeds=[0, 2])
        self.cis_windows, cis_dosages = baselines.locate_cis_variants(GENES, self.variants, OPTIONS)
        study = (self.measured, self.covariates, self.folds, ExpressionParameters())
        tables = baselines.fit_dosage_models(cis_dosages, *study, OPTIONS)
        predicted = dict(zip(baselines.MODELS, tables[::3], strict=False))
        weights, models, genes, facts = baselines.fit_final_dosage_models(
            self.cis_windows, self.variants, *study, GENES, OPTIONS
        )
        enformer, all_tracks, nothing = self.enformer(self.variants)
        stack, tracks = stacking.fit_final_stack(
            pd.concat([*(predicted[name] for name in baselines.MODELS), enformer, all_tracks, nothing]),
            models,
            *study,
            self.coverage(self.variants),
            StackingParameters(features=STACKED, components=components),
        )
        self.weights = schemas.final_dosage_weights.validate(weights)
        self.models = schemas.final_dosage_models.validate(models)
        self.stack = schemas.final_stack_weights.validate(stack)
        self.track_weights = schemas.final_track_weights.validate(tracks)
        self.genes, self.facts = schemas.genes.validate(genes), facts

    def read(self, cohort: Cohort, name: str, *, reference: bool = True, repair_ref: bool = False) -> StoredGenotypes:
        """The cohort's VCF, as ``data_prep`` reads and stores it."""
        path = write_vcf(self.folder / f"{name}.vcf.gz", cohort, {"22": LENGTH})
        options = DataPrepParameters(repair_ref=repair_ref)
        people = data_prep.select_genotyped_individuals(VcfFile(path), _no_panel(), options, SelectParameters())
        stream = data_prep.read_genotypes(
            VcfFile(path),
            self.reference if reference else NoReference(),
            GENES,
            people,
            options,
            EnformerParameters(preset="tiny"),
            OPTIONS if reference else OPTIONS.model_copy(update={"reference": "none"}),
        )
        write_genotypes(stream, self.folder / name)
        return read_genotypes(self.folder / name)

    def coverage(self, variants: StoredGenotypes) -> FakeCoverage:
        """Of these people, by what they carry at the study's places, whichever way round the file writes it."""
        truth = dict(zip([record.pos for record in self.cohort.records], self.cohort.records, strict=True))
        records, dosages = alt_dosages(variants.genotypes)
        # A missing call is read as reference, as where haplotypes are built.
        dosages, copies = np.nan_to_num(dosages), np.zeros((len(dosages), len(truth)))
        for column, (pos, alt) in enumerate(zip(records["pos"], records["alt"], strict=True)):
            place = list(truth).index(pos)
            copies[:, place] = dosages[:, column] if alt == truth[pos].alt else 2 - dosages[:, column]
        people = dict(zip(variants.genotypes.individual_ids, copies, strict=True))
        return FakeCoverage(people, np.array([2, 3, 5]))

    def enformer(self, variants: StoredGenotypes) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
        """The tissue's mean, that of all tracks, and no rows of all bins."""
        coverage, people = self.coverage(variants), list(variants.genotypes.individual_ids)
        ids = np.repeat(GENES["gene_id"], len(people)).tolist()
        values = np.stack([coverage.of(g, p) for g in GENES["gene_id"] for p in people])
        tissue = zero_shot_rows(ids, people * 3, values[:, 0], model="enformer")
        every = zero_shot_rows(ids, people * 3, values.mean(axis=1), model="enformer_all_tracks")
        return tissue, every, every.iloc[:0]

    def match(self, variants: StoredGenotypes, **options: Any) -> pd.DataFrame:
        found = apply.match_weights(self.weights, self.facts, self.genes, variants, ApplyParameters(**options))
        return schemas.matched_weights.validate(found)

    def apply(self, variants: StoredGenotypes, **options: Any) -> tuple[pd.DataFrame, pd.DataFrame]:
        """Predictions by gene, model and person, and the audit."""
        predicted, audit, beds = apply.apply_all_models(
            self.match(variants, **options),
            self.models,
            self.stack,
            self.track_weights,
            {"weights": "made up"},
            *self.enformer(variants),
            self.coverage(variants),
            self.genes,
            variants,
        )
        assert beds.predicted is predicted
        predicted = schemas.applied_predictions.validate(predicted)
        wide = predicted.pivot(index=["gene_id", "model"], columns="individual_id", values="predicted_expression")
        return wide, schemas.apply_audit.validate(audit).set_index(["gene_id", "model"])


def turned(cohort: Cohort) -> Cohort:
    """The same people in a file that writes REF and ALT the other way round."""
    calls = str.maketrans("01", "10")
    records = [replace(r, ref=r.alt, alt=r.ref, calls=[c.translate(calls) for c in r.calls]) for r in cohort.records]
    return Cohort(cohort.samples, records)


def _records(sequence: str, rng: np.random.Generator) -> list[Record]:
    """SNPs with all kinds of alleles; no frequency is near one half."""
    records = []
    for pos in range(7_000, 54_000, 331):
        ref = sequence[pos - 1]
        alt = rng.choice([base for base in "ACGT" if base != ref])
        alleles = rng.random((80, 2)) < rng.uniform(0.1, 0.3)
        records.append(Record(pos, ref, alt, [f"{int(a)}|{int(b)}" for a, b in alleles], name=f"rs{pos}"))
    return records


def _expression(pos: np.ndarray, dosages: np.ndarray, rng: np.random.Generator) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Three variants of each cis window, one covariate, and noise."""
    covariate = rng.normal(size=80) + dosages[:, 20]
    values = []
    for tss in GENES["tss"]:
        near = np.flatnonzero(np.abs(pos - tss) < CIS // 2 - 100)
        effects = dosages[:, rng.choice(near, 3, replace=False)] @ np.array([1.0, -0.8, 0.6])
        values.append(effects + 0.4 * covariate + 0.5 * rng.normal(size=80))
    table = pd.DataFrame({"gene_id": np.repeat(GENES["gene_id"], 80), "individual_id": PEOPLE * 3})
    measured = table.assign(expression=np.concatenate(values)).reset_index(drop=True)
    return measured, pd.DataFrame({"individual_id": PEOPLE, "covariate": "c", "value": covariate})


def _no_panel() -> pd.DataFrame:
    return pd.DataFrame({"individual_id": [], "population": [], "sex": []})
