"""Rows moved one by one: compiled loops do as torch does, and no row that is not there is moved."""

import pytest
import torch
from helpers import kernels

from negbench.training.row_moments import RowMoments

ROWS, WIDTH = 40, 5


def moments_of(kind, monkeypatch):
    """Rows after 30 steps of few rows each, brought up to date."""
    kernels.use(kind, monkeypatch)
    generator = torch.Generator().manual_seed(0)
    moments = RowMoments(torch.randn(ROWS, WIDTH, generator=generator), (0.9, 0.999), 1e-8)
    assert moments.compiled == (kind == "numba")
    for _ in range(30):
        ids = torch.randint(0, ROWS, (6,), generator=generator)
        halves = [(part, torch.randn(3, WIDTH, generator=generator)) for part in ids.split(3)]
        rows, gradients = moments.summed(halves)
        moments.catch_up(rows)
        moments.update(rows, gradients, 0.01)
        moments.advance(0.01)
    moments.catch_up(torch.arange(ROWS))
    return moments


def test_both_kinds_move_rows_alike(monkeypatch):
    one, other = (moments_of(kind, monkeypatch) for kind in kernels.KINDS)
    for name in ("values", "mean", "square"):
        torch.testing.assert_close(getattr(one, name), getattr(other, name), rtol=1e-4, atol=1e-6)
    assert torch.equal(one.last, other.last) and torch.equal(one.moving, other.moving)


@pytest.mark.parametrize("kind", kernels.KINDS)
def test_gradients_are_summed_by_row(kind, monkeypatch):
    moments = moments_of(kind, monkeypatch)
    ids = [torch.tensor([7, 3, 7]), torch.tensor([3])]
    values = [torch.ones(3, WIDTH), 2 * torch.ones(1, WIDTH)]
    for _ in range(2):  # nothing is left of the first time
        rows, sums = moments.summed(list(zip(ids, values, strict=True)))
        by_row = dict(zip(rows.tolist(), sums[:, 0].tolist(), strict=True))
        assert by_row == {7: 2.0, 3: 3.0}
    rows, sums = moments.summed([])
    assert rows.shape == (0,) and sums.shape == (0, WIDTH)


@pytest.mark.parametrize("kind", kernels.KINDS)
def test_what_was_saved_is_restored(kind, monkeypatch):
    moments = moments_of(kind, monkeypatch)
    before = moments.values.clone()
    saved = moments.saved(torch.tensor([1, 4]))
    moments.update(torch.tensor([1, 4]), torch.ones(2, WIDTH), 0.1)
    assert not torch.equal(moments.values, before)
    moments.restore(saved)
    assert torch.equal(moments.values, before) and int(moments.last[1]) == moments.step


@pytest.mark.parametrize("kind", kernels.KINDS)
def test_an_id_that_no_row_has_is_refused(kind, monkeypatch):
    with pytest.raises(IndexError):
        moments_of(kind, monkeypatch).catch_up(torch.tensor([1, ROWS]))
