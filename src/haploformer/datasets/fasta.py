"""Reference genome in FASTA."""

from __future__ import annotations

from kedro_datasets._typing import TablePreview

from haploformer.datasets.base import InputFileDataset
from haploformer.formats.fasta import FastaReference


class FastaDataset(InputFileDataset[FastaReference]):
    """A FASTA file, plain or bgzipped, loaded as a handle that reads on demand."""

    kind = "FASTA"

    def load(self) -> FastaReference:
        """Open the file and check that it can be read at random."""
        reference = FastaReference(self._file)
        reference.check()
        return reference

    def preview(self) -> TablePreview:
        """Contigs and their lengths."""
        lengths = list(self.load().contig_lengths.items())
        return TablePreview({"columns": ["contig", "bases"], "index": [*range(len(lengths))], "data": lengths})
