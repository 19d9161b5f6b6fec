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
from haploformer.genome.edits import Edit, EditTable
from haploformer.genome.encoding import one_hot
from haploformer.genome.genotypes import Genotypes
from haploformer.genome.haplotypes import GeneHaplotypes
from haploformer.genome.placement import Placement, Stretch
from haploformer.genome.snp_windows import SnpWindows

_GENE_COLUMNS = [
    *("gene_id", "contig", "tss", "stretch_start", "left", "right", "reverse", "offset", "stretch_length"),
    *("first_edit", "last_edit"),
]


@dataclass(frozen=True)
class HaplotypeWindows:
    """Every distinct window of every gene, and who carries it. Sequences are never held: they are built when asked for.

    Attributes
    ----------
    genes : DataFrame (n_genes,)
        ``gene_id, contig, tss, stretch_start, left, right, reverse, offset, stretch_length, first_edit, last_edit``:
        where the gene's reference bases lie in ``reference``, how the window is cut from them and whether it is read
        from the other strand, and which rows of ``edits`` are the gene's.
    windows : DataFrame (n_windows,)
        ``gene_id, key, is_reference, first_carried, last_carried``; the row number is the window's number. ``key`` is
        the content of the sequence; ``carried[first_carried:last_carried]`` makes it.
    haplotypes : DataFrame
        ``gene_id, individual_id, haplotype, window``: one row per chromosome copy.
    edits : DataFrame (n_edits,)
        ``start, end`` (0-based half-open on the contig), ``alt``; sorted by place within a gene.
    carried : int32
        Numbers of edits within the gene, each window's own ascending.
    reference : uint8 (n_bases,)
        Base codes of all genes' stretches, one after the other.
    provenance : dict
        Sources and rules, JSON values.
    """

    genes: pd.DataFrame
    windows: pd.DataFrame
    haplotypes: pd.DataFrame
    edits: pd.DataFrame
    carried: NDArray[np.int32]
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

    def placement(self, gene_id: str) -> Placement:
        """All windows of a gene, laid out but not built."""
        return self._placements[gene_id]

    def edits_of(self, row: int) -> list[Edit]:
        """What makes a window of its gene's reference."""
        return self.placement(self.windows["gene_id"].iloc[row]).edits(int(self._place_in_gene[row]))

    @cached_property
    def _placements(self) -> dict[str, Placement]:
        tables = EditTable.of([Edit(*row) for row in self.edits.itertuples(index=False)])
        bounds = self.windows.groupby("gene_id", sort=False)[["first_carried", "last_carried"]]
        firsts = {gene_id: np.append(b["first_carried"], b["last_carried"].iloc[-1]) for gene_id, b in bounds}
        return {
            gene.gene_id: Placement(
                Stretch(
                    start=gene.stretch_start,
                    tss=gene.tss,
                    left=gene.left,
                    right=gene.right,
                    codes=self.reference[gene.offset : gene.offset + gene.stretch_length],
                    reverse=gene.reverse,
                ),
                tables.take(np.arange(gene.first_edit, gene.last_edit)),
                firsts[gene.gene_id] - firsts[gene.gene_id][0],
                self.carried[firsts[gene.gene_id][0] : firsts[gene.gene_id][-1]].astype(np.int64),
            )
            for gene in self.genes.itertuples()
        }

    @cached_property
    def _place_in_gene(self) -> NDArray[np.int64]:
        """Number of each window within its gene."""
        return self.windows.groupby("gene_id", sort=False).cumcount().to_numpy()

    def codes(self, rows: Sequence[int]) -> NDArray[np.uint8]:
        """Base codes of some windows.

        Returns
        -------
        uint8 (n_rows, length)
        """
        chosen = np.asarray(rows, np.int64)
        genes = self.windows["gene_id"].to_numpy()[chosen]
        codes = np.empty((len(chosen), self.length), np.uint8)
        for gene_id in dict.fromkeys(genes):
            place = np.flatnonzero(genes == gene_id)
            codes[place] = self.placement(gene_id).codes(self._place_in_gene[chosen[place]])
        return codes

    def reference_rows(self, rows: Sequence[int]) -> NDArray[np.int64]:
        """The reference window of the gene of each of some windows."""
        first = np.flatnonzero(self.windows["is_reference"].to_numpy())
        # A gene's windows stand together, its reference first.
        return first[np.searchsorted(first, np.asarray(rows, np.int64), side="right") - 1]

    def snps(self, rows: Sequence[int]) -> SnpWindows | None:
        """Some windows of one gene by their alleles; None where they have indels, or are of several genes."""
        chosen = np.asarray(rows, np.int64)
        genes = self.windows["gene_id"].to_numpy()[chosen]
        if len(chosen) == 0 or (genes != genes[0]).any():
            return None
        return self.placement(genes[0]).snps(self._place_in_gene[chosen])

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
    """Raise InputError if heterozygous calls have no phase, and the policy does not say what to make of such."""
    source = str(genotypes.provenance.get("source", "genotypes"))
    if genotypes.n_unphased and policy == "phase":
        raise InputError(
            source,
            f"{genotypes.n_unphased:,} heterozygous calls of the stored variants have no phase: they were stored under "
            "another policy than data_prep.phase=phase",
            "let Beagle phase them: kedro run --pipelines data_prep",
        )
    require_phased_calls(genotypes.n_unphased, source, policy=policy)


