"""The genes of a study."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence

import pandas as pd

from haploformer.errors import InputError
from haploformer.genome.audit import AuditCounts, AuditKey
from haploformer.genome.contigs import canonical_contig


def select_genes(
    measured: pd.DataFrame, annotation: pd.DataFrame, *, chromosomes: Sequence[str], source: str
) -> pd.DataFrame:
    """Measured genes on the chosen chromosomes, with the annotation's names and strands.

    Parameters
    ----------
    measured : DataFrame
        ``gene_id, contig, tss``, as in the expression table.
    annotation : DataFrame
        ``gene_id, gene_name, strand``. A gene is looked up with its version, then without.
    chromosomes : sequence of str
        ``all``, or contig names in any spelling.
    source : str
        The expression table's name, for messages.

    Returns
    -------
    DataFrame
        ``gene_id, gene_name, contig, tss, strand``. A gene that the annotation lacks keeps its id as its name.

    Raises
    ------
    InputError
        If no gene is left.
    """
    genes = measured
    if list(chromosomes) != ["all"]:
        wanted = {canonical_contig(name) for name in chromosomes}
        genes = measured[measured["contig"].isin(wanted)]
    if len(genes) == 0:
        there = ", ".join(sorted(set(measured["contig"]))[:8]) or "none"
        raise InputError(
            source,
            f"no gene on chromosome {', '.join(chromosomes)} (chromosomes there: {there})",
            "set data_prep.chromosomes, or give another expression table",
        )
    exact = annotation.drop_duplicates("gene_id").set_index("gene_id")
    bare = annotation.assign(gene_id=without_version(annotation["gene_id"]))
    bare = bare.drop_duplicates("gene_id").set_index("gene_id")
    lookup = {name: pd.concat([bare[name], exact[name]]).to_dict() for name in ("gene_name", "strand")}
    ids, bare_ids = genes["gene_id"].tolist(), without_version(genes["gene_id"]).tolist()
    found = {
        name: [values.get(i, values.get(b)) for i, b in zip(ids, bare_ids, strict=True)]
        for name, values in lookup.items()
    }
    return pd.DataFrame(
        {
            "gene_id": ids,
            "gene_name": [name or i for name, i in zip(found["gene_name"], ids, strict=True)],
            "contig": genes["contig"].tolist(),
            "tss": genes["tss"].tolist(),
            "strand": [strand or "." for strand in found["strand"]],
        }
    )


def without_version(gene_ids: pd.Series) -> pd.Series:
    """Gene ids without the version that GENCODE adds: ``ENSG00000093010`` for ``ENSG00000093010.13``."""
    return gene_ids.astype(str).str.replace(r"\.\d+$", "", regex=True)


def count_genes(
    measured: pd.DataFrame,
    selected: pd.DataFrame,
    annotation: pd.DataFrame,
    *,
    source: str,
    contigs: Collection[str],
    constant: Collection[str] = (),
) -> AuditCounts:
    """How many measured genes are kept, with and without annotation, and how many are left out and why.

    Parameters
    ----------
    measured, selected : DataFrame
        ``gene_id, contig`` of the expression table, and of the study.
    annotation : DataFrame
        ``gene_id``.
    contigs : collection of str
        The chosen chromosomes, canonical names.
    constant : collection of str
        Ids of selected genes whose expression is the same in everybody.
    """
    n_selected = len(selected)
    selected = selected[~selected["gene_id"].isin(list(constant))]
    known = set(without_version(annotation["gene_id"]))
    annotated = int(without_version(selected["gene_id"]).isin(known).sum())
    n_on_contigs = int(measured["contig"].isin(list(contigs)).sum())
    outcomes = {
        ("kept", "used"): annotated,
        ("kept", "used, not in the annotation"): len(selected) - annotated,
        ("dropped", "other chromosome"): len(measured) - n_on_contigs,
        ("dropped", "not selected"): n_on_contigs - n_selected,
        ("dropped", "expression is the same in everybody"): n_selected - len(selected),
    }
    return Counter({AuditKey(source, None, "gene", *outcome): n for outcome, n in outcomes.items() if n})
