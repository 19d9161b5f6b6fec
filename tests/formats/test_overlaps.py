"""Records that overlap across the edge of what is read: the same haplotypes as of the whole file, from every format."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from bed_reader import to_bed

from haploformer.errors import InputError
from haploformer.formats.genotype_batch import GenotypeFile
from haploformer.formats.plink1 import PlinkFile
from haploformer.formats.plink2 import Plink2File
from haploformer.formats.vcf import VcfFile
from haploformer.genome.encoding import decode, encode
from haploformer.genome.genotypes import Genotypes
from haploformer.genome.haplotypes import collect_gene_haplotypes
from haploformer.genome.intervals import Interval, whole_contig
from haploformer.genome.placement import Stretch
from haploformer.genome.windows import tss_window
from tests.builders.genome import (
    Cohort,
    MemoryReference,
    Record,
    random_sequence,
    write_bcf,
    write_plink2,
    write_vcf,
)
from tests.oracles.haplotypes import build_haplotype, first_of_each

LENGTH, TSS, WINDOW, MARGIN = 900, 450, 128, 0
PEOPLE = ["A", "B", "C", "D"]
WINDOW_OF_TSS = tss_window("22", TSS, WINDOW)
NEAR = [Interval("22", WINDOW_OF_TSS.start - MARGIN, WINDOW_OF_TSS.end + MARGIN)]


def overlapping_cohort(seed: int) -> tuple[str, Cohort]:
    """SNPs, insertions, substitutions of many bases and a few deletions, that overlap one another everywhere."""
    rng = np.random.default_rng(seed)
    sequence = random_sequence(LENGTH, rng)
    cohort = Cohort(PEOPLE)
    for pos in np.unique(rng.integers(5, LENGTH - 100, 250)).tolist():
        kind = rng.choice(["substitution", "insertion", "deletion"], p=[0.95, 0.04, 0.01])
        ref = sequence[pos - 1 : pos - 1 + {"substitution": int(rng.choice([1, 4, 15])), "deletion": 2}.get(kind, 1)]
        other = "".join(rng.choice([b for b in "ACGT" if b != base]) for base in ref)
        alt = {"substitution": other, "insertion": f"{ref}GA", "deletion": ref[0]}[kind]
        calls = ["|".join(map(str, rng.integers(0, 2, 2))) for _ in PEOPLE]
        cohort.records.append(Record(pos, ref, alt, calls))
    return sequence, cohort


def write(folder: Path, cohort: Cohort, kind: str) -> GenotypeFile:
    vcf = folder / "g.vcf.gz"
    if kind in {"vcf", "vcf indexed", "bcf"}:
        write_vcf(vcf, cohort, {"22": LENGTH}, index=kind == "vcf indexed")
        return VcfFile(write_bcf(folder / "g.bcf", vcf) if kind == "bcf" else vcf)
    if kind == "plink2":
        return Plink2File(write_plink2(folder / "set", cohort))
    counts = np.array([[sum(map(int, call.split("|"))) for call in r.calls] for r in cohort.records], float)
    names = {"fid": PEOPLE, "iid": PEOPLE, "chromosome": "22", "sid": [f"v{i}" for i in range(len(counts))]}
    names |= {"bp_position": [r.pos for r in cohort.records], "allele_1": [r.alt for r in cohort.records]}
    names |= {"chromosome": ["22"] * len(counts), "allele_2": [r.ref for r in cohort.records]}
    to_bed(folder / "set.bed", counts.T, properties=names)
    return PlinkFile(folder / "set")


def read(file: GenotypeFile, reference: MemoryReference, intervals: list[Interval]) -> tuple[Genotypes, int]:
    """What is read, and how many records are counted."""
    batches = list(file.read(intervals, PEOPLE, reference))
    table = pd.concat([batch.genotypes.records for batch in batches], ignore_index=True).astype({"pos": "int64"})
    alleles = np.concatenate([np.asarray(batch.genotypes.alleles[:]) for batch in batches])
    counts = sum((batch.counts for batch in batches), type(batches[0].counts)())
    assert sum(n for key, n in counts.items() if key.outcome == "kept") == len(table)
    found = file.check_records(["22"], reference, sample_ids=PEOPLE, near=intervals)
    assert found.counts == counts, "the checks count what reading counts"
    return Genotypes(table, PEOPLE, alleles, 0, {}, tuple(intervals)), sum(counts.values())


def windows_of_oracle(sequence: str, genotypes: Genotypes) -> list[str]:
    """Each copy's window, from all records of the file, edit by edit."""
    half, told = WINDOW // 2, []
    stretch = Stretch(0, TSS, half, half, encode(sequence), reverse=False)
    sites = list(zip(*(genotypes.records[name].tolist() for name in ("pos", "ref", "alt")), strict=True))
    for person in range(len(PEOPLE)):
        for copy in (0, 1):
            carried = np.flatnonzero(np.asarray(genotypes.alleles)[:, person, copy] == 1)
            told.append(decode(build_haplotype(stretch, first_of_each([sites[i] for i in carried])[0])))
    return told


