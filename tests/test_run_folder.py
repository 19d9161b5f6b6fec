"""Where a run's outputs lie."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from kedro.config import OmegaConfigLoader

from haploformer.errors import InputError
from haploformer.run_folder import models_folder, part_folder, run_folder
from haploformer.settings import CONFIG_LOADER_ARGS

CONF = Path(__file__).parents[1] / "conf"


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


def names_in_run_folders() -> set[str]:
    """What the catalogs keep in the folder of a run, or of a part of it; a store has its state beside it."""
    text = "".join(
        path.read_text() for path in sorted(CONF.rglob("catalog*/*.yml")) + sorted(CONF.glob("*/catalog.yml"))
    )
    found = set(re.findall(r"data/\d\d_\w+/\$\{(?:_\w+|globals:cohort)\}/([^/\s]+)", text))
    found = {re.sub(r"\{\w+\}", "x", name) for name in found}
    return found | {name.replace(".zarr", ".status.json") for name in found}


NAMES = sorted(names_in_run_folders())


def test_run_folder__the_catalog_tells_what_is_taken():
    assert {"genes.parquet", "report.html", "track_predictions.zarr", "held_out_populations", "figures"} <= set(NAMES)
    assert {"eqtl_scan.txt.gz", "track_predictions.status.json", "applied_beds", "phased"} <= set(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_run_folder__a_name_that_an_output_has(name):
    with pytest.raises(InputError, match="cannot name a folder of outputs"):
        folder(run_name=name)


def catalog_of(**asked) -> dict:
    """The catalog, given the command line's parameters."""
    return OmegaConfigLoader(str(CONF), env="base", runtime_params=asked, **CONFIG_LOADER_ARGS)["catalog"]


@pytest.fixture(scope="module")
def usual() -> dict:
    return catalog_of()


EQTLS = ("effect_pairs", "effect_concordance", "matched_variants", "harmonise_audit", "figure_effect_concordance")
SCAN = ("eqtl_scan", "scan_pairs", "scan_concordance", "scan_audit", "figure_scan_concordance", "scan_concordance_page")
DISEASE = ("disease_windows", "disease_variants", "disease_audit", "disease_track_predictions")


@pytest.mark.parametrize(
    ("datasets", "group", "name", "value"),
    [
        ((*EQTLS, "effect_concordance_page"), "external_eqtls", "tissue", "liver"),
        (SCAN, "eqtl_scan", "individuals", "A+B"),
        (SCAN, "eqtl_scan", "share", 0.3),
        (SCAN, "eqtl_scan", "seed", 3),
        (DISEASE, "disease_variants", "significance", "pathogenic"),
        (
            ("disease_variant_effects", "figure_disease_loci", "disease_variants_page"),
            *("disease_variants", "max_pvalue", 5e-8),
        ),
    ],
)
def test_catalog__outputs_of_another_selection_have_a_folder_of_their_own(usual, datasets, group, name, value):
    chosen = catalog_of(**{group: {name: value}})
    for dataset in datasets:
        before, after = (Path(catalog[dataset]["filepath"]) for catalog in (usual, chosen))
        of_run = before.parent.parent if before.parent.name == "figures" else before.parent
        own, *inside = after.relative_to(of_run).parts
        assert own.startswith(f"{name}-")
        assert Path(*inside) == before.relative_to(of_run)


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
