"""Every stored table: name, columns, dtype, unit, missing rule.

Checked by the catalog when a table is saved and when it is loaded. Coordinates: ``start``, ``end`` and ``tss`` are
0-based, intervals half-open (BED); ``pos`` is 1-based (VCF). A null in ``fold_seed`` and ``fold`` means that the model
was fitted to nobody here, so that its prediction is the same in every fold.
"""

from __future__ import annotations

import pandas as pd
import pandera.pandas as pa

TEXT = pd.StringDtype(storage="python", na_value=float("nan"))


def _text(*, nullable: bool = False, unique: bool = False, isin: list[str] | None = None) -> pa.Column:
    checks = [pa.Check.isin(isin)] if isin else []
    return pa.Column(TEXT, checks, nullable=nullable, unique=unique, coerce=True)


def _integer(minimum: int | None = 0, *, nullable: bool = False) -> pa.Column:
    checks = [] if minimum is None else [pa.Check.ge(minimum)]
    return pa.Column("Int64" if nullable else "int64", checks, nullable=nullable, coerce=True)


def _number(*, nullable: bool = False, low: float | None = None, high: float | None = None) -> pa.Column:
    checks = [] if low is None else [pa.Check.in_range(low, high)]
    return pa.Column("float64", checks, nullable=nullable, coerce=True)


def _flag() -> pa.Column:
    return pa.Column("bool", coerce=True)


def _table(columns: dict[str, pa.Column], unique: list[str] | None = None) -> pa.DataFrameSchema:
    return pa.DataFrameSchema(columns, unique=unique, strict=True, ordered=True)


#: One row per person of the study. ``sample_id`` is the column of the genotype file.
individuals = _table(
    {
        "individual_id": _text(unique=True),
        "sample_id": _text(unique=True),
        "population": _text(nullable=True),
        "sex": _text(nullable=True),
    }
)

#: One row per gene of the study. ``strand`` is "." where no annotation tells it.
genes = _table(
    {
        "gene_id": _text(unique=True),
        "gene_name": _text(),
        "contig": _text(),
        "tss": _integer(),
        "strand": _text(isin=["+", "-", "."]),
    }
)

#: Measured expression, as normalised in the file that it comes from.
measured_expression = _table(
    {"gene_id": _text(), "individual_id": _text(), "expression": _number()}, unique=["gene_id", "individual_id"]
)

#: Covariates, one row per person and covariate.
covariates = _table(
    {"individual_id": _text(), "covariate": _text(), "value": _number()}, unique=["individual_id", "covariate"]
)

#: Outer folds by person, the same for every gene and model; one assignment per ``fold_seed``.
person_folds = _table(
    {"individual_id": _text(), "fold_seed": _integer(), "fold": _integer()}, unique=["individual_id", "fold_seed"]
)

#: People who must share a fold: duplicates, and relatives by a table. ``group`` is the name of its first member;
#: ``tested`` says what was looked for, the same in every row.
person_groups = _table({"individual_id": _text(unique=True), "group": _text(), "reason": _text(), "tested": _text()})

#: As ``person_folds``, one assignment (``fold_seed``) per held-out population, whose people are the last fold.
population_folds = _table(
    {
        "individual_id": _text(),
        "fold_seed": _integer(),
        "fold": _integer(),
        "population": _text(),
        "held_out": _flag(),
    },
    unique=["individual_id", "fold_seed"],
)

#: What was kept and what was left out, and why. ``record_class``: snp, mnp, insertion, deletion, symbolic, gene ...
#: ``imputed`` counts calls (``call``) of the study's people that were missing and are not any more.
audit = _table(
    {
        "source": _text(),
        "contig": _text(nullable=True),
        "record_class": _text(),
        "outcome": _text(isin=["kept", "dropped", "imputed"]),
        "reason": _text(),
        "count": _integer(),
    }
)

#: Each file of stored predictions as `verify` finds it; ``first_window`` and ``last_window`` are null where the file is no
#: shard.
prediction_verification = _table(
    {
        "file": _text(),
        "first_window": _integer(nullable=True),
        "last_window": _integer(nullable=True),
        "n_bytes": _integer(),
        "state": _text(isin=["whole", "damaged", "missing"]),
    }
)

#: What `validate` found in each input: file and integrity, then as in ``audit``. Files of a set are joined by commas;
#: ``file`` is null where the run goes on without the input. ``indices``: those beside the file, null for none.
#: ``checksum``: whether a recorded sha256 was compared.
input_validation = _table(
    {
        "input": _text(),
        "kind": _text(),
        "file": _text(nullable=True),
        "n_bytes": _integer(),
        "compression": _text(isin=["bgzip", "gzip", "none"]),
        "indices": _text(nullable=True),
        "checksum": _flag(),
        "contig": _text(nullable=True),
        "record_class": _text(),
        "outcome": _text(isin=["kept", "dropped"]),
        "reason": _text(),
        "count": _integer(),
    }
)

