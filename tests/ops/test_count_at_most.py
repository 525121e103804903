"""Counts of scores at most a level, by either kernel and by sorting: against a loop."""

import pytest
import torch
from helpers import kernels

from negbench.ops.count_at_most import COMPILED, FEW, count_at_most


@pytest.mark.parametrize("kind", kernels.KINDS)
@pytest.mark.parametrize("m", [0, 1, FEW, FEW + 1, COMPILED + 1])
@pytest.mark.parametrize("rows,k", [(0, 4), (3, 1), (5, 37)])
def test_it_is_a_count(kind: str, m: int, rows: int, k: int, monkeypatch) -> None:
    kernels.use(kind, monkeypatch)
    generator = torch.Generator().manual_seed(m)
    scores = torch.randint(-4, 5, (rows, k), generator=generator).float()  # with ties
    scores[:, ::5] = torch.inf
    levels = torch.randint(-5, 6, (rows, m), generator=generator).float()
    levels[:, ::7] = -torch.inf
    got = count_at_most(scores.requires_grad_(), levels)
    want = [[sum(s <= x for s in a) for x in b] for a, b in zip(scores, levels, strict=True)]
    assert got.tolist() == [[int(x) for x in row] for row in want]
    assert got.dtype == torch.int64 and not got.requires_grad


@pytest.mark.parametrize("kind", kernels.KINDS)
def test_levels_may_be_columns_of_a_wider_table(kind: str, monkeypatch) -> None:
    kernels.use(kind, monkeypatch)
    wide = torch.tensor([[0.0, 5.0, 2.0, 9.0]])
    assert count_at_most(torch.tensor([[1.0, 2.0, 3.0]]), wide[:, ::2]).tolist() == [[0, 2]]
