"""Captions say on whom, with which windows, tracks and weights; recomputed here from the tables and parameters."""

from __future__ import annotations

import dataclasses
import json

import pandas as pd
import plotly.graph_objects as go
import pytest

from haploformer.enformer.tracks import resolve_tracks
from haploformer.figures import cohort
from haploformer.figures.conditions import StudyConditions
from tests.builders.stored_facts import STORED_FACTS

#: Lengths of the cis windows by the names that their models end in, and what the tissue is of twelve tracks.
WINDOWS = {"": 196_608, "_1mb": 2_000_000}
TRACKS = pd.DataFrame(
    {
        "track": range(12),
        "identifier": [f"T{i}" for i in range(12)],
        "description": ["CAGE:blood a", "CAGE:blood b", "CAGE:blood c", *(f"DNASE:{i}" for i in range(9))],
    }
)
ATTRIBUTES = STORED_FACTS | {"bins": list(range(43, 53)), "tracks": list(range(12)), "weights": "W"}
SEEDS = (0, 3)
PEOPLE = [f"P{i}" for i in range(25)]
FEATURES = ["enformer", "elastic_net", "prs", "enformer_pc1", "enformer_pc2"]


@pytest.fixture
def conditions() -> StudyConditions:
    folds = [(person, seed, i % 5) for seed in SEEDS for i, person in enumerate(PEOPLE)]
    return StudyConditions.of_run(
        ATTRIBUTES,
        pd.DataFrame(folds, columns=["individual_id", "fold_seed", "fold"]),
        pd.DataFrame({"gene_id": ["g"] * 2, "cis_window": list(reversed(WINDOWS.values()))}),
        pd.DataFrame({"feature": FEATURES}),
        tissue="CAGE:blood*",
        tissue_tracks=resolve_tracks("CAGE:blood*", TRACKS),
    )


def test_study_conditions__are_those_of_the_tables(conditions):
    assert conditions == StudyConditions(
        *(25, 5, SEEDS, 16_384, (196_608, 2_000_000), "CAGE:blood*", 3, 12, 10, "W"),
        ("enformer", "prs", "elastic_net", "enformer_pc1", "enformer_pc2"),
    )


def test_study_conditions__survive_json(conditions):
    assert StudyConditions.from_json(json.loads(json.dumps(dataclasses.asdict(conditions)))) == conditions


@pytest.mark.parametrize("name", ["elastic_net", "blup", "prs", "top_snp"])
@pytest.mark.parametrize("suffix", WINDOWS)
def test_describe__a_baseline_has_its_own_cis_window_and_no_other(conditions, name, suffix):
    text = conditions.describe([name + suffix])
    assert f"{len(PEOPLE)} people, {5} folds by person, fold seeds 0, 3." in text
    told = [f"{length:,} bases" in text for length in WINDOWS.values()]
    assert told == [length == WINDOWS[suffix] for length in WINDOWS.values()]
    assert "16,384" not in text  # the window of a model that is not in the figure
    assert "No Enformer in it" in text
    assert "CAGE" not in text


def test_describe__enformer_has_the_tracks_that_make_it(conditions):
    text = conditions.describe(["enformer (W)"])
    n = len(resolve_tracks("CAGE:blood*", TRACKS))
    assert f"Enformer (W): the mean of {n} tracks (CAGE:blood*)." in text
    assert "Enformer reads 16,384 bases round the TSS and is taken at 10 centre bins" in text
    assert "Enformer's weights: W." in text
    assert "196,608" not in text
    assert "all 12 tracks" not in text
    assert "Enformer, all tracks: the mean of all 12 tracks." in conditions.describe(["enformer_all_tracks"])


def test_describe__a_stack_has_windows_and_tracks_of_its_members(conditions):
    text = conditions.describe_models(["stack"])
    assert "PRS and Elastic net: variants in a cis window of 196,608 bases round the TSS." in text
    assert "Stack: a stack of Enformer, PRS, Elastic net and 2 components of Enformer's tracks." in text
    assert "Enformer: the mean of 3 tracks (CAGE:blood*); components: of all 12 tracks." in text
    assert text.endswith("Enformer's weights: W.")
    without = conditions.describe_models(["stack_without_enformer"])
    assert "a stack of PRS and Elastic net." in without
    assert "Enformer reads" not in without
    assert without.endswith("No Enformer in it: no tracks, no weights.")


def test_cohort_figures__each_caption_is_of_the_models_in_its_figure(conditions, tables):
    names = ["by_model", "against", "differences", "null", "populations", "heritability", "haplotypes"]
    scores = tables.gene_scores
    shown = cohort.cohort_figures({name: go.Figure() for name in names}, conditions, scores, explorer=None)
    told = dict(zip(names, [figure.conditions for figure in shown], strict=True))
    everything = conditions.describe(scores["model"].unique())
    for name in ("by_model", "differences", "null", "populations", "heritability"):
        assert told[name] == everything
    assert told["against"] == conditions.describe(["elastic_net", "stack"])
    assert "all 12 tracks" not in told["against"].replace("components: of all 12 tracks", "")
    assert told["haplotypes"].startswith("25 people; Enformer's windows of 16,384 bases")
    facts = dict(cohort.cohort_facts(ATTRIBUTES, conditions, scores, [], tables.genes))
    assert facts["Cis window of the baselines"] == "196,608 and 2,000,000 bases round the TSS"
    assert facts["Tracks of the tissue"] == "3 tracks (CAGE:blood*)"
    assert facts["Folds"] == "5 by person, seeds 0, 3"
