"""What can be told of windows before haplotypes are made, against making them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from haploformer.errors import InputError
from haploformer.genome.genotypes import ABSENT, MISSING, Genotypes
from haploformer.genome.haplotypes import collect_gene_haplotypes
from haploformer.genome.intervals import Interval
from haploformer.genome.window_calls import WindowCalls
from haploformer.genome.windows import tss_window
from tests.builders.genome import MemoryReference, random_cohort, random_sequence

TSSS = (150, 330, 420, 700, 1350)
MARGIN = 60


def windows_of(contigs: tuple[str, ...] = ("21", "22")) -> pd.DataFrame:
    rows = [(*tss_window(contig, tss, 256), tss) for contig in contigs for tss in TSSS]
    return pd.DataFrame(rows, columns=["contig", "start", "end", "tss"])


def random_genotypes(
    rng: np.random.Generator, *, missing: float, haploid: float, indels: bool
) -> tuple[MemoryReference, Genotypes]:
    """Calls on two contigs, of which some are missing, half missing or haploid."""
    sequences = {name: random_sequence(1500, rng) for name in ("21", "22")}
    records = [
        r for name, text in sequences.items() for r in random_cohort(text, rng, n_samples=4, contig=name).records
    ]
    records = [r for r in records if indels or len(r.ref) == len(r.alt)]
    table = pd.DataFrame(
        [(r.contig, r.pos, f"v{i}", r.ref, r.alt) for i, r in enumerate(records)],
        columns=["contig", "pos", "variant_id", "ref", "alt"],
    )
    alleles = np.array([[list(map(int, call.split("|"))) for call in r.calls] for r in records], np.int8)
    alleles[rng.random(alleles.shape) < missing] = MISSING
    # Some people have one copy almost everywhere, others here and there.
    share = np.array([0.0, haploid / 20, haploid / 2, haploid])
    alleles[rng.random(alleles.shape[:2]) < share, 1] = ABSENT
    genotypes = Genotypes(table, ["P0", "P1", "P2", "P3"], alleles, 0, {"source": "g.vcf"})
    near = [Interval(w.contig, w.start - MARGIN, w.end + MARGIN) for w in windows_of().itertuples()]
    return MemoryReference(sequences), replace(genotypes, intervals=tuple(near))


def counted(genotypes: Genotypes, windows: pd.DataFrame, *, step: int) -> tuple[WindowCalls, Genotypes]:
    """The calls of batches of ``step`` records, which have one contig each."""
    found = WindowCalls(windows)
    for _, rows in genotypes.records.groupby("contig", sort=False).groups.items():
        for start in range(0, len(rows), step):
            part = slice(rows[start], rows[min(start + step, len(rows)) - 1] + 1)
            table = genotypes.records.iloc[part].reset_index(drop=True)
            found.add(Genotypes(table, genotypes.individual_ids, genotypes.alleles[part]))
    return found, found.sites(source="g.vcf", intervals=genotypes.intervals or ())


def refused(genotypes: Genotypes, reference: MemoryReference, windows: pd.DataFrame, *, max_missing: float) -> set[int]:
    """Which windows `collect_gene_haplotypes` refuses."""
    found = set()
    for window in windows.itertuples():
        interval = Interval(window.contig, window.start, window.end)
        try:
            collect_gene_haplotypes(genotypes, reference, interval, window.tss, max_missing=max_missing)
        except InputError:
            found.add(window.Index)
    return found


@pytest.mark.parametrize("seed", range(12))
def test_doubtful__holds_every_window_that_is_refused(seed):
    rng = np.random.default_rng(seed)
    reference, genotypes = random_genotypes(
        rng, missing=[0.0, 0.04, 0.1][seed % 3], haploid=[0.0, 0.9, 1.0, 0.5][seed % 4], indels=True
    )
    windows, n_refused = windows_of(), []
    found, sites = counted(genotypes, windows, step=1 + seed)
    pd.testing.assert_frame_equal(sites.records, genotypes.records)
    for max_missing in (0.0, 0.03, 0.1, 0.3, 0.9):
        doubtful = set(found.doubtful(windows, sites, max_missing=max_missing).index)
        really = refused(genotypes, reference, windows, max_missing=max_missing)
        assert really <= doubtful
        n_refused.append(len(really))
    assert n_refused == sorted(n_refused, reverse=True)
    assert doubtful == set(), "a share that nobody reaches"
    assert (n_refused[0] > 5) == bool(seed % 3 or seed % 4)


@pytest.mark.parametrize("seed", range(6))
def test_doubtful__without_deletions_and_haploid_calls_no_other_window(seed):
    rng = np.random.default_rng(seed)
    reference, genotypes = random_genotypes(rng, missing=0.1, haploid=0.0, indels=False)
    windows = windows_of()
    found, sites = counted(genotypes, windows, step=7)
    n_refused = 0
    for max_missing in (0.0, 0.08, 0.12, 0.16, 0.2):
        really = refused(genotypes, reference, windows, max_missing=max_missing)
        assert set(found.doubtful(windows, sites, max_missing=max_missing).index) == really
        n_refused += len(really)
    assert 0 < n_refused < 5 * len(windows)


def test_doubtful__deletions_that_draw_in_what_was_not_read():
    reference = MemoryReference({"22": "ACGT" * 100})
    deletion = pd.DataFrame(
        [("22", 190, "v", "CGT" + "ACGT" * 5, "C")], columns=["contig", *["pos", "variant_id", "ref", "alt"]]
    )
    window = pd.DataFrame([("22", 100, 300, 200)], columns=["contig", "start", "end", "tss"])
    for margin, is_refused in ((22, False), (5, True)):
        intervals = (Interval("22", 100 - margin, 300 + margin),)
        genotypes = Genotypes(deletion, ["P"], np.ones((1, 1, 2), np.int8), 0, {"source": "g.vcf"}, intervals)
        found, sites = counted(genotypes, window, step=1)
        assert len(found.doubtful(window, sites, max_missing=0.0)) == is_refused
        assert len(refused(genotypes, reference, window, max_missing=0.0)) == is_refused


def test_doubtful__windows_without_records_and_records_without_windows():
    _, genotypes = random_genotypes(np.random.default_rng(0), missing=0.5, haploid=0.0, indels=True)
    windows = windows_of(("22",))[:1].assign(contig="7")
    for made, wanted in ((genotypes, windows), (genotypes, windows_of(("22",))[:0])):
        found, sites = counted(made, wanted, step=50)
        sites = replace(sites, intervals=None)
        assert len(found.doubtful(wanted, sites, max_missing=0.0)) == 0
    empty = WindowCalls(windows)
    assert len(empty.doubtful(windows, empty.sites(source="g", intervals=()), max_missing=0.0)) == 1
