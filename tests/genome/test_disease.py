"""Disease-associated variants: which of ours they are, which allele is meant, which genes are near."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from haploformer import schemas
from haploformer.errors import InputError
from haploformer.formats.clinvar import read_clinvar
from haploformer.formats.expression_bed import read_expression_bed
from haploformer.formats.fasta import FastaReference
from haploformer.formats.gene_annotation import read_gene_annotation
from haploformer.formats.gwas_catalog import read_gwas_catalog
from haploformer.genome.disease import (
    pair_with_genes,
    place_associations,
    require_protein_coding,
    rsid_of,
    select_protein_coding,
    select_strong,
    significance_group,
    tabulate_associations,
    tabulate_clinvar,
)
from haploformer.genome.frequencies import alt_frequencies
from haploformer.genome.genes import select_genes
from haploformer.genome.genotypes import Genotypes, alt_dosages
from haploformer.genome.harmonise import refuse_ref_mismatches
from tests.builders.genome import MemoryReference
from tests.builders.geuvadis import read_geuvadis

OURS = pd.DataFrame(
    [
        ("rs1", "22", 100, "A", "G"),
        ("rs2", "22", 200, "C", "G"),
        ("rs3:T", "22", 300, "C", "T"),
        ("rs3:G", "22", 300, "C", "G"),
        ("22_400_A_C", "22", 400, "A", "C"),
    ],
    columns=["variant_id", "contig", "pos", "ref", "alt"],
)


def gwas(*rows: tuple) -> pd.DataFrame:
    table = pd.DataFrame(list(rows), columns=["rsid", "contig", "pos", "risk_allele"]).astype(object)
    table = table.where(table.notna(), None)
    return table.assign(
        pos=table["pos"].astype("Int64"),
        neg_log10_pvalue=np.arange(len(table), dtype=float),
        trait="t",
        reported_genes=None,
        publication=None,
    )


@pytest.mark.parametrize(
    ("risk", "allele", "state"),
    [
        ("A", "A", "as_written"),
        ("G", "G", "as_written"),
        ("T", "A", "other_strand"),
        ("C", "G", "other_strand"),
        ("AT", None, "other"),
        (None, None, "not_told"),
    ],
)
def test_place_associations__risk_alleles_on_the_forward_strand(risk, allele, state):
    placed = place_associations(gwas(("rs1", "22", 100, risk)), OURS)
    assert placed.table["allele"].tolist() == [allele]
    assert placed.table["variant"].tolist() == [0]
    assert getattr(placed.counts, f"n_risk_{state}") == 1


def test_place_associations__a_strand_that_cannot_be_told_leaves_the_allele_open():
    placed = place_associations(gwas(("rs2", "22", 200, "C")), OURS)
    assert placed.table["allele"].tolist() == [None]
    assert placed.counts.n_risk_ambiguous == 1


def test_place_associations__of_several_alts_the_one_with_the_risk_allele():
    placed = place_associations(gwas(("rs3", "22", 300, "T"), ("rs3", "22", 300, None)), OURS)
    assert placed.table["variant"].tolist() == [2, 2]
    assert (placed.counts.n_by_rsid, placed.counts.n_risk_as_written) == (2, 1)


def test_place_associations__places_are_believed_where_rsids_confirm_them():
    rows = gwas(("rs1", "22", 100, "A"), ("rs99", "22", 400, "C"), ("rs98", "22", 401, "C"))
    placed = place_associations(rows, OURS)
    assert placed.table["variant"].tolist() == [0, 4]
    assert (placed.counts.n_by_rsid, placed.counts.n_by_position, placed.counts.n_unknown) == (1, 1, 1)
    assert placed.counts.same_build is True


def test_place_associations__places_of_another_build_are_not_believed():
    rows = gwas(("rs1", "22", 150, "A"), ("rs99", "22", 400, "C"))
    placed = place_associations(rows, OURS)
    assert placed.table["variant"].tolist() == [0]
    counts = placed.counts
    assert (counts.n_by_rsid, counts.n_other_place, counts.n_by_position, counts.n_unknown) == (1, 1, 0, 1)
    assert counts.same_build is False


def test_place_associations__without_rsids_places_need_a_word():
    rows = gwas((None, "22", 400, "C"))
    assert place_associations(rows, OURS).counts.n_unknown == 1
    assert place_associations(rows, OURS).counts.same_build is None
    assert place_associations(rows, OURS, trust_positions=True).table["variant"].tolist() == [4]


def test_rsid_of__ids_of_one_alt():
    assert rsid_of(pd.Series(["rs5", "rs5:T", "22_1_A_C", "rs", "."])).tolist() == ["rs5", "rs5", None, None, None]


GENES = pd.DataFrame(
    [("A.1", "GA", "22", 100, "+"), ("B", "GB", "22", 140, "-"), ("C", "GC", "2", 100, ".")],
    columns=["gene_id", "gene_name", "contig", "tss", "strand"],
)


def test_pair_with_genes__every_gene_in_whose_window_a_variant_lies():
    variants = pd.DataFrame({"contig": ["22", "2", "22", "22"], "pos": [151, 101, 150, 51]})
    pairs = pair_with_genes(variants, GENES, length=100)
    found = {(row.variant, row.gene_id): row.tss_distance for row in pairs.itertuples()}
    # The window of A.1 is [50, 150), of B [90, 190), 0-based; a pos of 151 is base 150.
    assert found == {(2, "A.1"): 49, (3, "A.1"): -50, (0, "B"): -10, (2, "B"): -9, (1, "C"): 0}


def test_select_protein_coding__others_are_counted():
    annotation = pd.DataFrame({"gene_id": ["A.7", "B"], "gene_type": ["protein_coding", "lincRNA"]})
    coding = select_protein_coding(GENES, annotation)
    assert coding.genes["gene_id"].tolist() == ["A.1"]
    assert (coding.n_other, coding.n_unknown) == (1, 1)


def test_require_protein_coding__says_what_the_annotation_lacks():
    annotation = pd.DataFrame({"gene_id": ["A.7", "B"], "gene_type": ["snoRNA", "lincRNA"]})
    with pytest.raises(InputError, match=r"none of the 3 genes of the study codes for a protein \(1 are not in it\)"):
        require_protein_coding(GENES, annotation)


@pytest.mark.parametrize(("limit", "expected"), [(1.0, [0, 1, 2, 3]), (1e-8, [1, 2]), (2e-9, [2])])
def test_select_strong__the_limit_itself_is_kept(limit, expected):
    table = pd.DataFrame({"neg_log10_pvalue": [7.9, 8.0, -np.log10(2e-9), np.nan]})
    assert select_strong(table, max_pvalue=limit).index.tolist() == expected


@pytest.mark.parametrize(
    ("words", "group"),
    [
        ("Pathogenic/Likely pathogenic", "pathogenic"),
        ("likely pathogenic", "pathogenic"),
        ("Conflicting interpretations of pathogenicity", "uncertain"),
        ("uncertain significance", "uncertain"),
        ("Likely benign", "benign"),
        ("Benign", "benign"),
        ("drug response", "other"),
        (None, "other"),
    ],
)
def test_significance_group__likely_ones_with_those_that_are_sure(words, group):
    assert significance_group(words) == group


def test_tabulate_associations__smallest_p_value_first():
    placed = place_associations(gwas(("rs1", "22", 100, "A"), ("rs2", "22", 200, None)), OURS)
    frequency = pd.Series([0.1, 0.2, 0.3, 0.4, 0.5])
    table = tabulate_associations(placed.table, OURS, GENES, length=200, alt_frequency=frequency)
    schemas.disease_variants(table)
    shown = table[["rsid", "gene_name", "tss_distance", "allele", "alt_frequency"]].fillna({"allele": ""})
    assert shown.values.tolist() == [
        ["rs2", "GB", -59, "", 0.2],
        ["rs2", "GA", 99, "", 0.2],
        ["rs1", "GA", -1, "A", 0.1],
        ["rs1", "GB", 41, "A", 0.1],
    ]


CLINVAR = pd.DataFrame(
    {
        "variation_id": ["1", "2", "3"],
        "rsid": None,
        "contig": "22",
        "pos": [100, 120, 130],
        "ref": ["A", "C", "G"],
        "alt": ["G", "T", "A"],
        "gene_symbols": "GA",
        "significance": ["benign", "likely pathogenic / pathogenic", "uncertain significance"],
        "review_status": None,
        "phenotypes": "p",
        "of_haplotype": False,
    }
)


def test_tabulate_clinvar__pathogenic_first_typed_or_not():
    table = tabulate_clinvar(CLINVAR, OURS, GENES[:1], length=100, alt_frequency=pd.Series([0.1] * 5))
    schemas.disease_variants(table)
    assert table["variant_id"].tolist() == ["22_120_C_T", "22_130_G_A", "rs1"]
    assert table["alt_frequency"].tolist()[2] == 0.1
    assert table["alt_frequency"].isna().tolist() == [True, True, False]


def test_refuse_ref_mismatches__a_row_whose_ref_disagrees_is_counted():
    reference = MemoryReference({"22": "N" * 99 + "A" + "C" * 100})
    checked = refuse_ref_mismatches(CLINVAR.assign(contig=["chr22", "22", "22"]), reference, source="c")
    assert checked.table["variation_id"].tolist() == ["1", "2"]
    assert checked.table["contig"].tolist() == ["22", "22"]
    assert (checked.n_refused, checked.n_outside, checked.n_without_alleles) == (1, 0, 0)
    assert checked.first_refused == "22:130 REF G, the reference has C"
    elsewhere = CLINVAR.assign(contig=["1", None, "22"], alt=["G", "T", "<DEL>"])
    checked = refuse_ref_mismatches(elsewhere, reference, source="c")
    assert (len(checked.table), checked.n_refused, checked.n_outside, checked.n_without_alleles) == (0, 0, 1, 2)


def test_refuse_ref_mismatches__another_build():
    rows = pd.concat([CLINVAR[:1]] * 12, ignore_index=True).assign(pos=range(100, 112))
    with pytest.raises(InputError, match=r"c: REF differs from memory.fa in 12 of 12 rows \(22:100 REF A, the ref"):
        refuse_ref_mismatches(rows, MemoryReference({"22": "C" * 200}), source="c")


# Real data -------------------------------------------------------------------------------------------------------


@pytest.mark.real_data
def test_disease_variants__sixteen_gwas_snps_of_the_cohort_are_found(shared_data):
    genotypes = read_geuvadis(shared_data)
    variants, dosages = alt_dosages(genotypes)
    found = read_gwas_catalog(shared_data / "annotation/GWAS-SNP-List_hg19_full.bed")
    placed = place_associations(found.table, variants)
    assert placed.table["rsid"].nunique() == 16
    # The file is called hg19; no SNP of it lies there, all are where GRCh38 has them.
    assert placed.counts.same_build is False
    assert placed.counts.n_other_place == placed.counts.n_by_rsid == 26
    assert placed.counts.n_by_position == 0
    risk = placed.counts
    assert (risk.n_risk_as_written, risk.n_risk_other_strand, risk.n_risk_ambiguous) == (15, 2, 0)
    assert risk.n_risk_not_told == 9
    genes = coding_genes(shared_data)
    frequency = alt_frequencies(dosages)["all"]
    table = tabulate_associations(placed.table, variants, genes, length=196_608, alt_frequency=frequency)
    schemas.disease_variants(table)
    assert table["neg_log10_pvalue"].is_monotonic_decreasing
    assert (table["tss_distance"].abs() <= 98_304).all()


@pytest.mark.real_data
def test_disease_variants__clinvar_at_ada2_and_a_planted_mismatch(shared_data):
    reference = FastaReference(shared_data / "reference/chr22_1-22000000.hg19.fa.gz")
    clinvar = read_clinvar(shared_data / "annotation/Clinvar_chr22_grch37.tsv.gz", build="GRCh37").table
    checked = refuse_ref_mismatches(clinvar, reference, source="clinvar")
    assert (len(checked.table), checked.n_refused) == (125, 0)
    variants, dosages = alt_dosages(read_geuvadis(shared_data))
    genes = coding_genes(shared_data)
    ada2 = genes[genes["gene_id"].str.startswith("ENSG00000093072")]
    assert len(ada2) == 1
    frequency = alt_frequencies(dosages)["all"]
    table = tabulate_clinvar(checked.table, variants, ada2, length=196_608, alt_frequency=frequency)
    schemas.disease_variants(table)
    assert len(table) == 125
    assert "athogenic" in table["significance"].iloc[0]
    planted = clinvar.copy()
    planted.loc[7, "ref"] = {"A": "C", "C": "A", "G": "T", "T": "G"}[planted.loc[7, "ref"][0]]
    refused = refuse_ref_mismatches(planted, reference, source="clinvar")
    assert (len(refused.table), refused.n_refused) == (124, 1)
    assert refused.first_refused.startswith(
        f"22:{planted.loc[7, 'pos']} REF {planted.loc[7, 'ref']}, the reference has"
    )


def coding_genes(shared_data) -> pd.DataFrame:
    bed = read_expression_bed(shared_data / "expression/GEUVADIS_LCL.chr22.fastqtl.normalized_expression.bed.gz")
    annotation = read_gene_annotation(shared_data / "annotation/gencode.v19.annotation.chr22.gtf.gz")
    genes = select_genes(bed.genes, annotation, chromosomes=["22"], source="bed")
    return select_protein_coding(genes, annotation).genes


def test_alt_dosages__one_row_per_alt():
    genotypes = Genotypes(
        pd.DataFrame({"contig": ["22"], "pos": [5], "variant_id": ["rs5"], "ref": ["A"], "alt": ["C,G"]}),
        ["P"],
        np.array([[[1, 2]]], np.int8),
    )
    variants, dosages = alt_dosages(genotypes)
    assert rsid_of(variants["variant_id"]).tolist() == ["rs5", "rs5"]
    assert dosages.tolist() == [[1.0, 1.0]]