#: Calls of each person over the kept variants.
individual_audit = _table(
    {
        "individual_id": _text(unique=True),
        "n_variants": _integer(),
        "n_missing": _integer(),
        "n_half_missing": _integer(),
        "n_imputed": _integer(),
        "n_haploid": _integer(),
        "n_heterozygous": _integer(),
        "n_alternative": _integer(),
        "n_private": _integer(),
    }
)

#: The model's input interval of each gene; ``n_share`` is the share of bases that are N or off the contig.
tss_windows = _table(
    {
        "gene_id": _text(unique=True),
        "contig": _text(),
        "start": _integer(None),
        "end": _integer(),
        "tss": _integer(),
        "strand": _text(isin=["+", "-", "."]),
        "n_share": _number(low=0.0, high=1.0),
    }
)

#: Variants and haplotypes of each window. ``n_overlapping``: alleles left out because an earlier one covers them.
window_audit = _table(
    {
        "gene_id": _text(unique=True),
        "n_snp": _integer(),
        "n_mnp": _integer(),
        "n_insertion": _integer(),
        "n_deletion": _integer(),
        "n_missing": _integer(),
        "n_overlapping": _integer(),
        "n_haplotypes": _integer(),
        "n_distinct": _integer(),
        "n_share": _number(low=0.0, high=1.0),
    }
)

#: Interval of the variants that the baselines use for a gene; ``cis_window`` is its length before the contig cuts it.
cis_windows = _table(
    {
        "gene_id": _text(),
        "contig": _text(),
        "start": _integer(),
        "end": _integer(),
        "n_variants": _integer(),
        "cis_window": _integer(2),
    },
    unique=["gene_id", "cis_window"],
)

#: REML share of a gene's adjusted expression that the variants of its cis window explain, over all ``n`` people. Null
#: where nothing can be said: no usable variant, or constant expression. ``at_boundary``: h2 is 0 or (nearly) 1.
cis_heritability = _table(
    {
        "gene_id": _text(),
        "cis_window": _integer(2),
        "h2": _number(nullable=True, low=0.0, high=1.0),
        "se": _number(nullable=True, low=0.0, high=float("inf")),
        "n": _integer(1),
        "n_variants": _integer(),
        "at_boundary": _flag(),
    },
    unique=["gene_id", "cis_window"],
)

#: Enformer's predicted coverage: mean over the centre bins and both haplotypes, and of the reference window.
#: ``summary``: ``tissue_mean``, ``all_tracks_mean``, or ``all_bins_mean`` (all tracks, every bin).
#: ``log2_fold_change`` = log2(personal + 1) - log2(reference + 1).
enformer_summaries = _table(
    {
        "gene_id": _text(),
        "individual_id": _text(),
        "summary": _text(),
        "personal": _number(low=0.0, high=float("inf")),
        "reference": _number(low=0.0, high=float("inf")),
        "difference": _number(),
        "log2_fold_change": _number(),
    },
    unique=["gene_id", "individual_id", "summary"],
)

#: Predictions of a selection of genes and people, to be read by people: `enformer_summaries` with names beside the ids.
#: ``measured``: expression as in the file, null for who is not in it. ``weights``: "untrained" or a file.
selected_predictions = _table(
    {
        "gene_id": _text(),
        "gene_name": _text(),
        "contig": _text(),
        "tss": _integer(),
        "individual_id": _text(),
        "population": _text(nullable=True),
        "summary": _text(),
        "personal": _number(low=0.0, high=float("inf")),
        "reference": _number(low=0.0, high=float("inf")),
        "difference": _number(),
        "log2_fold_change": _number(),
        "measured": _number(nullable=True),
        "weights": _text(),
    },
    unique=["gene_id", "individual_id", "summary"],
)

#: Predicted coverage of sequences: summaries, and each of the tissue's tracks (``summary`` is then ``track``).
#: ``contig``, ``start`` and ``end`` are null for sequences of a FASTA; ``n_share`` is the share of N or off the contig.
sequence_predictions = _table(
    {
        "sequence": _text(),
        "contig": _text(nullable=True),
        "start": _integer(None, nullable=True),
        "end": _integer(None, nullable=True),
        "n_share": _number(low=0.0, high=1.0),
        "summary": _text(),
        "track": _integer(nullable=True),
        "description": _text(nullable=True),
        "coverage": _number(low=0.0, high=float("inf")),
        "weights": _text(),
    }
)

