"""Windows of single variants on disk."""

from __future__ import annotations

import pickle

import numpy as np
import pandas as pd

from haploformer.formats.edited_windows import edited_windows_exist, read_edited_windows, write_edited_windows
from haploformer.genome.variant_windows import build_variant_windows
from haploformer.genome.variants import RECORD_COLUMNS
from tests.builders.genome import MemoryReference, random_sequence


def test_edited_windows__are_read_as_they_were_written(tmp_path):
    sequence = random_sequence(300, np.random.default_rng(0))
    records = [("1", 90, "v0", sequence[89], "TTTT"), ("1", 120, "v1", sequence[119:122], sequence[119])]
    variants = pd.DataFrame(records, columns=RECORD_COLUMNS)
    genes = pd.DataFrame([("g", "1", 68, 132, 100)], columns=["gene_id", "contig", "start", "end", "tss"])
    made = build_variant_windows(
        genes, variants, MemoryReference({"1": sequence}), reverse=[False], both_strands=True, provenance={"a": [1]}
    )
    path = tmp_path / "windows"
    assert not edited_windows_exist(path)
    write_edited_windows(made, path)
    assert edited_windows_exist(path)
    found = pickle.loads(pickle.dumps(read_edited_windows(path)))  # noqa: S301 (a worker gets it so)
    np.testing.assert_array_equal(found.codes(range(6)), made.codes(range(6)))
    assert (found.keys, found.provenance, len(found)) == (made.keys, {"a": [1]}, 6)
    pd.testing.assert_frame_equal(found.table, made.table)
    pd.testing.assert_frame_equal(found.carriers(), made.carriers())
