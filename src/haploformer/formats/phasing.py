"""Genotypes without a phase, phased by Beagle once and kept by their content."""

from __future__ import annotations

import gzip
import hashlib
import logging
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import groupby, islice
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from haploformer.errors import InputError
from haploformer.formats.beagle import Beagle
from haploformer.formats.files import publish_directory, sha256_json, write_json
from haploformer.formats.genotype_batch import GenotypeBatch, GenotypeFile, RecordAudit
from haploformer.formats.vcf import VcfFile
from haploformer.genome.audit import AuditKey
from haploformer.genome.genotypes import ABSENT, MISSING, Genotypes
from haploformer.genome.intervals import Interval, whole_contig
from haploformer.genome.reference import Reference
from haploformer.genome.window_calls import WindowCalls

logger = logging.getLogger(__name__)

_CALLED = "called.vcf.gz"
_PHASED = "phased.vcf.gz"
_SUMMARY = "phasing.json"

#: One record: its position, REF and ALT, and the alleles (n_individuals, 2).
_Record = tuple[tuple[int, str, str], NDArray[np.int8]]


@dataclass(frozen=True)
class Phasing:
    """What is to be phased: all people of a genotype file, and all its records of some contigs.

    Phases come from the whole contig and from everybody, whatever genes and people a run is about.

    Attributes
    ----------
    genotype_file : GenotypeFile
    reference : Reference
    contigs : tuple of str
        Canonical names.
    filters : tuple of str
        FILTER values to keep beside PASS and ``.``.
    beagle : Beagle, optional
        None: calls stay as they are.
    repair_ref : bool
        Whether REF and ALT are exchanged where they must be.
    """

    genotype_file: GenotypeFile
    reference: Reference
    contigs: tuple[str, ...] = ()
    filters: tuple[str, ...] = ()
    beagle: Beagle | None = None
    repair_ref: bool = False

    def survey(self) -> dict[str, ContigCalls]:
        """Read all calls once, and count them by contig.

        Raises
        ------
        InputError
            If they cannot be phased: a haploid call, a single person, a contig with one position.
        """
        surveys: dict[str, ContigCalls] = {}
        for batch in self._batches(self.contigs):
            contig = str(batch.genotypes.records["contig"].iloc[0])
            if contig not in surveys:
                surveys[contig] = ContigCalls(contig, str(self.genotype_file.path))
            surveys[contig].add(batch.genotypes)
        for calls in surveys.values():
            calls.require_phasable(len(self.genotype_file.sample_ids))
        return surveys

    def run(self, folder: Path) -> GenotypeFile:
        """Phase the contigs whose phases do not lie in ``folder`` yet; the genotype file with its phases.

        Each contig's lie in a folder named after what they depend on, which is there whole or not at all. A contig
        whose heterozygous calls all have a phase stays as it is.
        """
        if self.beagle is None:
            return self.genotype_file
        surveys = self.survey()
        places = {contig: folder / self._key(calls) for contig, calls in surveys.items() if calls.n_unphased}
        for contig in surveys.keys() - places.keys():
            logger.info("contig %s: all heterozygous calls have a phase, Beagle is not needed", contig)
        missing = {contig: place for contig, place in places.items() if not (place / _SUMMARY).is_file()}
        for contig in places.keys() - missing.keys():
            logger.info("contig %s: Beagle's phases are there already", contig)
        batches = self._batches(list(missing))
        for contig, group in groupby(batches, key=lambda batch: str(batch.genotypes.records["contig"].iloc[0])):
            self._run_contig(surveys[contig], group, missing[contig])
        return PhasedGenotypes(
            self.genotype_file, {contig: place / _PHASED for contig, place in places.items()}, self.beagle.settings()
        )

    def _run_contig(self, calls: ContigCalls, batches: Iterator[GenotypeBatch], place: Path) -> None:
        assert self.beagle is not None
        n_people = len(self.genotype_file.sample_ids)
        told = (calls.contig, n_people, calls.n_records, self.beagle.version, self.beagle.seed)
        logger.info("contig %s: %d people, %d variants are phased by Beagle %s (seed %d)", *told)
        if calls.n_phased:
            logger.warning(
                "contig %s: %d heterozygous calls have a phase, which Beagle does not keep where others have none",
                calls.contig,
                calls.n_phased,
            )
        with publish_directory(place) as building:
            called = building / _CALLED
            with gzip.open(called, "wb", compresslevel=1) as stream:
                stream.write(_vcf_header(n_people))
                stream.writelines(line for batch in batches for line in _vcf_lines(batch.genotypes))
            self.beagle.phase(called, calls.contig)
            phased = PhasedGenotypes(self.genotype_file, {calls.contig: building / _PHASED}, self.beagle.settings())
            intervals = [whole_contig(calls.contig)]
            read = phased.read(intervals, self.genotype_file.sample_ids, self.reference, **self._how)
            n_imputed = sum(int(batch.n_imputed.sum()) for batch in read if batch.n_imputed is not None)
            called.unlink()
            summary = {"phasing": self.beagle.settings(), "contig": calls.contig, "n_individuals": n_people}
            summary |= {"n_records": calls.n_records, "n_unphased": calls.n_unphased, "n_imputed": n_imputed}
            write_json(building / _SUMMARY, summary)

    def _key(self, calls: ContigCalls) -> str:
        """What the phases of a contig depend on, hashed: its calls as Beagle sees them, Beagle, and how it runs."""
        assert self.beagle is not None
        genetic_map = self.beagle.genetic_map and self.beagle.genetic_map.rows[calls.contig]
        settings = self.beagle.settings() | {"genetic_map": genetic_map}
        n_people = len(self.genotype_file.sample_ids)
        return sha256_json({"calls": calls.sha256, "n_individuals": n_people, **settings})[:32]

    @property
    def _how(self) -> dict[str, Any]:
        return {"filters": self.filters, "repair_ref": self.repair_ref}

    def _batches(self, contigs: Sequence[str]) -> Iterator[GenotypeBatch]:
        """All calls of everybody on some contigs; people by name, so that the order of a file's columns is nothing."""
        intervals = [whole_contig(contig) for contig in contigs]
        if not intervals:
            return
        people = sorted(self.genotype_file.sample_ids)
        for batch in self.genotype_file.read(intervals, people, self.reference, **self._how):
            if len(batch.genotypes):
                yield batch