#: What every predictor writes.
predicted_expression = _table(
    {
        "gene_id": _text(),
        "individual_id": _text(),
        "model": _text(),
        "fold_seed": _integer(nullable=True),
        "fold": _integer(nullable=True),
        "predicted_expression": _number(),
    },
    unique=["gene_id", "individual_id", "model", "fold_seed"],
)

#: Predictions for training people by models that saw neither their inner fold nor the outer fold: the stack's features.
inner_predictions = _table(
    {
        "gene_id": _text(),
        "individual_id": _text(),
        "model": _text(),
        "fold_seed": _integer(),
        "fold": _integer(),
        "inner_fold": _integer(),
        "predicted_expression": _number(),
    },
    unique=["gene_id", "individual_id", "model", "fold_seed", "fold"],
)

#: Weight of one unit of dosage of ``alt``, in the unit of measured expression.
dosage_weights = _table(
    {
        "gene_id": _text(),
        "model": _text(),
        "fold_seed": _integer(),
        "fold": _integer(),
        "variant_id": _text(),
        "contig": _text(),
        "pos": _integer(1),
        "ref": _text(),
        "alt": _text(),
        "weight": _number(),
    }
)

#: What the model of each outer fold is. ``n_usable``: variants that training supports; ``n_weights``: those with a weight.
#: ``setting``: lambda of an elastic net, threshold of p of a PRS (0: top SNP), h2 of BLUP; null for the top SNP and where
#: nothing could be fitted. ``fell_back``: no variant met it, so that the top SNP stands in.
dosage_fits = _table(
    {
        "gene_id": _text(),
        "model": _text(),
        "fold_seed": _integer(),
        "fold": _integer(),
        "n_usable": _integer(),
        "n_weights": _integer(),
        "setting": _number(nullable=True),
        "fell_back": _flag(),
    },
    unique=["gene_id", "model", "fold_seed", "fold"],
)

#: Weight of each standardised feature in the stack, and its share in the variance of the held-out prediction: shares of a
#: fold sum to 1, and are null where the prediction is constant.
stack_weights = _table(
    {
        "gene_id": _text(),
        "fold_seed": _integer(),
        "fold": _integer(),
        "feature": _text(),
        "weight": _number(),
        "share": _number(nullable=True),
    },
    unique=["gene_id", "fold_seed", "fold", "feature"],
)

#: Weights of the models of everybody. ``weight``: adjusted expression per copy of ``alt``; ``mean_dosage``: copies of it in
#: the mean training person, which a missing one is taken for. Prediction: ``intercept`` (``final_dosage_models``) + sum of
#: weight x (copies - mean_dosage).
_final_weights = {
    "gene_id": _text(),
    "model": _text(),
    "variant_id": _text(),
    "contig": _text(),
    "pos": _integer(1),
    "ref": _text(),
    "alt": _text(),
    "weight": _number(),
    "mean_dosage": _number(low=0.0, high=2.0),
}
final_dosage_weights = _table(_final_weights, unique=["gene_id", "model", "contig", "pos", "ref", "alt"])

#: One row per gene and model of everybody; ``n_usable`` to ``fell_back`` as in ``dosage_fits``.
final_dosage_models = _table(
    {
        "gene_id": _text(),
        "model": _text(),
        "intercept": _number(),
        "n_usable": _integer(),
        "n_weights": _integer(),
        "setting": _number(nullable=True),
        "fell_back": _flag(),
    },
    unique=["gene_id", "model"],
)

#: Members of the stack of everybody: ``intercept`` + sum of coefficient x (prediction - mean). ``sd``: of the member's
#: predictions of training people. ``mean`` is null for components, whose tracks are in ``final_track_weights``.
final_stack_weights = _table(
    {
        "gene_id": _text(),
        "model": _text(),
        "feature": _text(),
        "coefficient": _number(),
        "mean": _number(nullable=True),
        "sd": _number(low=0.0, high=float("inf")),
        "intercept": _number(),
    },
    unique=["gene_id", "model", "feature"],
)

#: What components add to the stack: sum of weight x (log2(coverage + 1) - mean) over the tracks. No rows without them.
final_track_weights = _table(
    {"gene_id": _text(), "track": _integer(), "weight": _number(), "mean": _number()}, unique=["gene_id", "track"]
)

#: ``final_dosage_weights`` beside the records of other people. ``record``: row of their ``variants``, -1 for none;
#: ``allele``: index whose copies count as ``alt``; ``outcome``: how it was found, or why not.
matched_weights = _table(
    _final_weights
    | {
        "record": _integer(-1),
        "allele": _integer(-1),
        "outcome": _text(isin=["as written", "turned", "ambiguous", "missing"]),
    },
    unique=["gene_id", "model", "contig", "pos", "ref", "alt"],
)

