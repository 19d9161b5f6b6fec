"""Real people: GEUVADIS on chromosome 22, from a phased VCF, an unphased one, and PLINK1."""

from __future__ import annotations

import gzip
import json
import re

import numpy as np
import pandas as pd
import pysam
import pytest

from haploformer.formats.fasta import FastaReference
from haploformer.formats.genotype_store import read_genotypes
from haploformer.formats.vcf import VcfFile
from haploformer.genome.encoding import decode
from haploformer.genome.genotypes import alt_dosages
from haploformer.genome.haplotypes import collect_gene_haplotypes
from haploformer.genome.intervals import whole_contig
from haploformer.genome.windows import tss_window
from tests.builders.beagle import needs_beagle
from tests.conftest import Project
from tests.oracles.consensus import consensus_window
from tests.phased_block import compare_people

pytestmark = pytest.mark.real_data

PREFIX = "geuvadis343.hm3.chr22_16-22Mb"
PHASED = f"{PREFIX}.beagle_phased.vcf.gz"
VCF, PLINK = "haploformer.datasets.vcf.VcfDataset", "haploformer.datasets.plink1.PlinkDataset"


def geuvadis(project: Project, shared_data, *arguments: str, parameters: str = "", check: bool = True):
    """Run in the environment ``geuvadis`` with the tiny network."""
    extra = f",{parameters}" if parameters else ""
    options = ("--params", f"raw_dir={shared_data},enformer.preset=tiny{extra}")
    return project.kedro("run", "--env", "geuvadis", *arguments, *options, check=check)


def use_genotypes(project: Project, name: str, dataset: str = VCF) -> None:
    """Name another genotype file in the environment's catalog."""
    path = project.root / "conf/geuvadis/catalog.yml"
    text = path.read_text().replace(PHASED, name)
    path.write_text(re.sub(r"(genotype_file:\n  type: )\S+", rf"\g<1>{dataset}", text))


def stored_dosages(project: Project) -> tuple[pd.DataFrame, np.ndarray]:
    genotypes = read_genotypes(project.root / "data/03_primary/geuvadis/variants").genotypes
    return alt_dosages(genotypes)


@pytest.mark.slow
def test_run__phased_vcf_to_report(project, shared_data):
    result = geuvadis(project, shared_data, parameters="evaluation.fold_seeds=0")
    assert "58 genes, 39788 chromosome copies, 890 distinct windows" in result.stderr
    scores = pd.read_parquet(project.root / "data/08_reporting/geuvadis/gene_scores.parquet")
    assert scores["gene_id"].nunique() == 58
    assert set(scores["n"]) == {343}
    net = scores[scores["model"] == "elastic_net"].set_index("gene_id")["pearson_r"]
    net.index = net.index.str.split(".").str[0]
    assert net["ENSG00000070371"] > 0.4, "CLTCL1"
    assert net["ENSG00000185065"] > 0.45, "AC000068.1"
    assert net["ENSG00000093010"] > 0.15, "COMT"
    assert (project.root / "data/08_reporting/geuvadis/report.html").is_file()


def test_validate__tells_what_the_files_hold(project, shared_data):
    geuvadis(project, shared_data, "--pipelines", "validate")
    [path] = project.outputs()
    table = pd.read_parquet(path)
    rows = table[table["input"] == "genotype_file"]
    counts = rows.groupby(["record_class", "outcome", "reason"])["count"].sum().to_dict()
    assert counts == {
        ("snp", "kept", "used"): 1963,
        ("snp", "dropped", "far from every gene"): 221,
        ("REF", "kept", "compared with chr22_1-22000000.hg19.fa.gz: equal"): 2184,
        ("call", "kept", "heterozygous, phased"): 210_753,
        ("call", "kept", "one allele"): 462_556,
        ("individual", "kept", "used"): 343,
    }
    windows = table[table["record_class"] == "window"].set_index("outcome")["count"].to_dict()
    assert windows == {"kept": 59, "dropped": 305}


