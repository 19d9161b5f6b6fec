from __future__ import annotations

import pytest

from tests.builders.demo_study import DemoStudy


@pytest.fixture(scope="session")
def demo_study(demo_run, tmp_path_factory) -> DemoStudy:
    """The demo's run with the effects of its variants; tests must not change it."""
    made, _ = demo_run
    return DemoStudy(made.root, tmp_path_factory.mktemp("study"))
