"""How well models do."""

from __future__ import annotations

from haploformer.schemas.columns import flag, integer, number, table, text

#: Both sides of every score, adjusted for covariates with coefficients of the training people.
scored_predictions = table(
    {
        "gene_id": text(),
        "individual_id": text(),
        "model": text(),
        "fold_seed": integer(),
        "fold": integer(),
        "measured": number(),
        "predicted": number(),
    },
    unique=["gene_id", "individual_id", "model", "fold_seed"],
)

#: r of each gene and model: mean over outer folds of the within-fold r (Fisher z, weights n - 3), then over fold seeds.
#: ``weights``: those of the Enformer that the model rests on ("untrained" or a file), null for models without it.
gene_scores = table(
    {
        "gene_id": text(),
        "gene_name": text(),
        "model": text(),
        "weights": text(nullable=True),
        "n": integer(),
        "pearson_r": number(low=-1.0, high=1.0),
        "pearson_r_seed_sd": number(nullable=True),
        "spearman_r": number(low=-1.0, high=1.0),
        "n_fold_seeds": integer(1),
        "n_folds": integer(1),
        "n_constant_folds": integer(),
    },
    unique=["gene_id", "model"],
)

#: Mean r over genes of a model, or its difference from that of ``other``, with intervals (2.5 % to 97.5 %) of a block
#: bootstrap over 1-Mb loci (null with fewer than five) and of one over people. ``other`` is null for the mean itself.
#: ``win_rate`` and ``wilcoxon_p`` over genes are descriptive: neighbours are not independent.
model_comparison = table(
    {
        "model": text(),
        "other": text(nullable=True),
        "n_genes": integer(1),
        "n_loci": integer(1),
        "difference": number(low=-2.0, high=2.0),
        "low_loci": number(nullable=True),
        "high_loci": number(nullable=True),
        "low_people": number(),
        "high_people": number(),
        "win_rate": number(low=0.0, high=1.0),
        "wilcoxon_p": number(low=0.0, high=1.0),
    },
    unique=["model", "other"],
)

#: Beside the r of each gene and model: square, sign, p (two-sided), q (Benjamini and Hochberg over the genes of a model),
#: share of variance explained and calibration; these last are null for predictions that are no expression.
gene_accuracy = table(
    {
        "gene_id": text(),
        "model": text(),
        "r2": number(low=0.0, high=1.0),
        "sign": integer(-1),
        "p_value": number(low=0.0, high=1.0),
        "q_value": number(low=0.0, high=1.0),
        "explained": number(nullable=True),
        "calibration_slope": number(nullable=True),
        "calibration_intercept": number(nullable=True),
    },
    unique=["gene_id", "model"],
)

#: Mean r over genes with people permuted, beside the observed one.
permutation_null = table(
    {
        "model": text(unique=True),
        "n_permutations": integer(1),
        "observed": number(low=-1.0, high=1.0),
        "mean": number(low=-1.0, high=1.0),
        "low": number(low=-1.0, high=1.0),
        "high": number(low=-1.0, high=1.0),
        "p_value": number(low=0.0, high=1.0),
    }
)

#: Which populations have enough people in every fold for an r of their own, and why not.
population_audit = table(
    {
        "population": text(unique=True),
        "n": integer(1),
        "smallest_fold": integer(),
        "scored": flag(),
        "reason": text(),
    }
)

#: r of each gene and model among the ``n`` people of a population: trained on all (``seen``), or on the others only.
population_scores = table(
    {
        "gene_id": text(),
        "model": text(),
        "population": text(),
        "design": text(isin=["seen", "held out"]),
        "n": integer(4),
        "pearson_r": number(low=-1.0, high=1.0),
        "n_constant_folds": integer(),
    },
    unique=["gene_id", "model", "population", "design"],
)

#: r of a person over genes. ``deviation``: of the distances from each gene's mean over people, in its sd; not of levels,
#: which expression normalised per gene has not. ``level``: of log2(coverage + 1) and the measured level, whose ``scale``
#: says what expression was taken for: ``tpm`` (the level is log2(x + 1)) or ``log2`` (as it is); null for deviations.
person_scores = table(
    {
        "individual_id": text(),
        "model": text(),
        "quantity": text(isin=["deviation", "level"]),
        "scale": text(nullable=True, isin=["tpm", "log2"]),
        "n_genes": integer(4),
        "pearson_r": number(nullable=True, low=-1.0, high=1.0),
    },
    unique=["individual_id", "model", "quantity"],
)

#: r of a gene by a stack whose weights come from other genes: of the people whom these were learned on, of others, and of
#: a population that is not among them (``population`` tells which, else null).
shared_stack_scores = table(
    {
        "gene_id": text(),
        "model": text(isin=["shared_stack", "shared_stack_enformer"]),
        "people": text(isin=["seen", "unseen", "unseen population"]),
        "population": text(nullable=True),
        "gene_fold": integer(),
        "n": integer(4),
        "pearson_r": number(low=-1.0, high=1.0),
        "n_constant_folds": integer(),
    },
    unique=["gene_id", "model", "people", "population"],
)

#: Sds of expression per sd of expression that a level-1 model predicts, or per sd of a column of Enformer.
shared_stack_weights = table(
    {
        "model": text(isin=["shared_stack", "shared_stack_enformer"]),
        "fold_seed": integer(),
        "fold": integer(),
        "gene_fold": integer(),
        "feature": text(),
        "weight": number(),
    },
    unique=["model", "fold_seed", "fold", "gene_fold", "feature"],
)

#: Mean r by what training has seen; null where a model cannot be asked, with the ``remark`` why.
design_cells = table(
    {
        "model": text(),
        "genes": text(isin=["seen", "unseen by the weights", "unseen"]),
        "people": text(isin=["seen", "unseen", "unseen population"]),
        "n_genes": integer(),
        "mean_pearson_r": number(nullable=True, low=-1.0, high=1.0),
        "remark": text(),
    },
    unique=["model", "genes", "people"],
)

#: What the data are known to hold, beside what came out.
known_answer_check = table(
    {
        "model": text(),
        "quantity": text(),
        "value": number(),
        "low": number(),
        "high": number(),
        "inside": flag(),
    },
    unique=["model", "quantity"],
)