def test_data_prep__unphased_vcf_and_plink1_give_the_dosages_of_the_phased_vcf(project, shared_data):
    geuvadis(project, shared_data, "--pipelines", "data_prep")
    variants, phased = stored_dosages(project)
    ids = "data_prep.sample_ids=fid_iid"

    use_genotypes(project, f"{PREFIX}.plink2.vcf.gz")
    geuvadis(project, shared_data, "--pipelines", "data_prep", parameters=ids)
    np.testing.assert_array_equal(stored_dosages(project)[1], phased)
    line = geuvadis(project, shared_data, "--pipelines", "sequence_build", parameters=ids, check=False).stderr
    assert "heterozygous calls are unphased" in line
    assert "data_prep.phase=mean" in line

    (project.root / "conf/geuvadis/catalog.yml").write_text(
        (project.root / "conf/geuvadis/catalog.yml").read_text().replace(f"{PREFIX}.plink2.vcf.gz", PHASED)
    )
    use_genotypes(project, f"{PREFIX}.bed", PLINK)
    pipelines = ("--pipelines", "data_prep,sequence_build")
    result = geuvadis(project, shared_data, *pipelines, parameters="data_prep.phase=mean")
    assert "58 genes, 19894 chromosome copies" in result.stderr
    found, dosages = stored_dosages(project)
    np.testing.assert_array_equal(dosages, phased)
    assert found[["pos", "ref", "alt"]].equals(variants[["pos", "ref", "alt"]])


def test_baselines__the_same_from_every_genotype_file(project, shared_data):
    catalog = project.root / "conf/geuvadis/catalog.yml"
    text, made = catalog.read_text(), []
    for i, (name, dataset) in enumerate([(PHASED, VCF), (f"{PREFIX}.plink2.vcf.gz", VCF), (f"{PREFIX}.bed", PLINK)]):
        catalog.write_text(text)
        use_genotypes(project, name, dataset)
        options = f"gene=COMT+CLTCL1,evaluation.fold_seeds=0,data_prep.sample_ids=fid_iid,run_name=source-{i}"
        geuvadis(project, shared_data, "--pipelines", "data_prep,baselines", parameters=options)
        folder = project.root / f"data/07_model_output/geuvadis/source-{i}"
        made.append([pd.read_parquet(folder / f"predicted_expression_{m}.parquet") for m in ("top_snp", "elastic_net")])
    assert len(made[0][1]) == 2 * 343
    for other in made[1:]:
        for ours, theirs in zip(made[0], other, strict=True):
            pd.testing.assert_frame_equal(ours, theirs, check_exact=True)


@needs_beagle
@pytest.mark.slow
def test_data_prep__an_unphased_vcf_is_phased_by_beagle_once(project, shared_data):
    use_genotypes(project, f"{PREFIX}.plink2.vcf.gz")
    parameters = "data_prep.sample_ids=fid_iid,data_prep.phase=phase,data_prep.beagle.threads=2"
    first = geuvadis(project, shared_data, "--pipelines", "data_prep,sequence_build", parameters=parameters).stderr
    assert re.search(r"contig 22: 343 people, 2184 variants are phased by Beagle \S+ \(seed 1\)", first)
    assert "58 genes, 39788 chromosome copies" in first
    stored = read_genotypes(project.root / "data/03_primary/geuvadis/variants").genotypes
    assert (stored.n_unphased, stored.provenance["phasing"]["threads"]) == (0, 2)
    windows = json.loads((project.root / "data/04_feature/geuvadis/haplotype_windows/haplotypes.json").read_text())
    assert f"phased by Beagle {stored.provenance['phasing']['version']} (seed 1)" in windows["haplotypes"]
    # The file that Beagle 22Jul22.46e phased elsewhere, from the same calls with the same seed.
    vcf = VcfFile(shared_data / f"genotypes/{PHASED}")
    reference = FastaReference(shared_data / "reference/chr22_1-22000000.hg19.fa.gz")
    batches = vcf.read(stored.intervals, list(stored.individual_ids), reference)
    theirs = np.concatenate([batch.genotypes.alleles for batch in batches])
    ours = np.asarray(stored.alleles[:])
    np.testing.assert_array_equal(ours.sum(-1), theirs.sum(-1))
    share = neighbours_in_the_same_order(ours, theirs)
    assert share == 1 if stored.provenance["phasing"]["version"] == "22Jul22.46e" else share > 0.9
    again = geuvadis(project, shared_data, "--pipelines", "data_prep", parameters=parameters).stderr
    assert "contig 22: Beagle's phases are there already" in again
    assert "are phased by Beagle" not in again
    repeated = read_genotypes(project.root / "data/03_primary/geuvadis/variants").genotypes
    np.testing.assert_array_equal(np.asarray(repeated.alleles[:]), ours)


