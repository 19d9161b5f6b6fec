"""The parameters that users set, one frozen model per group; most groups are read by more than one pipeline."""

from __future__ import annotations

from itertools import pairwise
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationInfo,
    field_validator,
    model_validator,
)


def _as_list(value: Any) -> Any:
    """A scalar is a list of one; a command line joins several by ``+`` (``22`` arrives as a number).

    A text with a space or a colon is one entry: descriptions of tracks hold ``+`` (``CAGE:CD14+ Monocytes``).
    """
    if isinstance(value, str):
        return [value] if " " in value or ":" in value else value.split("+")
    return value if value is None or isinstance(value, list | tuple) else [value]


def _as_texts(value: Any) -> Any:
    entries = _as_list(value)
    return entries if entries is None else [str(entry) for entry in entries]


def _without_repeats(values: tuple[Any, ...]) -> tuple[Any, ...]:
    if len(set(values)) < len(values):
        raise ValueError("an entry stands twice")
    return values


TextList = Annotated[tuple[str, ...], BeforeValidator(_as_texts)]
Names = Annotated[TextList, Field(min_length=1), AfterValidator(_without_repeats)]
Seeds = Annotated[
    tuple[Annotated[int, Field(ge=0)], ...],
    BeforeValidator(_as_list),
    Field(min_length=1),
    AfterValidator(_without_repeats),
]


