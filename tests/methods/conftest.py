"""Tests of methods compare bits of scores, and read the rows that torch's kernels gather."""

import pytest
from helpers import kernels


@pytest.fixture(autouse=True)
def torch_kernels(monkeypatch: pytest.MonkeyPatch) -> None:
    kernels.use("torch", monkeypatch)
