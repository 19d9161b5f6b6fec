"""The parameters that users set, one frozen model per group; most groups are read by more than one pipeline."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field


def _as_list(value: Any) -> Any:
    """A scalar is a list of one; a command line joins several by ``+`` (``22`` arrives as a number)."""
    if isinstance(value, str):
        return value.split("+")
    return value if isinstance(value, list | tuple) else [value]


def _as_texts(value: Any) -> Any:
    return [str(entry) for entry in _as_list(value)]


TextList = Annotated[tuple[str, ...], BeforeValidator(_as_texts)]
IntegerList = Annotated[tuple[int, ...], BeforeValidator(_as_list)]


class ParameterGroup(BaseModel):
    """A group of parameters: unknown names are refused, values do not change."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class DataPrepParameters(ParameterGroup):
    """What is read.

    Attributes
    ----------
    chromosomes : list of str
        ``all``, or names with or without ``chr``.
    filters : list of str
        FILTER values to keep beside PASS and ``.``; ``*`` keeps everything.
    individuals : str
        ``intersect``: people who are in all files; ``require``: everybody in the expression table must be in all.
    """

    chromosomes: TextList = ("all",)
    filters: TextList = ()
    individuals: Literal["intersect", "require"] = "require"


class SequenceBuildParameters(ParameterGroup):
    """How windows are made.

    Attributes
    ----------
    max_n_share : float
        Share of unknown bases (N, or off the contig) that a window may have.
    unknown_windows : str
        What becomes of a gene whose window has more: ``refuse`` stops the run, ``drop`` leaves it out and counts it.
    max_missing : float
        Share of missing alleles in a window over which a person is refused; missing alleles are read as reference.
    """

    max_n_share: float = Field(0.05, ge=0, le=1)
    unknown_windows: Literal["refuse", "drop"] = "refuse"
    max_missing: float = Field(0.05, ge=0, le=1)


class EnformerParameters(ParameterGroup):
    """The model.

    Attributes
    ----------
    preset : str
        Geometry; the input window belongs to it.
    weights : str
        ``untrained`` (random from ``seed``) or the path of a safetensors file.
    engine : str
        Algorithm of the forward pass.
    tracks : list of str
        The tissue's tracks, for the summary ``tissue_mean``.
    centre_bins : int
        Output bins averaged, symmetric round the TSS.
    batch_size : int
        Windows per forward pass.
    shard_windows : int
        Windows per stored shard: what an interruption can cost.
    """

    preset: Literal["tiny", "small", "full"] = "full"
    weights: str = "untrained"
    seed: int = Field(0, ge=0)
    engine: Literal["library"] = "library"
    tracks: TextList = ("whole_blood",)
    centre_bins: int = Field(10, ge=2, multiple_of=2)
    batch_size: int = Field(1, ge=1)
    shard_windows: int = Field(64, ge=1)


class BaselinesParameters(ParameterGroup):
    """Genetic baselines.

    Attributes
    ----------
    cis_window : int
        Bases round the TSS whose variants are used, half on each side.
    min_maf : float
        Lowest minor allele frequency among training people.
    l1_ratio : float
        Share of the L1 penalty in the elastic net.
    """

    cis_window: int = Field(196_608, ge=2)
    min_maf: float = Field(0.01, ge=0, lt=0.5)
    l1_ratio: float = Field(0.5, gt=0, le=1)


class StackingParameters(ParameterGroup):
    """The stacked model.

    Attributes
    ----------
    features : list of str
        Models whose predictions it combines.
    """

    features: TextList = ("elastic_net", "top_snp", "enformer")


class EvaluationParameters(ParameterGroup):
    """How models are compared.

    Attributes
    ----------
    n_folds : int
        Outer folds by person.
    fold_seeds : list of int
        One assignment of people to folds each.
    individuals_in_report : bool
        Whether the report shows people one by one: ids, calls, predicted against measured. Genotypes and expression
        under controlled access are not to be shared that way.
    """

    n_folds: int = Field(5, ge=4)
    fold_seeds: IntegerList = (0, 1, 2, 3, 4)
    individuals_in_report: bool = True


#: Every group by its name in ``conf/*/parameters.yml``.
GROUPS: dict[str, type[ParameterGroup]] = {
    "data_prep": DataPrepParameters,
    "sequence_build": SequenceBuildParameters,
    "enformer": EnformerParameters,
    "baselines": BaselinesParameters,
    "stacking": StackingParameters,
    "evaluation": EvaluationParameters,
}

#: Names that may stand beside the groups: the catalog reads them from the command line.
SHORTCUTS = ("raw_dir",)
