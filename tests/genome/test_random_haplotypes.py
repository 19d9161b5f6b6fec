"""Ten thousand random haplotypes, and windows with variants over their edges, equal bcftools consensus."""

from __future__ import annotations

import numpy as np

from tests.random_haplotypes import compare_haplotypes, compare_windows, main


def test_compare_haplotypes__ten_thousand_without_a_difference():
    rng, n, differences = np.random.default_rng(11), 0, []
    while n < 10_000:
        compared, found = compare_haplotypes(200, rng)
        n, differences = n + compared, differences + found
    assert differences == []


def test_compare_windows__both_strands_without_a_difference():
    n, differences = compare_windows(300, np.random.default_rng(12))
    assert n > 500
    assert differences == []


def test_main__a_difference_is_told_and_ends_in_1(monkeypatch, capsys):
    monkeypatch.setattr("tests.random_haplotypes.decode", lambda codes: "A" * len(codes))
    assert main(["--haplotypes", "10", "--windows", "0", "--seed", "3"]) == 1
    assert "Difference(contig='c0'" in capsys.readouterr().out
