"""What every genotype file hands on, whatever its format."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from haploformer.genome.audit import AuditCounts
from haploformer.genome.genotypes import Genotypes
from haploformer.genome.intervals import Interval
from haploformer.genome.reference import Reference

#: Records read before they are handed on; bounds the memory by 2 bytes x records x people.
BATCH_RECORDS = 4096


@dataclass
class GenotypeBatch:
    """Some records in file order, and what was left out before and among them."""

    genotypes: Genotypes
    counts: AuditCounts = field(default_factory=Counter)


class GenotypeFile(Protocol):
    """A cohort's genotypes in a file or file set: `haploformer.formats.vcf.VcfFile` tells what each part does."""

    path: Path
    name: str
    #: Individual of each sample id that is not the individual's own.
    individual_of: Mapping[str, str]

    def check(self) -> None:
        """Raise InputError if the file cannot be used."""
        ...

    @property
    def sha256(self) -> str:
        """sha256 of the content."""
        ...

    @property
    def sample_ids(self) -> list[str]:
        """Sample ids in the order of the file."""
        ...

    def read(
        self,
        intervals: Sequence[Interval],
        sample_ids: Sequence[str],
        reference: Reference,
        *,
        filters: Sequence[str] = (),
        individual_ids: Sequence[str] | None = None,
    ) -> Iterator[GenotypeBatch]:
        """Records that begin in one of the intervals, with the alleles of some samples."""
        ...

    def check_records(self, contigs: Sequence[str], reference: Reference, *, filters: Sequence[str] = ()) -> int:
        """Compare every record of some contigs with the reference, and count them."""
        ...
