"""Disease-associated variants: where they lie, which allele is meant, and which genes are near."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from haploformer.errors import InputError
from haploformer.genome.genes import without_version
from haploformer.genome.harmonise import is_ambiguous
from haploformer.genome.windows import tss_distance, tss_window

_COMPLEMENT = str.maketrans("ACGT", "TGCA")

#: Share of the rows found by rsid whose place must be ours, before a place alone is believed.
_SAME_BUILD = 0.9

#: What ClinVar's words weigh, the first that fits: the order of a ranked table, nothing more.
_SIGNIFICANCE = (
    ("conflicting", 3),
    ("likely pathogenic", 4),
    ("pathogenic", 5),
    ("likely benign", 1),
    ("benign", 0),
    ("uncertain", 2),
)

_TABLE = [
    *("source", "variant_id", "rsid", "contig", "pos", "ref", "alt", "gene_id", "gene_name", "tss_distance"),
    *("trait", "significance", "neg_log10_pvalue", "allele", "alt_frequency"),
]


@dataclass(frozen=True)
class PlacementCounts:
    """What became of the associations.

    Attributes
    ----------
    n_rows : int
        All rows.
    n_by_rsid, n_by_position : int
        Rows about a variant of ours, found by its rsid, or by its place alone.
    n_other_place : int
        Of those found by rsid, rows whose place in the file is another one: the file's build is not ours.
    n_unknown : int
        Rows about none of our variants.
    n_risk_as_written, n_risk_other_strand : int
        Of those found, risk alleles that are an allele of the variant, or the complement of one.
    n_risk_ambiguous : int
        Those of A/T and C/G variants: the strand cannot be told, the allele is left open.
    n_risk_not_told, n_risk_other : int
        Those without a risk allele, and with one that the variant does not have on either strand.
    """

    n_rows: int
    n_by_rsid: int
    n_by_position: int
    n_other_place: int
    n_unknown: int
    n_risk_as_written: int
    n_risk_other_strand: int
    n_risk_ambiguous: int
    n_risk_not_told: int
    n_risk_other: int

    @property
    def same_build(self) -> bool | None:
        """Whether the file's places are ours; None where no rsid tells."""
        return self.n_other_place <= (1 - _SAME_BUILD) * self.n_by_rsid if self.n_by_rsid else None


@dataclass(frozen=True, eq=False)
class PlacedAssociations:
    """Associations about our variants.

    Attributes
    ----------
    table : DataFrame
        The associations' columns but the place, then ``variant`` (row number of ours) and ``allele``, the risk allele
        on the forward strand or None.
    counts : PlacementCounts
    """

    table: pd.DataFrame
    counts: PlacementCounts


def rsid_of(variant_id: pd.Series) -> pd.Series:
    """The rsid in our variants' ids (``rs5``, and ``rs5:T`` for one ALT of several); None where there is none."""
    found = variant_id.astype(str).str.extract(r"^(rs[0-9]+)(?::[A-Za-z]+)?$")[0]
    return found.astype(object).where(found.notna(), None)


