"""The model's window of each gene."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from haploformer.errors import InputError
from haploformer.genome.encoding import decode
from haploformer.genome.genotypes import Genotypes
from haploformer.genome.intervals import Interval
from haploformer.genome.reference import fetch_padded
from haploformer.genome.windows import (
    build_windows,
    cis_interval,
    covering_intervals,
    known_windows,
    read_reversed,
    require_contigs,
    require_known_sequence,
    tss_distance,
    tss_window,
    variable_windows,
)
from tests.builders.genome import MemoryReference

REFERENCE = MemoryReference({"21": "ACGT" * 25, "22": "N" * 20 + "ACGT" * 45})


def genes_of(rows: list[tuple[str, str, int]]) -> pd.DataFrame:
    return pd.DataFrame([(*row, "+") for row in rows], columns=["gene_id", "contig", "tss", "strand"])


def test_tss_window__the_tss_is_the_first_base_of_the_right_half():
    assert tss_window("22", 100, 64) == Interval("22", 68, 132)
    assert tss_window("22", 10, 64) == Interval("22", -22, 42)
    window = tss_window("22", 17_000_000, 196_608)
    assert (window.start + 98_304, window.end - window.start) == (17_000_000, 196_608)


@pytest.mark.parametrize(("strand", "expected"), [("+", [0, 10, -10]), ("-", [0, -10, 10]), (".", [0, 10, -10])])
def test_tss_distance__downstream_is_positive(strand, expected):
    assert tss_distance(np.array([101, 111, 91]), 100, strand).tolist() == expected


def test_cis_interval__is_cut_at_the_start_of_the_contig():
    assert cis_interval("22", 10, 64) == Interval("22", 0, 42)
    assert cis_interval("22", 100, 64) == tss_window("22", 100, 64)


@pytest.mark.parametrize(
    ("start", "end", "text"),
    [(0, 4, "ACGT"), (-2, 2, "NNAC"), (98, 103, "GTNNN"), (-3, 0, "NNN"), (150, 152, "NN"), (5, 5, "")],
)
def test_fetch_padded__off_the_contig_is_unknown(start, end, text):
    assert decode(fetch_padded(REFERENCE, "21", start, end)) == text


def test_build_windows__one_row_per_gene_with_its_share_of_unknown_bases():
    windows = build_windows(genes_of([("a", "21", 50), ("b", "22", 20), ("c", "21", 2)]), REFERENCE, length=16)
    assert windows[["gene_id", "contig", "start", "end", "tss"]].values.tolist() == [
        ["a", "21", 42, 58, 50],
        ["b", "22", 12, 28, 20],
        ["c", "21", -6, 10, 2],
    ]
    assert windows["n_share"].tolist() == [0.0, 8 / 16, 6 / 16]


@pytest.mark.parametrize("tss", [-1, 100, 5000])
def test_build_windows__a_tss_off_the_contig_is_unknown_sequence(tss):
    assert build_windows(genes_of([("a", "21", tss)]), REFERENCE, length=16)["n_share"].tolist() == [1.0]


def test_build_windows__a_longer_stretch_may_be_looked_at():
    genes = genes_of([("a", "22", 40)])
    windows = [build_windows(genes, REFERENCE, length=16, checked_length=n) for n in (None, 8, 80)]
    assert [w["n_share"][0] for w in windows] == [0.0, 0.0, 20 / 80]
    assert all(w[["start", "end"]].values.tolist() == [[32, 48]] for w in windows)


def variants_at(*positions: int) -> Genotypes:
    table = pd.DataFrame(
        [("22", p, f"v{p}", "A", "C") for p in positions], columns=["contig", "pos", "variant_id", "ref", "alt"]
    )
    return Genotypes(table, ["P"], np.zeros((len(positions), 1, 2), np.int8))


def test_variable_windows__those_with_enough_records():
    windows = build_windows(genes_of([("a", "22", 60), ("b", "22", 100), ("c", "21", 50)]), REFERENCE, length=16)
    genotypes = variants_at(52, 53, 68, 69, 93, 130)  # a: [52, 68), positions 53 to 68; b: [92, 108), 93 to 108
    assert [variable_windows(windows, genotypes, min_variants=n)["gene_id"].tolist() for n in (0, 1, 2)] == [
        ["a", "b", "c"],
        ["a", "b"],
        ["a"],
    ]
    wide = variable_windows(windows, genotypes, min_variants=2, checked_length=80)
    assert (wide["gene_id"].tolist(), wide.index.tolist()) == (["a", "b"], [0, 1])
    with pytest.raises(InputError, match=r"min_variants: all 3 windows have fewer than 3 variants \(at most 2\); give"):
        variable_windows(windows, genotypes, min_variants=3)


def test_require_contigs__names_what_is_absent_and_what_is_there():
    require_contigs(["21", "22", "21"], REFERENCE)
    with pytest.raises(InputError, match=r"^memory.fa: contig 20 is not in the FASTA \(contigs there: 21, 22\); give"):
        require_contigs(["22", "20"], REFERENCE)


def test_known_windows__the_limit_itself_is_allowed():
    windows = build_windows(genes_of([("a", "21", 50), ("b", "22", 20)]), REFERENCE, length=16)
    assert known_windows(windows, max_n_share=0.5)["gene_id"].tolist() == ["a", "b"]
    kept = known_windows(windows.iloc[::-1], max_n_share=0.49)
    assert (kept["gene_id"].tolist(), kept.index.tolist()) == (["a"], [0])


def test_known_windows__refuses_to_leave_out_every_gene():
    windows = build_windows(genes_of([("b", "22", 20), ("c", "22", 22)]), REFERENCE, length=16)
    with pytest.raises(InputError, match=r"max_n_share: all 2 windows have more than 5 % unknown bases"):
        known_windows(windows, max_n_share=0.05)


def test_require_known_sequence__names_the_worst_window():
    windows = build_windows(genes_of([("a", "21", 50), ("b", "22", 20), ("c", "21", 2)]), REFERENCE, length=16)
    require_known_sequence(windows, max_n_share=0.5, reference_name="r.fa")
    with pytest.raises(InputError) as error:
        require_known_sequence(windows, max_n_share=0.1, reference_name="r.fa")
    assert str(error.value).startswith(
        "r.fa:22:13-28: 50.0 % of the window of gene b is N or off the contig, 10.0 % are allowed "
        "(2 of 3 windows have more); set sequence_build.unknown_windows: drop"
    )


def test_covering_intervals__of_the_longest_length_and_a_margin():
    margin = 10_000
    far = 5 * margin
    genes = genes_of([("a", "21", far), ("b", "21", far + 10), ("c", "22", 3), ("d", "22", 3 * far)])
    half = margin + 10
    assert covering_intervals(genes, [8, 20, 12], margin=margin) == [
        Interval("21", far - half, far + 10 + half),
        Interval("22", 0, 3 + half),
        Interval("22", 3 * far - half, 3 * far + half),
    ]


def test_read_reversed__genes_on_the_minus_strand_where_asked():
    windows = pd.DataFrame({"gene_id": ["a", "b", "c"], "strand": ["+", "-", "-"]})
    assert read_reversed(windows, strand="forward", source="x.gtf") == [False, False, False]
    assert read_reversed(windows, strand="gene", source="x.gtf") == [False, True, True]
    unknown = windows.assign(strand=["+", ".", "-"])
    assert read_reversed(unknown, strand="forward", source="x.gtf") == [False, False, False]
    with pytest.raises(InputError, match=r"x\.gtf: the strand of 1 of 3 genes is not known \(first: b\)"):
        read_reversed(unknown, strand="gene", source="x.gtf")
