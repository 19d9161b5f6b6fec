"""Reference genomes in FASTA, plain or bgzipped, by way of their index."""

from __future__ import annotations

import os
import warnings
from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from haploformer.errors import InputError
from haploformer.formats.bgzf import is_bgzf, is_gzip, require_whole
from haploformer.formats.checksums import require_recorded_checksum
from haploformer.formats.files import require_file, sha256_file
from haploformer.genome.contigs import canonical_contig
from haploformer.genome.encoding import encode


class FastaReference:
    """A FASTA file, read on demand: the file's side of `haploformer.genome.reference.Reference`.

    Parameters
    ----------
    path : Path
        FASTA, plain or bgzipped. Its index ``.fai`` (and ``.gzi``) is used where it is there and made where it is not.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.name = path.name

    def check(self) -> None:
        """Raise InputError if the file cannot be read at random, or names a contig twice."""
        require_file(self.path, what="reference FASTA")
        compressed = is_bgzf(self.path)
        if is_gzip(self.path) and not compressed:
            raise InputError(
                str(self.path),
                "the FASTA is compressed by gzip, which allows no random access",
                f"compress it by bgzip: gunzip -c {self.path.name} | bgzip > new.fa.gz",
            )
        # pyfaidx goes by the name.
        if compressed != self.path.name.lower().endswith((".gz", ".bgz")):
            raise InputError(
                str(self.path),
                f"the FASTA is {'compressed' if compressed else 'not compressed'}, its name says otherwise",
                "end the name of a compressed file in .gz, and only of one",
            )
        require_whole(self.path)
        require_recorded_checksum(self.path, compute=lambda: self.sha256)
        index = Path(f"{self.path}.fai")
        for beside in (index, Path(f"{self.path}.gzi")):
            # pyfaidx would wait for what a pipe has to say, and write to where a link leads.
            if os.path.lexists(beside) and not beside.is_file():
                raise InputError(str(beside), "the FASTA index is no file", "remove it; it is made anew")
            if beside.is_file() and beside.stat().st_size == 0:
                raise InputError(str(beside), "the FASTA index is empty", "remove it; it is made anew")
        if not index.is_file() and not os.access(self.path.parent, os.W_OK):
            raise InputError(
                str(self.path),
                "the FASTA has no index, and its folder cannot be written",
                f"make one where it can: samtools faidx {self.path.name}",
            )
        names = list(self._fasta.keys())
        doubled = [name for name in names if self.spelling[canonical_contig(name)] != name]
        if doubled:
            raise InputError(
                f"{self.path}:{doubled[0]}",
                f"the contig is there twice, also as {self.spelling[canonical_contig(doubled[0])]}",
                "keep one of them",
            )
        for name in {names[0], names[-1]}:
            self._require_index_fits(name)

    def read(self, contig: str, start: int, end: int) -> NDArray[np.uint8]:
        """Codes of [start, end) of a contig (canonical name).

        Raises
        ------
        InputError
            If the index is not that of the file, or the file is damaged there.
        """
        name = self.spelling[contig]
        if name not in self._fitting:
            self._require_index_fits(name)
            self._fitting.add(name)
        return encode(self._fetch(name, start, end))

    @cached_property
    def contig_lengths(self) -> Mapping[str, int]:
        """Length of each contig, by canonical name."""
        return {canonical: len(self._fasta[name]) for canonical, name in self.spelling.items()}

    @cached_property
    def sha256(self) -> str:
        """sha256 of the FASTA file."""
        return sha256_file(self.path)

    @cached_property
    def spelling(self) -> dict[str, str]:
        """Name in the file of each contig, by canonical name."""
        return {canonical_contig(name): name for name in self._fasta.keys()}  # noqa: SIM118

    @cached_property
    def _fitting(self) -> set[str]:
        """Contigs whose place in the file has been compared with the index."""
        return set()

    @cached_property
    def _fasta(self) -> Any:
        from pyfaidx import Fasta

        try:
            with warnings.catch_warnings():
                # An index older than the file may be good: what it says is compared, not its age.
                warnings.filterwarnings("ignore", message=".*is older than FASTA file")
                return Fasta(str(self.path), as_raw=True, sequence_always_upper=True, rebuild=False)
        except Exception as error:  # pyfaidx and Bio.bgzf raise errors of many kinds, bare ones too
            raise InputError(
                str(self.path), f"not a FASTA that can be indexed ({error})", "give a FASTA, plain or bgzipped"
            ) from error

    def _fetch(self, name: str, start: int, end: int) -> str:
        """Bases [start, end) of a contig as spelled in the file."""
        where = f"{self.path}:{name}:{start + 1}-{end}"
        try:
            sequence = str(self._fasta.get_seq(name, start + 1, end)) if end > start else ""
        except Exception as error:  # as above
            raise InputError(
                where,
                f"cannot be read ({error})",
                "remove the .fai and .gzi (they are made anew), or copy the FASTA again",
            ) from error
        if len(sequence) != end - start:
            raise self._stale(where, f"{len(sequence):,} of {end - start:,} bases are there")
        return sequence

    def _require_index_fits(self, name: str) -> None:
        """Raise InputError unless a contig begins, is wrapped, and ends as the index says.

        A stale index gives bases of another place, without an error, when lengths happen to agree.
        """
        records = self._fasta.faidx.index
        record = records[name]
        names = list(records)
        following = names[names.index(name) + 1 : names.index(name) + 2]
        for other in (name, *following):
            if self._header(other) != other:
                raise self._stale(f"{self.path}:{other}", "it does not begin where the index says")
        # Two lines: were they wrapped at another length, there would be more or fewer line ends among the bytes.
        self._fetch(name, 0, min(2 * record.lenc, record.rlen))
        self._fetch(name, max(record.rlen - 1, 0), record.rlen)
        if not following and self._fasta.faidx.file.read(64).strip():
            raise self._stale(f"{self.path}:{name}", "it goes on where the index ends it")

    def _header(self, name: str) -> str:
        """The name that stands before the place where the index lets a contig begin; empty if none can be read."""
        try:
            lines = self._fasta.faidx.get_long_name(name).splitlines()
        except Exception:  # as above
            return ""
        return (lines[-1].lstrip(">").split() or [""])[0] if lines else ""

    @staticmethod
    def _stale(where: str, problem: str) -> InputError:
        return InputError(
            where, f"the index does not fit the FASTA ({problem})", "remove the .fai and .gzi; they are made anew"
        )

    def __getstate__(self) -> dict[str, Any]:
        return {"path": self.path, "name": self.name}