@pytest.mark.parametrize("kind", ["vcf", "vcf indexed", "bcf", "plink1", "plink2"])
def test_read__haplotypes_near_a_gene_are_those_of_the_whole_file(tmp_path, kind):
    n_compared = n_depends = 0
    for seed in range(12):
        sequence, cohort = overlapping_cohort(seed)
        (folder := tmp_path / str(seed)).mkdir()
        reference, file = MemoryReference({"22": sequence}), write(folder, cohort, kind)
        everything, n_all = read(file, reference, [whole_contig("22")])
        near, n_counted = read(file, reference, NEAR)
        assert n_counted == n_all
        assert 0 < len(near) < len(everything)
        # Deletions that draw in what was not read are another matter.
        found = collect_gene_haplotypes(replace(near, intervals=None), reference, WINDOW_OF_TSS, TSS, max_missing=0.0)
        if found.placement.reach()[0] < NEAR[0].start or found.placement.reach()[1] > NEAR[0].end:
            continue
        ours = [decode(found.codes([row])[0]) for row in found.window.ravel().tolist()]
        assert ours == windows_of_oracle(sequence, everything)
        n_compared += len(ours)
        # As if records were read by themselves.
        alone = near.records["pos"].to_numpy() - 1 + near.records["ref"].str.len().to_numpy() > NEAR[0].start
        part = Genotypes(near.records[alone].reset_index(drop=True), PEOPLE, np.asarray(near.alleles)[alone])
        n_depends += windows_of_oracle(sequence, part) != ours
    assert n_compared > 20
    assert n_depends > 1, "what is compared depends on records elsewhere"


def test_read__a_deletion_across_the_edge_gives_way_to_what_ends_before_it(tmp_path):
    sequence = random_sequence(LENGTH, np.random.default_rng(1))
    edge = NEAR[0].start
    pos = edge - 30
    ref = sequence[pos - 1 : pos + 1]
    mnp = Record(pos, ref, ref.translate(str.maketrans("ACGT", "TGCA")), ["1|0"] * 4)
    deletion = Record(pos, sequence[pos - 1 : edge + 60], ref[0], ["1|0"] * 4)
    reference = MemoryReference({"22": sequence})
    genotypes, _ = read(write(tmp_path, Cohort(PEOPLE, [mnp, deletion]), "vcf"), reference, NEAR)
    assert genotypes.records["pos"].tolist() == [pos, pos]
    # Applied, it would draw bases from beyond what is read, and the run would be refused.
    found = collect_gene_haplotypes(genotypes, reference, WINDOW_OF_TSS, TSS, max_missing=0.0)
    assert found.n_overlapping == 4
    assert [decode(codes) for codes in found.codes(range(len(found)))] == [sequence[TSS - 64 : TSS + 64]]
    alone, _ = read(write(tmp_path, Cohort(PEOPLE, [deletion]), "vcf"), reference, NEAR)
    with pytest.raises(InputError, match="deletions draw 90 bases into the window"):
        collect_gene_haplotypes(alone, reference, WINDOW_OF_TSS, TSS, max_missing=0.0)
