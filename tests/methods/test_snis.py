"""PRIS: one draw as `random`, the exact softmax, consistency under another proposal, and ranks."""

import importlib
import math
from dataclasses import replace

import pytest
import torch
import torch.nn.functional as F

from negbench.composition import recipe
from negbench.errors import UserError
from negbench.plugins.term_syntax import config_of
from negbench.protocol.step import Negatives
from negbench.testing.toy_data import TrainingHarness, saturated_context

snis = importlib.import_module("negbench.methods.snis")


def harness_of(text="snis(negatives=6)", context=None):
    method = recipe(text).build()
    return TrainingHarness(method) if context is None else TrainingHarness(method, context)


def weighed(step, negatives, rank=False):
    stage = snis.ImportanceWeights(rank)
    stage.begin(step.context)
    return stage.apply(step, negatives)


def test_one_draw_is_random():
    mine, even = (harness_of(text).train() for text in ("snis(negatives=1)", "random"))
    assert torch.equal(mine.used.ids, even.used.ids)
    torch.testing.assert_close(mine.rows, even.rows)


def test_all_items_under_a_uniform_proposal_are_the_exact_softmax():
    harness = harness_of()
    step, context = harness.step(), harness.context
    ids = torch.arange(12).expand(len(step.batch), -1)
    mask = ~context.excluded.contains(step.batch.users, ids)
    drawn = Negatives(ids, mask=mask, logq=torch.full(ids.shape, -math.log(12)))
    used = weighed(step, drawn)
    scores = step.score(drawn).detach().masked_fill(~mask, -torch.inf)
    got = used.logw.exp() * mask / mask.sum(1, keepdim=True)
    torch.testing.assert_close(got, scores.softmax(1))
    # So the loss is BPR's mean over j ~ softmax(s), and its gradient that of weights held fixed.
    s_pos = step.view.score_pair(step.view.positive).detach()
    rows = harness.method.objective.rows(step, s_pos, step.score(drawn).detach(), used)
    want = (scores.softmax(1) * F.softplus(step.score(drawn).detach() - s_pos[:, None])).sum(1)
    torch.testing.assert_close(rows, want)


@pytest.mark.parametrize("sampler", ["random(negatives=20000)", "popularity(negatives=20000)"])
def test_many_draws_of_any_proposal_tend_to_the_softmax_of_scores(sampler):
    harness = harness_of(f"{sampler}+snis")
    outcome = harness.forward()
    step, context = outcome.step, harness.context
    every = torch.arange(12).expand(len(step.batch), -1)
    allowed = ~context.excluded.contains(step.batch.users, every)
    left = allowed.any(1)
    scores = step.score(Negatives(every)).detach().masked_fill(~allowed, -torch.inf)
    losses = F.softplus(step.score(Negatives(every)).detach() - outcome.s_pos.detach()[:, None])
    want = (scores[left].softmax(1) * losses[left]).sum(1)
    torch.testing.assert_close(outcome.rows.detach()[left], want, rtol=0.04, atol=0.01)


def test_it_is_its_formula_in_a_loop():
    outcome = harness_of("popularity(negatives=6)+snis").forward()
    used, s_pos, s_neg = outcome.used, outcome.s_pos.detach(), outcome.s_neg.detach()
    for r in range(len(outcome.rows)):
        kept = [j for j in range(6) if used.mask is None or used.mask[r, j]]
        logq = used.logq.expand(len(s_pos), -1)
        raw = [math.exp(float(s_neg[r, j] - logq[r, j])) for j in kept]
        losses = [math.log1p(math.exp(float(s_neg[r, j] - s_pos[r]))) for j in kept]
        want = sum(w * x for w, x in zip(raw, losses, strict=True)) / max(sum(raw), 1e-30)
        assert float(outcome.rows[r].detach()) == pytest.approx(want, rel=1e-3, abs=1e-6)


def test_a_constant_on_scores_or_proposal_cancels():
    harness = harness_of()
    step = harness.step()
    drawn = harness.method.sampler.sample(step)
    before = weighed(step, drawn).logw
    after = weighed(step, replace(drawn, logq=drawn.logq - 5.0)).logw
    torch.testing.assert_close(after, before)
    harness.tables.users[..., 0], harness.tables.items[..., 0] = 1.0, 0.0
    plain = weighed(harness.step(), drawn).logw
    harness.tables.items[..., 0] = 7.0
    torch.testing.assert_close(weighed(harness.step(), drawn).logw, plain, rtol=1e-4, atol=1e-4)


def test_a_shared_pool_and_an_unknown_proposal_are_taken():
    outcome = harness_of("in_batch+snis").forward()
    assert outcome.rows.isfinite().all() and not outcome.used.logw.requires_grad
    step = outcome.step
    ids = torch.arange(5).expand(len(step.batch), -1)
    got = weighed(step, Negatives(ids)).logw.exp() / 5
    torch.testing.assert_close(got, step.score(Negatives(ids)).detach().softmax(1))


def test_masked_negatives_change_nothing():
    harness = harness_of()
    step = harness.step()
    drawn = harness.method.sampler.sample(step)
    mask = torch.ones_like(drawn.ids, dtype=torch.bool)
    mask[:, 4:] = False
    cut = Negatives(drawn.ids[:, :4], logq=drawn.logq[:, :4])
    got, want = weighed(step, replace(drawn, mask=mask), True), weighed(step, cut, True)
    torch.testing.assert_close(got.logw[:, :4], want.logw)
    assert torch.equal(got.row_weight, want.row_weight)


def test_ranks_weigh_rows_by_the_harmonic_number_below_them():
    harness = harness_of()
    step = harness.step()
    drawn = harness.method.sampler.sample(step)
    got = weighed(step, drawn, rank=True).row_weight
    s_pos = step.view.score_pair(step.view.positive).detach()
    s_neg = step.score(drawn).detach()
    seen = set()
    for r in range(len(got)):
        usable = [float(s_neg[r, j]) for j in range(6) if drawn.mask is None or drawn.mask[r, j]]
        above = sum(s > float(s_pos[r]) for s in usable)
        rank = above * 11 // max(1, len(usable))
        seen.add(rank)
        assert float(got[r]) == pytest.approx(sum(1 / k for k in range(1, rank)))
    assert 0 in seen and max(seen) > 1


def test_only_the_loss_has_a_gradient():
    outcome = harness_of("snis(negatives=6,rank=true)").forward()
    assert not outcome.used.logw.requires_grad and not outcome.used.row_weight.requires_grad
    outcome.loss.backward()
    leaves = outcome.step.view.leaves
    assert leaves.query.grad.any() and leaves.positive.grad.any()


def test_a_row_without_negatives_has_no_loss():
    outcome = harness_of("snis(negatives=4,rank=true)", saturated_context()).forward()
    full = outcome.step.batch.users == 3
    assert torch.equal(outcome.rows[full], torch.zeros(int(full.sum())))
    assert outcome.rows.isfinite().all()


def test_the_preset_is_the_released_settings():
    config = config_of(snis, {"preset": "released"}, "snis")
    assert config == snis.Config(negatives=5, rank=False)


@pytest.mark.parametrize("wrong", ["negatives=0", "rank=2"])
def test_what_is_out_of_range_is_refused(wrong):
    with pytest.raises(UserError, match=f"{wrong.partition('=')[0]}.* must be"):
        recipe(f"snis({wrong})")
