"""Stored tables of a made-up cohort with known scores, in the shape of ``haploformer.schemas``."""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np
import pandas as pd

from haploformer import schemas

#: Correlation with measured expression that each model aims at, as a mean over genes.
AIMS = {"enformer": 0.05, "enformer_all_tracks": 0.02, "top_snp": 0.24, "elastic_net": 0.28, "stack": 0.32}
# fmt: off
NAMES = [
    "COMT", "CLTCL1", "SNAP29", "SLC25A1", "HDHD5", "CECR7", "TMEM121B", "ADA2", "IL17RA", "XKR3", "GAB4", "CCT8L2",
    "MICAL3", "PEX26", "TUBA8", "USP18", "DGCR6", "PRODH", "DGCR2", "ESS2", "GSC2", "HIRA", "MRPL40", "UFD1",
]
# fmt: on


@dataclass(frozen=True)
class CohortTables:
    """What a run leaves behind."""

    individuals: pd.DataFrame
    genes: pd.DataFrame
    scored_predictions: pd.DataFrame
    gene_scores: pd.DataFrame
    known_answer_check: pd.DataFrame
    stack_weights: pd.DataFrame
    audit: pd.DataFrame
    individual_audit: pd.DataFrame
    window_audit: pd.DataFrame


def build_tables(
    *, n_genes: int = 24, n_people: int = 150, n_fold_seeds: int = 2, n_folds: int = 5, seed: int = 1
) -> CohortTables:
    """A cohort of two populations scored by five models; ``elastic_net`` is constant for the last gene."""
    rng = np.random.default_rng(seed)
    people = [f"HG{96 + i:05d}" for i in range(n_people)]
    individuals = pd.DataFrame(
        {
            "individual_id": people,
            "sample_id": people,
            "population": rng.choice(["AFR", "EUR"], n_people),
            "sex": rng.choice(["female", "male"], n_people),
        }
    )
    genes = pd.DataFrame(
        {
            "gene_id": [f"ENSG{70000 + 37 * i:011d}" for i in range(n_genes)],
            "gene_name": [NAMES[i] if i < len(NAMES) else f"GENE{i + 1}" for i in range(n_genes)],
            "contig": "22",
            "tss": 17_000_000 + 150_000 * np.arange(n_genes),
            "strand": rng.choice(["+", "-"], n_genes),
        }
    )
    scored = _scored_predictions(rng, genes, people, n_fold_seeds=n_fold_seeds, n_folds=n_folds)
    scores = _gene_scores(scored, genes)
    tables = CohortTables(
        individuals=individuals,
        genes=genes,
        scored_predictions=scored,
        gene_scores=scores,
        known_answer_check=_known_answer_check(scores),
        stack_weights=_stack_weights(rng, genes, n_fold_seeds=n_fold_seeds, n_folds=n_folds),
        audit=_audit(),
        individual_audit=_individual_audit(rng, people),
        window_audit=_window_audit(rng, genes, n_haplotypes=2 * n_people),
    )
    checked = {field.name: getattr(schemas, field.name)(getattr(tables, field.name)) for field in fields(tables)}
    return CohortTables(**checked)


def _scored_predictions(
    rng: np.random.Generator, genes: pd.DataFrame, people: list[str], *, n_fold_seeds: int, n_folds: int
) -> pd.DataFrame:
    folds = [rng.permutation(np.arange(len(people)) % n_folds) for _ in range(n_fold_seeds)]
    parts = []
    for gene_id in genes["gene_id"]:
        measured = rng.normal(size=len(people))
        for model, aim in AIMS.items():
            r = float(np.clip(rng.normal(aim, 0.12), -0.9, 0.9))
            predicted = r * measured + np.sqrt(1 - r * r) * rng.normal(size=len(people))
            if model == "elastic_net" and gene_id == genes["gene_id"].iloc[-1]:
                predicted = np.full(len(people), 0.25)
            for fold_seed, fold in enumerate(folds):
                parts.append(
                    pd.DataFrame(
                        {
                            "gene_id": gene_id,
                            "individual_id": people,
                            "model": model,
                            "fold_seed": fold_seed,
                            "fold": fold,
                            "measured": measured,
                            "predicted": predicted,
                        }
                    )
                )
    return pd.concat(parts, ignore_index=True)


