"""Which tracks a name means."""

from __future__ import annotations

import pandas as pd
import pytest

from haploformer.enformer.tracks import TISSUES, require_tracks, resolve_tracks
from haploformer.errors import InputError

TRACKS = pd.DataFrame(
    {
        "track": range(7),
        "identifier": ["ENCFF1", "ENCFF2", "CNhs1", "CNhs2", "CNhs3", "CNhs4", "17"],
        "description": [
            "DNASE:liver",
            "DNASE:liver",
            "CAGE:blood, adult, pool1",
            "CAGE:Whole blood (ribopure), , donation1",
            "CAGE:B lymphoblastoid cell line: GM12878 ENCODE, biol_",
            "CAGE:blood, adult",
            "CAGE:brain, adult,",
        ],
    }
)


@pytest.mark.parametrize(
    ("wanted", "tracks"),
    [
        ("all", list(range(7))),
        (("all",), list(range(7))),
        (["CNhs4", "all"], list(range(7))),
        ("whole_blood", [2, 3]),
        ("lymphoblastoid_cell_line", [4]),
        ("brain", [6]),
        (["brain", "whole_blood"], [2, 3, 6]),
        ([5], [5]),
        ("5", [5]),
        (["5", 0, "0"], [0, 5]),
        ("CNhs3", [4]),
        ("DNASE:liver*", [0, 1]),
        (["0", "1"], [0, 1]),
        ("CAGE:blood, adult", [5]),
        ("CAGE:blood, adult*", [2, 5]),
        ("CAGE*", [2, 3, 4, 5, 6]),
        ("*", list(range(7))),
    ],
)
def test_resolve_tracks__ascending_without_repeats(wanted, tracks):
    found = resolve_tracks(wanted, TRACKS)
    assert found == tracks
    assert all(type(track) is int for track in found)


def test_resolve_tracks__a_number_is_a_place_before_it_is_an_identifier():
    with pytest.raises(InputError, match="'17' fits none of the 7 tracks"):
        resolve_tracks("17", TRACKS)


@pytest.mark.parametrize(
    ("wanted", "message"),
    [
        (
            "DNASE:liver",
            "'DNASE:liver' fits 2 of the 7 tracks (0 DNASE:liver, 1 DNASE:liver); give track numbers joined by +, "
            "or all of them as DNASE:liver*",
        ),
        (
            "blood",
            "'blood' fits 3 of the 7 tracks (2 CAGE:blood, adult, pool1, 3 CAGE:Whole blood (ribopure), , donation1, "
            "5 CAGE:blood, adult); give track numbers joined by +",
        ),
        (
            "cage",
            "'cage' fits 5 of the 7 tracks (2 CAGE:blood, adult, pool1, 3 CAGE:Whole blood (ribopure), , donation1, "
            "4 CAGE:B lymphoblastoid cell line: GM12878 ENCODE, biol_, 5 CAGE:blood, adult ...); give track numbers "
            "joined by +",
        ),
    ],
)
def test_resolve_tracks__a_name_that_fits_many_is_refused(wanted, message):
    with pytest.raises(InputError) as error:
        resolve_tracks(wanted, TRACKS)
    assert str(error.value) == f"parameters:enformer.tracks: {message}"


@pytest.mark.parametrize(
    ("wanted", "message"),
    [
        ("CAGE:blod, adult", "'CAGE:blod, adult' fits none of the 7 tracks (nearest: CAGE:blood, adult, "),
        ("whole blood", "'whole blood' fits none of the 7 tracks (nearest: whole_blood"),
        (["brain", 7], "'7' fits none of the 7 tracks; give a track number"),
        ("-1", "'-1' fits none of the 7 tracks"),
        ("\u00b2", "'\u00b2' fits none of the 7 tracks"),
        ("cage*", "'cage*' fits none of the 7 tracks"),
        (
            "zzzzqqqq",
            "'zzzzqqqq' fits none of the 7 tracks; give a track number, identifier, description, a tissue or all",
        ),
        ([], "no track is given; name a track, a tissue or all"),
    ],
)
def test_resolve_tracks__what_fits_no_track(wanted, message):
    with pytest.raises(InputError) as error:
        resolve_tracks(wanted, TRACKS)
    assert str(error.value).startswith(f"parameters:enformer.tracks: {message}")


@pytest.mark.real_data
def test_tissues__are_the_published_tracks(shared_data):
    from haploformer.formats.track_table import read_track_table

    published = read_track_table(shared_data / "annotation" / "targets_human.txt")
    assert len(published) == 5313
    assert {name: resolve_tracks(name, published) for name in TISSUES} == {
        "whole_blood": [4805, 4806, 4950, 5067],
        "lymphoblastoid_cell_line": [5110],
        "brain": [4980],
        "brain_cortex": [5103, 5263, 5305],
    }


def test_require_tracks__outputs_of_the_head():
    require_tracks([0, 4], 5)
    require_tracks(range(5), 5)
    for bad in (-1, 5):
        with pytest.raises(ValueError, match=f"track {bad} selected, the model has 5"):
            require_tracks([0, bad, 2], 5)
    with pytest.raises(ValueError, match="no track selected"):
        require_tracks([], 5)


@pytest.mark.parametrize(
    ("wanted", "message"),
    [
        ("whole_blood", "'whole_blood' cannot be looked up: the tracks have no names"),
        ("7", "'7' fits none of the 7 tracks"),
    ],
)
def test_resolve_tracks__without_descriptions_only_numbers_work(wanted, message):
    unnamed = TRACKS.assign(identifier="", description="")
    assert resolve_tracks(["3"], unnamed) == [3]
    with pytest.raises(InputError, match=message):
        resolve_tracks([wanted], unnamed)
