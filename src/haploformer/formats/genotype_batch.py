"""What every genotype file hands on, whatever its format."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from haploformer.errors import InputError
from haploformer.genome.audit import AuditCounts
from haploformer.genome.contigs import canonical_contig
from haploformer.genome.genotypes import MISSING, Genotypes
from haploformer.genome.intervals import Interval
from haploformer.genome.reference import Reference
from haploformer.genome.variants import NO_SEQUENCE, RECORD_COLUMNS
from haploformer.genome.window_calls import WindowCalls

logger = logging.getLogger(__name__)

#: Records handed on at once, at most: of few people too many records would weigh by their own.
BATCH_RECORDS = 4096

#: Alleles of one chunk of the store, in bytes: a window's are a chunk or a few.
CHUNK_BYTES = 2**19

#: Chunks of the store that a batch fills.
BATCH_CHUNKS = 2

#: The highest allele index that the stored int8 holds.
MAX_ALLELE = 127

#: Why a variant on a contig of interest is not read.
FAR = "far from every gene"


def chunk_records(n_people: int) -> int:
    """Records of one chunk of the store: two bytes a call."""
    return min(BATCH_RECORDS // BATCH_CHUNKS, max(1, CHUNK_BYTES // (2 * max(n_people, 1))))


def batch_records(n_people: int, *, limit: int = BATCH_RECORDS) -> int:
    """Records to hand on at once: whole chunks of the store, so that memory does not grow with the cohort."""
    return min(limit, BATCH_CHUNKS * chunk_records(n_people))


@dataclass
class GenotypeBatch:
    """Some records in file order, and what was left out before and among them.

    Attributes
    ----------
    genotypes : Genotypes
    counts : AuditCounts
    n_imputed : int64 (n_individuals,), optional
        Calls of each person that are not the file's but imputed.
    """

    genotypes: Genotypes
    counts: AuditCounts = field(default_factory=Counter)
    n_imputed: NDArray[np.int64] | None = None


@dataclass
class RecordAudit:
    """What reading all records of some contigs found.

    Attributes
    ----------
    n_compared : int
        Records whose REF was compared with the reference.
    counts : AuditCounts
        Records kept and left out, as reading them counts them.
    n_calls, n_heterozygous, n_unphased, n_missing : int
        Calls at the records kept: all, those with two different alleles, those of them without a phase, and those with
        a missing allele.
    windows : WindowCalls, optional
        What the calls of each window come to.
    """

    n_compared: int = 0
    counts: AuditCounts = field(default_factory=Counter)
    n_calls: int = 0
    n_heterozygous: int = 0
    n_unphased: int = 0
    n_missing: int = 0
    windows: WindowCalls | None = None

    def add_batch(self, batch: GenotypeBatch) -> None:
        """Count the records and calls of a batch."""
        self.counts += batch.counts
        alleles = np.asarray(batch.genotypes.alleles[slice(None)])
        first, second = alleles[..., 0], alleles[..., 1]
        self.n_calls += first.size
        self.n_heterozygous += int(((first != second) & (first >= 0) & (second >= 0)).sum())
        self.n_missing += int(((first == MISSING) | (second == MISSING)).sum())
        self.n_unphased += batch.genotypes.n_unphased
        if self.windows is not None and len(batch.genotypes):
            self.windows.add(batch.genotypes)


class GenotypeFile(Protocol):
    """A cohort's genotypes in a file or file set: `haploformer.formats.vcf.VcfFile` tells what each part does."""

    path: Path
    name: str
    #: Individual of each sample id that is not the individual's own.
    individual_of: Mapping[str, str]

    @property
    def names_ref(self) -> bool:
        """Whether the file says which allele is REF."""
        ...

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
        repair_ref: bool = False,
        individual_ids: Sequence[str] | None = None,
    ) -> Iterator[GenotypeBatch]:
        """Records that reach into one of the intervals, with the alleles of some samples."""
        ...

    def check_records(
        self,
        contigs: Sequence[str],
        reference: Reference,
        *,
        filters: Sequence[str] = (),
        repair_ref: bool = False,
        sample_ids: Sequence[str] = (),
        near: Sequence[Interval] | None = None,
        windows: WindowCalls | None = None,
    ) -> RecordAudit:
        """Compare every record of some contigs with the reference, look at the calls of some samples, and count."""
        ...


def empty_batch(source: str, individual_ids: Sequence[str], counts: AuditCounts) -> GenotypeBatch:
    """A batch that holds no record, and carries the counts of what was left out."""
    records = pd.DataFrame(columns=RECORD_COLUMNS).astype(dict.fromkeys(RECORD_COLUMNS, "str") | {"pos": "int64"})
    alleles = np.zeros((0, len(individual_ids), 2), np.int8)
    return GenotypeBatch(Genotypes(records, individual_ids, alleles, 0, {"source": source}), counts)


def reason_to_drop(kind: str, status: str | None, filters: Sequence[str]) -> str | None:
    """Why a record of a class and with a FILTER is left out; None if it is kept.

    Parameters
    ----------
    kind : str
        As `haploformer.genome.variants.record_class` names it.
    status : str or None
        FILTER values joined by semicolons; None where there are none.
    filters : sequence of str
        FILTER values to keep beside PASS and ``.``; ``*`` keeps everything.
    """
    if kind in NO_SEQUENCE:
        return f"{kind} allele"
    if status is not None and "*" not in filters and not set(status.split(";")) <= {"PASS", ".", *filters}:
        return f"FILTER {status}"
    return None


def require_common_contig(wanted: Collection[str], there: Sequence[str], path: Path) -> None:
    """Raise InputError if contigs are wanted and the file has none of them; ``there`` as the file spells them."""
    if wanted and not any(canonical_contig(name) in wanted for name in there):
        raise InputError(
            str(path),
            f"no record on contig {', '.join(list(wanted)[:8])} (contigs there: {', '.join(there[:8]) or 'none'})",
            "give genotypes of these contigs, or choose other chromosomes in data_prep.chromosomes",
        )
    known = {canonical_contig(name) for name in there}
    for contig in [name for name in wanted if name not in known]:
        logger.warning("%s: no record on contig %s: there everybody has the reference", path.name, contig)


def require_distinct_people(individual_ids: Sequence[str], path: Path) -> None:
    """Raise InputError if a person stands twice in a PLINK file."""
    doubled = [name for name, n in Counter(individual_ids).items() if n > 1]
    if doubled:
        raise InputError(
            str(path),
            f"individual id {doubled[0]} stands twice",
            "give each person an id of its own (plink2 --update-ids)",
        )