def place_associations(
    associations: pd.DataFrame, variants: pd.DataFrame, *, trust_positions: bool | None = None
) -> PlacedAssociations:
    """Find the variants that associations are about, and their risk alleles on the forward strand.

    Associations have no REF that could tell their build. An rsid names a variant whatever the build, and the places of
    those found by rsid tell whether the other places of the file can be believed.

    Parameters
    ----------
    associations : DataFrame, schema ``gwas_associations``
    variants : DataFrame (n_variants,)
        Ours: ``variant_id, contig, pos, ref, alt``, one row per ALT allele.
    trust_positions : bool, optional
        Whether a row without an rsid of ours is looked for by its place. None: if nine in ten of those found by rsid
        lie where the file says; where no rsid tells, places are not believed.

    Returns
    -------
    PlacedAssociations
    """
    rows = associations.reset_index(drop=True)
    ours = variants[["variant_id", "contig", "pos", "ref", "alt"]].reset_index(drop=True)
    ours = ours.assign(variant=np.arange(len(ours)), rsid=rsid_of(ours["variant_id"]))
    by_rsid = _join(rows[rows["rsid"].notna()], ours, ["rsid"])
    n_by_rsid = by_rsid["row"].nunique()
    told = by_rsid["written_contig"].notna() & by_rsid["written_pos"].notna()
    same = (by_rsid["written_contig"] == by_rsid["contig"]) & (by_rsid["written_pos"] == by_rsid["pos"]).fillna(False)
    n_other_place = by_rsid.loc[told & ~same, "row"].nunique()
    if trust_positions is None:
        trust_positions = n_by_rsid > 0 and n_other_place <= (1 - _SAME_BUILD) * n_by_rsid
    left = rows[~rows.index.isin(by_rsid["row"]) & rows["contig"].notna() & rows["pos"].notna()]
    by_place = _join(left if trust_positions else left.iloc[:0], ours, ["contig", "pos"])
    found = pd.concat([by_rsid, by_place], ignore_index=True)
    allele, state = _orient_risk(found)
    found = found.assign(allele=allele, state=state)
    # Of several ALT alleles at a place, the one that the risk allele is of.
    found = found.sort_values(["row", "state"], kind="stable", key=lambda c: c == "other" if c.name == "state" else c)
    found = found.drop_duplicates("row")
    states = found["state"].value_counts()
    counts = PlacementCounts(
        n_rows=len(rows),
        n_by_rsid=n_by_rsid,
        n_by_position=by_place["row"].nunique(),
        n_other_place=n_other_place,
        n_unknown=len(rows) - len(found),
        **{f"n_risk_{name}": int(states.get(name, 0)) for name in _RISK_STATES},
    )
    columns = [name for name in associations.columns if name not in {"contig", "pos"}]
    table = rows.loc[found["row"], columns].assign(
        variant=found["variant"].to_numpy(), allele=found["allele"].to_list()
    )
    return PlacedAssociations(table.reset_index(drop=True), counts)


_RISK_STATES = ("as_written", "other_strand", "ambiguous", "not_told", "other")


def _join(rows: pd.DataFrame, ours: pd.DataFrame, on: list[str]) -> pd.DataFrame:
    """Pairs of a row and a variant: the variant's columns, the row's number, its place as written, its risk allele."""
    left = pd.DataFrame(
        {
            "row": rows.index,
            "written_contig": rows["contig"].to_numpy(object),
            "written_pos": rows["pos"].array,
            "risk_allele": rows["risk_allele"].to_numpy(object),
        }
    )
    left = left.assign(**{f"key_{name}": rows[name].astype(object).to_numpy() for name in on})
    right = ours.assign(**{f"key_{name}": ours[name].astype(object) for name in on})
    keys = [f"key_{name}" for name in on]
    return left.merge(right.dropna(subset=keys), on=keys).drop(columns=keys)


def _orient_risk(found: pd.DataFrame) -> tuple[list[str | None], list[str]]:
    """The risk allele on the forward strand, and how it was found out."""
    alleles: list[str | None] = []
    states: list[str] = []
    unclear = is_ambiguous(found["ref"].tolist(), found["alt"].tolist())
    for ref, alt, risk, ambiguous in zip(found["ref"], found["alt"], found["risk_allele"], unclear, strict=True):
        allele, state = None, "other"
        if not isinstance(risk, str):
            state = "not_told"
        elif ambiguous and risk in {ref, alt}:
            state = "ambiguous"
        elif risk in {ref, alt}:
            allele, state = risk, "as_written"
        elif len(risk) == 1 and risk.translate(_COMPLEMENT) in {ref, alt}:
            allele, state = risk.translate(_COMPLEMENT), "other_strand"
        alleles.append(allele)
        states.append(state)
    return alleles, states


@dataclass(frozen=True, eq=False)
class ProteinCoding:
    """Genes that code for proteins.

    Attributes
    ----------
    genes : DataFrame
    n_other : int
        Genes left out because the annotation calls them something else.
    n_unknown : int
        Genes left out because the annotation lacks them.
    """

    genes: pd.DataFrame
    n_other: int
    n_unknown: int


