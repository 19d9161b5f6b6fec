"""The audit of inputs: every thing in a file is kept or left out, once, and told in one line per input."""

from __future__ import annotations

from collections import Counter

import pandas as pd
import pytest

from haploformer import schemas
from haploformer.formats.genotype_batch import RecordAudit
from haploformer.formats.known_answer import KnownAnswer
from haploformer.genome.audit import AuditKey
from haploformer.input_audit import CheckedStudy, audit_inputs, validation_table
from haploformer.summary_text import describe_validation
from tests.builders.genome import MemoryReference

COLUMNS = ["input", "kind", "file", "n_bytes", "compression", "indices", "checksum"]
FILES = pd.DataFrame(
    [
        ("covariate_table", "covariates", None, 0, "none", None, False),
        ("expression_bed", "expression BED", "e.bed", 1200, "none", None, True),
        ("gene_annotation", "GTF", "g.gtf.gz", 80, "gzip", None, False),
        ("genotype_file", "VCF or BCF", "g.vcf.gz", 4000, "bgzip", ".csi, .tbi", True),
        ("known_answer", "known answer", "k.json", 9, "none", None, False),
        ("reference_genome", "FASTA", "r.fa", 50, "none", ".fai", False),
        ("relatedness_table", "relatedness", "k.tsv", 40, "none", None, False),
        ("sample_panel", "panel", "s.panel", 20, "none", None, False),
        ("track_table", "track table", "t.txt", 30, "none", None, False),
    ],
    columns=COLUMNS,
)


@pytest.fixture
def study() -> CheckedStudy:
    records = RecordAudit(
        n_compared=7,
        counts=Counter(
            {
                AuditKey("g.vcf.gz", "22", "snp", "kept", "used"): 4,
                AuditKey("g.vcf.gz", "21", "snp", "kept", "used"): 2,
                AuditKey("g.vcf.gz", "22", "snp", "dropped", "FILTER q10"): 3,
            }
        ),
        n_calls=12,
        n_heterozygous=5,
        n_unphased=2,
        n_missing=1,
    )
    counts = Counter({AuditKey("expression_bed", None, "gene", "kept", "used"): 2})
    return CheckedStudy(
        genes=pd.DataFrame({"gene_id": ["E1.2", "E2"], "contig": ["22", "21"]}),
        individuals=pd.DataFrame({"individual_id": ["P1", "P2"]}),
        windows=pd.DataFrame({"n_share": [0.0, 0.5]}),
        records=records,
        counts=counts,
    )


@pytest.fixture
def inputs() -> dict[str, object]:
    return {
        "reference_genome": MemoryReference({"21": "A" * 10, "22": "A" * 20, "X": "A", "Y": "A"}, name="r.fa"),
        "covariate_table": pd.DataFrame({"covariate": [], "individual_id": []}),
        "sample_panel": pd.DataFrame({"individual_id": ["P2", "P3", "P4"]}),
        "relatedness_table": pd.DataFrame(
            {"individual_id_1": ["P1", "P1"], "individual_id_2": ["P2", "P9"], "kinship": [0.25, 0.25]}
        ),
        "gene_annotation": pd.DataFrame({"gene_id": ["E1.7", "E9.1"]}),
        "track_table": pd.DataFrame(
            {"track": range(3), "identifier": ["a", "b", "c"], "description": ["CAGE:x", "CAGE:y", "DNASE:x"]}
        ),
        "known_answer": KnownAnswer({}, pd.DataFrame({"gene_id": ["E1", "E1", "E2"]})),
    }