def require_phased_calls(n_unphased: int, source: str, *, policy: str | None) -> None:
    """Raise InputError if heterozygous calls have no phase, and no policy says what to make of them."""
    if not n_unphased or policy is not None:
        return
    raise InputError(
        source,
        f"{n_unphased:,} heterozygous calls are unphased (0/1, not 0|1), so no haplotype can be built",
        "set data_prep.phase=phase (Beagle phases all people of the file, then the run goes on), data_prep.phase=mean "
        "(one window per person, heterozygous SNPs half of each base) or data_prep.phase=as_written (take 0/1 for 0|1, "
        "which is arbitrary); the baselines need no phase: --pipelines data_prep,baselines",
    )


def describe_haplotypes(genotypes: Genotypes, *, policy: str | None, strand: str = "forward") -> str:
    """How each person's windows come from the calls, in words."""
    turned = "; genes on the minus strand are read, and their bins counted, in their own direction"
    return _describe_copies(genotypes, policy) + (turned if strand == "gene" else "")


def _describe_copies(genotypes: Genotypes, policy: str | None) -> str:
    if policy == "mean":
        return "one per person: heterozygous SNPs half of each base, other variants left out; missing read as reference"
    phase = "as phased in the genotype file"
    if phasing := genotypes.provenance.get("phasing"):
        phase = f"phased by {phasing['program']} {phasing['version']} (seed {phasing['seed']}), missing calls imputed"
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
    haplotypes = []
    n_windows = 0
    for gene, found in zip(gene_windows.itertuples(), collected, strict=True):
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
        n_windows += len(found)
    return lay_out_genes(
        gene_windows,
        [found.placement for found in collected],
        haplotypes=pd.concat(haplotypes, ignore_index=True),
        provenance=provenance,
    )


def lay_out_genes(
    gene_windows: pd.DataFrame,
    placements: Sequence[Placement],
    *,
    haplotypes: pd.DataFrame | None = None,
    provenance: dict[str, Any],
) -> HaplotypeWindows:
    """One numbered list of the windows of all genes.

    Parameters
    ----------
    gene_windows : DataFrame (n_genes,)
        ``gene_id, contig``, in the order of ``placements``.
    placements : sequence of Placement
        Of each gene the reference first, no window twice.
    haplotypes : DataFrame, optional
        Whose each window is; nobody's if not given.
    """
    stretches, edits, windows = [], [], []
    offset = n_edits = n_carried = 0
    for gene, placement in zip(gene_windows.itertuples(), placements, strict=True):
        stretch, table = placement.stretch, placement.table
        place = (stretch.tss, stretch.start, stretch.left, stretch.right, stretch.reverse, offset, len(stretch.codes))
        stretches.append((gene.gene_id, gene.contig, *place, n_edits, n_edits + len(table)))
        edits.extend(table.to_edits())
        first = placement.first + n_carried
        windows.append(
            pd.DataFrame(
                {
                    "gene_id": gene.gene_id,
                    "key": placement.keys,
                    "is_reference": np.arange(len(placement)) == 0,
                    "first_carried": first[:-1],
                    "last_carried": first[1:],
                }
            )
        )
        offset += len(stretch.codes)
        n_edits += len(table)
        n_carried = int(first[-1])
    nobody = pd.DataFrame(columns=["gene_id", "individual_id", "haplotype", "window"])
    return HaplotypeWindows(
        genes=pd.DataFrame(stretches, columns=_GENE_COLUMNS),
        windows=pd.concat(windows, ignore_index=True),
        haplotypes=nobody if haplotypes is None else haplotypes,
        edits=pd.DataFrame(edits, columns=["start", "end", "alt"]).astype({"start": "int64", "end": "int64"}),
        carried=np.concatenate([placement.carried for placement in placements]).astype(np.int32),
        reference=np.concatenate([placement.stretch.codes for placement in placements]),
        provenance=provenance,
    )
