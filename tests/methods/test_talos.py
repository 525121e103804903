"""Talos: its formula in loops, both limits of the threshold, and what the pinball loss finds."""

import importlib
import math
from dataclasses import replace

import pytest
import torch

from negbench.composition import recipe
from negbench.errors import UserError
from negbench.parts.user_quantiles import pinball
from negbench.plugins.term_syntax import config_of
from negbench.protocol.step import Batch, Negatives
from negbench.testing.toy_data import TrainingHarness, saturated_context, toy_context
from negbench.training.optimisers import own_lr

talos = importlib.import_module("negbench.methods.talos")
TAUS = [0.1, 0.3]


def harness_of(context=None, **settings):
    method = talos.build(talos.Config(**{"negatives": 6, "k": 3} | settings))
    return TrainingHarness(method) if context is None else TrainingHarness(method, context)


@pytest.mark.parametrize("tau", TAUS)
def test_a_threshold_above_all_is_the_softmax_loss(tau):
    mine = harness_of(tau=tau, start=20.0).forward()
    softmax = recipe(f"bsl(negatives=6,positive={tau},negative={tau},weight=1)").build()
    expected = TrainingHarness(softmax).forward()
    torch.testing.assert_close(mine.rows, expected.rows, rtol=1e-3, atol=1e-3)
    assert torch.equal(mine.used.ids, expected.used.ids)


@pytest.mark.parametrize("tau", TAUS)
def test_a_threshold_below_all_is_log_n_without_gradient(tau):
    outcome = harness_of(tau=tau, start=-40.0).forward()
    n = torch.full_like(outcome.rows, 6.0)
    if outcome.used.mask is not None:
        n = outcome.used.mask.sum(1).float()
    torch.testing.assert_close(outcome.rows, n.log())
    outcome.loss.backward()
    assert float(outcome.step.view.query.grad.abs().max()) < 1e-6


def test_it_is_its_formula_in_a_loop():
    harness = harness_of(tau=0.3)
    part, outcome = harness.method.objective, harness.forward()
    with torch.no_grad():
        part.thresholds.copy_(torch.linspace(-1, 1, 7))
    mask = torch.rand(outcome.s_neg.shape, generator=torch.Generator().manual_seed(0)) < 0.7
    mask[:, 0] = True
    s_pos, s_neg = outcome.s_pos.detach(), outcome.s_neg.detach()
    got = part.rows(outcome.step, s_pos, s_neg, replace(outcome.used, mask=mask))
    for r, user in enumerate(outcome.step.batch.users.tolist()):
        b = float(part.thresholds[user].detach())
        kept = [float(s_neg[r, j]) for j in range(6) if mask[r, j]]
        total = math.log(sum((1 / (1 + math.exp(b - s))) ** (1 / 0.3) for s in kept))
        want = total - math.log(1 / (1 + math.exp(b - float(s_pos[r])))) / 0.3
        assert float(got[r]) == pytest.approx(want, rel=1e-4, abs=1e-5)


