"""Genotypes in PLINK2 (.pgen, .pvar, .psam), by way of pgenlib.

A .pgen keeps the phase of heterozygotes and multi-allelic calls. It knows no half call, and no ploidy: a haploid call on
X, Y or MT is stored as two equal copies, and is read so.
"""

from __future__ import annotations

import hashlib
import os
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
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
    BATCH_RECORDS,
    FAR,
    MAX_ALLELE,
    GenotypeBatch,
    RecordAudit,
    batch_records,
    empty_batch,
    reason_to_drop,
    require_common_contig,
    require_distinct_people,
)
from haploformer.formats.pgen import check_pgen
from haploformer.formats.psam import read_psam
from haploformer.formats.pvar import PvarLayout, read_variants, scan_pvar
from haploformer.genome.audit import AuditCounts, AuditKey
from haploformer.genome.genotypes import MISSING, Genotypes
from haploformer.genome.intervals import Interval, group_by_contig, reach_into, whole_contig
from haploformer.genome.overlaps import with_overlapped
from haploformer.genome.reference import Reference, ReferenceText
from haploformer.genome.reference_check import ReferenceTally, exchangeable_alt, reference_mismatches
from haploformer.genome.variants import RECORD_COLUMNS, record_class
from haploformer.genome.window_calls import WindowCalls

_SUFFIXES = (".pvar.zst", ".pgen", ".pvar", ".psam")

#: Records that pgenlib decodes at once, into 9 bytes a call.
_DECODED_RECORDS = 256

#: pgenlib's code of a missing call.
_MISSING_CODE = -9

_HAPLOID_CONTIGS = frozenset({"X", "Y", "MT"})


