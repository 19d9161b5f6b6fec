"""Kinship from genotypes: families are found, and no strangers of any ancestry."""

from __future__ import annotations

import shutil
import subprocess
from itertools import combinations

import numpy as np
import pandas as pd
import pytest

from haploformer.genome import kinship
from haploformer.genome.genotypes import Genotypes
from haploformer.genome.kinship import estimate_kinship, king_robust
from tests.builders.families import Families, simulate_families
from tests.builders.geuvadis_baselines import read_geuvadis


@pytest.fixture(scope="module")
def families() -> Families:
    return simulate_families()


def by_pair(pairs: np.ndarray, values: np.ndarray) -> dict[tuple[int, int], float]:
    return {(int(a), int(b)): float(v) for (a, b), v in zip(pairs, values, strict=True)}


def obvious(dosages: np.ndarray, i: int, j: int) -> float:
    """Equation 11 of Manichaikul et al. 2010, one SNP after the other."""
    both = (dosages[:, i] >= 0) & (dosages[:, j] >= 0)
    one, other = dosages[both, i].astype(int), dosages[both, j].astype(int)
    het_one, het_other = int((one == 1).sum()), int((other == 1).sum())
    fewer = min(het_one, het_other)
    both_het, opposite = int(((one == 1) & (other == 1)).sum()), int((abs(one - other) == 2).sum())
    return (both_het - 2 * opposite) / (2 * fewer) + 0.5 - 0.25 * (het_one + het_other) / fewer


def test_king_robust__equals_the_published_formula(families) -> None:
    dosages = families.dosages[:3_000]
    found = by_pair(*king_robust(dosages, min_kinship=-np.inf))
    n = dosages.shape[1]
    assert list(found) == list(combinations(range(n), 2))
    expected = [obvious(dosages, i, j) for i, j in found]
    np.testing.assert_allclose(list(found.values()), expected, atol=1e-12)


def test_king_robust__tiles_of_people_and_snps_change_nothing(families, monkeypatch) -> None:
    dosages = families.dosages[:3_000]
    whole = king_robust(dosages, min_kinship=0.05)
    monkeypatch.setattr(kinship, "_PEOPLE", 7)
    monkeypatch.setattr(kinship, "_SNPS", 500)
    for one, other in zip(king_robust(dosages, min_kinship=0.05), whole, strict=True):
        np.testing.assert_array_equal(one, other)
    assert len(whole[0]) > 20


def test_king_robust__nobody_without_a_heterozygous_call_is_a_relative() -> None:
    found, _ = king_robust(np.array([[0, 0, 2], [2, 2, 0]], np.int8), min_kinship=-np.inf)
    assert found.tolist() == []


def test_estimate_kinship__finds_families_in_both_populations_and_no_strangers(families) -> None:
    found = estimate_kinship(families.genotypes)
    assert found.tested
    assert (found.n_contigs, found.n_snps > 10_000) == (3, True)
    pairs = by_pair(found.pairs, found.kinship)
    assert set(pairs) == set(families.kinship)
    for pair, value in families.kinship.items():
        assert abs(pairs[pair] - value) < 0.05, pair


def test_estimate_kinship__a_measure_with_pooled_frequencies_would_call_strangers_relatives(families) -> None:
    """The simulated ancestries are different enough to mislead: the test above is no accident."""
    dosages = np.where(families.dosages < 0, np.nan, families.dosages)
    frequency = np.nanmean(dosages, axis=1) / 2
    expected = np.nansum(2 * frequency * (1 - frequency))
    # KING for one homogeneous population (equation 5): as above, over what frequencies of everybody let expect.
    pooled = {
        (i, j): 0.5 - np.nansum((dosages[:, i] - dosages[:, j]) ** 2) / (4 * expected)
        for i, j in combinations(range(dosages.shape[1]), 2)
    }
    strangers = [pair for pair in pooled if pair not in families.kinship]
    assert sum(pooled[pair] > 0.0884 for pair in strangers) > 50