#: What `apply` predicts. Adjusted expression, as the models were fitted to; of Enformer by itself, coverage.
applied_predictions = _table(
    {"gene_id": _text(), "individual_id": _text(), "model": _text(), "predicted_expression": _number()},
    unique=["gene_id", "individual_id", "model"],
)

#: Variants that a model wants and finds: ``n_wanted = n_matched + n_ambiguous + n_missing``; ``n_turned`` of the matched.
#: ``n_calls_filled``: calls of matched variants that are missing and taken for the training mean. Shares are null where a
#: model has no variant of its own. ``outcome`` says why a gene has no prediction.
apply_audit = _table(
    {
        "gene_id": _text(),
        "model": _text(),
        "n_wanted": _integer(),
        "n_matched": _integer(),
        "n_turned": _integer(),
        "n_ambiguous": _integer(),
        "n_missing": _integer(),
        "n_calls_filled": _integer(),
        "matched_share": _number(nullable=True, low=0.0, high=1.0),
        "weighted_share": _number(nullable=True, low=0.0, high=1.0),
        "outcome": _text(),
    },
    unique=["gene_id", "model"],
)

#: Both sides of every score, adjusted for covariates with coefficients of the training people.
scored_predictions = _table(
    {
        "gene_id": _text(),
        "individual_id": _text(),
        "model": _text(),
        "fold_seed": _integer(),
        "fold": _integer(),
        "measured": _number(),
        "predicted": _number(),
    },
    unique=["gene_id", "individual_id", "model", "fold_seed"],
)

#: r of each gene and model: mean over outer folds of the within-fold r (Fisher z, weights n - 3), then over fold seeds.
#: ``weights``: those of the Enformer that the model rests on ("untrained" or a file), null for models without it.
gene_scores = _table(
    {
        "gene_id": _text(),
        "gene_name": _text(),
        "model": _text(),
        "weights": _text(nullable=True),
        "n": _integer(),
        "pearson_r": _number(low=-1.0, high=1.0),
        "pearson_r_seed_sd": _number(nullable=True),
        "spearman_r": _number(low=-1.0, high=1.0),
        "n_fold_seeds": _integer(1),
        "n_folds": _integer(1),
        "n_constant_folds": _integer(),
    },
    unique=["gene_id", "model"],
)

#: Mean r over genes of a model, or its difference from that of ``other``, with intervals (2.5 % to 97.5 %) of a block
#: bootstrap over 1-Mb loci (null with fewer than five) and of one over people. ``other`` is null for the mean itself.
#: ``win_rate`` and ``wilcoxon_p`` over genes are descriptive: neighbours are not independent.
model_comparison = _table(
    {
        "model": _text(),
        "other": _text(nullable=True),
        "n_genes": _integer(1),
        "n_loci": _integer(1),
        "difference": _number(low=-2.0, high=2.0),
        "low_loci": _number(nullable=True),
        "high_loci": _number(nullable=True),
        "low_people": _number(),
        "high_people": _number(),
        "win_rate": _number(low=0.0, high=1.0),
        "wilcoxon_p": _number(low=0.0, high=1.0),
    },
    unique=["model", "other"],
)

#: Beside the r of each gene and model: square, sign, p (two-sided), q (Benjamini and Hochberg over the genes of a model),
#: share of variance explained and calibration; these last are null for predictions that are no expression.
gene_accuracy = _table(
    {
        "gene_id": _text(),
        "model": _text(),
        "r2": _number(low=0.0, high=1.0),
        "sign": _integer(-1),
        "p_value": _number(low=0.0, high=1.0),
        "q_value": _number(low=0.0, high=1.0),
        "explained": _number(nullable=True),
        "calibration_slope": _number(nullable=True),
        "calibration_intercept": _number(nullable=True),
    },
    unique=["gene_id", "model"],
)

#: Mean r over genes with people permuted within their fold, beside the observed one.
permutation_null = _table(
    {
        "model": _text(unique=True),
        "n_permutations": _integer(1),
        "observed": _number(low=-1.0, high=1.0),
        "mean": _number(low=-1.0, high=1.0),
        "low": _number(low=-1.0, high=1.0),
        "high": _number(low=-1.0, high=1.0),
        "p_value": _number(low=0.0, high=1.0),
    }
)

#: Which populations have enough people in every fold for an r of their own, and why not.
population_audit = _table(
    {
        "population": _text(unique=True),
        "n": _integer(1),
        "smallest_fold": _integer(),
        "scored": _flag(),
        "reason": _text(),
    }
)

