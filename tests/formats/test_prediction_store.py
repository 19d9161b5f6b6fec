"""The store of predictions: complete, resumed, changed, damaged; never a wrong or a missing row."""

from __future__ import annotations

import hashlib
import json
import pickle
import shutil
import warnings
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import ClassVar

import numpy as np
import pytest
import xarray

from haploformer.enformer.bins import KeptBins
from haploformer.enformer.plan import Execution, PredictionPlan, plan_predictions, run_plan
from haploformer.errors import InputError
from haploformer.formats import prediction_store
from haploformer.formats.prediction_store import PredictionStore
from haploformer.formats.stored_predictions import predictions_exist, read_predictions, verify_predictions
from tests.builders.predictions import CENTRE_BINS, FakeModel, Interrupted, expected_rows, fake_plan, with_rows

KEYS = [f"key{i}" for i in range(18)]  # five shards of four rows, the last of two


def complete(path: Path, plan: PredictionPlan) -> None:
    """What the dataset does when it saves."""
    with PredictionStore(path, plan) as store:
        assert sum(len(status.shard) for status in run_plan(plan, store)) == len(plan.keys)
        store.finish()


def make(path: Path, keys: list[str] = KEYS, **options) -> FakeModel:
    model = FakeModel(seed=options.pop("seed", 0))
    complete(path, fake_plan(keys, model, **options))
    return model


def interrupt(path: Path, shards: int, keys: list[str] = KEYS, **options) -> FakeModel:
    model = FakeModel(seed=options.pop("seed", 0), die_after=shards)
    with pytest.raises(Interrupted):
        complete(path, fake_plan(keys, model, **options))
    return model


def files(path: Path) -> dict[str, bytes]:
    return {str(p.relative_to(path)): p.read_bytes() for p in sorted(path.rglob("*")) if p.is_file()}


def chunk(path: Path, shard: int) -> Path:
    return path / "predictions" / "c" / str(shard) / "0"


def values(path: Path) -> np.ndarray:
    return np.asarray(read_predictions(path).values)


@pytest.fixture
def store(tmp_path: Path) -> Path:
    """Where a store is made; beside it nothing may be left."""
    return tmp_path / "stores" / "predictions.zarr"


@pytest.fixture
def unbroken(tmp_path: Path) -> dict[str, bytes]:
    """The files of a store made in one go."""
    make(tmp_path / "unbroken" / "predictions.zarr")
    return files(tmp_path / "unbroken" / "predictions.zarr")


def alone(store: Path) -> bool:
    return [p.name for p in store.parent.iterdir()] == [store.name]


# A complete run --------------------------------------------------------------------------------------------------


def test_prediction_store__holds_what_was_predicted(store):
    model = make(store)
    assert predictions_exist(store)
    assert np.array_equal(values(store), expected_rows(KEYS))
    assert model.calls == [KEYS[i : i + 4] for i in range(0, 18, 4)]
    assert alone(store)


def test_prediction_store__tracks_carriers_and_attributes(store):
    make(store, provenance={"source": "a.vcf", "n": [1, 2]}, precision="float32")
    found = read_predictions(store)
    assert found.tracks.tolist() == [4, 7, 9]
    assert found.windows["individual_id"].tolist()[1:] == [f"P{i}" for i in range(1, 18)]
    assert found.windows["window"].tolist() == list(range(18))
    assert found.windows.iloc[0][["individual_id", "haplotype"]].isna().all()
    assert found.attributes == {
        "source": "a.vcf",
        "n": [1, 2],
        "weights": "seed 0",
        "tracks": [4, 7, 9],
        "precision": "float32",
        **CENTRE_BINS.identity,
    }


def test_prediction_store__rows_of_numbered_windows(store):
    make(store)
    found, expected = read_predictions(store), expected_rows(KEYS)
    window = np.array([[3, 17], [3, 0], [8, 8]])
    assert np.array_equal(found.mean_coverage(window), expected[window])
    assert found.mean_coverage(np.array([5])).dtype == np.float32


