"""The real people, read once for all tests of a session."""

from __future__ import annotations

import pytest

from tests.builders.geuvadis_baselines import Geuvadis, read_geuvadis


@pytest.fixture(scope="session")
def geuvadis(shared_data) -> Geuvadis:
    return read_geuvadis(shared_data)
