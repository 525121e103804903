"""InfoNCE against a loop, its weight and its correction against what they stand for."""

import math

import pytest
import torch

from negbench.parts import losses
from negbench.parts.losses.infonce import InfoNCE
from negbench.protocol.step import Negatives

G = torch.Generator().manual_seed(0)
S_POS = torch.rand(4, generator=G, dtype=torch.float64) * 2 - 1
S_NEG = torch.rand(4, 5, generator=G, dtype=torch.float64) * 2 - 1
LOGW = torch.randn(4, 5, generator=G, dtype=torch.float64)
MASK = torch.rand(4, 5, generator=G) < 0.6


def loop(tau, weight):
    rows = []
    for b in range(4):
        kept = [j for j in range(5) if MASK[b, j]]
        total = sum(math.exp(LOGW[b, j] + (S_NEG[b, j] - S_POS[b]) / tau) for j in kept)
        rows.append(math.log(1 + weight * total))
    return torch.tensor(rows, dtype=torch.float64)


def rows_of(part, **more):
    return part.rows(None, S_POS, S_NEG, Negatives(torch.zeros(4, 5, dtype=torch.long), **more))


@pytest.mark.parametrize("tau", [0.1, 1.0])
@pytest.mark.parametrize("weight", [1.0, 64.0])
def test_it_is_the_loop(tau, weight):
    got = rows_of(InfoNCE(tau, weight), logw=LOGW, mask=MASK)
    torch.testing.assert_close(got, loop(tau, weight))


def test_a_weight_of_k_is_every_negative_k_times():
    often = InfoNCE(0.3).rows(None, S_POS, S_NEG.repeat(1, 7), Negatives())
    torch.testing.assert_close(rows_of(InfoNCE(0.3, 7.0)), often)


def test_a_weight_is_a_margin():
    moved = losses.sampled_softmax(S_POS / 0.3 - math.log(9), S_NEG / 0.3)
    torch.testing.assert_close(rows_of(InfoNCE(0.3, 9.0)), moved)


def test_corrected_uniform_draws_weigh_as_much_as_the_catalogue():
    """With q = 1 / I the correction is a weight of I / N."""
    logq = torch.full((4, 5), -math.log(100), dtype=torch.float64)
    got = rows_of(InfoNCE(0.2, correct=True), logq=logq)
    torch.testing.assert_close(got, rows_of(InfoNCE(0.2, 100 / 5)))
    torch.testing.assert_close(rows_of(InfoNCE(0.2), logq=logq), rows_of(InfoNCE(0.2)))


@pytest.mark.parametrize("wrong", [{"tau": 0.0}, {"weight": -1.0}, {"tau": math.nan}])
def test_what_is_no_softmax_is_refused(wrong):
    with pytest.raises(ValueError, match=f"`{next(iter(wrong))}` must be above 0"):
        InfoNCE(**wrong)
