"""The network, and where it runs."""

from __future__ import annotations

from typing import Literal

from pydantic import (
    Field,
    model_validator,
)

from haploformer.parameters.values import Names, ParameterGroup, TextList


class EnformerParameters(ParameterGroup):
    """The model.

    Attributes
    ----------
    preset : str
        Geometry; the input window belongs to it.
    weights : str
        ``untrained`` (random from ``seed``); ``official`` (the published ones, in ``official_folder``); or the path of a
        safetensors file, or of a folder that holds ``model.safetensors``.
    official_folder : str
        Where the published weights lie.
    gamma : str, optional
        Position features of the attention, ``tabulated`` or ``computed``, if not those that the weights need.
    engine : str
        Algorithm of the forward pass. ``exact``: every distinct part of it once. ``delta``: the transformer on differences
        from the reference in half precision, their error measured and stored. ``screening``: the transformer to first order
        round the reference, for the mean over the centre bins of at most 64 tracks, its error measured and stored.
        ``library``: enformer-pytorch as it is.
    device : str
        Where it is computed: ``cpu``, ``cuda``, or ``auto``, which is CUDA where torch finds it.
    delta_limit : float
        Error of differences, relative to the largest, over which ``delta`` predicts a gene's windows exactly.
    tracks : list of str
        The tissue's tracks, for the summary ``tissue_mean``.
    centre_bins : int
        Output bins averaged, symmetric round the TSS.
    bins : str
        What is stored of each track. ``centre``: its mean over the centre bins. ``all``: beside that its mean over all
        bins (896 in the published model), from which comes the summary ``all_bins_mean``. ``each``: every bin by itself,
        19 MB a window at full size.
    transform : str
        What predicts expression. ``coverage``: mean coverage as it is. ``log1p``: its logarithm, log(coverage + 1).
        ``log2_fold_change``: log2(coverage + 1) less that of the reference window.
    z_score : bool
        Whether its predictions are scored in sds over the training people of each gene, from their mean. No r within a
        gene changes by it.
    batch_size : int
        Windows per forward pass, halved where they do not fit the device's memory.
    shard_windows : int
        Windows per stored shard: what an interruption can cost.
    """

    preset: Literal["tiny", "small", "full"] = "full"
    weights: str = "untrained"
    official_folder: str = "data/06_models/enformer-official-rough"
    gamma: Literal["tabulated", "computed"] | None = None
    seed: int = Field(0, ge=0)
    engine: Literal["exact", "delta", "screening", "library"] = "exact"
    device: Literal["auto", "cpu", "cuda"] = "auto"
    delta_limit: float = Field(0.02, gt=0)
    tracks: Names = ("whole_blood",)
    centre_bins: int = Field(10, ge=2, multiple_of=2)
    bins: Literal["centre", "all", "each"] = "centre"
    transform: Literal["coverage", "log1p", "log2_fold_change"] = "coverage"
    z_score: bool = False
    batch_size: int = Field(1, ge=1)
    shard_windows: int = Field(64, ge=1)


class ClusterParameters(ParameterGroup):
    """The Dask cluster, where ``execution.executor`` is ``dask``.

    Attributes
    ----------
    address : str, optional
        A scheduler that is running (``tcp://host:8786``); the others are then its own.
    kind : str
        What is started for the run if not: ``local`` workers on this machine, or ``slurm`` jobs by dask-jobqueue.
    workers, threads : int
        Processes, and threads of each.
    memory_gib : float, optional
        Of each worker; no limit (8 in a SLURM job) if not given.
    gpus : int
        Of each worker, as Dask's resource ``GPU``.
    queue, account, walltime : str, optional
        Of each SLURM job; SLURM's own if not given.
    directives : list of str
        Further lines for ``#SBATCH``.
    """

    address: str | None = None
    kind: Literal["local", "slurm"] = "local"
    workers: int = Field(2, ge=1)
    threads: int = Field(1, ge=1)
    memory_gib: float | None = Field(None, gt=0)
    gpus: int = Field(0, ge=0)
    queue: str | None = Field(None, coerce_numbers_to_str=True)
    account: str | None = Field(None, coerce_numbers_to_str=True)
    walltime: str | None = Field(None, coerce_numbers_to_str=True)
    directives: TextList = ()


class ExecutionParameters(ParameterGroup):
    """Where the shards of predictions are computed.

    Attributes
    ----------
    executor : str
        ``local``: one after the other in this process. ``dask``: by the workers of ``cluster``.
    shard_index, shard_count : int, optional
        Of ``shard_count`` runs of the pipeline ``enformer_shards``, on as many machines as one likes, which one this is
        (from 0). A run without them publishes what all of them have stored.
    cluster : ClusterParameters
    """

    executor: Literal["local", "dask"] = "local"
    shard_index: int | None = Field(None, ge=0)
    shard_count: int | None = Field(None, ge=1)
    cluster: ClusterParameters = ClusterParameters()

    @model_validator(mode="after")
    def _both_or_none(self) -> ExecutionParameters:
        if (self.shard_index is None) != (self.shard_count is None):
            raise ValueError("shard_index and shard_count go together")
        if self.shard_index is not None and self.shard_count is not None and self.shard_index >= self.shard_count:
            raise ValueError(f"shard_index must be below shard_count ({self.shard_count}): the first is 0")
        return self