def neighbours_in_the_same_order(ours: np.ndarray, theirs: np.ndarray) -> float:
    """Share of a person's neighbouring heterozygotes that two phasings put on the same two haplotypes."""
    same = total = 0
    for person in range(ours.shape[1]):
        het = ours[:, person, 0] != ours[:, person, 1]
        agrees = ours[het, person, 0] == theirs[het, person, 0]
        same, total = same + int((np.diff(agrees) == 0).sum()), total + len(agrees) - 1
    return same / total


def test_run__export_with_a2_as_ref_is_refused(project, shared_data):
    use_genotypes(project, f"{PREFIX}.plink2_asis_A2ref.vcf.gz")
    result = geuvadis(project, shared_data, parameters="data_prep.sample_ids=fid_iid", check=False)
    assert result.returncode == 1
    line = result.stderr.splitlines()[-1]
    assert "547 of 2,184 records differ (74.95 % agree)" in line
    assert "ALT equals the reference in 547 of these 547: REF and ALT are exchanged" in line
    assert "set data_prep.repair_ref: true" in line
    assert project.outputs() == []


def test_data_prep__export_with_a2_as_ref_is_repaired_where_asked(project, shared_data):
    use_genotypes(project, f"{PREFIX}.plink2_asis_A2ref.vcf.gz")
    options = "data_prep.sample_ids=fid_iid,data_prep.repair_ref=true"
    result = geuvadis(project, shared_data, "--pipelines", "data_prep", parameters=options)
    assert "REF and ALT are exchanged in 547 of 2184 records, 0 of them A/T or C/G" in result.stderr
    stored = read_genotypes(project.root / "data/03_primary/geuvadis/variants")
    assert stored.genotypes.provenance["repair_ref"] is True
    kept = stored.audit[stored.audit["outcome"] == "kept"].set_index("reason")["count"].to_dict()
    # The other 80 of 547 lie far from every gene.
    assert kept == {"REF and ALT exchanged": 467, "used": len(stored.genotypes) - 467}


def test_run__doubled_ids_meet_nobody(project, shared_data):
    use_genotypes(project, f"{PREFIX}.plink2.vcf.gz")
    result = geuvadis(project, shared_data, check=False)
    line = result.stderr.splitlines()[-1]
    assert "none of the 373 individuals" in line
    assert "data_prep.sample_ids: fid_iid" in line


