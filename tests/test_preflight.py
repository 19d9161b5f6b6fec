"""What a run refuses before anything is written, without a run."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace

import pytest

from haploformer.errors import InputError
from haploformer.parameters import DataPrepParameters
from haploformer.preflight import require_same_sources


@dataclass
class File:
    path: Path = Path("new.vcf.gz")
    sha256: str = "0" * 64


def stored(**provenance):
    """A catalog with stored variants and the genotype file that is now named."""
    made_of = {"source": "g.vcf.gz", "sha256": "0" * 64} | provenance
    variants = SimpleNamespace(genotypes=SimpleNamespace(provenance=made_of))
    return {"variants": variants, "genotype_file": File()}.__getitem__


def test_require_same_sources__the_same_file_read_the_same_way():
    require_same_sources(stored(filters=[], repair_ref=False), DataPrepParameters())
    wanted = DataPrepParameters(filters="q10+q20", repair_ref=True)
    require_same_sources(stored(filters=["q10", "q20"], repair_ref=True), wanted)
    # Variants that were stored before these options were recorded had their defaults.
    require_same_sources(stored(), DataPrepParameters())


def test_require_same_sources__another_file():
    with pytest.raises(
        InputError, match=r"new.vcf.gz: the stored variants were read from another file \(g.vcf.gz, sha2"
    ):
        require_same_sources(stored(sha256="1" * 64), DataPrepParameters())


@pytest.mark.parametrize(
    ("made_with", "options", "message"),
    [
        ({"repair_ref": True}, {}, "data_prep.repair_ref: the stored variants were read with True, this run has False"),
        ({}, {"repair_ref": True}, "data_prep.repair_ref: the stored variants were read with False, this run has True"),
        (
            {"filters": ["q10"]},
            {},
            r"data_prep.filters: the stored variants were read with \['q10'\], this run has \[\]",
        ),
    ],
)
def test_require_same_sources__other_options(made_with, options, message):
    with pytest.raises(InputError, match=f"parameters:{message}; run once without --only-missing-outputs"):
        require_same_sources(stored(**made_with), DataPrepParameters(**options))
