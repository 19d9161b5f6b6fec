"""Windows of single variants of real and simulated files, without a run."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from haploformer.formats.fasta import FastaReference
from haploformer.genome.variant_selection import require_reference, sort_variants
from haploformer.genome.variant_windows import EditedWindows, build_variant_windows
from haploformer.genome.variants import RECORD_COLUMNS
from haploformer.genome.windows import build_windows


def windows_of_gene(
    fasta: Path, contig: str, tss: int, length: int, variants: pd.DataFrame, *, both_strands: bool = True
) -> EditedWindows:
    """Each variant alone in the window round one TSS; each one's REF is compared with the FASTA."""
    reference = FastaReference(fasta)
    genes = pd.DataFrame([("g", contig, tss, "+")], columns=["gene_id", "contig", "tss", "strand"])
    require_reference(variants, reference, source="variants")
    return build_variant_windows(
        build_windows(genes, reference, length=length),
        variants,
        reference,
        reverse=[False],
        both_strands=both_strands,
        provenance={"rule": "x"},
    )


def published_variants(path: Path) -> pd.DataFrame:
    """Published predictions of single variants: `RECORD_COLUMNS`, then ``published_ref, published_alt``."""
    table = pd.read_csv(path, index_col=0)
    place = table.index.to_series().str.extract(r"^chr(?P<contig>\w+):(?P<pos>\d+) (?P<ref>[ACGT]+)/(?P<alt>[ACGT]+)$")
    assert place.notna().all(axis=None)
    found = place.assign(
        pos=place["pos"].astype("int64"),
        variant_id=table.index,
        published_ref=table["ref"].to_numpy(),
        published_alt=table["variant"].to_numpy(),
    )
    return sort_variants(found[[*RECORD_COLUMNS, "published_ref", "published_alt"]])