class Plink2File:
    """A PLINK2 file set of a cohort.

    Parameters
    ----------
    path : Path
        One of the files, or the name without a suffix. The .pvar may be compressed (.pvar.zst).
    individual_of : mapping, optional
        Individual of each IID that is not the individual's own.
    """

    names_ref = True

    def __init__(self, path: Path, *, individual_of: Mapping[str, str] | None = None) -> None:
        suffix = next((s for s in _SUFFIXES if path.name.endswith(s)), "")
        self.path = path.with_name(path.name.removesuffix(suffix))
        self.name = self.path.name
        self.individual_of = dict(individual_of or {})

    def exists(self) -> bool:
        """Whether a .pgen is there; what else is missing, `check` tells."""
        return self._file(".pgen").is_file()

    def check(self) -> None:
        """Raise InputError if a file is absent or damaged, the counts do not agree, or a person stands twice."""
        require_file(self._file(".pgen"), what=".pgen file")
        for path in self.files:
            require_recorded_checksum(path)
        require_distinct_people(self.sample_ids, self._file(".psam"))
        check_pgen(self._file(".pgen"), self._layout.n_alleles, len(self.sample_ids))

    @cached_property
    def sha256(self) -> str:
        """sha256 of the three files' sha256."""
        return hashlib.sha256("".join(map(sha256_file, self.files)).encode()).hexdigest()

    @property
    def files(self) -> list[Path]:
        """The .pgen, the .pvar and the .psam."""
        return [self._file(".pgen"), self._pvar, self._file(".psam")]

    @cached_property
    def sample_ids(self) -> list[str]:
        """Individual ids (IID) in the order of the .psam."""
        return read_psam(self._file(".psam"))

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
        """Variants that lie in one of the intervals and name a sequence, with the alleles of some people.

        Parameters and errors as in `haploformer.formats.vcf.VcfFile.read`. The alleles of a heterozygote without a phase
        are in ascending order.
        """
        place = {name: i for i, name in enumerate(self.sample_ids)}
        columns, order = np.unique([place[name] for name in sample_ids], return_inverse=True)
        people = list(individual_ids or sample_ids)
        tally = ReferenceTally(str(self.path), reference, repair_ref=repair_ref)
        with self._opened(columns) as pgen:
            limit = batch_records(len(people), limit=BATCH_RECORDS)
            for kept, counts in self._sorted_out(intervals, filters, tally, limit=limit):
                tally.require_match()
                yield empty_batch(self.name, people, counts)
                for part in _parts(kept, limit):
                    alleles = np.empty((len(part), len(people), 2), np.int8)
                    n_unphased = 0
                    for start, called, phased in pgen.read(part):
                        alleles[start : start + len(called)] = called[:, order]
                        n_unphased += int((_heterozygous(called) & ~phased)[:, order].sum())
                    records = part[RECORD_COLUMNS].reset_index(drop=True)
                    yield GenotypeBatch(Genotypes(records, people, alleles, n_unphased, {"source": self.name}))

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
        """Decode all variants of some contigs once, compare each REF with the reference, and look at the calls.

        Parameters, returns and errors as in `haploformer.formats.vcf.VcfFile.check_records`.
        """
        tally = ReferenceTally(str(self.path), reference, repair_ref=repair_ref)
        whole = [whole_contig(name) for name in contigs]
        with self._opened() as pgen:
            for kept, _ in self._sorted_out(whole, filters, tally):
                for _ in pgen.read(kept):
                    pass
        tally.require_match()
        found = RecordAudit(n_compared=tally.n_records, windows=windows)
        if sample_ids:
            intervals = whole if near is None else near
            for batch in self.read(intervals, sample_ids, reference, filters=filters, repair_ref=repair_ref):
                found.add_batch(batch)
        return found

    @staticmethod
    def _on_contig(variants: pd.DataFrame, tally: ReferenceTally) -> pd.DataFrame:
        """The variants that lie on their contig; the others are counted, but for breakends at a telomere (0 and N + 1)."""
        places = zip(variants["contig"], variants["pos"], variants["ref"], variants["alt"], strict=True)
        lie = np.array(
            [
                tally.lies_on_contig(contig, pos, ref) or record_class(ref, alt) == "breakend"
                for contig, pos, ref, alt in places
            ],
            bool,
        )
        for row in variants[~lie].itertuples():
            tally.add_off_contig(row.contig, row.pos, row.ref)
        return variants[lie].reset_index(drop=True)

    def _sorted_out(
        self,
        intervals: Sequence[Interval],
        filters: Sequence[str],
        tally: ReferenceTally,
        *,
        limit: int = BATCH_RECORDS,
    ) -> Iterator[tuple[pd.DataFrame, AuditCounts]]:
        """The variants to keep, and what was kept and left out, stretch by stretch.

        ``limit`` is that of `haploformer.genome.overlaps.with_overlapped`.
        """
        of_contig = group_by_contig(intervals)
        require_common_contig(of_contig, self._layout.names, self.path)
        for variants in read_variants(self._pvar, self._layout, of_contig):
            contig = str(variants["contig"].iloc[0])
            written = self._on_contig(variants, tally)
            mismatch = reference_mismatches(written, tally.reference)
            variants = _exchange_alleles(written, mismatch & tally.repair_ref, tally.reference)
            pairs = zip(variants["ref"], variants["alt"], strict=True)
            kinds = [record_class(ref, "" if alt == "." else alt) for ref, alt in pairs]
            status = zip(kinds, variants["filter"], strict=True)
            reasons = pd.Series([reason_to_drop(kind, f, filters) for kind, f in status], variants.index, dtype=object)
            reasons[self._repeated(variants[reasons.isna()])] = "repeats an earlier record"
            kept = reasons.isna().to_numpy()
            tally.add(written[kept], mismatch[kept])
            reasons[kept] = _near_or_far(variants[kept], of_contig[contig], limit=limit)
            used = "used, a haploid call as two copies" if contig in _HAPLOID_CONTIGS else "used"
            counts: AuditCounts = Counter()
            why = np.where(variants["exchanged"] > 0, "REF and ALT exchanged", used)
            for kind, reason, kept_as in zip(kinds, reasons.where(reasons.notna(), None), why, strict=True):
                counts[AuditKey(self.name, contig, kind, "dropped" if reason else "kept", reason or kept_as)] += 1
            yield _named(variants[reasons.isna()].reset_index(drop=True)), counts

    def _repeated(self, variants: pd.DataFrame) -> pd.Index:
        """Index of the variants that stand in the table before; InputError if their calls differ."""
        key = [variants["pos"], variants["ref"].str.upper(), variants["alt"].str.upper()]
        first = variants.groupby(key)["row"].transform("first")
        repeated = variants[first != variants["row"]]
        if len(repeated):
            by_row = variants.set_index("row", drop=False)
            with self._opened() as pgen:
                for index, row in repeated["row"].items():
                    (_, *earlier), (_, *later) = (next(pgen.read(by_row.loc[[r]])) for r in (first[index], row))
                    if not all(np.array_equal(a, b) for a, b in zip(earlier, later, strict=True)):
                        raise InputError(
                            f"{self.path}:{variants['contig'].iloc[0]}:{variants['pos'][index]}",
                            "the variant stands twice, with the same REF and ALT and different calls",
                            "leave one of them out",
                        )
        return repeated.index

    @contextmanager
    def _opened(self, columns: NDArray[np.int64] | None = None) -> Iterator[_Pgen]:
        """The .pgen, open for some people (ascending), or for all."""
        from pgenlib import PgenReader

        n_alleles = self._layout.n_alleles
        path = self._file(".pgen")
        # What pgenlib does not notice in a file that has changed since, it may not survive.
        check_pgen(path, n_alleles, len(self.sample_ids))
        offsets = None
        if (n_alleles > 2).any():
            offsets = np.concatenate([[0], np.cumsum(n_alleles, dtype=np.uintp)]).astype(np.uintp)
        subset = None if columns is None else columns.astype(np.uint32)
        try:
            reader = PgenReader(
                os.fsencode(path),
                raw_sample_ct=len(self.sample_ids),
                variant_ct=len(n_alleles),
                sample_subset=subset,
                allele_idx_offsets=offsets,
            )
        except RuntimeError as error:
            raise _unreadable(path, error) from error
        with reader:
            yield _Pgen(reader, len(self.sample_ids) if columns is None else len(columns), n_alleles, path)

    @cached_property
    def _layout(self) -> PvarLayout:
        return scan_pvar(self._pvar)

    @property
    def _pvar(self) -> Path:
        plain, compressed = self._file(".pvar"), self._file(".pvar.zst")
        if plain.is_file() and compressed.is_file():
            raise InputError(str(plain), "lies beside a .pvar.zst", "keep the one that belongs to the .pgen")
        return compressed if compressed.is_file() else plain

    def _file(self, suffix: str) -> Path:
        return self.path.with_name(self.path.name + suffix)

    def __getstate__(self) -> dict[str, Any]:
        return {"path": self.path, "name": self.name, "individual_of": self.individual_of}


