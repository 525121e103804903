"""Fixtures of cells that train."""

import pytest
from helpers.live_progress import CELL

from negbench.storage import claims


@pytest.fixture
def held(tmp_path):
    with claims.take(tmp_path, CELL, "hand mf dns/0") as claim:
        yield claim
