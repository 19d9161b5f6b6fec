"""Contig names: ``22`` and ``chr22`` are one contig, and so are ``M`` and ``MT``."""

from __future__ import annotations

#: Canonical names of those of which not everybody has two copies.
NOT_AUTOSOMES = ("X", "Y", "MT")


def canonical_contig(name: str) -> str:
    """The name without a leading ``chr``, upper case for sex and mitochondrial contigs, ``MT`` for the latter."""
    bare = name[3:] if name[:3].lower() == "chr" and len(name) > 3 else name
    if bare.upper() in {"M", "MT"}:
        return "MT"
    return bare.upper() if bare.upper() in {"X", "Y"} else bare