class _Pgen:
    """A .pgen that pgenlib has open."""

    def __init__(self, reader: Any, n_people: int, n_alleles: NDArray[np.uint8], path: Path) -> None:
        self.reader = reader
        self.n_people = n_people
        self.n_alleles = n_alleles
        self.path = path

    def read(self, variants: pd.DataFrame) -> Iterator[tuple[int, NDArray[np.int8], NDArray[np.bool_]]]:
        """Place of the first of some variants, alleles (n, n_people, 2), and which calls are phased (n, n_people)."""
        rows, exchanged = variants["row"].to_numpy(), variants["exchanged"].to_numpy()
        for start in range(0, len(rows), _DECODED_RECORDS):
            chosen = rows[start : start + _DECODED_RECORDS].astype(np.uint32)
            codes = np.empty((len(chosen), 2 * self.n_people), np.int32)
            phased = np.empty((len(chosen), self.n_people), np.bool_)
            try:
                self.reader.read_alleles_and_phasepresent_list(chosen, codes, phased)
            except RuntimeError as error:
                raise _unreadable(self.path, error) from error
            self._require_known(codes, self.n_alleles[chosen], chosen)
            codes[codes == _MISSING_CODE] = MISSING
            alleles = codes.astype(np.int8).reshape(len(chosen), self.n_people, 2)
            _renumber(alleles, phased, exchanged[start : start + _DECODED_RECORDS])
            yield start, alleles, phased

    def _require_known(self, codes: NDArray[np.int32], n_alleles: NDArray[np.uint8], rows: NDArray[np.uint32]) -> None:
        highest = codes.max(axis=1, initial=0)
        bad = highest > np.minimum(n_alleles.astype(np.int32) - 1, MAX_ALLELE)
        if bad.any():
            at = int(bad.argmax())
            raise InputError(
                f"{self.path}:variant {rows[at] + 1}",
                f"a call has allele {highest[at]}, the .pvar {n_alleles[at] - 1} ALT (at most {MAX_ALLELE} are read)",
                "leave the variant out, or make the file set again",
            )