@pytest.mark.parametrize(("n_snps", "contigs"), [(1_000, 3), (6_500, 2)])
def test_estimate_kinship__is_not_tested_from_few_snps_or_chromosomes(n_snps, contigs) -> None:
    genotypes = simulate_families(n_snps=n_snps).genotypes
    records = genotypes.records.assign(contig=genotypes.records["contig"].replace({"21": "2"} if contigs == 2 else {}))
    records["pos"] = records.groupby("contig").cumcount() * 130_000 + 1
    found = estimate_kinship(Genotypes(records, genotypes.individual_ids, genotypes.alleles))
    assert not found.tested
    assert (len(found.pairs), found.n_contigs) == (0, contigs)


def test_estimate_kinship__linked_indels_rare_and_sex_chromosomes_are_left_out(families) -> None:
    records, alleles = families.genotypes.records, np.asarray(families.genotypes.alleles)
    close = records.assign(pos=1 + np.arange(len(records)) % 6_500)
    twice = Genotypes(
        pd.concat([close, close]).sort_values(["contig", "pos"], kind="stable").reset_index(drop=True),
        families.genotypes.individual_ids,
        np.repeat(alleles, 2, axis=0),
    )
    assert estimate_kinship(twice).n_snps <= len(records)
    for changed in ({"ref": "AT"}, {"alt": "C,G"}, {"contig": "X"}):
        assert not estimate_kinship(
            Genotypes(records.assign(**changed), families.genotypes.individual_ids, alleles)
        ).tested
    rare = np.zeros_like(alleles)
    rare[:, 0, 0] = 1
    assert not estimate_kinship(Genotypes(records, families.genotypes.individual_ids, rare)).tested


@pytest.mark.real_data
def test_king_robust__calls_strangers_relatives_by_the_snps_of_one_place(shared_data) -> None:
    study = read_geuvadis(shared_data)
    frequency = study.dosages.mean(axis=0) / 2
    common = np.minimum(frequency, 1 - frequency) >= kinship.MIN_MAF
    pairs, _ = king_robust(study.dosages.T[common].astype(np.int8), min_kinship=kinship.SECOND_DEGREE)
    assert (common.sum(), len(pairs)) == (1_923, 4_256)


@pytest.mark.skipif(shutil.which("plink2") is None, reason="needs plink2 (requirements/debian.txt)")
def test_king_robust__agrees_with_plink2(families, tmp_path) -> None:
    names = families.genotypes.individual_ids
    text = {-1: "./.", 0: "0/0", 1: "0/1", 2: "1/1"}
    header = [f"##contig=<ID={c}>" for c in ("1", "2", "21")]
    rows = [
        "\t".join(
            [r.contig, str(r.pos), r.variant_id, "A", "C", ".", "PASS", ".", "GT", *map(text.get, calls.tolist())]
        )
        for r, calls in zip(families.genotypes.records.itertuples(), families.dosages, strict=True)
    ]
    columns = "\t".join(["#CHROM", "POS", "ID", "REF", "ALT", "QUAL", "FILTER", "INFO", "FORMAT", *names])
    vcf = tmp_path / "families.vcf"
    form = '##FORMAT=<ID=GT,Number=1,Type=String,Description="GT">'
    vcf.write_text("\n".join(["##fileformat=VCFv4.2", *header, form, columns, *rows]) + "\n")
    command = ["plink2", "--vcf", str(vcf), "--threads", "1", "--memory", "800", "--make-king-table", "--out"]
    subprocess.run([*command, str(tmp_path / "king")], check=True, capture_output=True)
    theirs = pd.read_csv(tmp_path / "king.kin0", sep="\t")
    place = {name: i for i, name in enumerate(names)}
    ours = by_pair(*king_robust(families.dosages, min_kinship=-np.inf))
    assert len(theirs) == len(ours)
    for row in theirs.to_dict("records"):
        pair = tuple(sorted((place[str(row["#IID1"])], place[str(row["IID2"])])))
        assert abs(ours[pair] - row["KINSHIP"]) < 1e-6, pair
