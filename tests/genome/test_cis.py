"""Dosages near each gene, read when they are asked for."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from haploformer import schemas
from haploformer.errors import InputError
from haploformer.genome.cis import CisDosages, locate_cis_windows
from haploformer.genome.genotypes import Genotypes
from haploformer.genome.intervals import Interval

GENES = pd.DataFrame([("a", "22", 100), ("b", "22", 5), ("c", "21", 100)], columns=["gene_id", "contig", "tss"])


def genotypes_of(**options) -> Genotypes:
    rows = [("22", p, f"v{p}", "A", "C,G" if p == 101 else "C") for p in (1, 10, 15, 90, 91, 101, 110, 111)]
    table = pd.DataFrame(rows, columns=["contig", "pos", "variant_id", "ref", "alt"])
    alleles = np.random.default_rng(0).integers(0, 2, (len(rows), 3, 2)).astype(np.int8)
    return Genotypes(table, ["P0", "P1", "P2"], alleles, **options)


def test_locate_cis_windows__half_open_round_the_tss_and_cut_at_the_start():
    windows = locate_cis_windows(GENES, genotypes_of(), length=20)
    assert schemas.cis_windows(windows).values.tolist() == [
        ["a", "22", 90, 110, 3, 20],
        ["b", "22", 0, 15, 3, 20],
        ["c", "21", 90, 110, 0, 20],
    ]


def test_locate_cis_windows__beyond_what_was_read():
    genotypes = genotypes_of(intervals=(Interval("22", 0, 105), Interval("21", 0, 500)), provenance={"source": "g.vcf"})
    with pytest.raises(InputError, match=r"^g.vcf: the stored variants do not cover 22:91-110"):
        locate_cis_windows(GENES, genotypes, length=20)


def test_of_gene__variants_and_dosages_of_its_window():
    genotypes = genotypes_of()
    dosages = CisDosages(genotypes, locate_cis_windows(GENES, genotypes, length=20))
    variants, found = dosages.of_gene("a")
    assert variants["variant_id"].tolist() == ["v91", "v101:C", "v101:G", "v110"]
    assert found.shape == (3, 4)
    assert found[:, 0].tolist() == (np.asarray(genotypes.alleles)[4] == 1).sum(1).tolist()
    assert dosages.individual_ids == ["P0", "P1", "P2"]
    empty, none = dosages.of_gene("c")
    assert (len(empty), none.shape) == (0, (3, 0))


def test_of_length__one_of_several_windows():
    genotypes = genotypes_of()
    both = pd.concat([locate_cis_windows(GENES, genotypes, length=length) for length in (20, 4)], ignore_index=True)
    schemas.cis_windows(both)
    dosages = CisDosages(genotypes, both)
    assert dosages.lengths == [20, 4]
    assert dosages.of_length(4).of_gene("a")[0]["pos"].tolist() == [101, 101]
    assert dosages.of_length(20).of_gene("a")[0]["pos"].tolist() == [91, 101, 101, 110]