@dataclass
class ContigCalls:
    """Calls of one contig, counted.

    Attributes
    ----------
    contig, source : str
        ``source`` is what messages call the file.
    n_records, n_positions : int
    n_unphased, n_phased : int
        Heterozygous calls without a phase, and with one.
    """

    contig: str
    source: str
    n_records: int = 0
    n_positions: int = 0
    n_unphased: int = 0
    n_phased: int = 0
    _last: int = 0
    _first_haploid: str = ""
    _content: Any = field(default_factory=hashlib.sha256)

    @property
    def sha256(self) -> str:
        """sha256 of the calls as Beagle sees them."""
        return str(self._content.hexdigest())

    def add(self, genotypes: Genotypes) -> None:
        """Count some records, which follow those before."""
        alleles = np.asarray(genotypes.alleles[slice(None)])
        pos = genotypes.records["pos"].to_numpy()
        n_heterozygous = int(((alleles[..., 0] != alleles[..., 1]) & (alleles >= 0).all(-1)).sum())
        self.n_records += len(genotypes)
        self.n_positions += int((np.diff(pos, prepend=self._last) != 0).sum())
        self.n_unphased += genotypes.n_unphased
        self.n_phased += n_heterozygous - genotypes.n_unphased
        self._last = int(pos[-1])
        haploid = np.argwhere((alleles == ABSENT).any(-1))
        if len(haploid) and not self._first_haploid:
            record, person = haploid[0]
            self._first_haploid = f"{pos[record]}: sample {genotypes.individual_ids[person]}"
        for line in _vcf_lines(genotypes):
            self._content.update(line)

    def require_phasable(self, n_people: int) -> None:
        """Raise InputError if calls lack a phase, and Beagle cannot give them one."""
        if not self.n_unphased:
            return
        if self._first_haploid:
            raise InputError(
                f"{self.source}:{self.contig}:{self._first_haploid}",
                "the call has one allele; Beagle phases diploid calls only",
                "leave the contig out by data_prep.chromosomes, write such calls as diploid ones (1 as 1/1), or choose "
                "another policy in data_prep.phase",
            )
        if n_people < 2:
            raise InputError(
                self.source,
                "there is one person; Beagle phases people by each other",
                "give a file of the cohort that the person belongs to, or choose another policy in data_prep.phase",
            )
        if self.n_positions < 2:
            raise InputError(
                f"{self.source}:{self.contig}:{self._last}",
                "the contig has variants at one position only; Beagle needs several",
                "leave the contig out by data_prep.chromosomes, or choose another policy in data_prep.phase",
            )


