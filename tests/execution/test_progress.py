"""How far a run is, told to the log, the terminal and a file."""

from __future__ import annotations

import io
import json
import logging
from dataclasses import replace

import pytest

from haploformer.enformer.plan import Execution, ShardStatus
from haploformer.execution.progress import RunProgress, describe_seconds, remove_part_statuses, status_path
from tests.builders.predictions import FakeModel, fake_plan

KEYS = [f"k{i}" for i in range(18)]  # five shards, the last of two


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.fixture
def clock() -> Clock:
    return Clock()


def read(progress: RunProgress) -> dict:
    return json.loads(progress.path.read_text())


def test_run_progress__the_file_tells_what_is_done_how_fast_and_how_long(tmp_path, clock):
    plan = fake_plan(KEYS, FakeModel())
    shards = plan.shards()
    with RunProgress(tmp_path / "p.zarr", plan, clock=clock, terminal=io.StringIO()) as progress:
        assert read(progress)["state"] == "running"
        assert read(progress)["windows"] == {"total": 18, "stored_before": 0, "computed": 0}
        assert read(progress)["seconds_left"] is None
        clock.now += 2
        progress.add(ShardStatus(shards[0]))
        clock.now += 2
        progress.add(ShardStatus(shards[1], 4))
        found = read(progress)
        assert found["windows"] == {"total": 18, "stored_before": 4, "computed": 4}
        assert found["shards"] == {"total": 5, "done": 2}
        # Four windows in four seconds; ten are left.
        assert (found["windows_per_second"], found["seconds_left"]) == (1.0, 10.0)
        assert progress.describe() == "8 of 18 windows (44 %), 4 of them stored before, 1 windows/s, 10 s left"
        for shard in shards[2:]:
            progress.add(ShardStatus(shard, len(shard)))
    assert progress.path == tmp_path / "p.status.json"
    assert (read(progress)["state"], read(progress)["seconds_left"]) == ("finished", 0.0)
    assert [path.name for path in tmp_path.iterdir()] == ["p.status.json"]


def test_run_progress__a_part_has_a_file_of_its_own_and_counts_its_own_shards(tmp_path, clock):
    part = replace(fake_plan(KEYS, FakeModel()), execution=Execution(shard_index=1, shard_count=2))
    with RunProgress(tmp_path / "p.zarr", part, clock=clock, terminal=io.StringIO()) as progress:
        assert (read(progress)["part"], read(progress)["shards"]["total"]) == ("1-of-2", 2)
        assert read(progress)["windows"]["total"] == 8
    assert progress.path == status_path(tmp_path / "p.zarr", "1-of-2") == tmp_path / "p.status.1-of-2.json"
    status_path(tmp_path / "p.zarr").touch()
    remove_part_statuses(tmp_path / "p.zarr")
    assert [path.name for path in tmp_path.iterdir()] == ["p.status.json"]


@pytest.mark.parametrize(("error", "state"), [(ValueError("no room"), "failed"), (KeyboardInterrupt(), "interrupted")])
def test_run_progress__an_error_is_told(tmp_path, clock, error, state):
    progress = RunProgress(tmp_path / "p.zarr", fake_plan(KEYS, FakeModel()), clock=clock, terminal=io.StringIO())
    with pytest.raises(type(error)), progress:
        raise error
    assert (read(progress)["state"], read(progress)["error"]) == (state, str(error))


def test_run_progress__lines_where_there_is_no_terminal(tmp_path, clock, caplog):
    plan = fake_plan(KEYS, FakeModel())
    with (
        caplog.at_level(logging.INFO),
        RunProgress(tmp_path / "p.zarr", plan, clock=clock, terminal=io.StringIO()) as p,
    ):
        for shard in plan.shards():
            clock.now += 4
            p.add(ShardStatus(shard, len(shard)))
    # At least ten seconds apart, and the last.
    assert [r.message.split(" windows")[0] for r in caplog.records] == [f"Enformer: {n} of 18" for n in (12, 18)]


def test_run_progress__a_bar_on_a_terminal(tmp_path, clock, caplog):
    plan, terminal = fake_plan(KEYS, FakeModel()), Terminal()
    with caplog.at_level(logging.INFO), RunProgress(tmp_path / "p.zarr", plan, clock=clock, terminal=terminal) as p:
        for shard in plan.shards():
            p.add(ShardStatus(shard, len(shard)))
    assert "18/18" in terminal.getvalue()
    assert caplog.records == []


def test_run_progress__a_file_that_cannot_be_written_does_not_stop_the_run(tmp_path, clock, caplog):
    plan = fake_plan(KEYS, FakeModel())
    with RunProgress(tmp_path / "absent" / "p.zarr", plan, clock=clock, terminal=io.StringIO()) as progress:
        progress.add(ShardStatus(plan.shards()[0], 4))
    assert "p.status.json cannot be written (No such file or directory)" in caplog.text


@pytest.mark.parametrize(
    ("seconds", "text"), [(45, "45 s"), (600, "10 min"), (12_600, "3.5 h"), (200_000, "2.3 days"), (0.2, "0 s")]
)
def test_describe_seconds(seconds, text):
    assert describe_seconds(seconds) == text
