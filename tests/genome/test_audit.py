"""Counts of what was kept and left out."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pandas as pd

from haploformer import schemas
from haploformer.genome.audit import AuditKey, audit_individuals, audit_table, audit_window
from haploformer.genome.genotypes import Genotypes
from haploformer.genome.haplotypes import collect_gene_haplotypes
from haploformer.genome.windows import tss_window
from tests.builders.genome import MemoryReference

#: Four people: whole, missing and half missing, haploid, carrier of private alleles.
ALLELES = [
    [[0, 1], [-1, -1], [1, -2], [0, 0]],
    [[1, 1], [-1, 1], [0, -2], [0, 1]],
    [[0, 0], [0, 0], [-1, -2], [2, 0]],
    [[0, 2], [0, 0], [0, -2], [1, 1]],
    [[0, 0], [0, 0], [0, -2], [0, 0]],
]


def cohort() -> Genotypes:
    rows = [("22", 10 * (i + 1), f"v{i}", "A", alt) for i, alt in enumerate(["C", "C", "C,G", "C,G", "C"])]
    table = pd.DataFrame(rows, columns=["contig", "pos", "variant_id", "ref", "alt"])
    return Genotypes(table, ["P0", "P1", "P2", "P3"], np.array(ALLELES, np.int8))


def test_audit_table__one_sorted_row_per_key():
    counts = Counter(
        {
            AuditKey("g.vcf", "22", "snp", "kept", "used"): 5,
            AuditKey("g.vcf", "21", "snp", "dropped", "FILTER q10"): 2,
            AuditKey("e.bed", None, "gene", "kept", "used"): 1,
        }
    )
    table = audit_table(counts)
    assert table["count"].tolist() == [1, 2, 5]
    assert table["contig"].tolist()[1:] == ["21", "22"]
    assert schemas.audit(table)["count"].sum() == 8
    assert schemas.audit(audit_table(Counter())).columns.tolist()[-1] == "count"


def test_audit_individuals__every_kind_of_call():
    table = audit_individuals(cohort()).set_index("individual_id")
    assert table["n_variants"].tolist() == [5] * 4
    assert table["n_missing"].tolist() == [0, 1, 1, 0]
    assert table["n_half_missing"].tolist() == [0, 1, 0, 0]
    assert table["n_haploid"].tolist() == [0, 0, 5, 0]
    assert table["n_heterozygous"].tolist() == [2, 0, 0, 2]
    assert table["n_alternative"].tolist() == [3, 1, 1, 3]


def test_audit_individuals__a_private_allele_is_one_that_nobody_else_carries():
    # Record 2: G in P3 only. Record 3: G in P0 only and C in P3 only, two private alleles of one record.
    assert audit_individuals(cohort())["n_private"].tolist() == [1, 0, 0, 2]


def test_audit_individuals__imputed_calls_are_told_by_who_imputed_them():
    assert audit_individuals(cohort())["n_imputed"].tolist() == [0, 0, 0, 0]
    table = audit_individuals(cohort(), n_imputed=np.array([3, 0, 1, 0]))
    assert table["n_imputed"].tolist() == [3, 0, 1, 0]
    schemas.individual_audit(table)


def test_audit_individuals__batches_change_nothing():
    whole = audit_individuals(cohort())
    assert all(whole.equals(audit_individuals(cohort(), batch=size)) for size in (1, 2, 3))
    schemas.individual_audit(whole)


def test_audit_individuals__no_record():
    assert audit_individuals(cohort().select("7", 0, 1)).iloc[:, 1:].to_numpy().sum() == 0


def test_audit_window__counts_of_the_records_that_begin_in_it():
    genotypes, window = cohort(), tss_window("22", 30, 24)
    reference = MemoryReference({"22": "A" * 100})
    found = collect_gene_haplotypes(genotypes, reference, window, 30, max_missing=1.0)
    # The window is [18, 42): records 1, 2 and 3.
    assert audit_window(genotypes, window, found) == {
        "n_snp": 3,
        "n_mnp": 0,
        "n_insertion": 0,
        "n_deletion": 0,
        "n_missing": 2,
        "n_overlapping": 0,
        "n_haplotypes": 7,
        # Reference; C at 20; C at 20 with G or C at 40; G at 30 with C at 40.
        "n_distinct": 5,
    }
