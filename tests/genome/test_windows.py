"""The model's window of each gene."""

from __future__ import annotations

import pandas as pd
import pytest

from haploformer.errors import InputError
from haploformer.genome.intervals import Interval
from haploformer.genome.reference import fetch_padded
from haploformer.genome.windows import (
    build_windows,
    cis_interval,
    covering_intervals,
    known_windows,
    require_contigs,
    require_known_sequence,
    tss_window,
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


def test_cis_interval__is_cut_at_the_start_of_the_contig():
    assert cis_interval("22", 10, 64) == Interval("22", 0, 42)
    assert cis_interval("22", 100, 64) == tss_window("22", 100, 64)


@pytest.mark.parametrize(
    ("start", "end", "text"),
    [(0, 4, "ACGT"), (-2, 2, "NNAC"), (98, 103, "GTNNN"), (-3, 0, "NNN"), (150, 152, "NN"), (5, 5, "")],
)
def test_fetch_padded__off_the_contig_is_unknown(start, end, text):
    from haploformer.genome.encoding import decode

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
def test_build_windows__refuses_a_tss_off_the_contig(tss):
    with pytest.raises(InputError) as error:
        build_windows(genes_of([("a", "21", tss)]), REFERENCE, length=16)
    assert str(error.value) == (
        f"a: TSS {tss + 1} lies outside contig 21 of memory.fa; use the genome build of the expression table"
    )


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


def test_covering_intervals__of_the_longest_length_on_the_contig():
    genes = genes_of([("a", "21", 50), ("b", "21", 60), ("c", "22", 3), ("d", "22", 60)])
    assert covering_intervals(genes, [8, 20, 12]) == [
        Interval("21", 40, 70),
        Interval("22", 0, 13),
        Interval("22", 50, 70),
    ]