class PhasedGenotypes:
    """A genotype file whose calls on some contigs have the phase that Beagle gave them.

    Records, and what is left out of them, are the file's own; a missing call has the alleles that Beagle imputed.

    Parameters
    ----------
    called : GenotypeFile
    phased : mapping of contig to Path
        Beagle's VCF of each contig. A contig that is not there stays as it is.
    settings : dict
        How they were phased, JSON values.
    """

    def __init__(self, called: GenotypeFile, phased: Mapping[str, Path], settings: dict[str, Any]) -> None:
        self.called = called
        self.phased = dict(phased)
        self.settings = settings
        self.path = called.path
        self.name = called.name
        self.individual_of = called.individual_of

    def check(self) -> None:
        """Raise InputError if the genotype file cannot be used."""
        self.called.check()

    @property
    def names_ref(self) -> bool:
        """Whether the genotype file says which allele is REF."""
        return self.called.names_ref

    @property
    def sha256(self) -> str:
        """sha256 of the genotype file, whose calls were phased."""
        return self.called.sha256

    @property
    def sample_ids(self) -> list[str]:
        """Sample ids of the genotype file."""
        return self.called.sample_ids

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
        """Records of the genotype file with Beagle's phases; parameters as in `haploformer.formats.vcf.VcfFile.read`.

        Raises
        ------
        InputError
            What reading the genotype file raises, and if Beagle's calls are not those of the file.
        """
        rank = {name: i for i, name in enumerate(sorted(self.sample_ids))}
        columns = [_column(rank[name]) for name in sample_ids]
        streams: dict[str, Iterator[_Record]] = {}
        called = self.called.read(
            intervals, sample_ids, reference, filters=filters, repair_ref=repair_ref, individual_ids=individual_ids
        )
        for batch in called:
            contig = str(batch.genotypes.records["contig"].iloc[0]) if len(batch.genotypes) else ""
            if contig not in self.phased:
                yield batch
                continue
            if contig not in streams:
                vcf = _BeagleVcf(self.phased[contig], contig)
                of_contig = [interval for interval in intervals if interval.contig == contig]
                streams[contig] = self._records(vcf.read(of_contig, columns, reference, filters=["*"]), contig)
            yield self._with_phase(batch, list(islice(streams[contig], len(batch.genotypes))))

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
        """As the genotype file does it."""
        return self.called.check_records(
            contigs,
            reference,
            filters=filters,
            repair_ref=repair_ref,
            sample_ids=sample_ids,
            near=near,
            windows=windows,
        )

    def _records(self, batches: Iterator[GenotypeBatch], contig: str) -> Iterator[_Record]:
        """Beagle's records one by one, however they were cut into batches."""
        for batch in batches:
            if batch.genotypes.n_unphased:
                raise self._differs(contig, "leaves calls without a phase, unlike what is asked")
            sites = zip(*(batch.genotypes.records[name].tolist() for name in ("pos", "ref", "alt")), strict=True)
            yield from zip(sites, np.asarray(batch.genotypes.alleles[slice(None)]), strict=True)

    def _with_phase(self, batch: GenotypeBatch, phased: list[_Record]) -> GenotypeBatch:
        """The batch with the alleles of Beagle's records, once they are known to be those of the file, only ordered."""
        called = batch.genotypes
        contig = str(called.records["contig"].iloc[0])
        sites = list(zip(*(called.records[name].tolist() for name in ("pos", "ref", "alt")), strict=True))
        before = np.asarray(called.alleles[slice(None)])
        missing = (before == MISSING).any(-1)
        if [site for site, _ in phased] != sites:
            raise self._differs(contig, "has not the records")
        after = np.stack([alleles for _, alleles in phased])
        same = (np.sort(before, axis=-1) == np.sort(after, axis=-1)).all(-1)
        if not (same | missing).all() or (after < 0).any():
            record = int((~(same | missing) | (after < 0).any(-1)).any(-1).argmax())
            raise self._differs(f"{contig}:{sites[record][0]}", "has not the calls")
        n_imputed = missing.sum(0)
        counts = batch.counts + Counter(
            {AuditKey(self.name, contig, "call", "imputed", "missing or half missing, by Beagle"): int(n_imputed.sum())}
        )
        return GenotypeBatch(replace(called, alleles=after, n_unphased=0), +counts, n_imputed)

    def _differs(self, place: str, what: str) -> InputError:
        folder = self.phased[place.split(":")[0]].parent
        return InputError(
            f"{folder / _PHASED}:{place}",
            f"Beagle's result {what} of {self.called.name}",
            "remove its folder, and run again",
        )


