"""BSL: a loop twin, the limits of both temperatures, the forms of the released code."""

import importlib
import math
from dataclasses import replace

import pytest
import torch

from negbench.composition import recipe
from negbench.errors import UserError
from negbench.ops import rng
from negbench.parts import losses
from negbench.protocol.step import Batch, Negatives, Step
from negbench.protocol.view import View
from negbench.testing.toy_data import TrainingHarness, default_context

bsl = importlib.import_module("negbench.methods.bsl")
G = torch.Generator().manual_seed(0)
USERS = torch.tensor([0, 0, 1, 2, 2, 2])
S_POS = torch.rand(6, generator=G, dtype=torch.float64) * 2 - 1
S_NEG = torch.rand(6, 4, generator=G, dtype=torch.float64) * 2 - 1
IDS = torch.zeros(6, 4, dtype=torch.long)
PLAIN = Negatives(IDS)


def loss_of(s_pos=S_POS, s_neg=S_NEG, negatives=PLAIN, **settings):
    nothing = torch.zeros(6, 2)
    step = Step(
        Batch(USERS, USERS), View(nothing, nothing, nothing), default_context(), 1, 1, rng.stream(0)
    )
    return bsl.Bilateral(bsl.Config(**settings)).rows(step, s_pos, s_neg, negatives)


@pytest.mark.parametrize("positives", ["row", "user"])
@pytest.mark.parametrize("include", [False, True])
@pytest.mark.parametrize("weighted", [False, True])
def test_it_is_its_formula_in_a_loop(positives, include, weighted):
    mask = torch.rand(6, 4, generator=G) < 0.7
    mask[:, 1] = True
    logw = torch.randn(6, 4, generator=G, dtype=torch.float64) if weighted else None
    t1, t2, w = 0.3, 0.15, 1.2
    got = loss_of(
        negatives=Negatives(IDS, mask=mask, logw=logw),
        positive=t1,
        negative=t2,
        weight=w,
        positives=positives,
        include=include,
    )
    for b in range(6):
        mine = [c for c in range(6) if USERS[c] == USERS[b]] if positives == "user" else [b]
        own = math.log(sum(math.exp(S_POS[c] / t1) for c in mine) / len(mine))
        total = math.exp(S_POS[b] / t2) if include else 0.0
        for j in range(4):
            share = math.exp(logw[b, j]) if weighted else 1.0
            total += share * math.exp(S_NEG[b, j] / t2) if mask[b, j] else 0.0
        assert float(got[b]) == pytest.approx(-own + w * t2 / t1 * math.log(total))


@pytest.mark.parametrize("t", [0.07, 0.5, 2.0])
def test_equal_temperatures_are_the_softmax_loss(t):
    same = {"positive": t, "negative": t, "weight": 1.0}
    pairwise = ((S_NEG - S_POS.unsqueeze(1)) / t).logsumexp(1)
    torch.testing.assert_close(loss_of(**same), pairwise)
    info_nce = losses.sampled_softmax(S_POS / t, S_NEG / t)
    torch.testing.assert_close(loss_of(**same, include=True), info_nce)


def test_equal_temperatures_with_a_weight_are_the_released_reweighting():
    released = -S_POS / 0.11 + 1.1 * (S_NEG / 0.11).logsumexp(1)
    torch.testing.assert_close(loss_of(positive=0.11, negative=0.11, weight=1.1), released)


def test_with_one_positive_a_row_its_temperature_only_scales():
    one, other = (loss_of(positive=t, negative=0.2, weight=1.0) for t in (0.1, 0.4))
    torch.testing.assert_close(one, 4 * other)


def test_a_large_t1_takes_the_mean_of_a_users_positives_and_a_small_one_the_best():
    for t, expected in ((1e5, torch.Tensor.mean), (1e-4, torch.Tensor.max)):
        got = t * bsl.log_mean(S_POS / t, USERS)
        for b in range(6):
            group = S_POS[USERS == USERS[b]]
            # The log of the group's size over t is what is left of the mean in the maximum.
            assert float(got[b]) == pytest.approx(float(expected(group)), abs=3 * min(t, 1e-3))


def test_a_small_t1_pulls_the_best_scored_positive_of_a_user():
    """A doubtful positive, scored low, is pulled less than under the softmax loss."""
    scores = S_POS.clone().requires_grad_()
    loss_of(scores, positive=0.05, positives="user").sum().backward()
    pull, mine = -scores.grad, USERS == 2
    assert pull[mine].argmax() == S_POS[mine].argmax()
    # The loss pulls a user's positives as much in all as one by one.
    assert float(pull[mine].sum()) == pytest.approx(3 / 0.05)


def test_the_temperature_of_negatives_says_how_hard_they_are():
    shares = []
    for t in (0.05, 0.5, 50.0):
        scores = S_NEG.clone().requires_grad_()
        loss_of(s_neg=scores, negative=t).sum().backward()
        shares.append(float((scores.grad / scores.grad.sum(1, keepdim=True)).amax(1).mean()))
    assert shares == sorted(shares, reverse=True)
    assert shares[-1] == pytest.approx(1 / 4, abs=0.01)


def test_a_row_without_negatives_has_no_loss_and_no_gradient():
    mask = torch.ones(6, 4, dtype=torch.bool)
    mask[3] = False
    scores = S_POS.clone().requires_grad_()
    rows = loss_of(scores, negatives=Negatives(IDS, mask=mask))
    rows.sum().backward()
    assert rows[3] == 0 and scores.grad[3] == 0 and scores.grad[2] != 0
    empty = loss_of(s_neg=S_NEG[:, :0], negatives=Negatives(IDS[:, :0]))
    assert torch.equal(empty, torch.zeros_like(empty))


def test_it_trains_and_ranks_on_cosines():
    harness = TrainingHarness(recipe("bsl(negatives=5)").build())
    outcome = harness.forward()
    longer = replace(harness.step().view, query=5 * outcome.step.view.query.detach())
    assert outcome.s_neg.abs().max() <= 1 + 1e-5
    angular = harness.method.transform.view(replace(harness.step(), view=longer))
    torch.testing.assert_close(angular.score_pair(angular.positive), outcome.s_pos)
    plain = TrainingHarness(recipe("bsl(similarity=backbone)").build()).forward()
    assert plain.s_neg.abs().max() > 1


def test_a_recipe_moves_the_negatives_and_keeps_the_loss():
    method = recipe("bsl+dns(candidates=5)").build()
    assert isinstance(method.objective, bsl.Bilateral) and method.transform is not None
    outcome = TrainingHarness(method).forward()
    assert outcome.drawn.n == 5 and outcome.used.n == 1


@pytest.mark.parametrize(
    "wrong", ["negatives=0", "positive=0", "negative=-1", "weight=0", "positives=all"]
)
def test_what_is_no_loss_is_refused(wrong):
    with pytest.raises(UserError, match=f"{wrong.partition('=')[0]}.* must be"):
        recipe(f"bsl({wrong})")