def _exchange_alleles(variants: pd.DataFrame, differs: NDArray[np.bool_], reference: Reference) -> pd.DataFrame:
    """The variants, REF exchanged with an ALT where it differs from the reference and exactly one ALT does not.

    Returns
    -------
    DataFrame
        With ``exchanged``: the number of the ALT that has become REF, 0 where nothing has changed.
    """
    variants, text = variants.assign(exchanged=0), ReferenceText(reference)
    for i in np.flatnonzero(differs):
        contig, pos, ref, alt = (variants.at[i, name] for name in ("contig", "pos", "ref", "alt"))
        alts = alt.split(",")
        longest = max(len(ref), *map(len, alts))
        if index := exchangeable_alt(ref, alts, text.at(contig, pos - 1, pos - 1 + longest)):
            variants.loc[i, ["ref", "exchanged"]] = alts[index - 1], index
            variants.at[i, "alt"] = ",".join([*alts[: index - 1], ref, *alts[index:]])
    return variants


def _near_or_far(variants: pd.DataFrame, intervals: Sequence[Interval], *, limit: int) -> list[str | None]:
    """`FAR` for each variant of one contig that is not read, None for the others."""
    pos, n_bases = variants["pos"].to_numpy(np.int64), variants["ref"].str.len().to_numpy(np.int64)
    near = reach_into(pos, n_bases, intervals)
    return [None if read else FAR for read in with_overlapped(pos - 1, pos - 1 + n_bases, near, limit=limit)]


def _renumber(alleles: NDArray[np.int8], phased: NDArray[np.bool_], exchanged: NDArray[np.int64]) -> None:
    """Renumber, in place, the calls of variants whose REF has changed places with an ALT."""
    for i in np.flatnonzero(exchanged):
        calls = alleles[i]
        was_ref, was_alt = calls == 0, calls == exchanged[i]
        calls[was_ref], calls[was_alt] = exchanged[i], 0
        # Without a phase alleles stay in ascending order.
        calls[~phased[i]] = np.sort(calls[~phased[i]], axis=1)


def _heterozygous(alleles: NDArray[np.int8]) -> NDArray[np.bool_]:
    return (alleles[..., 0] != alleles[..., 1]) & (alleles >= 0).all(-1)


def _named(variants: pd.DataFrame) -> pd.DataFrame:
    """The variants, those without an ID called by their place and alleles."""
    place = variants["contig"] + "_" + variants["pos"].astype(str) + "_" + variants["ref"] + "_" + variants["alt"]
    return variants.assign(variant_id=variants["variant_id"].where(variants["variant_id"] != ".", place))


def _parts(variants: pd.DataFrame, size: int) -> Iterator[pd.DataFrame]:
    for start in range(0, len(variants), size):
        yield variants.iloc[start : start + size]


def _unreadable(path: Path, error: Exception) -> InputError:
    told = error.args[0] if error.args else ""
    told = told.decode("utf-8", errors="replace") if isinstance(told, bytes) else told
    return InputError(str(path), f"cannot be read ({told})", "the file is damaged: copy or make it again")
