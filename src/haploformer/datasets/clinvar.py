"""Variants of ClinVar."""

from __future__ import annotations

from typing import Any

from kedro_datasets._typing import TablePreview

from haploformer.datasets.base import InputFileDataset
from haploformer.datasets.previews import table_preview
from haploformer.formats.clinvar import ClinvarVariants, no_clinvar, read_clinvar


class ClinvarDataset(InputFileDataset[ClinvarVariants]):
    """variant_summary.txt, the VCF, or a table of one release.

    Parameters
    ----------
    build : str
        ``GRCh37`` or ``GRCh38``: which of the places in the file are read. Whether it is that of the FASTA, REF tells.
    """

    what = "variants of ClinVar"
    kind = "ClinVar"

    def __init__(
        self,
        *,
        filepath: str | None,
        build: str = "GRCh38",
        required: bool = True,
        metadata: dict[str, Any] | None = None,
    ) -> None:
        super().__init__(filepath=filepath, required=required, metadata=metadata)
        self._build = build

    def load(self) -> ClinvarVariants:
        """Read and check the file; no rows where there is none."""
        return no_clinvar() if self._is_absent() else read_clinvar(self._file, build=self._build)

    def preview(self, nrows: int = 10) -> TablePreview:
        """The first rows."""
        return table_preview(self.load().table, nrows)