def _gene_scores(scored: pd.DataFrame, genes: pd.DataFrame) -> pd.DataFrame:
    """Mean over folds of the within-fold r; plain means, good enough for a made-up cohort."""
    names = genes.set_index("gene_id")["gene_name"]
    rows = []
    for (gene_id, model), points in scored.groupby(["gene_id", "model"], sort=False):
        constant, seeds = 0, []
        for _, of_seed in points.groupby("fold_seed"):
            pearson, spearman = [], []
            for _, fold in of_seed.groupby("fold"):
                if fold["predicted"].nunique() == 1:
                    constant += 1
                    pearson.append(0.0)
                    spearman.append(0.0)
                    continue
                ranks = fold[["measured", "predicted"]].rank()
                pearson.append(np.corrcoef(fold["measured"], fold["predicted"])[0, 1])
                spearman.append(np.corrcoef(ranks["measured"], ranks["predicted"])[0, 1])
            seeds.append((np.mean(pearson), np.mean(spearman)))
        values = np.array(seeds)
        rows.append(
            {
                "gene_id": gene_id,
                "gene_name": names[gene_id],
                "model": model,
                "weights": "trained.safetensors" if model in {"enformer", "enformer_all_tracks", "stack"} else None,
                "n": points["individual_id"].nunique(),
                "pearson_r": values[:, 0].mean(),
                "pearson_r_seed_sd": values[:, 0].std(ddof=1) if len(values) > 1 else np.nan,
                "spearman_r": values[:, 1].mean(),
                "n_fold_seeds": len(values),
                "n_folds": points["fold"].nunique(),
                "n_constant_folds": constant,
            }
        )
    return pd.DataFrame(rows)


def _known_answer_check(gene_scores: pd.DataFrame) -> pd.DataFrame:
    means = gene_scores.groupby("model")["pearson_r"].mean()
    rows = [("top_snp", 0.18, 0.30), ("elastic_net", 0.22, 0.34), ("enformer", 0.30, 0.45)]
    return pd.DataFrame(
        [
            {
                "model": model,
                "quantity": "mean_pearson_r",
                "value": means[model],
                "low": low,
                "high": high,
                "inside": low <= means[model] <= high,
            }
            for model, low, high in rows
        ]
    )


def _stack_weights(rng: np.random.Generator, genes: pd.DataFrame, *, n_fold_seeds: int, n_folds: int) -> pd.DataFrame:
    features = {"enformer": 0.03, "enformer_all_tracks": 0.0, "top_snp": 0.15, "elastic_net": 0.3}
    rows = [
        (gene_id, fold_seed, fold, feature, max(0.0, rng.normal(weight, 0.05)))
        for gene_id in genes["gene_id"]
        for fold_seed in range(n_fold_seeds)
        for fold in range(n_folds)
        for feature, weight in features.items()
    ]
    table = pd.DataFrame(rows, columns=["gene_id", "fold_seed", "fold", "feature", "weight"])
    whole = table.groupby(["gene_id", "fold_seed", "fold"])["weight"].transform("sum")
    return table.assign(share=table["weight"] / whole)


def _audit() -> pd.DataFrame:
    rows = [
        ("genotypes.vcf.gz", "22", "snp", "kept", "all checks passed", 14_203),
        ("genotypes.vcf.gz", "22", "deletion", "kept", "all checks passed", 512),
        ("genotypes.vcf.gz", "22", "insertion", "kept", "all checks passed", 407),
        ("genotypes.vcf.gz", "22", "snp", "dropped", "FILTER is not PASS", 31),
        ("genotypes.vcf.gz", "22", "symbolic", "dropped", "symbolic allele has no sequence", 6),
        ("genotypes.vcf.gz", "20", "snp", "dropped", "contig is not chosen", 129),
        ("genotypes.vcf.gz", "21", "snp", "dropped", "contig is not chosen", 9_871),
        ("expression.bed.gz", None, "gene", "kept", "window and expression present", 24),
        ("expression.bed.gz", "22", "gene", "dropped", "share of N in the window above the limit", 1),
    ]
    return pd.DataFrame(rows, columns=["source", "contig", "record_class", "outcome", "reason", "count"])


def _individual_audit(rng: np.random.Generator, people: list[str]) -> pd.DataFrame:
    n = len(people)
    return pd.DataFrame(
        {
            "individual_id": people,
            "n_variants": 15_122,
            "n_missing": rng.poisson(1.0, n),
            "n_half_missing": 0,
            "n_imputed": 0,
            "n_haploid": 0,
            "n_heterozygous": rng.poisson(2_900, n),
            "n_alternative": rng.poisson(4_100, n),
            "n_private": rng.poisson(11, n),
        }
    )


def _window_audit(rng: np.random.Generator, genes: pd.DataFrame, *, n_haplotypes: int) -> pd.DataFrame:
    n = len(genes)
    return pd.DataFrame(
        {
            "gene_id": genes["gene_id"],
            "n_snp": rng.poisson(900, n),
            "n_mnp": rng.poisson(2, n),
            "n_insertion": rng.poisson(25, n),
            "n_deletion": rng.poisson(31, n),
            "n_missing": rng.poisson(4, n),
            "n_overlapping": rng.poisson(3, n),
            "n_haplotypes": n_haplotypes,
            "n_distinct": rng.integers(n_haplotypes // 8, n_haplotypes, n),
            "n_share": np.round(rng.beta(0.2, 20, n), 4),
        }
    )
