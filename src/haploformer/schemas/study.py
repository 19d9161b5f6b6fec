"""What is read of a study, and what was found in it."""

from __future__ import annotations

from haploformer.schemas.columns import flag, integer, number, optional, table, text

#: One row per person of the study. ``sample_id`` is the column of the genotype file.
individuals = table(
    {
        "individual_id": text(unique=True),
        "sample_id": text(unique=True),
        "population": text(nullable=True),
        "sex": text(nullable=True),
    }
)

#: One row per gene of the study. ``strand`` is "." where no annotation tells it.
genes = table(
    {
        "gene_id": text(unique=True),
        "gene_name": text(),
        "contig": text(),
        "tss": integer(),
        "strand": text(isin=["+", "-", "."]),
    }
)

#: Measured expression, as normalised in the file that it comes from.
measured_expression = table(
    {"gene_id": text(), "individual_id": text(), "expression": number()}, unique=["gene_id", "individual_id"]
)

#: Covariates, one row per person and covariate: a number, or a ``level`` where the covariate is text.
covariates = table(
    {
        "individual_id": text(),
        "covariate": text(),
        "value": number(nullable=True),
        "level": optional(text(nullable=True)),
    },
    unique=["individual_id", "covariate"],
)

#: Outer folds by person, the same for every gene and model; one assignment per ``fold_seed``.
person_folds = table(
    {"individual_id": text(), "fold_seed": integer(), "fold": integer()}, unique=["individual_id", "fold_seed"]
)

#: People who must share a fold: duplicates, and relatives by genotypes or by a table. ``group`` is the name of its first
#: member; ``relatives`` are those of estimated kinship; ``tested`` says what was looked for, the same in every row.
person_groups = table(
    {
        "individual_id": text(unique=True),
        "group": text(),
        "reason": text(),
        "relatives": text(nullable=True),
        "tested": text(),
    }
)

#: As ``person_folds``, one assignment (``fold_seed``) per held-out population, whose people are the last fold.
population_folds = table(
    {
        "individual_id": text(),
        "fold_seed": integer(),
        "fold": integer(),
        "population": text(),
        "held_out": flag(),
    },
    unique=["individual_id", "fold_seed"],
)

#: What was kept and what was left out, and why. ``record_class``: snp, mnp, insertion, deletion, symbolic, gene ...
#: ``imputed`` counts calls (``call``) of the study's people that were missing and are not any more.
audit = table(
    {
        "source": text(),
        "contig": text(nullable=True),
        "record_class": text(),
        "outcome": text(isin=["kept", "dropped", "imputed"]),
        "reason": text(),
        "count": integer(),
    }
)

#: Each file of stored predictions as `verify` finds it; ``first_window`` and ``last_window`` are null where the file is no
#: shard.
prediction_verification = table(
    {
        "file": text(),
        "first_window": integer(nullable=True),
        "last_window": integer(nullable=True),
        "n_bytes": integer(),
        "state": text(isin=["whole", "damaged", "missing"]),
    }
)

#: What `validate` found in each input: file and integrity, then as in ``audit``. Files of a set are joined by commas;
#: ``file`` is null where the run goes on without the input. ``indices``: those beside the file, null for none.
#: ``checksum``: whether a recorded sha256 was compared.
input_validation = table(
    {
        "input": text(),
        "kind": text(),
        "file": text(nullable=True),
        "n_bytes": integer(),
        "compression": text(isin=["bgzip", "gzip", "none"]),
        "indices": text(nullable=True),
        "checksum": flag(),
        "contig": text(nullable=True),
        "record_class": text(),
        "outcome": text(isin=["kept", "dropped"]),
        "reason": text(),
        "count": integer(),
    }
)

#: Calls of each person over the kept variants.
individual_audit = table(
    {
        "individual_id": text(unique=True),
        "n_variants": integer(),
        "n_missing": integer(),
        "n_half_missing": integer(),
        "n_imputed": integer(),
        "n_haploid": integer(),
        "n_heterozygous": integer(),
        "n_alternative": integer(),
        "n_private": integer(),
    }
)