def test_collect_gene_haplotypes__real_indels_equal_bcftools(shared_data):
    path = shared_data / "phased_block/1000Gphase1_1092.chr22_phased.vcf.gz"
    fasta = shared_data / "reference/chr22_1-22000000.hg19.fa.gz"
    vcf, reference, rng = VcfFile(path), FastaReference(fasta), np.random.default_rng(7)
    people = [str(name) for name in rng.choice(vcf.sample_ids, 20, replace=False)]
    batches = [b.genotypes for b in vcf.read([whole_contig("22")], people, reference)]
    genotypes = max(batches, key=len)
    spans = [(pos - 2, pos + len(ref)) for pos, ref in genotypes.records[["pos", "ref"]].values.tolist()]
    length, margin = 8_192, 600
    n_checked = with_indels = 0
    while n_checked < 200:
        tss = int(rng.integers(17_682_000, 17_790_000))
        # The oracle's two regions meet at the TSS: no record may touch one of their ends (nor cross one: bcftools 1.24
        # crashes on the 17-kb deletion of this block then).
        ends = (tss - length // 2 - margin, tss, tss + length // 2 + margin)
        if any(start <= end <= stop for start, stop in spans for end in ends):
            continue
        window = tss_window("22", tss, length)
        found = collect_gene_haplotypes(genotypes, reference, window, tss, max_missing=0.0)
        person, copy = int(rng.integers(20)), int(rng.integers(2))
        row = found.window[person, copy]
        ours = decode(found.codes([row])[0])
        theirs = consensus_window(fasta, path, people[person], copy, contig="22", tss=tss, length=length, margin=margin)
        assert ours == theirs, (tss, people[person], copy)
        with_indels += any(end - start != len(alt) for start, end, alt in found.edits(row))
        n_checked += 1
    assert with_indels > 50


def test_data_prep__expression_of_another_chromosome_is_refused(project, shared_data, tmp_path):
    source = shared_data / "expression/GEUVADIS_LCL.chr22.fastqtl.normalized_expression.bed.gz"
    wrong = tmp_path / "wrong.bed.gz"
    with pysam.BGZFile(str(wrong), "wb") as stream:
        stream.write(gzip.decompress(source.read_bytes()).replace(b"\nchr22\t", b"\nchr1\t"))
    path = project.root / "conf/geuvadis/catalog.yml"
    path.write_text(re.sub(r"filepath: \S+normalized_expression\.bed\.gz", f"filepath: {wrong}", path.read_text()))
    line = geuvadis(project, shared_data, check=False).stderr.splitlines()[-1]
    assert "wrong.bed.gz: no gene on chromosome 22 (chromosomes there: 1)" in line


def test_collect_gene_haplotypes__the_whole_phased_block_equals_bcftools(shared_data):
    """With the 17-kb deletion and the overlapping records; `tests.phased_block` compares all 1,092 people."""
    n, with_indels, different = compare_people(shared_data, every=60)
    assert (n, different) == (38, 0)
    assert with_indels > 30


def test_read__order_of_columns_changes_nothing_per_person(shared_data, tmp_path):
    source = shared_data / "genotypes" / PHASED
    lines = gzip.decompress(source.read_bytes()).decode().splitlines()
    header = [line for line in lines if line.startswith("##")]
    rows = [line.split("\t") for line in lines if not line.startswith("##")][:80]
    reference = FastaReference(shared_data / "reference/chr22_1-22000000.hg19.fa.gz")
    positions = [int(row[1]) for row in rows[1:]]
    tss = positions[40]
    window = tss_window("22", tss, 2 * max(tss - positions[0], positions[-1] - tss) + 2)
    rng, people, expected = np.random.default_rng(5), rows[0][9:], None
    for i in range(100):
        order = rng.permutation(len(people)) if i else np.arange(len(people))
        shuffled = ["\t".join([*row[:9], *(row[9 + j] for j in order)]) for row in rows]
        path = tmp_path / f"{i}.vcf"
        path.write_text("\n".join([*header, *shuffled]) + "\n")
        vcf = VcfFile(path)
        assert (vcf.sample_ids == people) == (i == 0)
        [genotypes] = [b.genotypes for b in vcf.read([whole_contig("22")], vcf.sample_ids, reference)]
        found = collect_gene_haplotypes(genotypes, reference, window, tss, max_missing=0.0)
        keys = {
            person: [found.keys[row] for row in copies]
            for person, copies in zip(vcf.sample_ids, found.window.tolist(), strict=True)
        }
        expected = expected or keys
        assert keys == expected
    assert len({key for copies in expected.values() for key in copies}) > 50