#: r of each gene and model among the ``n`` people of a population: trained on all (``seen``), or on the others only.
population_scores = _table(
    {
        "gene_id": _text(),
        "model": _text(),
        "population": _text(),
        "design": _text(isin=["seen", "held out"]),
        "n": _integer(4),
        "pearson_r": _number(low=-1.0, high=1.0),
        "n_constant_folds": _integer(),
    },
    unique=["gene_id", "model", "population", "design"],
)

#: r of a person over genes. ``deviation``: of the distances from each gene's mean over people, in its sd; not of levels,
#: which expression normalised per gene has not. ``level``: of log2(coverage + 1) and log2(expression + 1).
person_scores = _table(
    {
        "individual_id": _text(),
        "model": _text(),
        "quantity": _text(isin=["deviation", "level"]),
        "n_genes": _integer(4),
        "pearson_r": _number(nullable=True, low=-1.0, high=1.0),
    },
    unique=["individual_id", "model", "quantity"],
)

#: r of a gene by a stack whose weights come from other genes: of the people whom these were learned on, of others, and of
#: a population that is not among them (``population`` tells which, else null).
shared_stack_scores = _table(
    {
        "gene_id": _text(),
        "model": _text(isin=["shared_stack", "shared_stack_enformer"]),
        "people": _text(isin=["seen", "unseen", "unseen population"]),
        "population": _text(nullable=True),
        "gene_fold": _integer(),
        "n": _integer(4),
        "pearson_r": _number(low=-1.0, high=1.0),
        "n_constant_folds": _integer(),
    },
    unique=["gene_id", "model", "people", "population"],
)

#: Sds of expression per sd of expression that a level-1 model predicts, or per sd of a column of Enformer.
shared_stack_weights = _table(
    {
        "model": _text(isin=["shared_stack", "shared_stack_enformer"]),
        "fold_seed": _integer(),
        "fold": _integer(),
        "gene_fold": _integer(),
        "feature": _text(),
        "weight": _number(),
    },
    unique=["model", "fold_seed", "fold", "gene_fold", "feature"],
)

#: Mean r by what training has seen; null where a model cannot be asked, with the ``remark`` why.
design_cells = _table(
    {
        "model": _text(),
        "genes": _text(isin=["seen", "unseen by the weights", "unseen"]),
        "people": _text(isin=["seen", "unseen", "unseen population"]),
        "n_genes": _integer(),
        "mean_pearson_r": _number(nullable=True, low=-1.0, high=1.0),
        "remark": _text(),
    },
    unique=["model", "genes", "people"],
)

#: Genes whose level is known: ``level`` is log2(mean expression over people + 1). ``enformer_split``: which of Enformer's
#: sequences the window overlaps (null where they are not told). ``fold``: null for genes that are held out altogether
#: (``held_out`` is ``enformer test``) or left out (``held_out`` is null); ``locus``: contig and megabase of the TSS.
gene_levels = _table(
    {
        "gene_id": _text(unique=True),
        "gene_name": _text(),
        "contig": _text(),
        "tss": _integer(),
        "strand": _text(isin=["+", "-", "."]),
        "n_individuals": _integer(1),
        "level": _number(),
        "n_share": _number(low=0.0, high=1.0),
        "enformer_split": _text(nullable=True, isin=["train", "valid", "test", "mixed", "none"]),
        "held_out": _text(nullable=True, isin=["gene folds", "enformer test"]),
        "fold": _integer(nullable=True),
        "locus": _text(),
    }
)

#: Level of each gene by models that were not fitted to it; ``enformer``: log2(the tissue's mean coverage + 1).
across_genes_predictions = _table(
    {
        "gene_id": _text(),
        "model": _text(isin=["enformer", "across_genes"]),
        "held_out": _text(isin=["gene folds", "enformer test"]),
        "fold": _integer(nullable=True),
        "level": _number(),
        "predicted": _number(),
    },
    unique=["gene_id", "model"],
)

#: r over genes of measured and predicted level; ``low`` and ``high`` are null with fewer than five loci of 1 Mb.
across_genes_scores = _table(
    {
        "model": _text(isin=["enformer", "across_genes"]),
        "weights": _text(),
        "held_out": _text(isin=["gene folds", "enformer test"]),
        "quantity": _text(isin=["pearson", "spearman"]),
        "r": _number(low=-1.0, high=1.0),
        "low": _number(nullable=True, low=-1.0, high=1.0),
        "high": _number(nullable=True, low=-1.0, high=1.0),
        "n_genes": _integer(6),
        "n_loci": _integer(1),
        "n_constant_folds": _integer(),
        "remark": _text(),
    },
    unique=["model", "held_out", "quantity"],
)

#: Level per training sd of log1p(coverage); rows of weight 0 are left out. ``fold`` is null for the net of all folds.
across_genes_weights = _table(
    {
        "fold": _integer(nullable=True),
        "track": _integer(),
        "description": _text(nullable=True),
        "bin": _integer(),
        "weight": _number(),
    },
    unique=["fold", "track", "bin"],
)

