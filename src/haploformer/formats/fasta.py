"""Reference genomes in FASTA, plain or bgzipped, by way of their index."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from haploformer.errors import InputError
from haploformer.formats.bgzf import is_bgzf, is_gzip, require_whole
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
        """Raise InputError if the file cannot be read at random."""
        require_file(self.path, what="reference FASTA")
        if is_gzip(self.path) and not is_bgzf(self.path):
            raise InputError(
                str(self.path),
                "the FASTA is compressed by gzip, which allows no random access",
                f"compress it by bgzip: gunzip -c {self.path.name} | bgzip > new.fa.gz",
            )
        require_whole(self.path)
        index = Path(f"{self.path}.fai")
        if index.is_file() and index.stat().st_size == 0:
            raise InputError(str(index), "the FASTA index is empty", "remove it; it is made anew")
        assert self._fasta is not None

    def read(self, contig: str, start: int, end: int) -> NDArray[np.uint8]:
        """Codes of [start, end) of a contig (canonical name).

        Raises
        ------
        InputError
            If the file gives fewer bases than its index promises.
        """
        sequence = str(self._fasta.get_seq(self._spelling[contig], start + 1, end).seq) if end > start else ""
        if len(sequence) != end - start:
            raise InputError(
                f"{self.path}:{contig}:{start + 1}-{end}",
                f"the FASTA gives {len(sequence):,} of {end - start:,} bases; its index does not fit it",
                "remove the .fai and .gzi; they are made anew",
            )
        return encode(sequence)

    @property
    def contig_lengths(self) -> Mapping[str, int]:
        """Length of each contig, by canonical name."""
        return {canonical: len(self._fasta[name]) for canonical, name in self._spelling.items()}

    @cached_property
    def sha256(self) -> str:
        """sha256 of the FASTA file."""
        return sha256_file(self.path)

    @cached_property
    def _spelling(self) -> dict[str, str]:
        return {canonical_contig(name): name for name in self._fasta.keys()}  # noqa: SIM118

    @cached_property
    def _fasta(self) -> Any:
        from pyfaidx import Fasta, FastaIndexingError, FastaNotFoundError

        try:
            return Fasta(str(self.path), as_raw=False, sequence_always_upper=True, rebuild=False)
        except (FastaIndexingError, FastaNotFoundError, OSError, ValueError) as error:
            raise InputError(
                str(self.path), f"not a FASTA that can be indexed ({error})", "give a FASTA, plain or bgzipped"
            ) from error

    def __getstate__(self) -> dict[str, Any]:
        return {"path": self.path, "name": self.name}
