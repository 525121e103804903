"""PSL: closed forms, the softmax loss as a limit, the bounds that the surrogates are chosen for."""

import importlib
import math

import pytest
import torch

from negbench.composition import recipe
from negbench.errors import UserError
from negbench.parts import losses
from negbench.protocol.step import Negatives
from negbench.testing.toy_data import TrainingHarness

psl = importlib.import_module("negbench.methods.psl")
G = torch.Generator().manual_seed(0)
S_POS = torch.rand(200, generator=G, dtype=torch.float64) * 2 - 1
S_NEG = torch.rand(200, 9, generator=G, dtype=torch.float64) * 2 - 1
BOUNDED = ["relu", "tanh", "atan"]
BY_HAND = {
    "relu": lambda d: max(0.0, 1 + d),
    "tanh": lambda d: 1 + math.tanh(d),
    "atan": lambda d: 1 + math.atan(d),
    "exp": math.exp,
}


def loss_of(s_pos=S_POS, s_neg=S_NEG, mask=None, logw=None, **settings):
    negatives = Negatives(torch.zeros(s_neg.shape, dtype=torch.long), mask=mask, logw=logw)
    return psl.Pairwise(psl.Config(**settings)).rows(None, s_pos, s_neg, negatives)


@pytest.mark.parametrize("surrogate", BY_HAND)
@pytest.mark.parametrize("include", [False, True])
def test_it_is_its_formula_in_a_loop(surrogate, include):
    mask = torch.rand(200, 9, generator=G) < 0.7
    mask[:, 0] = True
    logw = torch.randn(200, 9, generator=G, dtype=torch.float64)
    got = loss_of(mask=mask, logw=logw, surrogate=surrogate, tau=0.3, include=include)
    for b in range(20):
        total = 1.0 if include else 0.0
        for j in range(9):
            a = BY_HAND[surrogate](float(S_NEG[b, j] - S_POS[b]) / 2)
            total += math.exp(logw[b, j]) * a ** (1 / 0.3) if mask[b, j] else 0.0
        assert float(got[b]) == pytest.approx(math.log(total))


@pytest.mark.parametrize("tau", [0.02, 0.1, 1.0])
def test_the_exponential_is_the_softmax_loss_at_twice_the_temperature(tau):
    got = loss_of(surrogate="exp", tau=tau, include=True)
    expected = losses.sampled_softmax(S_POS / (2 * tau), S_NEG / (2 * tau))
    torch.testing.assert_close(got, expected)


@pytest.mark.parametrize("surrogate", BOUNDED)
def test_close_scores_give_the_softmax_loss(surrogate):
    """log a(d) = d + O(d^2): ten times closer, a hundred times nearer to it."""
    gaps = []
    for size in (0.1, 0.01):
        close = {"s_pos": size * S_POS, "s_neg": size * S_NEG, "tau": 0.1}
        softmax = loss_of(**close, surrogate="exp")
        gaps.append(float((loss_of(**close, surrogate=surrogate) - softmax).abs().mean()))
    assert 50 < gaps[0] / gaps[1] < 200


@pytest.mark.parametrize("surrogate", BOUNDED)
@pytest.mark.parametrize("tau", [0.05, 0.5, 1.0])
def test_it_bounds_the_rank_more_tightly_than_the_softmax_loss(surrogate, tau):
    rank = 1 + (S_NEG > S_POS.unsqueeze(1)).sum(1)
    minus_log_dcg = (1 + rank).to(S_POS).log2().log()
    mine = loss_of(surrogate=surrogate, tau=tau, include=True)
    softmax = loss_of(surrogate="exp", tau=tau, include=True)
    assert (minus_log_dcg <= rank.log() + 1e-12).all()
    assert (rank.log() <= mine + 1e-12).all() and (mine <= softmax + 1e-12).all()
    assert float((softmax - mine).mean()) > 0.01


@pytest.mark.parametrize("surrogate", BOUNDED)
def test_a_small_temperature_leaves_the_hardest_negative_alone(surrogate):
    got = 1e-4 * loss_of(surrogate=surrogate, tau=1e-4)
    hardest = (S_NEG.amax(1) - S_POS) / 2
    expected = torch.tensor([math.log(BY_HAND[surrogate](float(d))) for d in hardest])
    torch.testing.assert_close(got, expected.to(got), atol=1e-3, rtol=0)


@pytest.mark.parametrize("surrogate", BOUNDED)
def test_a_false_negative_far_above_its_positive_weighs_less(surrogate):
    """One negative is liked as well as any positive, three are not: its share of the gradient."""
    shares = {}
    for name in (surrogate, "exp"):
        scores = torch.tensor([[0.9, 0.1, 0.0, -0.1]], dtype=torch.float64, requires_grad=True)
        loss_of(torch.zeros(1, dtype=torch.float64), scores, surrogate=name).sum().backward()
        shares[name] = float(scores.grad[0, 0] / scores.grad.sum())
    assert shares[surrogate] < shares["exp"] - 0.005


@pytest.mark.parametrize("surrogate", BY_HAND)
def test_scores_without_a_bound_stay_finite(surrogate):
    scores = torch.tensor([[-60.0, -2.0, 60.0], [-60.0, -50.0, -40.0]], requires_grad=True)
    rows = loss_of(torch.zeros(2), scores, surrogate=surrogate)
    rows.sum().backward()
    assert torch.isfinite(rows).all() and torch.isfinite(scores.grad).all()
    poles = torch.tensor([[-1.0, 1.0]], requires_grad=True)
    loss_of(torch.ones(1), poles, surrogate=surrogate).sum().backward()
    assert torch.isfinite(poles.grad).all()


def test_a_row_without_negatives_has_no_loss():
    mask = torch.ones(200, 9, dtype=torch.bool)
    mask[3] = False
    rows = loss_of(mask=mask, include=True)
    assert rows[3] == 0 and (rows[:3] > 0).all()
    assert torch.equal(loss_of(s_neg=S_NEG[:, :0]), torch.zeros_like(S_POS))


def test_it_trains_on_cosines_and_takes_a_recipes_negatives():
    outcome = TrainingHarness(recipe("psl+dns(candidates=5)").build()).forward()
    assert outcome.s_neg.abs().max() <= 1 + 1e-5 and outcome.used.n == 1


@pytest.mark.parametrize("wrong", ["negatives=0", "tau=0", "surrogate=step", "similarity=l2"])
def test_what_is_no_loss_is_refused(wrong):
    with pytest.raises(UserError, match=f"{wrong.partition('=')[0]}.* must be"):
        recipe(f"psl({wrong})")
