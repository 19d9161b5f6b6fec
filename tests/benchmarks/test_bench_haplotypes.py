"""The measurements compare like with like: all ways build the same sequences of a simulated cohort."""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks.bench_haplotypes import compare
from benchmarks.cohort import simulate_sites, write_cohort
from benchmarks.files import WINDOW
from benchmarks.loop import Loop, bcftools
from benchmarks.ours import SIDE, build, open_store, prepare

N_PEOPLE, N_GENES = 12, 2
COPIES = [[gene, person, haplotype] for gene in range(N_GENES) for person in (0, 5, 11) for haplotype in (0, 1)]


@pytest.fixture(scope="module")
def cohorts(tmp_path_factory):
    sites = simulate_sites(N_PEOPLE, N_GENES, seed=3)
    folder = tmp_path_factory.mktemp("cohorts")
    made = {share: write_cohort(folder / str(share), sites, indel_share=share, seed=3) for share in (0.0, 0.5)}
    for files in made.values():
        prepare(files)
    return made


def test_bench_haplotypes__all_ways_build_the_same_snp_windows(cohorts):
    files = cohorts[0.0]
    opened = open_store(files, 1)
    ours = [SIDE.sequence(opened, *copy) for copy in COPIES]
    for way in (Loop(one_sample=False), Loop(one_sample=True), bcftools):
        assert [way(files, gene, person)[haplotype] for gene, person, haplotype in COPIES] == ours
    assert len(set(ours)) > N_GENES
    assert {len(sequence) for sequence in ours} == {WINDOW}


@pytest.mark.parametrize("share", [0.0, 0.5])
def test_compare__ours_equal_bcftools_and_a_changed_base_is_told(cohorts, share):
    files = cohorts[share]
    opened = open_store(files, 1)
    ours = [SIDE.sequence(opened, *copy) for copy in COPIES]
    told = compare(files, COPIES, {"ours": ours, "genvarloader": ours})
    assert told == {
        "n_sequences_compared": 12,
        "n_sequences_differing": 0,
        "n_sequences_as_genvarloader": 12,
    }
    changed = [("C" if ours[0][0] == "A" else "A") + ours[0][1:], *ours[1:]]
    told = compare(files, COPIES, {"ours": changed, "genvarloader": ours})
    assert (told["n_sequences_differing"], told["n_sequences_as_genvarloader"]) == (1, 11)


def test_build__every_person_and_haplotype_has_a_window(cohorts):
    opened = open_store(cohorts[0.5], 1)
    window = build(opened, 0, 4)
    assert window.shape == (N_PEOPLE, 2)
    assert sorted(set(window.ravel().tolist()) | {0}) == list(range(len(opened.collect(0))))
    assert np.ptp(window) > 0
