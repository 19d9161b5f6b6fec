"""Records of a variant file, and the edit that one of their alleles makes to the reference."""

from __future__ import annotations

import pandas as pd

#: Columns of a table of records. ``pos`` is 1-based; ``alt`` holds the ALT alleles, joined by commas as in VCF.
RECORD_COLUMNS = ["contig", "pos", "variant_id", "ref", "alt"]

#: Classes of alleles that name no sequence of their own.
NO_SEQUENCE = frozenset({"symbolic", "breakend", "spanning", "ambiguous", "missing"})

_ACGT = frozenset("ACGTacgt")


def allele_class(ref: str, alt: str) -> str:
    """``snp``, ``mnp``, ``insertion``, ``deletion``, or one of `NO_SEQUENCE`."""
    if alt in {"", "."}:
        return "missing"
    if alt == "*":
        return "spanning"
    if alt[0] == "<":
        return "symbolic"
    if "[" in alt or "]" in alt or alt[0] == "." or alt[-1] == ".":
        return "breakend"
    if not _ACGT.issuperset(alt) or not _ACGT.issuperset(ref):
        return "ambiguous"
    if len(alt) == len(ref):
        return "snp" if len(ref) == 1 else "mnp"
    return "insertion" if len(alt) > len(ref) else "deletion"


def record_class(ref: str, alts: str) -> str:
    """The class of a record: that of its first ALT allele that names a sequence, else of its first."""
    classes = [allele_class(ref, alt) for alt in alts.split(",")]
    return next((c for c in classes if c not in NO_SEQUENCE), classes[0])


def named_alleles(records: pd.DataFrame) -> pd.DataFrame:
    """The ALT alleles that name a sequence (no ``*``, symbolic or breakend allele), one row each, in file order.

    Parameters
    ----------
    records : DataFrame (n_records,)
        Columns of `RECORD_COLUMNS`.

    Returns
    -------
    DataFrame (n_alleles,)
        The same columns, then ``record`` (row of the record) and ``allele`` (its index, from 1). An allele of a record
        with several is called ``id:alt``.
    """
    columns = (records[name].tolist() for name in ("variant_id", "ref", "alt"))
    rows = [
        (i, index, f"{name}:{alt}" if "," in alts else name, alt)
        for i, (name, ref, alts) in enumerate(zip(*columns, strict=True))
        for index, alt in enumerate(alts.split(","), start=1)
        if allele_class(ref, alt) not in NO_SEQUENCE
    ]
    record, allele, names, alts = ([row[i] for row in rows] for i in range(4))
    found = records[RECORD_COLUMNS].iloc[record].reset_index(drop=True)
    return found.assign(variant_id=names, alt=alts, record=record, allele=allele).astype(
        {"record": "int64", "allele": "int64"}
    )
