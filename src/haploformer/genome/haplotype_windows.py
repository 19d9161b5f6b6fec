"""The distinct haplotype windows of a whole cohort, built on demand from the reference and their edits."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from haploformer.errors import InputError
from haploformer.genome.encoding import one_hot
from haploformer.genome.genotypes import Genotypes
from haploformer.genome.haplotypes import Edit, GeneHaplotypes, Stretch, build_haplotype


@dataclass(frozen=True)
class HaplotypeWindows:
    """Every distinct window of every gene, and who carries it. Sequences are never held: they are built when asked for.

    Attributes
    ----------
    genes : DataFrame (n_genes,)
        ``gene_id, contig, tss, stretch_start, left, right, offset, stretch_length``: where the gene's reference bases
        lie in ``reference``, and how the window is cut from them.
    windows : DataFrame (n_windows,)
        ``gene_id, key, is_reference, first_edit, last_edit``; the row number is the window's number. ``key`` is the
        content of the sequence; ``edits[first_edit:last_edit]`` makes it.
    haplotypes : DataFrame
        ``gene_id, individual_id, haplotype, window``: one row per chromosome copy.
    edits : DataFrame (n_edits,)
        ``start, end`` (0-based half-open on the contig), ``alt``.
    reference : uint8 (n_bases,)
        Base codes of all genes' stretches, one after the other.
    provenance : dict
        Sources and rules, JSON values.
    """

    genes: pd.DataFrame
    windows: pd.DataFrame
    haplotypes: pd.DataFrame
    edits: pd.DataFrame
    reference: NDArray[np.uint8]
    provenance: dict[str, Any] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.windows)

    @property
    def length(self) -> int:
        """Bases of a window."""
        return int(self.genes["left"].iloc[0] + self.genes["right"].iloc[0]) if len(self.genes) else 0

    @property
    def keys(self) -> list[str]:
        """Content key of each window."""
        return self.windows["key"].tolist()

    def carriers(self) -> pd.DataFrame:
        """``gene_id, individual_id, haplotype, window`` of all chromosome copies and of each gene's reference window.

        The reference window has nulls for person and haplotype.
        """
        reference = self.windows.index[self.windows["is_reference"]]
        rows = pd.DataFrame(
            {
                "gene_id": self.windows["gene_id"].to_numpy()[reference],
                "individual_id": None,
                "haplotype": pd.array([pd.NA] * len(reference), dtype="Int64"),
                "window": reference.to_numpy(dtype="int64"),
            }
        )
        copies = self.haplotypes.astype({"haplotype": "Int64", "individual_id": object})
        return pd.concat([rows.astype({"individual_id": object}), copies], ignore_index=True)

    @cached_property
    def _stretches(self) -> dict[str, Stretch]:
        return {
            gene.gene_id: Stretch(
                start=gene.stretch_start,
                tss=gene.tss,
                left=gene.left,
                right=gene.right,
                codes=self.reference[gene.offset : gene.offset + gene.stretch_length],
            )
            for gene in self.genes.itertuples()
        }

    @cached_property
    def _edits(self) -> list[Edit]:
        starts, ends = self.edits["start"].tolist(), self.edits["end"].tolist()
        return [Edit(*row) for row in zip(starts, ends, self.edits["alt"].tolist(), strict=True)]

    def codes(self, rows: Sequence[int]) -> NDArray[np.uint8]:
        """Base codes of some windows.

        Returns
        -------
        uint8 (n_rows, length)
        """
        gene = self.windows["gene_id"].to_numpy()
        first, last = self.windows["first_edit"].to_numpy(), self.windows["last_edit"].to_numpy()
        return np.stack([build_haplotype(self._stretches[gene[r]], self._edits[first[r] : last[r]]) for r in rows])

    def one_hot(self, rows: Sequence[int]) -> NDArray[np.float32]:
        """One-hot form of some windows, order A C G T.

        Returns
        -------
        float32 (n_rows, length, 4)
        """
        return one_hot(self.codes(rows))

    def batches(self, batch_size: int) -> Iterator[NDArray[np.float32]]:
        """All windows in order, as one-hot batches (at most ``batch_size``, length, 4)."""
        for start in range(0, len(self), batch_size):
            yield self.one_hot(range(start, min(start + batch_size, len(self))))


def require_phase(genotypes: Genotypes, *, policy: str | None = None) -> None:
    """Raise InputError if heterozygous calls have no phase and no policy says what to make of them."""
    if genotypes.n_unphased and policy is None:
        raise InputError(
            str(genotypes.provenance.get("source", "genotypes")),
            f"{genotypes.n_unphased:,} heterozygous calls are unphased (0/1, not 0|1), so no haplotype can be built",
            "phase the genotypes, with Beagle for example; or set data_prep.phase=mean (one window per person, "
            "heterozygous SNPs half of each base) or data_prep.phase=as_written (take 0/1 for 0|1, which is arbitrary); "
            "the baselines need no phase: --pipelines data_prep,baselines",
        )


def describe_haplotypes(genotypes: Genotypes, *, policy: str | None) -> str:
    """How each person's windows come from the calls, in words."""
    if policy == "mean":
        return "one per person: heterozygous SNPs half of each base, other variants left out; missing read as reference"
    phase = "as phased in the genotype file"
    if genotypes.n_unphased:
        phase = f"{genotypes.n_unphased:,} heterozygous calls without a phase taken as written, which is arbitrary"
    return f"two per person, {phase}; TSS pinned; missing alleles read as reference"