def test_prediction_store__opens_in_xarray_without_a_warning(store):
    make(store)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with xarray.open_zarr(store) as opened:
            assert opened["predictions"].dims == ("window", "track")
            assert opened["predictions"].dtype == np.float32
            assert np.array_equal(opened["predictions"].to_numpy(), expected_rows(KEYS))
            assert opened["track"].to_numpy().tolist() == [4, 7, 9]
            assert opened.attrs["weights"] == "seed 0"
            assert opened["predictions"].attrs["unit"] == "coverage per 128 bp"


def test_prediction_store__writing_gives_no_warning(store):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        make(store)


def test_prediction_store__a_handle_can_be_pickled(store):
    make(store)
    again = pickle.loads(pickle.dumps(read_predictions(store)))  # noqa: S301
    assert np.array_equal(again.mean_coverage(np.array([2, 1])), expected_rows(KEYS)[[2, 1]])


def test_prediction_store__one_window_and_one_track_numbered_zero(store):
    make(store, ["only"], tracks=[0])
    assert values(store).tolist() == expected_rows(["only"], 1).tolist()
    assert read_predictions(store).tracks.tolist() == [0]
    assert make(store, ["only"], tracks=[0]).calls == []


def test_prediction_store__two_runs_give_the_same_bytes(store, unbroken):
    make(store)
    assert files(store) == unbroken


def test_prediction_store__a_finished_store_computes_nothing_and_keeps_its_bytes(store):
    make(store)
    before = files(store)
    assert make(store).calls == []
    assert files(store) == before
    assert alone(store)


def test_prediction_store__other_carriers_of_the_same_windows_compute_nothing(store):
    make(store)
    model = FakeModel()
    plan = fake_plan(KEYS, model)
    complete(store, replace(plan, windows=plan.windows.assign(individual_id="Q")))
    assert model.calls == []
    assert set(read_predictions(store).windows["individual_id"]) == {"Q"}


def test_prediction_store__other_provenance_is_written_and_computes_nothing(store):
    make(store, provenance={"source": "old.vcf"})
    assert make(store, provenance={"source": "new.vcf"}).calls == []
    assert read_predictions(store).attributes["source"] == "new.vcf"
    with xarray.open_zarr(store) as opened:
        assert opened.attrs["source"] == "new.vcf"
    assert np.array_equal(values(store), expected_rows(KEYS))


# Interruptions ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("shards", range(5))
def test_prediction_store__an_interrupted_run_goes_on_where_it_stopped(store, unbroken, shards):
    interrupt(store, shards)
    assert not predictions_exist(store)
    assert not store.exists()
    assert make(store).computed == KEYS[4 * shards :]
    assert files(store) == unbroken
    assert alone(store)


def test_prediction_store__interrupted_again_and_again(store, unbroken):
    for i in range(4):
        assert interrupt(store, 0).calls == []
        assert interrupt(store, 1).calls == [KEYS[4 * i : 4 * i + 4]]
    assert make(store).calls == [KEYS[16:]]
    assert files(store) == unbroken


