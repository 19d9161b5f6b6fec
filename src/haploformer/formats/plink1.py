"""Genotypes in PLINK1 (.bed, .bim, .fam), by way of bed-reader.

PLINK1 knows neither phase nor a reference allele: A1 is what is counted, A2 the other, usually the major one. The allele
that equals the reference genome is REF here; how many variants had it as A1 is counted.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from haploformer.errors import InputError
from haploformer.formats.checksums import require_recorded_checksum
from haploformer.formats.files import require_file, sha256_file
from haploformer.formats.genotype_batch import (
    FAR,
    GenotypeBatch,
    RecordAudit,
    batch_records,
    empty_batch,
    require_common_contig,
    require_distinct_people,
)
from haploformer.formats.text_tables import read_words
from haploformer.genome.audit import AuditCounts, AuditKey
from haploformer.genome.contigs import canonical_contig
from haploformer.genome.genotypes import MISSING, Genotypes
from haploformer.genome.intervals import Interval, group_by_contig, reach_into, whole_contig
from haploformer.genome.overlaps import with_overlapped
from haploformer.genome.reference import NoReference, Reference
from haploformer.genome.reference_check import ReferenceTally, reference_mismatches
from haploformer.genome.variants import NO_SEQUENCE, RECORD_COLUMNS, record_class
from haploformer.genome.window_calls import WindowCalls

_MAGIC = b"\x6c\x1b\x01"
_SUFFIXES = (".bed", ".bim", ".fam")
_BIM_COLUMNS = ["contig", "variant_id", "cm", "pos", "a1", "a2"]
_FAM_COLUMNS = ["fid", "iid", "father", "mother", "sex", "phenotype"]

#: PLINK's numbers for contigs of people; 25 is the part of X that has a twin on Y.
_CONTIG_OF_CODE = {"23": "X", "24": "Y", "25": "X", "26": "MT"}

#: bed-reader's int8 code of a missing call.
_MISSING_COUNT = -127


class PlinkFile:
    """A PLINK1 file set of a cohort.

    Parameters
    ----------
    path : Path
        The .bed, or the name without a suffix.
    individual_of : mapping, optional
        Individual of each IID that is not the individual's own.
    """

    names_ref = False

    def __init__(self, path: Path, *, individual_of: Mapping[str, str] | None = None) -> None:
        self.path = path.with_suffix("") if path.suffix in _SUFFIXES else path
        self.name = self.path.name
        self.individual_of = dict(individual_of or {})

    def exists(self) -> bool:
        """Whether a .bed is there; what else is missing, `check` tells."""
        return self._file(".bed").is_file()

    @property
    def files(self) -> list[Path]:
        """The .bed, .bim and .fam."""
        return [self._file(suffix) for suffix in _SUFFIXES]

    def check(self) -> None:
        """Raise InputError if a file is absent, the sizes do not agree, or a person stands twice."""
        for suffix in _SUFFIXES:
            require_file(self._file(suffix), what=f"PLINK {suffix} file")
            require_recorded_checksum(self._file(suffix))
        bed = self._file(".bed")
        with bed.open("rb") as stream:
            if stream.read(3) != _MAGIC:
                raise InputError(str(bed), "not a variant-major PLINK1 .bed", "make it by plink2 --make-bed")
        expected = 3 + len(self._variants) * ((len(self.sample_ids) + 3) // 4)
        if bed.stat().st_size != expected:
            raise InputError(
                str(bed),
                f"has {bed.stat().st_size:,} bytes; {len(self._variants):,} variants of {len(self.sample_ids):,} "
                f"people are {expected:,}",
                "give .bed, .bim and .fam of one file set",
            )
        require_distinct_people(self.sample_ids, self._file(".fam"))

    @cached_property
    def sha256(self) -> str:
        """sha256 of the three files' sha256."""
        return hashlib.sha256("".join(sha256_file(self._file(s)) for s in _SUFFIXES).encode()).hexdigest()

    @cached_property
    def sample_ids(self) -> list[str]:
        """Individual ids (IID) in the order of the .fam."""
        ids: list[str] = self._read_table(".fam", _FAM_COLUMNS)["iid"].tolist()
        return ids

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
        """Variants that lie in one of the intervals, REF set to the reference's allele; no call has a phase.

        Parameters and errors as in `haploformer.formats.vcf.VcfFile.read`. ``filters`` and ``repair_ref`` have no
        meaning here: PLINK1 has no FILTER, and names no REF that could be wrong.
        """
        place = {name: i for i, name in enumerate(self.sample_ids)}
        columns = np.array([place[name] for name in sample_ids], np.int64)
        people = list(individual_ids or sample_ids)
        of_contig = group_by_contig(intervals)
        there = list(dict.fromkeys(self._variants["contig"]))
        require_common_contig(of_contig, there, self.path)
        for contig in filter(of_contig.__contains__, there):
            on_contig = self._variants[self._variants["contig"] == contig]
            limit = batch_records(len(people))
            # Either allele may be REF.
            chosen = on_contig[_read_with(on_contig, _longer_allele(on_contig), of_contig[contig], limit=limit)]
            tally = ReferenceTally(str(self.path), reference, alleles=("a1", "a2"))
            oriented = self._compare(chosen, tally)
            tally.require_match()
            n_bases = oriented["ref"].str.len().to_numpy(np.int64)
            near = _read_with(oriented, n_bases, of_contig[contig], limit=limit)
            far: AuditCounts = Counter()
            n_far = len(on_contig) - len(chosen) + int((~near).sum())
            far[AuditKey(self.name, contig, "variant", "dropped", FAR)] = n_far
            yield empty_batch(self.name, people, +far)
            for part in _parts(oriented[near], limit):
                yield self._read_batch(part, columns, people, reference)

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
        """Compare the alleles of all variants on some contigs with the reference: one of each two must be there.

        Parameters as in `haploformer.formats.vcf.VcfFile.check_records`; every call of two bits can be used. ``filters``
        and ``repair_ref`` have no meaning here, as in `read`.
        """
        require_common_contig(contigs, list(dict.fromkeys(self._variants["contig"])), self.path)
        tally = ReferenceTally(str(self.path), reference, alleles=("a1", "a2"))
        for contig in contigs:
            self._compare(self._variants[self._variants["contig"] == contig], tally)
        tally.require_match()
        found = RecordAudit(n_compared=tally.n_records, windows=windows)
        if sample_ids:
            intervals = [whole_contig(contig) for contig in contigs] if near is None else near
            for batch in self.read(intervals, sample_ids, reference):
                found.add_batch(batch)
        return found

    @staticmethod
    def _compare(variants: pd.DataFrame, tally: ReferenceTally) -> pd.DataFrame:
        """The variants of one contig, oriented by the reference and counted; those off the contig only counted."""
        on_contig = np.ones(len(variants), bool)
        for i, variant in enumerate(zip(*(variants[name] for name in ("contig", "pos", "a1", "a2")), strict=True)):
            contig, pos, *alleles = variant
            shorter = min(alleles, key=len)
            if not tally.lies_on_contig(contig, pos, shorter):
                on_contig[i] = False
                tally.add_off_contig(contig, pos, shorter)
        oriented = _orient(variants[on_contig], tally.reference)
        tally.add(oriented, oriented["mismatch"].to_numpy())
        return oriented

    def _read_batch(
        self, oriented: pd.DataFrame, columns: NDArray[np.int64], people: list[str], reference: Reference
    ) -> GenotypeBatch:
        """The calls of variants of one contig, oriented by the reference."""
        from bed_reader import open_bed

        shape = {"iid_count": len(self.sample_ids), "sid_count": len(self._variants)}
        with open_bed(self._file(".bed"), count_A1=True, **shape) as bed:
            # (n_people, n_variants), copies of A1
            counts = bed.read(index=np.s_[columns, oriented["row"].to_numpy()], dtype="int8")
        a1_is_ref = oriented["a1_is_ref"].to_numpy()
        dosages = np.where(counts == _MISSING_COUNT, MISSING, np.where(a1_is_ref, 2 - counts, counts)).T
        alleles = np.stack([dosages == 2, dosages >= 1], axis=-1).astype(np.int8)
        alleles[dosages == MISSING] = MISSING
        kinds = [record_class(ref, alt) for ref, alt in zip(oriented["ref"], oriented["alt"], strict=True)]
        usable = np.array([kind not in NO_SEQUENCE for kind in kinds], bool)
        counts_by_kind: AuditCounts = Counter()
        repeated = self._repeated(oriented, dosages)
        use = np.where(a1_is_ref, "A1 is REF", "A2 is REF").astype(object)
        both = "both alleles fit, A2 is taken for REF"
        use[oriented["both_fit"].to_numpy()] = "A2 is REF" if isinstance(reference, NoReference) else both
        for kind, used, keep, twin in zip(kinds, use, usable, repeated, strict=True):
            outcome = ("dropped", f"{kind} allele") if not keep else ("kept", used)
            outcome = ("dropped", "repeats an earlier record") if keep and twin else outcome
            counts_by_kind[AuditKey(self.name, oriented["contig"].iloc[0], kind, *outcome)] += 1
        usable &= ~repeated
        records = oriented.loc[usable, RECORD_COLUMNS].reset_index(drop=True)
        unphased = int((dosages[usable] == 1).sum())
        return GenotypeBatch(
            Genotypes(records, people, alleles[usable], unphased, {"source": self.name}), counts_by_kind
        )

    def _repeated(self, oriented: pd.DataFrame, dosages: NDArray[np.int8]) -> NDArray[np.bool_]:
        """Which variants stand in the batch before; InputError if their calls differ."""
        key = [oriented["pos"], oriented["ref"].str.upper(), oriented["alt"].str.upper()]
        places = pd.Series(np.arange(len(oriented)), oriented.index)
        first = places.groupby(key).transform("first").to_numpy()
        repeated = first != np.arange(len(oriented))
        for i in np.flatnonzero(repeated):
            if not np.array_equal(dosages[i], dosages[first[i]]):
                raise InputError(
                    f"{self._file('.bim')}:{oriented['contig'].iloc[i]}:{oriented['pos'].iloc[i]}",
                    "the variant stands twice, with the same alleles and different calls",
                    "leave one of them out (plink2 --rm-dup)",
                )
        return repeated

    @cached_property
    def _variants(self) -> pd.DataFrame:
        table = self._read_table(".bim", _BIM_COLUMNS)
        pos = pd.to_numeric(table["pos"], errors="coerce")
        if pos.isna().any():
            line = int(pos.isna().to_numpy().argmax()) + 1
            raise InputError(
                f"{self._file('.bim')}:line {line}", "the position is no number", "make the file set again"
            )
        table = table.assign(
            pos=pos.astype("int64"),
            contig=table["contig"].replace(_CONTIG_OF_CODE).map(canonical_contig),
            row=range(len(table)),
        )
        return table.sort_values(["contig", "pos"], kind="stable").reset_index(drop=True)

    def _read_table(self, suffix: str, columns: list[str]) -> pd.DataFrame:
        path = self._file(suffix)
        require_file(path, what=f"PLINK {suffix} file")
        return pd.DataFrame(read_words(path, n_columns=len(columns)), columns=columns)

    def _file(self, suffix: str) -> Path:
        return self.path.with_name(self.path.name + suffix)

    def __getstate__(self) -> dict[str, Any]:
        return {"path": self.path, "name": self.name, "individual_of": self.individual_of}


