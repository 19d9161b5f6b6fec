"""Models of expression, and how they are scored."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
    ValidationInfo,
    field_validator,
)

from haploformer.parameters.values import Names, ParameterGroup, Seeds, as_texts, without_repeats


class BaselinesParameters(ParameterGroup):
    """Genetic baselines.

    Attributes
    ----------
    cis_window : int
        Bases round the TSS whose variants are used, half on each side.
    wide_window : int, optional
        A second, longer one, half on each side. Its models' names end in its reach: with 2000000, which is the TSS and
        1 Mb on either side, ``elastic_net_1mb`` stands beside ``elastic_net``.
    reference : str
        ``fasta``: every REF is compared with the reference. ``none``: dosages only. Alleles are as in the file, no FASTA
        is opened, and no sequence can be built.
    min_maf : float
        Lowest minor allele frequency among training people.
    l1_ratio : float
        Share of the L1 penalty in the elastic net.
    n_pcs : int
        Genotype components of the models that know nothing else.
    threads : int, optional
        Genes under way at once; as many as there are cores if not given. The results are the same for any number.
    """

    cis_window: int = Field(196_608, ge=2)
    wide_window: int | None = Field(None, ge=2)
    reference: Literal["fasta", "none"] = "fasta"
    min_maf: float = Field(0.01, ge=0, lt=0.5)
    l1_ratio: float = Field(0.5, gt=0, le=1)
    n_pcs: int = Field(10, ge=1)
    threads: int | None = Field(None, ge=1)

    @field_validator("wide_window")
    @classmethod
    def _is_wider(cls, value: int | None, info: ValidationInfo) -> int | None:
        if value is not None and value <= info.data.get("cis_window", 0):
            raise ValueError(f"not longer than cis_window ({info.data['cis_window']})")
        return value

    @property
    def windows(self) -> tuple[int, ...]:
        """Lengths of the cis windows, the shorter first."""
        return (self.cis_window,) if self.wide_window is None else (self.cis_window, self.wide_window)


#: Models that the stack may combine.
StackFeature = Literal["elastic_net", "top_snp", "prs", "blup", "enformer", "enformer_all_tracks", "enformer_all_bins"]


class StackingParameters(ParameterGroup):
    """The stacked model.

    Attributes
    ----------
    features : list of str
        Models whose predictions it combines.
    method : str
        ``non_negative``: least squares, level-1 predictions weigh 0 or more, Enformer's columns either sign. ``ridge``.
    components : int
        Principal components of Enformer's tracks, fitted in each fold, as further features.
    """

    features: Annotated[
        tuple[StackFeature, ...],
        BeforeValidator(as_texts),
        Field(min_length=1),
        AfterValidator(without_repeats),
    ] = ("elastic_net", "top_snp", "prs", "blup", "enformer")
    method: Literal["non_negative", "ridge"] = "non_negative"
    components: int = Field(0, ge=0, le=20)


#: What a table of expression holds.
LevelScale = Literal["auto", "tpm", "log2"]


class EvaluationParameters(ParameterGroup):
    """How models are compared.

    Attributes
    ----------
    n_folds : int
        Outer folds by person.
    fold_seeds : list of int
        One assignment of people to folds each.
    min_kinship : float
        Pairs of the relatedness table with at least this kinship share a fold: 0.0442 is the third degree by KING.
    min_estimated_kinship : float, optional
        So do pairs with at least this kinship by their genotypes (0.0884: the second degree), where 10,000 pruned SNPs on
        three chromosomes are there to tell it. Null: it is not estimated.
    held_out_populations : list of str, optional
        For the pipeline ``held_out_populations``: those to train without and to test on; all if not given.
    scale : str
        Of the expression table, for r of levels in ``person_scores``: ``tpm`` (TPM or the like, log2(x + 1) is the level),
        ``log2`` (logarithms already), ``auto``: logarithms if any value is below 0.
    permutations : int
        Permutations of people for the null.
    seed : int
        Of bootstraps and permutations.
    individuals_in_report : bool
        Whether the report and its figures show people one by one: ids, calls, predicted against measured. Data under
        controlled access are not to be shared that way; the Parquet tables hold people in any case.
    """

    n_folds: int = Field(5, ge=4)
    fold_seeds: Seeds = (0, 1, 2, 3, 4)
    min_kinship: float = Field(0.0442, gt=0, le=0.5)
    min_estimated_kinship: float | None = Field(0.0884, gt=0, le=0.5)
    held_out_populations: Names | None = None
    scale: LevelScale = "auto"
    permutations: int = Field(200, ge=20)
    seed: int = Field(0, ge=0)
    individuals_in_report: bool = True


class ApplyParameters(ParameterGroup):
    """Models of a cohort, carried to people without expression.

    Attributes
    ----------
    models : str, optional
        Which run the models come from, on the command line: the name of a run of this environment's cohort, or the folder
        of its models (``data/06_models/geuvadis/trial``). The cohort's own if not given.
    min_matched_share : float
        Of the variants that a model has weights of, and of its weight, the share that must be there; below it the run
        stops.
    """

    models: str | None = None
    min_matched_share: float = Field(0.5, ge=0, le=1)


class AcrossGenesParameters(ParameterGroup):
    """The elastic net over genes, for the pipeline ``across_genes``.

    Attributes
    ----------
    scale : str
        Of the table of levels: ``tpm`` (TPM or the like; log2(mean + 1) is the level), ``log2`` (logarithms already, such
        as log2(TPM + 1)), ``auto``: logarithms if any value is below 0.
    centre_bins : int
        Output bins used, each by itself, symmetric round the TSS. Four hold the three of the published geometry.
    l1_ratio : float
        Share of the L1 penalty.
    n_folds : int
        Folds by gene.
    folds : str
        What shares a fold. ``windows``: genes joined by overlapping windows. ``chromosomes``: all genes of one.
    seed : int
        Of folds and bootstraps.
    """

    scale: LevelScale = "auto"
    centre_bins: int = Field(4, ge=2, multiple_of=2)
    l1_ratio: float = Field(0.5, gt=0, le=1)
    n_folds: int = Field(5, ge=3)
    folds: Literal["windows", "chromosomes"] = "windows"
    seed: int = Field(0, ge=0)
