"""Genome builds by the lengths of their chromosomes."""

from __future__ import annotations

import pytest

from haploformer.genome.builds import CHROMOSOME_LENGTHS, name_build


def test_chromosome_lengths__sum_to_the_published_sizes():
    # Bases of chromosomes 1 to 22, X and Y (GRC: 3,095,677,412 and 3,088,269,832).
    totals = {
        build: sum(n for name, n in lengths.items() if name != "MT") for build, lengths in CHROMOSOME_LENGTHS.items()
    }
    assert totals == {"GRCh37": 3_095_677_412, "GRCh38": 3_088_269_832}
    shared = set(CHROMOSOME_LENGTHS["GRCh37"].items()) & set(CHROMOSOME_LENGTHS["GRCh38"].items())
    assert shared == set()


@pytest.mark.parametrize(
    ("lengths", "build"),
    [
        ({"22": 51304566}, "GRCh37"),
        ({"22": 50818468}, "GRCh38"),
        ({"22": 50818468, "21": 1000, "decoy": 7}, "GRCh38"),
        ({"MT": 16571}, "GRCh37"),
        # Both builds have an MT of this length.
        ({"MT": 16569}, None),
        # A chromosome that is cut is of no build; neither is one of each.
        ({"22": 22000000}, None),
        ({"22": 51304566, "21": 46709983}, None),
        # Another chromosome's length tells nothing.
        ({"21": 51304566}, None),
        ({"22": -1}, None),
        ({}, None),
    ],
)
def test_name_build__by_length(lengths, build):
    assert name_build(lengths) == build
