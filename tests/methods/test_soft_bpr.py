"""Soft BPR: a loop twin, DNS as its limit, and a slope that flattens."""

import importlib
import math

import pytest
import torch

from negbench.composition import recipe
from negbench.errors import UserError
from negbench.protocol.step import Negatives
from negbench.testing.toy_data import TrainingHarness

soft_bpr = importlib.import_module("negbench.methods.soft_bpr")
G = torch.Generator().manual_seed(0)
S_POS = torch.randn(6, generator=G, dtype=torch.float64)
S_NEG = torch.randn(6, 3, generator=G, dtype=torch.float64)


def loss_of(alpha, s_pos=S_POS, s_neg=S_NEG, mask=None, logw=None):
    negatives = Negatives(torch.zeros(s_neg.shape, dtype=torch.long), mask=mask, logw=logw)
    return soft_bpr.SoftBPR(alpha).rows(None, s_pos, s_neg, negatives)


def test_it_is_its_formula_in_a_loop():
    mask = torch.tensor([[True, True, False]] * 6)
    logw = torch.randn(6, 3, generator=G, dtype=torch.float64)
    got = loss_of(0.7, mask=mask, logw=logw)
    for b in range(6):
        terms = [
            math.exp(logw[b, j]) * math.log1p(math.exp(0.3 * float(S_NEG[b, j] - S_POS[b])))
            for j in range(2)
        ]
        assert float(got[b]) == pytest.approx(sum(terms) / 2)


def test_without_a_share_of_the_positive_it_is_dns():
    soft, hard = (
        TrainingHarness(recipe(m).build()).train()
        for m in ("soft_bpr(alpha=0,candidates=5)", "dns(candidates=5)")
    )
    assert torch.equal(soft.used.ids, hard.used.ids)
    assert torch.equal(soft.rows, hard.rows)


def test_it_chooses_as_dns_whatever_the_share():
    soft, hard = (
        TrainingHarness(recipe(m).build()).forward()
        for m in ("soft_bpr(alpha=0.9,candidates=5)", "dns(candidates=5)")
    )
    assert torch.equal(soft.used.ids, hard.used.ids) and not torch.equal(soft.rows, hard.rows)


def test_a_greater_share_tells_negatives_apart_less_by_their_score():
    """Slope at a negative far above the positive over that at one far below it."""
    ratios = []
    for alpha in (0.0, 0.5, 0.9):
        s_neg = torch.tensor([[-4.0, 4.0]], requires_grad=True)
        loss_of(alpha, torch.zeros(1), s_neg).sum().backward()
        ratios.append(float(s_neg.grad[0, 1] / s_neg.grad[0, 0]))
        assert ratios[-1] == pytest.approx(math.exp(4 * (1 - alpha)), rel=1e-4)
    assert ratios == sorted(ratios, reverse=True)


def test_a_constant_on_all_scores_of_a_row_changes_nothing_and_no_negatives_is_no_loss():
    torch.testing.assert_close(loss_of(0.7, S_POS + 3, S_NEG + 3), loss_of(0.7))
    none = torch.zeros(6, 3, dtype=torch.bool)
    assert not bool(loss_of(0.7, mask=none).any())


@pytest.mark.parametrize(
    ("wrong", "rule"), [("alpha=1.0", "below 1"), ("alpha=-0.1", "at least 0")]
)
def test_shares_that_are_none_are_refused(wrong, rule):
    with pytest.raises(UserError, match=f"`alpha` must be {rule}"):
        recipe(f"soft_bpr({wrong})")