def combine_genes(
    gene_windows: pd.DataFrame,
    collected: Sequence[GeneHaplotypes],
    individual_ids: Sequence[str],
    *,
    provenance: dict[str, Any],
) -> HaplotypeWindows:
    """Lay the haplotypes of all genes out as one numbered list of windows.

    Parameters
    ----------
    gene_windows : DataFrame (n_genes,)
        ``gene_id, contig``, in the order of ``collected``.
    """
    genes: list[tuple[object, ...]] = []
    windows: list[tuple[object, ...]] = []
    haplotypes: list[pd.DataFrame] = []
    edits: list[Edit] = []
    offset = n_edits = n_windows = 0
    for gene, found in zip(gene_windows.itertuples(), collected, strict=True):
        stretch = found.stretch
        genes.append(
            (
                gene.gene_id,
                gene.contig,
                stretch.tss,
                stretch.start,
                stretch.left,
                stretch.right,
                offset,
                len(stretch.codes),
            )
        )
        offset += len(stretch.codes)
        for i, (key, made_of) in enumerate(zip(found.keys, found.edits, strict=True)):
            windows.append((gene.gene_id, key, i == 0, n_edits, n_edits + len(made_of)))
            edits.extend(made_of)
            n_edits += len(made_of)
        person, copy = np.nonzero(found.window >= 0)
        haplotypes.append(
            pd.DataFrame(
                {
                    "gene_id": gene.gene_id,
                    "individual_id": np.asarray(individual_ids, dtype=object)[person],
                    "haplotype": copy,
                    "window": n_windows + found.window[person, copy],
                }
            )
        )
        n_windows += len(found.keys)
    gene_columns = ["gene_id", "contig", "tss", "stretch_start", "left", "right", "offset", "stretch_length"]
    return HaplotypeWindows(
        genes=pd.DataFrame(genes, columns=gene_columns),
        windows=pd.DataFrame(windows, columns=["gene_id", "key", "is_reference", "first_edit", "last_edit"]),
        haplotypes=pd.concat(haplotypes, ignore_index=True),
        edits=pd.DataFrame(edits, columns=["start", "end", "alt"]).astype({"start": "int64", "end": "int64"}),
        reference=np.concatenate([found.stretch.codes for found in collected]),
        provenance=provenance,
    )
