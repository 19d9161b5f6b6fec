"""Sequences of the user's, to be predicted as they are."""

from __future__ import annotations

from kedro_datasets._typing import TablePreview

from haploformer.datasets.base import InputFileDataset
from haploformer.datasets.previews import table_preview
from haploformer.errors import InputError
from haploformer.formats.sequences import SequenceFile, read_sequences


class SequencesDataset(InputFileDataset[SequenceFile]):
    """A FASTA, or a BED of regions, loaded as a handle."""

    kind = "sequences"

    def load(self) -> SequenceFile:
        """Open the file and read where its sequences lie."""
        if not self._given:
            raise InputError(
                "parameters:sequences", "no file of sequences is given", "--params sequences=FILE (a FASTA or a BED)"
            )
        return read_sequences(self._file)

    def preview(self, nrows: int = 10) -> TablePreview:
        """The first sequences."""
        return table_preview(self.load().regions, nrows)