def _parts(variants: pd.DataFrame, size: int) -> Iterator[pd.DataFrame]:
    """Variants sorted by position in parts of about ``size``; those at one position stay together."""
    pos = variants["pos"].to_numpy()
    start = 0
    while start < len(pos):
        stop = min(start + size, len(pos))
        stop = int(np.searchsorted(pos, pos[stop - 1], side="right"))
        yield variants.iloc[start:stop]
        start = stop


def _read_with(
    variants: pd.DataFrame, n_bases: NDArray[np.int64], intervals: Sequence[Interval], *, limit: int
) -> NDArray[np.bool_]:
    """Which variants are read, given how many bases each has, as `haploformer.genome.overlaps.with_overlapped` tells."""
    pos = variants["pos"].to_numpy(np.int64)
    return with_overlapped(pos - 1, pos - 1 + n_bases, reach_into(pos, n_bases, intervals), limit=limit)


def _longer_allele(variants: pd.DataFrame) -> NDArray[np.int64]:
    """Bases of the longer allele of each variant: either may be REF."""
    return np.maximum(variants["a1"].str.len(), variants["a2"].str.len()).to_numpy(np.int64)


def _orient(variants: pd.DataFrame, reference: Reference) -> pd.DataFrame:
    """The variants with ``ref``, ``alt``, ``a1_is_ref`` and ``mismatch``; where both alleles fit, A2 is REF."""
    a2_fits = ~reference_mismatches(variants.assign(ref=variants["a2"]), reference)
    a1_fits = ~reference_mismatches(variants.assign(ref=variants["a1"]), reference)
    # The shorter allele of an indel fits wherever the longer one does: a deletion of these bases, or an insertion of bases
    # that the reference repeats. Nothing in the files tells which; A2 is the major allele, or REF in exports of a VCF.
    a1_is_ref = a1_fits & ~a2_fits
    return variants.assign(
        ref=np.where(a1_is_ref, variants["a1"], variants["a2"]),
        alt=np.where(a1_is_ref, variants["a2"], variants["a1"]),
        a1_is_ref=a1_is_ref,
        both_fit=a1_fits & a2_fits,
        mismatch=~(a1_fits | a2_fits),
    )