def test_prediction_store__killed_between_the_last_shard_and_publishing(store, unbroken, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr(PredictionStore, "finish", lambda self: (_ for _ in ()).throw(Interrupted))
        with pytest.raises(Interrupted):
            make(store)
    assert not predictions_exist(store)
    assert make(store).calls == []
    assert files(store) == unbroken
    assert alone(store)


def test_prediction_store__killed_while_the_new_store_takes_the_old_ones_place(store, monkeypatch):
    make(store)
    renamed = []

    def rename_once(self: Path, target: Path) -> Path:
        renamed.append(target)
        if len(renamed) == 2:
            raise Interrupted
        return original(self, target)

    original = Path.rename
    with monkeypatch.context() as patch:
        patch.setattr(Path, "rename", rename_once)
        with pytest.raises(Interrupted):
            make(store, seed=1)
    assert not predictions_exist(store)
    assert make(store, seed=1).calls == []
    assert np.array_equal(values(store), expected_rows(KEYS, seed=1))
    assert alone(store)


@pytest.mark.parametrize("place", ["chunk", "manifest", "layout"])
def test_prediction_store__what_a_kill_leaves_half_written_does_not_stay(store, unbroken, place):
    interrupt(store, 2)
    building = store.with_name(".predictions.zarr.building")
    if place == "chunk":
        chunk(building, 2).parent.mkdir()
        (chunk(building, 2).parent / ".0.tmp").write_bytes(b"half")
        (building / "predictions" / "c" / "9").mkdir()
        (building / "predictions" / "c" / "9" / ".0.tmp").write_bytes(b"half")
    if place == "manifest":
        (building / ".windows.parquet.tmp").write_bytes(b"half")
        (building / "predictions" / "zarr.0123456789abcdef.partial").write_bytes(b"half")
    if place == "layout":
        (building / ".layout" / "predictions").mkdir(parents=True)
        (building / ".layout" / "predictions" / "zarr.json").write_bytes(b"half")
    assert make(store).computed == KEYS[8:]
    assert files(store) == unbroken
    assert alone(store)


def test_prediction_store__killed_before_the_layout_was_there(store, unbroken):
    building = store.with_name(".predictions.zarr.building")
    building.mkdir(parents=True)
    (building / "keys.parquet").write_bytes(b"half")
    make(store)
    assert files(store) == unbroken
    assert alone(store)


def test_prediction_store__a_torn_last_line_of_the_manifest(store, unbroken):
    interrupt(store, 3)
    manifest = store.with_name(".predictions.zarr.building") / "manifest.jsonl"
    manifest.write_bytes(manifest.read_bytes()[:-30])
    assert make(store).computed == KEYS[8:]
    assert files(store) == unbroken


@pytest.mark.parametrize(
    "tail", [b"\n", b"\n{", b"\n4", b'\n{"shard": 4}', b"\n\0\0\0\0", b"\n\xff\xfe", b'\n{"shard": 4, "depe']
)
def test_prediction_store__rubbish_at_the_end_of_the_manifest(store, unbroken, tail):
    interrupt(store, 3)
    with (store.with_name(".predictions.zarr.building") / "manifest.jsonl").open("ab") as stream:
        stream.write(tail)
    assert make(store).computed == KEYS[12:]
    assert files(store) == unbroken


def test_prediction_store__a_line_of_the_manifest_is_missing(store, unbroken):
    make(store)
    manifest = store / "manifest.jsonl"
    lines = manifest.read_text().splitlines()
    manifest.write_text("\n".join(lines[:1] + lines[2:]))
    assert not predictions_exist(store)
    assert make(store).computed == KEYS[4:8]
    assert files(store) == unbroken


# Damage ----------------------------------------------------------------------------------------------------------


def test_prediction_store__half_of_the_shards_are_deleted(store, unbroken):
    make(store)
    for shard in (0, 2, 4):
        chunk(store, shard).unlink()
    assert not predictions_exist(store)
    assert make(store).calls == [KEYS[0:4], KEYS[8:12], KEYS[16:18]]
    assert files(store) == unbroken
    assert alone(store)


def test_prediction_store__a_truncated_chunk(store, unbroken):
    make(store)
    chunk(store, 1).write_bytes(chunk(store, 1).read_bytes()[:-4])
    assert not predictions_exist(store)
    assert make(store).computed == KEYS[4:8]
    assert files(store) == unbroken


@pytest.mark.parametrize(
    "name", ["zarr.json", "predictions/zarr.json", "track/zarr.json", "track/c/0", "keys.parquet", "windows.parquet"]
)
def test_prediction_store__a_file_beside_the_shards_is_deleted(store, unbroken, name):
    make(store)
    (store / name).unlink()
    assert not predictions_exist(store)
    assert make(store).calls == []
    assert files(store) == unbroken


def test_prediction_store__damage_does_not_cost_what_an_interrupted_run_has(store):
    # A finished store lost a shard; beside it lies work on another plan.
    make(store)
    interrupt(store, 2, seed=1)
    chunk(store, 0).unlink()
    assert make(store).computed == KEYS[:4]
    interrupt(store, 3, seed=1)
    chunk(store, 0).unlink()
    assert make(store, seed=1).computed == KEYS[12:]
    assert np.array_equal(values(store), expected_rows(KEYS, seed=1))
    assert alone(store)


def test_prediction_store__refuses_a_folder_that_is_no_store(store):
    store.mkdir(parents=True)
    (store / "thesis.txt").write_text("the only copy")
    with pytest.raises(InputError, match=r"predictions.zarr: something lies here that is no store of predictions"):
        make(store)
    assert (store / "thesis.txt").read_text() == "the only copy"


# Changes ---------------------------------------------------------------------------------------------------------


def test_prediction_store__another_identity_computes_everything(store):
    make(store)
    assert make(store, seed=1).computed == KEYS
    assert np.array_equal(values(store), expected_rows(KEYS, seed=1))
    assert make(store, seed=1, bins=[3]).computed == KEYS
    assert alone(store)


def test_prediction_store__an_old_store_stays_whole_while_its_successor_is_made(store):
    make(store)
    interrupt(store, 3, seed=1)
    assert predictions_exist(store)
    assert np.array_equal(values(store), expected_rows(KEYS))
    assert make(store, seed=1).computed == KEYS[12:]
    assert np.array_equal(values(store), expected_rows(KEYS, seed=1))
    assert alone(store)


def test_prediction_store__back_to_the_old_plan_sweeps_the_unfinished_successor(store):
    make(store)
    interrupt(store, 3, seed=1)
    assert make(store).calls == []
    assert alone(store)


def test_prediction_store__a_changed_plan_takes_over_the_folder_of_an_interrupted_one(store):
    interrupt(store, 4)
    assert make(store, KEYS[:7], seed=1).computed == KEYS[:7]
    assert np.array_equal(values(store), expected_rows(KEYS[:7], seed=1))
    assert {int(p.name) for p in (store / "predictions" / "c").iterdir()} == {0, 1}
    assert len((store / "manifest.jsonl").read_text().splitlines()) == 2


@pytest.mark.parametrize("seed", range(3))
def test_prediction_store__added_windows_compute_only_the_new_ones(store, seed):
    rng = np.random.default_rng(seed)
    make(store)
    added = [f"new{i}" for i in range(7)]
    keys = rng.permutation(KEYS + added).tolist()
    model = make(store, keys)
    assert sorted(model.computed) == sorted(added)
    assert np.array_equal(values(store), expected_rows(keys))


def test_prediction_store__removed_windows_compute_nothing(store):
    make(store)
    keys = [key for key in KEYS if key not in {"key0", "key9"}]
    assert make(store, keys).calls == []
    assert np.array_equal(values(store), expected_rows(keys))


@pytest.mark.parametrize("shard_rows", [1, 3, 18, 100])
def test_prediction_store__another_shard_size_computes_nothing(store, shard_rows):
    make(store)
    assert make(store, shard_rows=shard_rows).calls == []
    assert np.array_equal(values(store), expected_rows(KEYS))
    assert len(list((store / "predictions" / "c").iterdir())) == -(-18 // shard_rows)
    assert read_predictions(store).values.chunks[0] == shard_rows


def test_prediction_store__another_shard_size_where_one_shard_holds_all(store):
    make(store, KEYS[:3], shard_rows=4)
    assert make(store, KEYS[:3], shard_rows=8).calls == []
    assert np.array_equal(values(store), expected_rows(KEYS[:3]))
    assert read_predictions(store).values.chunks[0] == 8


def test_prediction_store__another_shard_size_after_an_interruption(store):
    interrupt(store, 2)
    assert make(store, shard_rows=3).computed == KEYS
    assert np.array_equal(values(store), expected_rows(KEYS))


def test_prediction_store__other_tracks(store):
    make(store)
    assert make(store, tracks=[4, 7]).computed == KEYS
    assert read_predictions(store).tracks.tolist() == [4, 7]
    assert np.array_equal(values(store), expected_rows(KEYS, 2))


def test_prediction_store__every_change_gives_the_bytes_of_a_fresh_run(tmp_path, store):
    rng = np.random.default_rng(5)
    for step in range(8):
        keys = rng.choice([f"key{i}" for i in range(30)], size=rng.integers(1, 25), replace=False).tolist()
        options = {"seed": int(rng.integers(0, 2)), "shard_rows": int(rng.choice([3, 4]))}
        with suppress(Interrupted):
            complete(
                store,
                fake_plan(
                    keys,
                    FakeModel(options["seed"], die_after=int(rng.integers(0, 9))),
                    shard_rows=options["shard_rows"],
                ),
            )
        make(store, keys, **options)
        fresh = tmp_path / f"fresh{step}" / "predictions.zarr"
        make(fresh, keys, **options)
        assert files(store) == files(fresh)
        assert alone(store)


# Refusals --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_run_plan__refuses_a_prediction_that_is_not_finite(store, bad):
    rows = expected_rows(KEYS)
    rows[9, 1] = bad
    with pytest.raises(InputError) as error:
        complete(store, with_rows(fake_plan(KEYS, FakeModel()), rows))
    assert str(error.value) == (
        "predictions:window 9 (gene g): the prediction is not finite; check the weights: a weight may be NaN or too large"
    )
    assert not store.exists()
    assert make(store).computed == KEYS[8:]


def test_run_plan__two_windows_with_equal_content_share_a_row(store):
    class Engine:
        name, precision = "fake", "float32"
        facts: ClassVar[dict] = {}
        asked: ClassVar[list[list[int]]] = []

        def predict(self, windows, rows, *, tracks, bins):
            self.asked.append(list(rows))
            return np.array(rows, np.float32)[:, None, None] + np.zeros((1, len(bins), len(tracks)), np.float32)

    keys = ["a", "b", "a", "c", "b", "a"]
    carriers = fake_plan(keys, FakeModel()).windows
    plan = plan_predictions(
        Engine(),
        None,
        keys,
        carriers,
        tracks=[0, 1],
        bins=KeptBins("centre", (5, 6), 8),
        shard_rows=2,
        identity={},
        provenance={},
    )
    complete(store, plan)
    assert Engine.asked == [[0, 1], [3]]
    assert values(store)[:, 0].tolist() == [0, 1, 3]
    assert read_predictions(store).windows["window"].tolist() == [0, 1, 0, 2, 1, 0]


def test_prediction_store__refuses_a_disk_without_room(store, monkeypatch):
    usage = shutil.disk_usage("/")._replace(free=18 * 3 * 4)
    monkeypatch.setattr(prediction_store.shutil, "disk_usage", lambda path: usage)
    with pytest.raises(InputError) as error:
        make(store)
    assert str(error.value) == (
        f"{store.parent}: the predictions need 240 bytes, 216 are free; "
        "make room, choose fewer tracks, or another folder"
    )


def test_prediction_store__a_disk_that_runs_full_says_so_and_the_run_goes_on_later(store, unbroken, monkeypatch):
    interrupt(store, 1)

    def no_room(path: Path, content: bytes, **options) -> None:
        if path.name == "0":
            raise OSError(28, "No space left on device")
        original(path, content, **options)

    original = prediction_store.write_durably
    with monkeypatch.context() as patch:
        patch.setattr(prediction_store, "write_durably", no_room)
        with pytest.raises(InputError, match=r"c/1/0: cannot be written \(No space left on device\); make room for 48"):
            make(store)
    assert make(store).computed == KEYS[4:]
    assert files(store) == unbroken


def test_manifest__one_line_per_shard_with_the_hash_of_its_file(store):
    make(store)
    entries = [json.loads(line) for line in (store / "manifest.jsonl").read_text().splitlines()]
    assert [entry["shard"] for entry in entries] == list(range(5))
    assert [entry["rows"] for entry in entries] == [[0, 4], [4, 8], [8, 12], [12, 16], [16, 18]]
    for entry in entries:
        content = chunk(store, entry["shard"]).read_bytes()
        assert entry["bytes"] == len(content) == 48
        assert entry["sha256"] == hashlib.sha256(content).hexdigest()
        assert entry["finite"] == 3 * (entry["rows"][1] - entry["rows"][0])
    assert len({entry["depends"] for entry in entries}) == 5


@pytest.mark.parametrize(("keep", "shape"), [("all", (5, 2, 2)), ("each", (5, 8, 2))])
def test_prediction_store__keeps_bins_apart(store, keep, shape):
    class Engine:
        name, precision = "fake", "float32"
        facts: ClassVar[dict] = {}

        def predict(self, windows, rows, *, tracks, bins):
            return np.array(rows, np.float32)[:, None, None] * 100 + np.array(bins, np.float32)[:, None] + tracks

    keys = [f"k{i}" for i in range(5)]
    plan = plan_predictions(
        Engine(),
        None,
        keys,
        fake_plan(keys, FakeModel()).windows,
        tracks=[0, 1],
        bins=KeptBins(keep, (3, 4), 8),
        shard_rows=2,
        identity={},
        provenance={},
    )
    complete(store, plan)
    found = read_predictions(store)
    assert found.values.shape == shape
    assert found.mean_coverage(np.array([4, 1])).tolist() == [[403.5, 404.5], [103.5, 104.5]]
    assert found.mean_coverage(np.array([4]), over="all").tolist() == [[403.5, 404.5]]
    assert predictions_exist(store)
    (store / "predictions/c/1/0/0").unlink()
    assert not predictions_exist(store)
    complete(store, plan)
    assert xarray.open_zarr(store)["predictions"].dims == ("window", "bin_set" if keep == "all" else "bin", "track")


def test_prediction_store__bins_kept_in_another_way_are_predicted_anew(store):
    make(store)
    plan = fake_plan(KEYS, FakeModel())
    other = replace(plan, bins=KeptBins("centre", (4, 5, 6, 7), 10), identity=plan.identity | {"bins": [4, 5, 6, 7]})
    assert PredictionStore(store, other).known_row(KEYS[0]) is None


def test_verify_predictions__a_finished_store_is_whole(store):
    make(store)
    table = verify_predictions(store)
    assert set(table["state"]) == {"whole"}
    assert sorted(table["file"]) == sorted(set(files(store)) - {"checksums.json"})
    shards = table.dropna()
    assert shards["first_window"].tolist() == list(range(0, len(KEYS), 4))
    assert shards["last_window"].tolist()[-1] == len(KEYS)
    assert table["n_bytes"].tolist() == [len(files(store)[name]) for name in table["file"]]


def test_verify_predictions__finds_each_of_20_flipped_bits(store):
    make(store)
    rng, content = np.random.default_rng(0), files(store)
    # Every file at least once: shards, manifest, plan, keys, windows, metadata, and the checksums themselves.
    names = [*content, *rng.choice(list(content), 20)][:20]
    assert set(names) == set(content)
    found = []
    for name in names:
        damaged = bytearray(content[name])
        damaged[rng.integers(len(damaged))] ^= 1 << int(rng.integers(8))
        (store / name).write_bytes(damaged)
        table = verify_predictions(store)
        bad = set(table["file"][table["state"] != "whole"])
        found.append(name in bad or (name == "checksums.json" and len(bad) > 0))
        (store / name).write_bytes(content[name])
    assert found == [True] * 20
    assert set(verify_predictions(store)["state"]) == {"whole"}


def test_verify_predictions__finds_every_bit_of_the_checksums(store):
    make(store, KEYS[:3])
    content = (store / "checksums.json").read_bytes()
    for place in range(0, 8 * len(content), 7):
        damaged = bytearray(content)
        damaged[place // 8] ^= 1 << place % 8
        (store / "checksums.json").write_bytes(damaged)
        assert set(verify_predictions(store)["state"]) > {"whole"}, place


@pytest.mark.parametrize("checksums", [True, False])
@pytest.mark.parametrize("name", ["plan.json", "manifest.jsonl", "windows.parquet", "track/c/0"])
def test_verify_predictions__names_what_is_gone(store, name, checksums):
    make(store)
    (store / name).unlink()
    if not checksums:
        (store / "checksums.json").unlink()
    states = verify_predictions(store).set_index("file")["state"]
    assert set(states.index[states == "missing"]) == ({name} if checksums else {name, "checksums.json"})


def test_verify_predictions__a_plan_that_cannot_be_read_beside_no_checksums(store):
    make(store)
    (store / "checksums.json").unlink()
    (store / "plan.json").write_text("{")
    assert verify_predictions(store)["state"].tolist() == ["missing"]


def test_verify_predictions__a_file_that_is_gone(store):
    make(store)
    chunk(store, 1).unlink()
    table = verify_predictions(store).set_index("file")
    assert table["state"].value_counts().to_dict() == {"whole": len(table) - 1, "missing": 1}
    assert table["n_bytes"][table["state"] == "missing"].tolist() == [0]


def test_prediction_store__what_was_measured_is_an_attribute_of_the_whole(store):
    plan = fake_plan(KEYS, FakeModel())
    facts = iter([{"error": 0.5, "checked": 1}, {"error": 0.25, "checked": 1}, {"error": 0.75, "checked": 2}] * 9)
    complete(store, replace(plan, facts=lambda: next(facts)))
    attributes = read_predictions(store).attributes
    n = len(plan.shards())
    assert attributes["error"] == (0.75 if n > 2 else 0.5)
    assert attributes["checked"] == sum([1, 1, 2][i % 3] for i in range(n))
    with_facts = [json.loads(line) for line in (store / "manifest.jsonl").read_text().splitlines()]
    assert [entry["facts"]["checked"] for entry in with_facts] == [[1, 1, 2][i % 3] for i in range(n)]


@pytest.mark.parametrize("content", [None, b"", b"{", b"[1]"])
def test_verify_predictions__the_checksums_themselves_are_gone_or_damaged(store, content):
    make(store)
    if content is None:
        (store / "checksums.json").unlink()
    else:
        (store / "checksums.json").write_bytes(content)
    table = verify_predictions(store).set_index("file")
    assert table["state"]["checksums.json"] == ("missing" if content is None else "damaged")
    assert set(table["state"].drop("checksums.json")) == {"whole"}


def test_prediction_store__a_store_without_its_plan_is_made_again(store, unbroken):
    make(store)
    (store / "plan.json").unlink()
    make(store)
    assert files(store) == unbroken


@pytest.mark.parametrize("content", ["{", "[]", '{"shard_rows": 4}'])
def test_prediction_store__a_damaged_plan_is_named(store, unbroken, content):
    make(store)
    (store / "plan.json").write_text(content)
    with pytest.raises(InputError, match=r"plan.json: the plan of the stored predictions is damaged .*; remove it"):
        make(store)
    (store / "plan.json").unlink()
    make(store)
    assert files(store) == unbroken


def test_prediction_store__damaged_metadata_are_written_again(store, unbroken):
    make(store)
    (store / "zarr.json").write_text("{")
    assert make(store).calls == []
    assert files(store) == unbroken


def test_prediction_store__errors_of_rows_taken_over_are_kept(store):
    complete(store, replace(fake_plan(KEYS, FakeModel()), facts=lambda: {"error": 0.5, "checked": 1}))
    more = [*KEYS, "one more"]
    complete(store, replace(fake_plan(more, FakeModel()), facts=lambda: {"error": 0.25, "checked": 1}))
    assert read_predictions(store).attributes["error"] == 0.5


# Several runs ---------------------------------------------------------------------------------------------------


def part_of(plan: PredictionPlan, index: int, count: int) -> PredictionPlan:
    return replace(plan, execution=Execution(shard_index=index, shard_count=count))


def fill_part(path: Path, index: int, count: int, **options) -> FakeModel:
    model = FakeModel(**options)
    plan = part_of(fake_plan(KEYS, model), index, count)
    with PredictionStore(path, plan) as opened:
        list(run_plan(plan, opened))
    return model


@pytest.mark.parametrize("order", [(0, 1, 2), (2, 0, 1)])
def test_parts__fill_a_store_that_the_last_run_publishes(store, unbroken, order):
    for index in order:
        model = fill_part(store, index, 3)
        assert model.calls == [KEYS[i : i + 4] for i in range(4 * index, 18, 12)]
        assert not predictions_exist(store)
    assert make(store).calls == []
    assert files(store) == unbroken
    assert alone(store)


def test_parts__may_be_under_way_at_once(store, unbroken):
    plans = [part_of(fake_plan(KEYS, FakeModel()), index, 2) for index in range(2)]
    with PredictionStore(store, plans[0]) as first, PredictionStore(store, plans[1]) as second:
        for _ in zip(run_plan(plans[0], first), run_plan(plans[1], second), strict=False):
            pass
        list(run_plan(plans[0], first))
        with pytest.raises(InputError, match=r"another run is filling this store; wait until it has ended"):
            make(store)
        assert first.n_done() == 5
    assert make(store).calls == []
    assert files(store) == unbroken


def test_parts__of_another_plan_are_refused_while_one_is_under_way(store):
    plan = part_of(fake_plan(KEYS, FakeModel()), 0, 2)
    other = part_of(fake_plan(KEYS, FakeModel(), weights="others"), 1, 2)
    with (
        PredictionStore(store, plan),
        pytest.raises(InputError, match="another run is filling this store"),
        PredictionStore(store, other),
    ):
        pass
    # When it is over, the store is the next one's.
    with PredictionStore(store, other):
        pass


def test_parts__one_is_killed_and_runs_again(store, unbroken):
    with pytest.raises(Interrupted):
        fill_part(store, 0, 2, die_after=1)
    assert fill_part(store, 0, 2).calls == [KEYS[8:12], KEYS[16:]]
    fill_part(store, 1, 2)
    make(store)
    assert files(store) == unbroken


def test_parts__of_a_finished_store_have_nothing_to_do(store, unbroken):
    make(store)
    assert fill_part(store, 1, 2).calls == []
    assert files(store) == unbroken


def test_prediction_store__one_run_at_a_time(store):
    with PredictionStore(store, fake_plan(KEYS, FakeModel())):
        for plan in (fake_plan(KEYS, FakeModel()), part_of(fake_plan(KEYS, FakeModel()), 0, 2)):
            with pytest.raises(InputError, match="another run is filling this store"):
                PredictionStore(store, plan)
    assert make(store).computed == KEYS


def test_parts__shards_that_another_plan_has_overwritten_are_computed_again(store, unbroken):
    """What was recorded before another plan wrote the shard says nothing of the file, whatever manifest it stands in."""
    interrupt(store, 2)
    other = part_of(fake_plan(KEYS, FakeModel(seed=1), weights="others"), 0, 2)
    with PredictionStore(store, other) as opened:
        next(iter(run_plan(other, opened)))
    # Of the two shards that the first run stored, the other plan has replaced one.
    assert make(store).computed == [*KEYS[:4], *KEYS[8:]]
    assert files(store) == unbroken


def test_parts__two_records_of_a_shard_that_differ_are_told_apart_by_the_file(store, unbroken):
    fill_part(store, 0, 2)
    folder = store.with_name(f".{store.name}.building")
    right = json.loads((folder / "manifest.0-of-2.jsonl").read_text().splitlines()[1])
    wrong = right | {"sha256": hashlib.sha256(b"of another number of threads").hexdigest()}
    (folder / "manifest.1-of-3.jsonl").write_text(json.dumps(wrong) + "\n")
    assert make(store).computed == [*KEYS[4:8], *KEYS[12:16]]
    assert files(store) == unbroken