def test_audit_inputs__what_is_kept_and_left_out_of_each(study, inputs):
    counts = audit_inputs(inputs, study, max_n_share=0.05, tissue=("CAGE:*",))
    found = {(key.source, key.record_class, key.contig, key.reason): n for key, n in counts.items() if n}
    assert found == {
        ("expression_bed", "gene", None, "used"): 2,
        ("genotype_file", "snp", "22", "used"): 4,
        ("genotype_file", "snp", "21", "used"): 2,
        ("genotype_file", "snp", "22", "FILTER q10"): 3,
        ("genotype_file", "REF", None, "compared with r.fa: equal"): 7,
        ("genotype_file", "call", None, "heterozygous, phased"): 3,
        ("genotype_file", "call", None, "heterozygous, without a phase"): 2,
        ("genotype_file", "call", None, "with a missing allele"): 1,
        ("genotype_file", "call", None, "one allele"): 6,
        ("reference_genome", "base", "21", "on a contig with genes"): 10,
        ("reference_genome", "base", "22", "on a contig with genes"): 20,
        ("reference_genome", "contig", None, "no gene on it"): 2,
        ("reference_genome", "window", None, "known sequence"): 1,
        ("reference_genome", "window", None, "N, or off the contig"): 1,
        ("relatedness_table", "pair", None, "used"): 1,
        ("relatedness_table", "pair", None, "not in the study"): 1,
        ("sample_panel", "individual", None, "used"): 1,
        ("sample_panel", "individual", None, "not in the study"): 2,
        ("gene_annotation", "gene", None, "used"): 1,
        ("gene_annotation", "gene", None, "not in the study"): 1,
        ("track_table", "track", None, "of the tissue"): 2,
        ("track_table", "track", None, "of other tissues"): 1,
        ("known_answer", "gene", None, "known"): 2,
    }
    left_out = {"FILTER q10", "no gene on it", "N, or off the contig", "not in the study"}
    assert {key.reason for key, n in counts.items() if n and key.outcome == "dropped"} == left_out


@pytest.mark.parametrize(("formula", "used", "left"), [("all", 2, 0), ("none", 0, 2), ("~ scale(age)", 1, 1)])
def test_audit_inputs__covariates_that_are_not_chosen_are_counted(study, inputs, formula, used, left):
    table = pd.DataFrame({"covariate": ["age", "PC1"] * 2, "individual_id": ["P1", "P1", "P2", "P2"]})
    counts = audit_inputs(
        inputs | {"covariate_table": table}, study, max_n_share=0.05, tissue=("CAGE:*",), covariates=formula
    )
    found = {key.reason: n for key, n in counts.items() if key.source == "covariate_table" and n}
    assert found == {k: n for k, n in {"used": used, "not in expression.covariates": left}.items() if n}


def test_validation_table__every_input_has_a_row(study, inputs):
    counts = audit_inputs(inputs, study, max_n_share=0.05, tissue=("CAGE:*",))
    table = schemas.input_validation(validation_table(FILES, counts))
    assert table["input"].unique().tolist() == FILES["input"].tolist()
    absent = table[table["input"] == "covariate_table"].iloc[0]
    assert absent[["record_class", "outcome", "reason", "count"]].tolist() == ["file", "dropped", "not given", 0]
    assert table["count"].sum() == sum(counts.values())
    nothing = validation_table(FILES, Counter())
    assert nothing["reason"].tolist() == ["not given"] + ["nothing in it concerns the run"] * 8


def test_describe_validation__one_line_per_input(study, inputs):
    counts = audit_inputs(inputs, study, max_n_share=0.05, tissue=("CAGE:*",))
    lines = describe_validation(schemas.input_validation(validation_table(FILES, counts))).splitlines()
    cells = [[cell for cell in line.split("  ") if cell] for line in lines]
    assert len(cells) == 1 + len(FILES)
    assert [part.strip() for part in cells[0]] == ["input", "file", "kind", "bytes", "integrity", "found"]
    assert [part.strip() for part in cells[1]] == ["covariate_table", "not given", "covariates"]
    assert [part.strip() for part in cells[4]] == [
        "genotype_file",
        "g.vcf.gz",
        "VCF or BCF",
        "4,000",
        "BGZF end block, index .csi, .tbi, sha256 as recorded",
        "contigs 21, 22; snp 6, REF 7 (compared with r.fa: equal), call 3 (heterozygous, phased), "
        "call 2 (heterozygous, without a phase), call 6 (one allele), call 1 (with a missing allele); "
        "left out: snp 3 (FILTER q10)",
    ]
