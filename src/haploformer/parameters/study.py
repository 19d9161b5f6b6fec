"""What is read, of whom, and how it becomes windows."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import (
    Field,
    field_validator,
)

from haploformer.parameters.values import Names, ParameterGroup, TextList


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


class ExpressionParameters(ParameterGroup):
    """What becomes of measured expression in each training set; nothing of it rests on the people to be predicted.

    Attributes
    ----------
    covariates : str
        What is regressed out: ``all`` covariates of the table as they are, ``none``, or the right-hand side of a formula,
        whose levels and transforms are those of the training people: ``~ sex + C(platform) + PC1 + PC2 + scale(age):sex``.
    normalise : str
        Before that. ``none``: as in the file. ``rank``: normal quantiles of the ranks among the training people; others
        are placed between those. ``scale``: in training sds from the training mean.
    """

    covariates: str = "all"
    normalise: Literal["none", "rank", "scale"] = "none"

    @field_validator("covariates")
    @classmethod
    def _is_a_formula(cls, value: str) -> str:
        if value not in ("all", "none") and not value.startswith("~"):
            raise ValueError("neither all, nor none, nor a formula that begins with ~")
        return value

    @property
    def adjustment(self) -> dict[str, Any]:
        """Options of `haploformer.expression.covariates.adjustment_for`."""
        return {"formula": self.covariates, "normalisation": self.normalise}


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
        A gene with fewer variants there is left out and counted; not where models are applied (`of_new_people`).
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

    @property
    def window_rules(self) -> dict[str, Any]:
        """Options of `haploformer.genome.windows.checked_windows`."""
        refuse = self.unknown_windows == "refuse"
        return {"checked_length": self.checked_window, "max_n_share": self.max_n_share, "refuse": refuse}

    def of_new_people(self) -> SequenceBuildParameters:
        """The same for people whom models are applied to: where none of them varies, all have the same prediction."""
        return self.model_copy(update={"min_variants": 0})