@pytest.mark.parametrize("k", [1, 4, 19])
def test_the_pinball_loss_of_all_items_is_least_at_the_kth_largest_score(k):
    scores = torch.randn(20, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    ranked = scores.sort(descending=True).values
    at = pinball(scores - ranked.unsqueeze(1), k / 20).mean(1)
    assert at[k - 1] <= at.min() + 1e-12
    # Flat down to the next score, and steeper beyond on either side.
    assert at[k] == pytest.approx(float(at[k - 1])) and (at[k + 1 :] > at[k - 1] + 1e-6).all()
    assert (at[: k - 1] > at[k - 1] + 1e-6).all()


def test_the_sampled_pinball_loss_is_unbiased():
    """Its mean over every possible draw is the mean of r over all items."""
    harness = harness_of(k=4)
    part, step, train = harness.method.objective, harness.step(), harness.context.train
    step = replace(step, view=harness.method.transform.view(step))
    with torch.no_grad():
        every = step.view.score_shared(torch.arange(12))
    users, b = step.batch.users, torch.linspace(-0.5, 0.5, len(step.batch))
    exact = pinball(every - b.unsqueeze(1), 4 / 12).mean(1)
    for r, user in enumerate(users.tolist()):
        outside = [j for j in range(12) if j not in train.row(user)]
        estimates = [
            part.pinball_rows(step, b, every[:, [j]], Negatives(torch.full((len(users), 1), j)))[r]
            for j in outside
        ]
        assert float(torch.stack(estimates).mean()) == pytest.approx(float(exact[r]), rel=1e-4)


def test_draws_of_another_proposal_count_as_uniform_ones():
    harness = TrainingHarness(recipe("popularity(negatives=20000)+talos(k=4)").build())
    part, outcome = harness.method.objective, harness.forward()
    step, context = outcome.step, harness.context
    with torch.no_grad():
        every = step.view.score_shared(torch.arange(12))
    users, b = step.batch.users, torch.linspace(-0.5, 0.5, len(step.batch))
    got = part.pinball_rows(step, b, outcome.s_neg.detach(), outcome.used)
    outside = ~context.excluded.contains_shared(users, torch.arange(12))
    even = Negatives(torch.arange(12).expand(len(users), -1), mask=outside)
    want = part.pinball_rows(step, b, every, even)
    torch.testing.assert_close(got, want, rtol=0.03, atol=0.003)
    plain = part.pinball_rows(step, b, outcome.s_neg.detach(), replace(outcome.used, logq=None))
    assert (plain - want).abs().max() > 3 * (got - want).abs().max()


def test_thresholds_converge_to_the_kth_largest_score_of_a_standing_model():
    harness = harness_of(negatives=200, k=4)
    harness.lr = 0.0
    harness.optimisers = [torch.optim.Adam(harness.minimised, lr=0.03)]
    for number in range(1, 81):
        outcome = harness.train(number)
    step = replace(outcome.step, view=harness.method.transform.view(outcome.step))
    ranked = step.view.score_shared(torch.arange(12)).detach().sort(descending=True).values
    b = harness.method.objective.thresholds.detach()[step.batch.users]
    assert ((b < ranked[:, 3] + 0.1) & (b > ranked[:, 4] - 0.1)).all()


def test_the_loss_moves_vectors_and_the_pinball_loss_thresholds_alone():
    harness = harness_of()
    outcome = harness.forward()
    b, query = harness.method.objective.thresholds, outcome.step.view.query
    of_rows = torch.autograd.grad(
        outcome.rows.sum(), [query, b], retain_graph=True, allow_unused=True
    )
    assert of_rows[0].any() and of_rows[1] is None
    of_pinball = torch.autograd.grad(outcome.losses["pinball"], [query, b], allow_unused=True)
    assert of_pinball[0] is None and of_pinball[1].all()
    assert own_lr(harness.method.objective) == 0.001


def test_masked_negatives_change_neither_loss():
    harness = harness_of()
    part, outcome = harness.method.objective, harness.forward()
    mask = torch.ones_like(outcome.s_neg, dtype=torch.bool)
    mask[:, 2:] = False
    few = replace(outcome.used, mask=mask)
    cut = Negatives(outcome.used.ids[:, :2])
    for name in ("rows", "pinball"):
        got, want = (
            part.rows(outcome.step, outcome.s_pos, s_neg, negatives)
            if name == "rows"
            else part.losses(outcome.step, outcome.s_pos, s_neg, negatives)["pinball"]
            for s_neg, negatives in ((outcome.s_neg, few), (outcome.s_neg[:, :2], cut))
        )
        torch.testing.assert_close(got, want)


def test_a_row_without_negatives_has_no_loss_and_no_nan():
    harness = harness_of(saturated_context())
    outcome = harness.train()
    full = outcome.step.batch.users == 3
    assert torch.equal(outcome.rows[full], torch.zeros(int(full.sum())))
    assert harness.method.objective.thresholds.isfinite().all() and outcome.loss.isfinite()


def test_a_restored_method_goes_on_as_the_saved_one():
    first, second = harness_of(), harness_of()
    first.train(1)
    second.load_state_dict(first.state_dict())
    for number in (2, 3):
        assert torch.equal(first.train(number).rows, second.train(number).rows)
    assert first.method.objective.epoch_metrics()["threshold"] != 0


def test_the_preset_is_the_released_settings():
    config = config_of(talos, {"preset": "released", "tau": 0.2}, "talos")
    assert config == talos.Config(negatives=1024, k=20, quantile_lr=0.001, tau=0.2)


@pytest.mark.parametrize("wrong", ["negatives=0", "tau=0", "k=0", "quantile_lr=0", "start=1e999"])
def test_what_is_no_loss_is_refused(wrong):
    with pytest.raises(UserError, match=f"{wrong.partition('=')[0]}` must be"):
        recipe(f"talos({wrong})")


def test_a_repeated_train_item_counts_once():
    once, again = (toy_context([sets, [3]], 9) for sets in ([0, 1], [0, 1, 1, 1]))
    batch = Batch(torch.tensor([0, 1]), torch.tensor([0, 3]))
    losses = [harness_of(context).forward(batch=batch).losses for context in (once, again)]
    assert torch.equal(losses[0]["pinball"], losses[1]["pinball"])
