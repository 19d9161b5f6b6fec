"""Effects of variants, and what they are compared with."""

from __future__ import annotations

from itertools import pairwise
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
    ValidationInfo,
    field_validator,
    model_validator,
)

from haploformer.parameters.values import Names, ParameterGroup, as_list, as_texts, without_repeats


class DiseaseVariantsParameters(ParameterGroup):
    """Which rows of the GWAS catalog and of ClinVar are looked at.

    Attributes
    ----------
    max_pvalue : float
        Associations with a larger one are left out; 1 keeps those without one, too.
    trust_positions : bool, optional
        Whether an association without an rsid of the cohort is looked for by its place. If not given: where nine in ten of
        those found by rsid lie where the file says, which tells that it is of this build.
    significance : list of str, optional
        ClinVar's words, blanks or underscores: ``pathogenic+likely_pathogenic``. All if not given.
    """

    max_pvalue: float = Field(1.0, gt=0, le=1)
    trust_positions: bool | None = None
    significance: Names | None = None


class PopulationEffectsParameters(ParameterGroup):
    """The two groups of people whose predictions are compared.

    Attributes
    ----------
    first : list of str, optional
        Populations as the panel names them; must be given.
    second : list of str, optional
        Everybody else who has a population, if not given.
    """

    first: Names | None = None
    second: Names | None = None

    @field_validator("second")
    @classmethod
    def _is_another(cls, value: tuple[str, ...] | None, info: ValidationInfo) -> tuple[str, ...] | None:
        if both := set(value or ()) & set(info.data.get("first") or ()):
            raise ValueError(f"{sorted(both)[0]} is in both groups")
        return value


#: Endings of files of variants.
VARIANT_FILES = (".vcf", ".vcf.gz", ".vcf.bgz", ".bcf")


def _as_variants(value: Any) -> Any:
    """The path of a file is one entry; of others several are joined by ``+``, colons or not."""
    if isinstance(value, str):
        return [value] if value.endswith(VARIANT_FILES) else value.split("+")
    return as_texts(value)


class MutagenesisParameters(ParameterGroup):
    """The stretch whose every base is mutated.

    Attributes
    ----------
    gene : str, optional
        Name or id of the gene whose window it is.
    start, end : int, optional
        0-based half-open on the gene's contig.
    """

    gene: str | None = None
    start: int | None = Field(None, ge=0)
    end: int | None = Field(None, ge=1)


class VariantEffectsParameters(ParameterGroup):
    """Effects of single variants.

    Attributes
    ----------
    variants : list of str
        ``cohort``: all of the stored variants. Or the path of a VCF or BCF, which needs no samples. Or entries joined by
        ``+``: ids as in the genotype file, places (``22:19255139``), or alleles (``22:19255139:G:A``), which alone need
        not be among the stored variants.
    strands : str
        ``forward``: windows are read as ``sequence_build.strand`` says. ``both``: from the other strand, too; coverage is
        averaged, bins mirrored.
    mutagenesis : MutagenesisParameters
        For the pipeline ``mutagenesis``.
    """

    variants: Annotated[
        tuple[str, ...], BeforeValidator(_as_variants), Field(min_length=1), AfterValidator(without_repeats)
    ] = ("cohort",)
    strands: Literal["forward", "both"] = "forward"
    mutagenesis: MutagenesisParameters = MutagenesisParameters()

    @property
    def file(self) -> str | None:
        """The file of variants, if it is one."""
        return self.variants[0] if len(self.variants) == 1 and self.variants[0].endswith(VARIANT_FILES) else None


#: Ends of bins of distance, in bases.
Edges = Annotated[tuple[Annotated[float, Field(ge=0)], ...], BeforeValidator(as_list), Field(min_length=2)]


class ExternalEqtlsParameters(ParameterGroup):
    """How predicted effects are compared with an external table of eQTLs.

    Attributes
    ----------
    effect : str
        Kind of effect, at the centre bins.
    summary : str
        Over which tracks.
    tissue : str, optional
        Which tissue of a table that holds several.
    min_matched_share : float
        Share of the rows inside the windows that must be about one of our variants; below it the run stops.
    alleles_by_id : bool
        Whether a row without alleles has those of the cohort's variant of the same id. Only for a table made from these
        very genotypes: in others the same id may have REF and ALT the other way round.
    edges : list of float
        Bases from the TSS: ends of the bins in which the statistics are told, too.
    min_pip, max_pip : float
        From this probability on a variant is fine-mapped; up to that one it may be a control.
    controls_per_case : int
        Controls of a fine-mapped variant, at most.
    null : str
        Of sign concordance and Spearman. ``swapped``: alleles at random, those of a gene together. ``permuted``: effects
        dealt anew within a gene.
    draws : int
        Of each null.
    seed : int
    """

    effect: Literal["sad", "sadr", "log_fold_change"] = "log_fold_change"
    summary: Literal["tissue_mean", "all_tracks_mean"] = "tissue_mean"
    tissue: str | None = None
    min_matched_share: float = Field(0.5, ge=0, le=1)
    alleles_by_id: bool = False
    edges: Edges = (0, 1_000, 10_000, 30_000, 100_000)
    min_pip: float = Field(0.9, gt=0, le=1)
    max_pip: float = Field(0.01, ge=0, lt=1)
    controls_per_case: int = Field(5, ge=1)
    null: Literal["swapped", "permuted"] = "swapped"
    draws: int = Field(1_000, ge=20)
    seed: int = Field(0, ge=0)

    @model_validator(mode="after")
    def _in_order(self) -> ExternalEqtlsParameters:
        if any(a >= b for a, b in pairwise(self.edges)):
            raise ValueError("edges do not rise")
        if self.max_pip >= self.min_pip:
            raise ValueError("max_pip must be below min_pip")
        return self


class EqtlScanParameters(ParameterGroup):
    """Our own scan for eQTLs.

    Attributes
    ----------
    individuals : list of str, optional
        Who is scanned; the others score the scan. Drawn if not given.
    share : float
        Of the people, that are drawn.
    seed : int
        By which they are drawn.
    rows : str
        ``top``: each gene's strongest variant. ``all``: every variant of the cis window.
    adjusted : bool
        Whether dosages and expression are adjusted for covariates, fitted to those who are scanned.
    """

    individuals: Names | None = None
    share: float = Field(0.5, gt=0, lt=1)
    seed: int = Field(0, ge=0)
    rows: Literal["top", "all"] = "top"
    adjusted: bool = True


class LinearExportParameters(ParameterGroup):
    """Linear weights for biobanks.

    Attributes
    ----------
    form : str
        ``additive``: the predicted effects of single variants. ``elastic_net``: fitted to the predictions of the cohort's
        people.
    build : str, optional
        Of the positions: ``GRCh37`` or ``GRCh38``. It stands in every row, and must be given.
    panel : str
        What the files call the cohort, whose covariances they hold.
    min_r : float
        A gene whose linear form correlates less with the exact predictions is marked.
    """

    form: Literal["additive", "elastic_net"] = "additive"
    build: Literal["GRCh37", "GRCh38"] | None = None
    panel: str = Field("cohort", pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]*$")
    min_r: float = Field(0.9, ge=0, le=1)