def select_protein_coding(genes: pd.DataFrame, annotation: pd.DataFrame) -> ProteinCoding:
    """The genes whose ``gene_type`` in the annotation is ``protein_coding``; ids are matched without versions.

    Parameters
    ----------
    genes : DataFrame
        ``gene_id`` and more.
    annotation : DataFrame
        ``gene_id, gene_type``.
    """
    types = pd.Series(annotation["gene_type"].to_numpy(), index=without_version(annotation["gene_id"]))
    types = types[~types.index.duplicated()]
    found = without_version(genes["gene_id"]).map(types)
    coding = (found == "protein_coding").to_numpy()
    n_unknown = int(found.isna().sum())
    return ProteinCoding(genes[coding].reset_index(drop=True), int((~coding).sum()) - n_unknown, n_unknown)


def require_protein_coding(genes: pd.DataFrame, annotation: pd.DataFrame) -> ProteinCoding:
    """As `select_protein_coding`; InputError if there is none."""
    coding = select_protein_coding(genes, annotation)
    if coding.genes.empty:
        raise InputError(
            "gene_annotation",
            f"none of the {len(genes):,} genes of the study codes for a protein ({coding.n_unknown:,} are not in it)",
            "give the GTF of these genes, with gene_type (GENCODE) or gene_biotype (Ensembl)",
        )
    return coding


def select_strong(associations: pd.DataFrame, *, max_pvalue: float) -> pd.DataFrame:
    """Associations with a p-value up to a limit; all, those without a p-value too, where it is 1.

    Parameters
    ----------
    associations : DataFrame, schema ``gwas_associations``
    """
    if max_pvalue >= 1:
        return associations
    # The limit itself is kept, whatever the last digit of its logarithm.
    return associations[associations["neg_log10_pvalue"] >= -np.log10(max_pvalue) - 1e-9]


def pair_with_genes(variants: pd.DataFrame, genes: pd.DataFrame, *, length: int) -> pd.DataFrame:
    """Each variant with each gene in whose window it lies.

    Parameters
    ----------
    variants : DataFrame (n_variants,)
        ``contig, pos``, in any order.
    genes : DataFrame
        ``gene_id, contig, tss, strand``.
    length : int
        Bases round the TSS.

    Returns
    -------
    DataFrame
        ``variant`` (row number), ``gene_id``, ``tss_distance``: bases from the TSS to the variant's first base in the
        direction of transcription, negative upstream; a strand that is not known counts as forward.
    """
    order = np.lexsort([variants["pos"].to_numpy(np.int64), variants["contig"].to_numpy(str)])
    contigs, first_base = variants["contig"].to_numpy(str)[order], variants["pos"].to_numpy(np.int64)[order] - 1
    pieces = []
    for gene in genes.itertuples():
        window = tss_window(gene.contig, gene.tss, length)
        begin, stop = (np.searchsorted(contigs, gene.contig, side=side) for side in ("left", "right"))
        low, high = begin + np.searchsorted(first_base[begin:stop], [window.start, window.end])
        distance = tss_distance(first_base[low:high] + 1, gene.tss, gene.strand)
        pieces.append(pd.DataFrame({"variant": order[low:high], "gene_id": gene.gene_id, "tss_distance": distance}))
    columns = ["variant", "gene_id", "tss_distance"]
    return pd.concat(pieces, ignore_index=True) if pieces else pd.DataFrame(columns=columns)


