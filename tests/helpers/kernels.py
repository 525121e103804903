"""The two kinds of row kernels, for tests that hold one against the other."""

import pytest

from negbench.ops import row_kernels

KINDS = ("torch", "numba")


def use(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let kernels of this kind run; skips the test where numba is not installed."""
    if kind == "torch":
        monkeypatch.setattr(row_kernels, "load", lambda: ("torch", {}))
        return
    rows = pytest.importorskip("negbench.ops.numba_kernels", exc_type=ImportError)
    monkeypatch.setattr(row_kernels, "load", lambda: (rows.VERSION, rows.COMPILED))
