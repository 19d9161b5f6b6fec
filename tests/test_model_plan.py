"""The engine that the parameters name."""

from __future__ import annotations

import pytest
import torch

from haploformer.enformer.delta_engine import DeltaEngine
from haploformer.enformer.exact import ExactEngine
from haploformer.enformer.geometry import Geometry
from haploformer.enformer.library import LibraryEngine
from haploformer.enformer.model import untrained_module
from haploformer.enformer.screening import ScreeningEngine
from haploformer.errors import InputError
from haploformer.model_plan import _engine
from haploformer.parameters import EnformerParameters

TINY = Geometry(dim=24, depth=1, heads=2, window=1024, n_bins=4, n_tracks=2, channel_multiple=2)


@pytest.mark.parametrize(
    ("name", "kind"),
    [("exact", ExactEngine), ("delta", DeltaEngine), ("screening", ScreeningEngine), ("library", LibraryEngine)],
)
def test_engine__by_its_name_on_the_device(name, kind):
    options = EnformerParameters(engine=name, device="cpu", batch_size=3, delta_limit=0.5)
    engine = _engine(untrained_module(TINY, seed=1), TINY, options)
    assert type(engine) is kind
    assert (engine.name, engine.batch_size, engine.device) == (name, 3, torch.device("cpu"))
    assert getattr(engine, "limit", 0.5) == 0.5


def test_engine__screening_has_one_number_a_track():
    options = EnformerParameters(engine="screening", bins="each", device="cpu")
    with pytest.raises(InputError, match=r"the mean over the centre bins alone, and enformer\.bins=each is asked for"):
        _engine(untrained_module(TINY, seed=1), TINY, options)
