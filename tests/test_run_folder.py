"""Where a run's outputs lie."""

from __future__ import annotations

import pytest

from haploformer.errors import InputError
from haploformer.run_folder import models_folder, part_folder, run_folder


def folder(**asked) -> str:
    names = ("run_name", "gene", "individual", "sequences", "preset")
    return run_folder("demo", *(asked.get(name) for name in names), "tiny")


def test_run_folder__the_cohorts_where_nothing_is_selected():
    assert folder() == "demo"
    assert folder(preset="tiny") == "demo"


def test_run_folder__its_own_for_a_selection_or_another_preset():
    made = [
        folder(gene="COMT"),
        folder(gene="comt"),
        folder(gene="COMT+CLTCL1"),
        folder(gene="COMT", individual="HG00097"),
        folder(individual="HG00097"),
        folder(sequences="COMT"),
        folder(preset="full"),
        folder(gene="COMT", preset="full"),
    ]
    assert len(set(made)) == len(made)
    assert made[0].startswith("demo/gene-comt-")
    assert made[2].startswith("demo/gene-comt-and-1-more-")
    assert made[3].startswith("demo/gene-comt-individual-hg00097-")
    assert made[6].startswith("demo/preset-full-")
    assert folder(gene="COMT") == made[0]


@pytest.mark.parametrize(
    "name", ["../x", "a/b", "..", "A\0B", "x" * 5000, "con fusion", "\u00e9", "", "~", "-", "a\\b"]
)
@pytest.mark.parametrize("key", ["gene", "individual", "sequences"])
def test_run_folder__a_name_never_is_a_path(key, name):
    made = folder(**{key: name})
    cohort, _, own = made.partition("/")
    assert cohort == "demo"
    assert set(own) <= set("abcdefghijklmnopqrstuvwxyz0123456789-")
    assert len(own) < 120


def test_run_folder__a_name_that_the_user_gives():
    assert folder(run_name="trial-2", gene="COMT") == "demo/trial-2"
    assert folder(run_name=7) == "demo/7"


@pytest.mark.parametrize("name", ["", "../x", "a/b", "..", "a..b", "A", "-x", "x" * 65, "figures", "variants", "."])
def test_run_folder__a_name_that_cannot_be_a_folder(name):
    with pytest.raises(
        InputError, match=r"parameters:run_name: .* cannot name a folder of outputs; give up to 64 of a-z"
    ):
        folder(run_name=name)


def test_models_folder__the_cohorts_a_run_of_it_or_a_folder():
    assert models_folder("demo", None) == models_folder("demo", "demo") == "data/06_models/demo"
    assert models_folder("demo", "chr22_full") == "data/06_models/demo/chr22_full"
    assert models_folder("demo", "data/06_models/geuvadis/") == "data/06_models/geuvadis"
    assert models_folder("demo", "./elsewhere") == "./elsewhere"


@pytest.mark.parametrize("name", ["..", "A b", "", "x\0"])
def test_models_folder__what_names_neither(name):
    with pytest.raises(InputError, match=r"^parameters:apply.models: .* names neither a run nor a folder"):
        models_folder("demo", name)


def test_part_folder__below_the_runs_for_what_is_asked_for():
    assert part_folder("demo", "variants", None) == "demo"
    places = [part_folder("demo", "variants", v) for v in ("rs1", "rs1+rs2", "22:5:A:G", "../sites.vcf", "sites.vcf")]
    assert len(set(places)) == 5
    assert places[0].startswith("demo/variants-rs1-")
    assert all(place.count("/") == 1 and ".." not in place for place in places)
    stretch = part_folder("demo/x", "stretch", "COMT", "start", 5, "end", 9)
    assert stretch.startswith("demo/x/stretch-comt-start-5-end-9-")