#: What the data are known to hold, beside what came out.
known_answer_check = _table(
    {
        "model": _text(),
        "quantity": _text(),
        "value": _number(),
        "low": _number(),
        "high": _number(),
        "inside": _flag(),
    },
    unique=["model", "quantity"],
)

#: Rows of external eQTL tables. The slope is that of ``alt``. ``trait_id`` is what was mapped: the gene, or one of its
#: transcripts. Nulls are what the file does not say; ``variant_id`` is as written, alleles and place are read from it.
external_eqtls = _table(
    {
        "tissue": _text(nullable=True),
        "trait_id": _text(),
        "gene_id": _text(),
        "variant_id": _text(),
        "rsid": _text(nullable=True),
        "contig": _text(nullable=True),
        "pos": _integer(1, nullable=True),
        "ref": _text(nullable=True),
        "alt": _text(nullable=True),
        "slope": _number(nullable=True),
        "slope_se": _number(nullable=True, low=0.0, high=float("inf")),
        "pvalue": _number(nullable=True, low=0.0, high=1.0),
        "maf": _number(nullable=True, low=0.0, high=0.5),
        "pip": _number(nullable=True, low=0.0, high=1.0),
        "cs_id": _text(nullable=True),
        "build": _text(nullable=True, isin=["GRCh37", "GRCh38"]),
    },
    unique=["tissue", "trait_id", "variant_id", "cs_id"],
)

#: Each gene's strongest association where a table names no variant: nothing but its size can be compared.
top_associations = _table(
    {
        "gene_id": _text(unique=True),
        "tss_distance": _number(nullable=True),
        "maf": _number(nullable=True, low=0.0, high=0.5),
        "r": _number(low=-1.0, high=1.0),
    }
)

#: Associations of the GWAS catalog, one row per study, SNP and trait. ``risk_allele`` is null where it is not known; its
#: strand is that of the study. ``contig`` and ``pos`` are those of the file, of whatever build it is.
gwas_associations = _table(
    {
        "rsid": _text(nullable=True),
        "contig": _text(nullable=True),
        "pos": _integer(1, nullable=True),
        "risk_allele": _text(nullable=True),
        "neg_log10_pvalue": _number(nullable=True, low=0.0, high=float("inf")),
        "trait": _text(),
        "reported_genes": _text(nullable=True),
        "publication": _text(nullable=True),
    }
)

#: Variants of ClinVar in one build. ``of_haplotype``: the significance is that of several variants together.
clinvar_variants = _table(
    {
        "variation_id": _text(),
        "rsid": _text(nullable=True),
        "contig": _text(),
        "pos": _integer(1),
        "ref": _text(),
        "alt": _text(),
        "gene_symbols": _text(nullable=True),
        "significance": _text(nullable=True),
        "review_status": _text(nullable=True),
        "phenotypes": _text(nullable=True),
        "of_haplotype": _flag(),
    },
    unique=["variation_id", "contig", "pos", "ref", "alt"],
)

#: Disease-associated variants near genes, the strongest evidence first. ``source``: gwas, clinvar. ``allele``: the risk
#: allele on the forward strand, ClinVar's ALT; null where it is not known. ``alt_frequency``: in the cohort, null where
#: nobody was typed. ``tss_distance``: bases downstream of the TSS, negative upstream.
disease_variants = _table(
    {
        "source": _text(isin=["gwas", "clinvar"]),
        "variant_id": _text(),
        "rsid": _text(nullable=True),
        "contig": _text(),
        "pos": _integer(1),
        "ref": _text(),
        "alt": _text(),
        "gene_id": _text(),
        "gene_name": _text(),
        "tss_distance": _integer(None),
        "trait": _text(nullable=True),
        "significance": _text(nullable=True),
        "neg_log10_pvalue": _number(nullable=True, low=0.0, high=float("inf")),
        "allele": _text(nullable=True),
        "alt_frequency": _number(nullable=True, low=0.0, high=1.0),
    }
)

#: `disease_variants` with what is predicted at the centre bins, a row per summary and track; rows of one ``rank`` are about
#: one variant, gene and trait; 1 is the largest log fold change of the tissue's mean. ``risk_log_fold_change``: of the risk
#: allele against the other one, null where it is not known.
disease_variant_effects = _table(
    {
        "rank": _integer(1),
        **disease_variants.columns,
        "summary": _text(),
        "track": _integer(nullable=True),
        "coverage_ref": _number(low=0.0, high=float("inf")),
        "coverage_alt": _number(low=0.0, high=float("inf")),
        "sad": _number(),
        "sadr": _number(),
        "log_fold_change": _number(),
        "risk_log_fold_change": _number(nullable=True),
    },
    unique=["rank", "summary", "track"],
)

