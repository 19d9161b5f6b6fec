"""Where the files of a simulated cohort lie. Imports nothing that another environment may lack."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

CONTIG = "22"
WINDOW = 196_608


@dataclass(frozen=True)
class CohortFiles:
    """The files of one data set. ``genes``: a BED of the windows; its name column is ``gene:tss``."""

    folder: Path

    @property
    def fasta(self) -> Path:
        """Bgzipped and indexed."""
        return self.folder / "reference.fa.gz"

    @property
    def plain_fasta(self) -> Path:
        """The same bases, not compressed, indexed."""
        return self.folder / "reference.fa"

    @property
    def vcf(self) -> Path:
        """Bgzipped and indexed."""
        return self.folder / "genotypes.vcf.gz"

    @property
    def bed(self) -> Path:
        """One window a line."""
        return self.folder / "genes.bed"

    @property
    def tss(self) -> list[int]:
        """0-based TSS of each gene."""
        return [int(line.split("\t")[3].split(":")[1]) for line in self.bed.read_text().splitlines()]

    @property
    def facts(self) -> dict[str, int]:
        """People, genes and variants."""
        found: dict[str, int] = json.loads((self.folder / "facts.json").read_text())
        return found


def sample_id(person: int) -> str:
    """Id of a person in the VCF; ids sort as people do."""
    return f"P{person:05d}"
