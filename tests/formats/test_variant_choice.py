"""Which variants' effects are asked for: the cohort's, those of a VCF without samples, or named ones."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pysam
import pytest

from haploformer.errors import InputError
from haploformer.formats.variant_choice import read_chosen_variants
from haploformer.genome.genotypes import Genotypes
from haploformer.genome.variants import RECORD_COLUMNS
from tests.builders.genome import MemoryReference

REFERENCE = MemoryReference({"21": "ACGT" * 50, "22": "ACGT" * 50})
WINDOWS = pd.DataFrame([("g", "21", 40, 80), ("h", "22", 0, 40)], columns=["gene_id", "contig", "start", "end"])
COHORT = Genotypes(
    pd.DataFrame(
        [("21", 45, "rs1", "A", "C,<DEL>"), ("21", 101, "rs2", "A", "G"), ("22", 5, "rs3", "A", "T")],
        columns=RECORD_COLUMNS,
    ),
    ["p"],
    np.zeros((3, 1, 2), np.int8),
    provenance={"source": "cohort.vcf", "sha256": "ab"},
)
LINES = """##fileformat=VCFv4.3
##contig=<ID=chr21,length=200>
##contig=<ID=chr22,length=200>
#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO
chr21\t38\t.\tCGTA\tC\t.\tPASS\t.
chr21\t50\trs5\tC\tA,T\t.\tPASS\t.
chr21\t51\trs6\tG\tA\t.\tq10\t.
chr21\t90\trs7\tC\tA\t.\tPASS\t.
chr22\t9\trs8\tA\t<INS>\t.\tPASS\t.
chr22\t13\trs9\tA\tATT\t.\tPASS\t.
"""


def write_sites(path: Path, text: str = LINES) -> Path:
    """A bgzipped, indexed VCF without samples."""
    with pysam.BGZFile(str(path), "wb") as stream:
        stream.write(text.encode())
    pysam.tabix_index(str(path), preset="vcf", force=True)
    return path


def choose(*entries: str, file: Path | None = None, **options):
    return read_chosen_variants(entries, file, COHORT, REFERENCE, WINDOWS, **options)


def test_read_chosen_variants__all_of_the_cohort():
    found = choose("cohort")
    assert found.variants["variant_id"].tolist() == ["rs1:C", "rs2", "rs3"]
    assert found.provenance == {"source": "cohort.vcf", "sha256": "ab"}
    audit = found.audit(found.variants[found.variants["pos"] < 100])
    told = audit.set_index(["contig", "record_class", "outcome", "reason"])["count"].to_dict()
    assert told == {
        ("21", "snp", "kept", "used"): 1,
        ("21", "snp", "dropped", "in no gene's window"): 1,
        ("21", "symbolic", "dropped", "names no sequence"): 1,
        ("22", "snp", "kept", "used"): 1,
    }
    assert set(audit["source"]) == {"cohort.vcf"}


def test_read_chosen_variants__a_file_needs_no_samples(tmp_path):
    path = write_sites(tmp_path / "sites.vcf.gz")
    found = choose("not used", file=path)
    rows = list(zip(found.variants["contig"], found.variants["pos"], found.variants["variant_id"], strict=True))
    # A deletion that reaches into the window is among them; it has no id.
    assert rows == [("21", 38, "21_38_CGTA_C"), ("21", 50, "rs5:A"), ("21", 50, "rs5:T"), ("22", 13, "rs9")]
    assert found.provenance["source"] == "sites.vcf.gz"
    assert len(found.provenance["sha256"]) == 64
    dropped = found.audit(found.variants).query("outcome == 'dropped'")
    assert dict(zip(dropped["reason"], dropped["count"], strict=True)) == {
        "FILTER q10": 1,
        "far from every gene": 1,
        "symbolic allele": 1,
    }
    assert "rs6" in choose("x", file=path, filters=["q10"]).variants["variant_id"].tolist()


def test_read_chosen_variants__named_ones():
    found = choose("rs3", "21:45:A:C", "21:46:C:G")
    assert found.variants["variant_id"].tolist() == ["rs1:C", "21_46_C_G", "rs3"]
    assert found.provenance["source"] == "3 named"
    assert found.audit(found.variants)["count"].sum() == 3


@pytest.mark.parametrize(
    ("entries", "problem"),
    [
        (["21:47"], r"variant_effects\.variants: 21:47 is not among the 3 variants of cohort\.vcf"),
        (["rs77"], r"rs77 is not among"),
        (["21:46:A:G"], r"variant_effects\.variants:21:46: REF differs from memory\.fa \(REF A, the reference has C\)"),
        (["7:46:A:G"], "contig 7 is not in the FASTA"),
    ],
)
def test_read_chosen_variants__what_cannot_be_known_or_differs_is_refused(entries, problem):
    with pytest.raises(InputError, match=problem):
        choose(*entries)


def test_read_chosen_variants__a_file_with_another_ref_or_none_in_a_window(tmp_path):
    wrong = write_sites(tmp_path / "wrong.vcf.gz", LINES.replace("50\trs5\tC", "50\trs5\tG"))
    with pytest.raises(InputError, match=r"wrong\.vcf\.gz:21:50: REF differs"):
        choose("x", file=wrong)
    far = write_sites(tmp_path / "far.vcf.gz", "\n".join([*LINES.splitlines()[:4], LINES.splitlines()[7], ""]))
    with pytest.raises(InputError, match=r"far\.vcf\.gz: no variant names a sequence"):
        choose("x", file=far)
    with pytest.raises(InputError, match="absent"):
        choose("x", file=tmp_path / "absent.vcf")