#: Predicted effects beside measured ones, and beside their null. ``statistic``: sign_concordance, spearman, auroc. ``low``
#: and ``high`` are bases from the TSS; null in the rows of all distances. ``p_value`` is two-sided, over draws.
effect_concordance = _table(
    {
        "statistic": _text(isin=["sign_concordance", "spearman", "auroc"]),
        "low": _number(nullable=True),
        "high": _number(nullable=True),
        "n": _integer(),
        "n_left_out": _integer(),
        "value": _number(nullable=True, low=-1.0, high=1.0),
        "null_mean": _number(nullable=True),
        "null_sd": _number(nullable=True),
        "p_value": _number(nullable=True, low=0.0, high=1.0),
    },
    unique=["statistic", "low", "high"],
)

#: How near the linear form of each gene comes to the exact predictions. Genes with ``faithful`` false are marked wherever
#: the linear form is exported.
linear_faithfulness = _table(
    {
        "gene_id": _text(unique=True),
        "n": _integer(),
        "n_variants": _integer(),
        "r": _number(nullable=True, low=-1.0, high=1.0),
        "slope": _number(nullable=True),
        "largest_difference": _number(nullable=True, low=0.0, high=float("inf")),
        "faithful": _flag(),
    }
)

#: Effects of single variants on single genes: ALT less REF, everything else as in the reference. ``tss_distance``: bases
#: from the TSS to ``pos``, downstream positive. ``alt_frequency``: in the cohort, null where nobody was called.
#: ``bins``: those round the TSS, or all. ``summary``: ``tissue_mean``, ``all_tracks_mean``, or ``track`` (one of the
#: tissue's). Coverage is the mean over these bins. ``effect_kind``: docs/methods.md defines each.
variant_effects = _table(
    {
        "gene_id": _text(),
        "variant_id": _text(),
        "contig": _text(),
        "pos": _integer(1),
        "ref": _text(),
        "alt": _text(),
        "tss_distance": _integer(None),
        "alt_frequency": _number(nullable=True, low=0.0, high=1.0),
        "bins": _text(isin=["centre", "all"]),
        "summary": _text(),
        "track": _integer(nullable=True),
        "coverage_ref": _number(low=0.0, high=float("inf")),
        "coverage_alt": _number(low=0.0, high=float("inf")),
        "effect_kind": _text(isin=["sad", "sadr", "log_fold_change"]),
        "effect": _number(),
    },
    unique=["gene_id", "contig", "pos", "ref", "alt", "bins", "summary", "track", "effect_kind"],
)

#: Share of ALT among the called alleles; ``population`` is ``all`` for everybody.
variant_frequencies = _table(
    {
        "variant_id": _text(),
        "contig": _text(),
        "pos": _integer(1),
        "ref": _text(),
        "alt": _text(),
        "population": _text(),
        "alt_frequency": _number(low=0.0, high=1.0),
    },
    unique=["contig", "pos", "ref", "alt", "population"],
)

#: Each haplotype's coverage less the reference's (mean over the centre bins), the sum of its variants' single effects, and
#: of each variant its effect alone and the haplotype less the haplotype without it. One row with nulls for a haplotype
#: without variants.
haplotype_effects = _table(
    {
        "gene_id": _text(),
        "individual_id": _text(),
        "haplotype": _integer(),
        "summary": _text(),
        "n_variants": _integer(),
        "exact_difference": _number(),
        "additive_sum": _number(),
        "variant_id": _text(nullable=True),
        "contig": _text(nullable=True),
        "pos": _integer(1, nullable=True),
        "ref": _text(nullable=True),
        "alt": _text(nullable=True),
        "single_effect": _number(nullable=True),
        "left_out_effect": _number(nullable=True),
    },
    unique=["gene_id", "individual_id", "haplotype", "summary", "contig", "pos", "ref", "alt"],
)

#: Sum of single effects against exact differences over people (mean of both copies). ``r`` is null for fewer than three
#: people or where a side is constant; ``largest_difference`` is relative to the largest exact one.
additivity = _table(
    {
        "gene_id": _text(),
        "summary": _text(),
        "n": _integer(),
        "r": _number(nullable=True, low=-1.0, high=1.0),
        "largest_difference": _number(nullable=True, low=0.0, high=float("inf")),
    },
    unique=["gene_id", "summary"],
)