def tabulate_associations(
    placed: pd.DataFrame, variants: pd.DataFrame, genes: pd.DataFrame, *, length: int, alt_frequency: pd.Series
) -> pd.DataFrame:
    """Associations near genes as a ranked table.

    Parameters
    ----------
    placed : DataFrame
        As of `place_associations`.
    variants : DataFrame (n_variants,)
        The variants that it numbers.
    genes : DataFrame
        ``gene_id, gene_name, contig, tss, strand``.
    length : int
        Bases round the TSS.
    alt_frequency : float (n_variants,)

    Returns
    -------
    DataFrame, schema ``disease_variants``
        One row per association and gene, the smallest p-value first.
    """
    of_variant = variants.reset_index(drop=True).loc[placed["variant"]].reset_index(drop=True)
    rows = of_variant[["variant_id", "contig", "pos", "ref", "alt"]].assign(
        source="gwas",
        rsid=placed["rsid"].to_numpy(object),
        trait=placed["trait"].to_numpy(object),
        significance=None,
        neg_log10_pvalue=placed["neg_log10_pvalue"].to_numpy(np.float64),
        allele=placed["allele"].to_numpy(object),
        alt_frequency=np.asarray(alt_frequency, np.float64)[placed["variant"].to_numpy(np.int64)],
    )
    return _near_genes(rows, genes, length, weight=rows["neg_log10_pvalue"].fillna(-1.0))


def tabulate_clinvar(
    clinvar: pd.DataFrame, variants: pd.DataFrame, genes: pd.DataFrame, *, length: int, alt_frequency: pd.Series
) -> pd.DataFrame:
    """Variants of ClinVar near genes as a ranked table, typed in the cohort or not.

    Parameters
    ----------
    clinvar : DataFrame, schema ``clinvar_variants``
        Whose REF is the reference's (`harmonise.refuse_ref_mismatches`).
    variants, genes, length, alt_frequency
        As of `tabulate_associations`.

    Returns
    -------
    DataFrame, schema ``disease_variants``
        One row per variant and gene, pathogenic ones first. ``variant_id`` is the cohort's where it has the variant.
    """
    key = ["contig", "pos", "ref", "alt"]
    ours = variants[[*key, "variant_id"]].reset_index(drop=True)
    ours = ours.assign(alt_frequency=np.asarray(alt_frequency, np.float64)).drop_duplicates(key)
    merged = clinvar.reset_index(drop=True).merge(ours, on=key, how="left")
    own = ["_".join(map(str, row)) for row in merged[key].itertuples(index=False)]
    rows = merged[[*key, "alt_frequency", "significance"]].assign(
        source="clinvar",
        variant_id=merged["variant_id"].where(merged["variant_id"].notna(), pd.Series(own, merged.index, object)),
        rsid=merged["rsid"].to_numpy(object),
        trait=merged["phenotypes"].to_numpy(object),
        neg_log10_pvalue=np.nan,
        allele=merged["alt"].to_numpy(object),
    )
    weight = pd.Series([_weigh(text) for text in rows["significance"]], dtype=np.float64)
    return _near_genes(rows, genes, length, weight=weight)


def significance_group(significance: object) -> str:
    """``pathogenic``, ``uncertain`` (conflicting, too), ``benign``, or ``other``: likely ones with those that are sure."""
    return {5: "pathogenic", 4: "pathogenic", 3: "uncertain", 2: "uncertain", 1: "benign", 0: "benign"}.get(
        _weigh(significance), "other"
    )


def _weigh(significance: object) -> int:
    text = str(significance).lower()
    return next((weight for word, weight in _SIGNIFICANCE if word in text), -1)


def _near_genes(rows: pd.DataFrame, genes: pd.DataFrame, length: int, *, weight: pd.Series) -> pd.DataFrame:
    pairs = pair_with_genes(rows, genes, length=length)
    table = rows.iloc[pairs["variant"].to_numpy(np.int64)].reset_index(drop=True)
    names = genes.set_index("gene_id")["gene_name"]
    table = table.assign(
        gene_id=pairs["gene_id"].to_numpy(object),
        gene_name=names.reindex(pairs["gene_id"]).to_numpy(object),
        tss_distance=pairs["tss_distance"].to_numpy(np.int64),
        weight=weight.to_numpy()[pairs["variant"].to_numpy(np.int64)],
    )
    order = np.lexsort([np.abs(table["tss_distance"]), table["pos"], table["contig"].to_numpy(str), -table["weight"]])
    return table.iloc[order][_TABLE].reset_index(drop=True)