class ParameterGroup(BaseModel):
    """A group of parameters: unknown names are refused, values do not change."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class SelectParameters(ParameterGroup):
    """Of what is read, the part that a run is about; a run with a selection has folders of its own.

    Attributes
    ----------
    genes : list of str, optional
        Names or ids (with or without version); all genes if not given. On the command line: ``gene=COMT+CLTCL1``.
    individuals : list of str, optional
        Individual ids; everybody if not given. On the command line: ``individual=HG00097+HG00099``.
    """

    genes: Names | None = None
    individuals: Names | None = None


class BeagleParameters(ParameterGroup):
    """How Beagle phases, where ``data_prep.phase`` asks for it.

    Attributes
    ----------
    jar : str, optional
        Beagle 5, run by ``java``; Debian's command ``beagle`` if not given.
    seed : int
    threads : int
        Phases repeat for the same seed and number of threads; with another of either they differ.
    memory_gib : int, optional
        Java's heap; a quarter of the machine's memory if not given.
    map : str, optional
        Genetic map in PLINK's format: a file, or a folder of ``*.map``, of the same genome build. 1 cM is 1 Mb without.
    """

    jar: str | None = None
    seed: int = Field(1, ge=0)
    threads: int = Field(1, ge=1)
    memory_gib: int | None = Field(None, ge=1)
    map: str | None = None


class DataPrepParameters(ParameterGroup):
    """What is read.

    Attributes
    ----------
    chromosomes : list of str
        ``all``, or names with or without ``chr``.
    filters : list of str
        FILTER values to keep beside PASS and ``.``; ``*`` keeps everything.
    repair_ref : bool
        Whether, in a VCF or BCF, REF and the one ALT that equals the reference change places where REF differs from it
        (as in exports of PLINK, whose REF is often the major allele); counted in the audit. PLINK1 needs no repair: of
        its alleles, the reference's is REF in any case.
    phase : str, optional
        What becomes of heterozygous calls without a phase. ``phase``: Beagle phases them, and imputes missing calls.
        ``mean``: one window per person, a heterozygous SNP half of each base, other variants left out. ``as_written``:
        0/1 is taken for 0|1, which is arbitrary. None: refused.
    beagle : BeagleParameters
        For ``phase``.
    margin : int
        Bases beyond each window in which variants are read too: deletions draw them into it.
    sample_ids : str
        ``as_written``; or ``fid_iid``: ``HG00097_HG00097``, as PLINK exports write it, is individual ``HG00097``.
    individuals : str
        ``intersect``: people who are in all files; ``require``: everybody in the expression table must be in all.
    """

    chromosomes: Names = ("all",)
    filters: TextList = ()
    repair_ref: bool = False
    phase: Literal["phase", "mean", "as_written"] | None = None
    beagle: BeagleParameters = BeagleParameters()
    margin: int = Field(10_000, ge=0)
    sample_ids: Literal["as_written", "fid_iid"] = "as_written"
    individuals: Literal["intersect", "require"] = "require"


class SequenceBuildParameters(ParameterGroup):
    """How windows are made.

    Attributes
    ----------
    max_n_share : float
        Share of unknown bases (N, or off the contig) that a window may have.
    unknown_windows : str
        What becomes of a gene whose window has more: ``refuse`` stops the run, ``drop`` leaves it out and counts it.
    checked_window : int, optional
        Bases round the TSS that are looked at for unknown ones and for variants, if more than the model's window.
    min_variants : int
        A gene with fewer variants there is left out and counted.
    max_missing : float
        Share of missing alleles in a window over which a person is refused; missing alleles are read as reference.
    strand : str
        ``forward``: every window is read as the FASTA is. ``gene``: that of a gene on the minus strand is read from the
        other strand, and the bins of its predictions with it.
    """

    max_n_share: float = Field(0.05, ge=0, le=1)
    unknown_windows: Literal["refuse", "drop"] = "refuse"
    checked_window: int | None = Field(None, ge=2)
    min_variants: int = Field(0, ge=0)
    max_missing: float = Field(0.05, ge=0, le=1)
    strand: Literal["forward", "gene"] = "forward"


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
        BeforeValidator(_as_texts),
        Field(min_length=1),
        AfterValidator(_without_repeats),
    ] = ("elastic_net", "top_snp", "prs", "blup", "enformer")
    method: Literal["non_negative", "ridge"] = "non_negative"
    components: int = Field(0, ge=0, le=20)


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
    return _as_texts(value)


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
        tuple[str, ...], BeforeValidator(_as_variants), Field(min_length=1), AfterValidator(_without_repeats)
    ] = ("cohort",)
    strands: Literal["forward", "both"] = "forward"
    mutagenesis: MutagenesisParameters = MutagenesisParameters()

    @property
    def file(self) -> str | None:
        """The file of variants, if it is one."""
        return self.variants[0] if len(self.variants) == 1 and self.variants[0].endswith(VARIANT_FILES) else None


#: Ends of bins of distance, in bases.
Edges = Annotated[tuple[Annotated[float, Field(ge=0)], ...], BeforeValidator(_as_list), Field(min_length=2)]


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
    held_out_populations : list of str, optional
        For the pipeline ``held_out_populations``: those to train without and to test on; all if not given.
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
    held_out_populations: Names | None = None
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

    centre_bins: int = Field(4, ge=2, multiple_of=2)
    l1_ratio: float = Field(0.5, gt=0, le=1)
    n_folds: int = Field(5, ge=3)
    folds: Literal["windows", "chromosomes"] = "windows"
    seed: int = Field(0, ge=0)


#: Every group by its name in ``conf/*/parameters.yml``.
GROUPS: dict[str, type[ParameterGroup]] = {
    "select": SelectParameters,
    "data_prep": DataPrepParameters,
    "sequence_build": SequenceBuildParameters,
    "enformer": EnformerParameters,
    "execution": ExecutionParameters,
    "variant_effects": VariantEffectsParameters,
    "external_eqtls": ExternalEqtlsParameters,
    "eqtl_scan": EqtlScanParameters,
    "linear_export": LinearExportParameters,
    "baselines": BaselinesParameters,
    "stacking": StackingParameters,
    "evaluation": EvaluationParameters,
    "apply": ApplyParameters,
    "disease_variants": DiseaseVariantsParameters,
    "population_effects": PopulationEffectsParameters,
    "across_genes": AcrossGenesParameters,
}

#: Names that may stand beside the groups on the command line: ``conf/base`` reads them.
SHORTCUTS = (
    *("raw_dir", "genotypes", "run_name", "gene", "individual", "sequences", "id_map", "relatedness"),
    *("eqtls", "top_associations", "gwas", "clinvar", "clinvar_build"),
    *("levels", "enformer_sequences"),
    *("executor", "shard_index", "shard_count"),
)
