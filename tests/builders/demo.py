"""The demo's files, cut down."""

from __future__ import annotations

import gzip

import pysam

from tests.conftest import Project


def keep_genes(project: Project, n: int) -> None:
    """Cut the expression table to its first genes."""
    path = project.raw / "expression.bed.gz"
    lines = gzip.decompress(path.read_bytes()).decode().splitlines(keepends=True)[: n + 1]
    with pysam.BGZFile(str(path), "wb") as stream:
        stream.write("".join(lines).encode())
