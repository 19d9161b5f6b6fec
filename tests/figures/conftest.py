from __future__ import annotations

import pytest

from tests.builders.tables import CohortTables, build_tables


@pytest.fixture(scope="session")
def tables() -> CohortTables:
    """24 genes, 150 people of two populations, five models; read-only."""
    return build_tables()