class _BeagleVcf(VcfFile):
    """Beagle's VCF of one contig, whose header names none: htslib would warn of it."""

    def __init__(self, path: Path, contig: str) -> None:
        super().__init__(path)
        self.contig = contig

    def _open(self, samples: list[str] | None = None) -> Any:
        vcf = super()._open(samples)
        vcf.add_to_header(f"##contig=<ID={self.contig}>")
        return vcf


def describe_phasing(genotype_file: GenotypeFile) -> dict[str, Any]:
    """How the calls got their phase, for the provenance of what is made of them; nothing if it is the file's own."""
    return {"phasing": genotype_file.settings} if isinstance(genotype_file, PhasedGenotypes) else {}


def _column(rank: int) -> str:
    """The sample id that Beagle sees: people's own ids may hold anything."""
    return f"S{rank}"


def _vcf_header(n_people: int) -> bytes:
    fixed = ["#CHROM", "POS", "ID", "REF", "ALT", "QUAL", "FILTER", "INFO", "FORMAT"]
    lines = ["##fileformat=VCFv4.2", '##FORMAT=<ID=GT,Number=1,Type=String,Description="Genotype">']
    return "\n".join([*lines, "\t".join([*fixed, *map(_column, range(n_people))]), ""]).encode()


def _vcf_lines(genotypes: Genotypes) -> Iterator[bytes]:
    """Lines of a VCF without phases; Beagle takes a half-missing call for a missing one, and so it is written."""
    alleles = np.sort(np.asarray(genotypes.alleles[slice(None)]), axis=-1).astype(np.int64)
    # Distinct calls are few: each is written out once.
    codes, index = np.unique(alleles[..., 0] * 1000 + alleles[..., 1], return_inverse=True)
    pairs = [divmod(int(code), 1000) for code in codes]
    texts = np.array(["./." if low < 0 else f"{low}/{high}" for low, high in pairs], object)
    columns = (genotypes.records[name].tolist() for name in ("contig", "pos", "ref", "alt"))
    for row, (contig, pos, ref, alt) in zip(index.reshape(alleles.shape[:2]), zip(*columns, strict=True), strict=True):
        calls = "\t".join(texts[row].tolist())
        yield f"{contig}\t{pos}\t.\t{ref}\t{alt}\t.\t.\t.\tGT\t{calls}\n".encode()