#: Pairs of gene and variant that have both a predicted effect and a slope in an external table; both of ``alt``.
#: ``tss_distance``: bases downstream of the TSS. ``maf``: in the cohort, null where nobody was called.
effect_pairs = _table(
    {
        "gene_id": _text(),
        "variant_id": _text(),
        "contig": _text(),
        "pos": _integer(1),
        "ref": _text(),
        "alt": _text(),
        "tss_distance": _integer(None),
        "maf": _number(nullable=True, low=0.0, high=0.5),
        "effect": _number(),
        "slope": _number(),
        "pvalue": _number(nullable=True, low=0.0, high=1.0),
    },
    unique=["gene_id", "contig", "pos", "ref", "alt"],
)

#: Fine-mapped variants (``is_case``) and their controls, alike in distance and frequency; ``set`` holds them together.
matched_variants = _table(
    {
        "set": _integer(),
        "is_case": _flag(),
        "gene_id": _text(),
        "variant_id": _text(),
        "contig": _text(),
        "pos": _integer(1),
        "ref": _text(),
        "alt": _text(),
        "tss_distance": _integer(None),
        "maf": _number(low=0.0, high=0.5),
        "effect": _number(),
    },
    unique=["gene_id", "contig", "pos", "ref", "alt"],
)

#: What became of the rows of an external table. ``left out`` and ``used`` count each row once; ``put right`` is told of
#: rows that match; ``case``, ``control``, ``no case`` and ``neither`` count gene and variant.
harmonise_audit = _table(
    {
        "step": _text(isin=["read", "select", "harmonise", "compare", "fine-map"]),
        "outcome": _text(isin=["left out", "used", "put right", "case", "control", "no case", "neither"]),
        "reason": _text(),
        "count": _integer(),
    },
    unique=["step", "reason"],
)

#: Absolute r of each gene's strongest association, ours beside that of a table that names no variant.
eqtl_sizes = _table(
    {
        "gene_id": _text(unique=True),
        "gene_name": _text(),
        "ours": _number(low=0.0, high=1.0),
        "theirs": _number(low=0.0, high=1.0),
    }
)

#: Alleles of linear weights, kept and left out, by gene.
linear_audit = _table(
    {"gene_id": _text(), "outcome": _text(isin=["kept", "dropped"]), "reason": _text(), "count": _integer()},
    unique=["gene_id", "reason"],
)

#: What each variant adds to the difference of two groups' mean predictions where effects add up: ``effect`` (coverage with
#: ALT alone less the reference's, centre bins) times ``frequency_difference`` (``first`` less ``second``). ``carried``: who
#: carries its alleles, see docs/methods.md. ``rank``: by size within gene and summary.
population_effects = _table(
    {
        "gene_id": _text(),
        "gene_name": _text(),
        "summary": _text(),
        "rank": _integer(1),
        "variant_id": _text(),
        "contig": _text(),
        "pos": _integer(1),
        "ref": _text(),
        "alt": _text(),
        "tss_distance": _integer(None),
        "first": _text(),
        "second": _text(),
        "first_frequency": _number(nullable=True, low=0.0, high=1.0),
        "second_frequency": _number(nullable=True, low=0.0, high=1.0),
        "frequency_difference": _number(nullable=True, low=-1.0, high=1.0),
        "carried": _text(isin=["shared", "private_first", "private_second", "fixed", "same", "uncalled"]),
        "effect": _number(),
        "contribution": _number(nullable=True),
    },
    unique=["gene_id", "summary", "contig", "pos", "ref", "alt"],
)

#: Mean predicted coverage of two groups of people. ``exact_difference`` = ``shared`` + ``private_first`` +
#: ``private_second`` + ``fixed`` (together ``additive_difference``) + ``background``. ``standardised_difference``: in
#: standard deviations within the groups. ``driver``: the variant that adds most, null where none adds anything.
population_differences = _table(
    {
        "gene_id": _text(),
        "gene_name": _text(),
        "summary": _text(),
        "first": _text(),
        "second": _text(),
        "n_first": _integer(1),
        "n_second": _integer(1),
        "reference": _number(low=0.0, high=float("inf")),
        "first_mean": _number(low=0.0, high=float("inf")),
        "second_mean": _number(low=0.0, high=float("inf")),
        "exact_difference": _number(),
        "log2_fold_change": _number(),
        "standardised_difference": _number(nullable=True),
        "additive_difference": _number(),
        "shared": _number(),
        "private_first": _number(),
        "private_second": _number(),
        "fixed": _number(),
        "background": _number(),
        "n_shared_variants": _integer(),
        "n_private_first_variants": _integer(),
        "n_private_second_variants": _integer(),
        "n_fixed_variants": _integer(),
        "n_same_variants": _integer(),
        "n_uncalled_variants": _integer(),
        "driver": _text(nullable=True),
        "driver_contribution": _number(nullable=True),
    },
    unique=["gene_id", "summary"],
)
