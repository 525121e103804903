"""SRNS: the laws of the memory, the deviation over epochs, and its limits as other methods."""

import importlib
from dataclasses import replace

import numpy as np
import pytest
import torch
from scipy import stats

from negbench.composition import recipe
from negbench.errors import UserError
from negbench.parts import TopM
from negbench.plugins.term_syntax import config_of
from negbench.protocol import Batch
from negbench.testing.toy_data import TrainingHarness, saturated_context, toy_context

srns = importlib.import_module("negbench.methods.srns")
MANY = 2000


def harness(settings="", context=None, refreshed=True):
    word = f"srns({settings})"
    each = TrainingHarness(recipe(word).build(), *([context] if context else []))
    if refreshed:
        each.refresh(1)
    return each


def copies(settings, sets=(0, 1, 2)):
    """Many users with one vector and one train set: one step draws MANY times from one law."""
    each = harness(settings, toy_context([list(sets)] * MANY, 9))
    each.tables.users[:] = each.tables.users[:1].clone()
    batch = Batch(torch.arange(MANY), torch.zeros(MANY, dtype=torch.long))
    scores = each.tables.items.mean(1) @ each.tables.users[0].mean(0)
    scores[list(sets)] = -torch.inf
    return each, batch, scores.double()


def memory(each):
    return each.method.sampler.ids


def test_without_alpha_at_a_high_temperature_it_is_dns():
    """P(the r-th best of n) = ((n - r)^S1 - (n - r - 1)^S1) / n^S1."""
    each, batch, scores = copies("size=3,fresh=60,temperature=1e9,alpha=0")
    each.train(1, batch)
    seen = torch.bincount(each.forward(2, batch).used.ids[:, 0], minlength=9)
    order, n = scores.argsort(descending=True)[:6], 6
    law = np.array([((n - r) ** 3 - (n - r - 1) ** 3) / n**3 for r in range(n)])
    assert not seen[:3].any()
    assert stats.chisquare(seen[order].numpy(), MANY * law).pvalue > 1e-3


def test_without_alpha_it_takes_the_best_scored_of_its_memory():
    each = harness("alpha=0,size=5")
    each.train(1)
    result = each.forward(2)
    best = TopM(1).apply(result.step, result.drawn)
    assert torch.equal(result.used.ids, best.ids)
    assert torch.equal(result.drawn.ids, memory(each)[result.step.batch.users].long())


@pytest.mark.parametrize("tau", [0.7, 3.0])
def test_an_item_comes_into_the_memory_by_the_softmax_of_its_score(tau):
    each, batch, scores = copies(f"size=1,fresh=400,temperature={tau}")
    each.train(1, batch)
    seen = torch.bincount(memory(each)[:, 0], minlength=9).double()
    law = (scores / tau).softmax(0)
    assert stats.chisquare(seen[3:], MANY * law[3:]).pvalue > 1e-3


def test_a_low_temperature_keeps_the_best_scored_of_old_and_fresh():
    each = harness("size=4,fresh=6,temperature=1e-9")
    old, step = memory(each).clone(), each.step(1)
    outcome = each.forward(1)
    state = outcome.step.generator.get_state()
    each.method.sampler.observe(outcome.feedback())
    again = torch.Generator().manual_seed(0)
    again.set_state(state)
    users = step.batch.users.unique()
    fresh, _ = each.method.sampler.draw(each.context, users, 6, again)
    scores = each.tables.users.mean(1) @ each.tables.items.mean(1).T
    for user, drawn in zip(users.tolist(), fresh.tolist(), strict=True):
        both = old[user].tolist() + drawn
        best = sorted((float(scores[user, k]) for k in both), reverse=True)[:4]
        kept = sorted((float(scores[user, k]) for k in memory(each)[user].tolist()), reverse=True)
        assert kept == pytest.approx(best)


def test_one_item_without_fresh_ones_is_fixed_for_good():
    each = harness("size=1,fresh=0")
    first = memory(each).clone()
    for number in (1, 2, 3):
        each.train(number)
        each.refresh(number + 1)
    assert torch.equal(memory(each), first)


def test_released_all_items_change_before_every_epoch():
    context = toy_context([[0]] * 50, 1000)
    kept, redrawn = harness("fresh=0", context), harness("fresh=0,memory=released", context)
    first = memory(kept).clone()
    assert torch.equal(first, memory(redrawn))
    kept.refresh(2), redrawn.refresh(2)
    assert torch.equal(memory(kept), first)
    assert float((memory(redrawn) == first).double().mean()) < 0.05


def test_users_outside_of_the_batch_keep_their_memory():
    each = harness("size=3")
    before = memory(each).clone()
    each.train(1, Batch(torch.tensor([0, 0, 2]), torch.tensor([0, 1, 4])))
    changed = (memory(each) != before).any(1)
    assert changed[[0, 2]].all() and not changed[[1, 3, 4, 5, 6]].any()


def test_scores_that_stand_still_have_no_deviation():
    each = harness("alpha=1000,warmup=1")
    for number in (2, 3, 4):
        each.refresh(number)
    result = each.forward()
    stage = each.method.stages[0]
    assert not stage.deviation(result.step, result.drawn.ids).any()
    assert torch.equal(result.used.ids, TopM(1).apply(result.step, result.drawn).ids)


def drifting(settings, epochs):
    """A harness whose vectors change before every epoch, and those vectors."""
    each, past = harness(settings, refreshed=False), []
    draw = torch.Generator().manual_seed(3)
    for number in range(1, epochs + 1):
        each.tables.users += torch.randn(each.tables.users.shape, generator=draw)
        each.tables.items += torch.randn(each.tables.items.shape, generator=draw)
        past.append((each.tables.users.mean(1).clone(), each.tables.items.mean(1).clone()))
        each.refresh(number)
    return each, past


@pytest.mark.parametrize("epoch", [1, 3, 7])
def test_the_choice_is_its_formula_in_a_loop(epoch):
    each, past = drifting("size=6,alpha=2,warmup=4", epoch)
    step = replace(each.step(), epoch=epoch)
    drawn = each.method.sampler.sample(step)
    kept = each.method.stages[0].apply(step, drawn).ids[:, 0].tolist()
    for b, (user, i) in enumerate(
        zip(step.batch.users.tolist(), step.batch.items.tolist(), strict=True)
    ):
        values = []
        for k in drawn.ids[b].tolist():
            series = [torch.sigmoid(p[user] @ (q[k] - q[i])).item() for p, q in past[-5:]]
            value = series[-1] + 2 * min(1, epoch / 4) * np.std(series)
            values.append((value, k))
        best = max(values)[0]
        assert dict((k, v) for v, k in values)[kept[b]] == pytest.approx(best, abs=1e-5)


def test_planted_false_negatives_with_steady_high_scores_are_drawn_less():
    """Items 6 to 8 always score high (false), 3 to 5 come and go below them (true)."""
    shares = {}
    for alpha in (0, 5):
        each, batch, _ = copies(f"size=6,fresh=0,alpha={alpha},warmup=1")
        for number in range(2, 7):
            direction = each.tables.users[0].mean(0)
            direction = direction / direction.square().sum()
            each.tables.items[6:] = 1.5 * direction
            each.tables.items[3:6] = (1 if number % 2 == 0 else -1) * direction
            each.tables.items[:3] = 0
            each.refresh(number)
        used = each.forward(1, batch).used.ids
        shares[alpha] = float((used >= 6).double().mean())
    assert shares[0] > 0.9 and shares[5] < 0.1


def test_selection_is_without_gradient_and_the_loss_is_bpr_of_one():
    result = harness("size=4").forward()
    loss = torch.nn.functional.softplus(result.s_neg[:, 0] - result.s_pos)
    assert torch.equal(result.rows, loss) and result.used.n == 1
    result.rows.sum().backward()
    leaves = result.step.view.leaves
    assert [tuple(ids.shape) for ids, rows in leaves.rows if rows.grad is not None] == [(28, 1)]
    slope = torch.sigmoid(result.s_neg[:, 0] - result.s_pos).detach().unsqueeze(1)
    torch.testing.assert_close(leaves.positive.grad, -slope * result.step.view.query.detach())


def test_a_user_without_items_is_masked_and_has_no_loss():
    each = harness("size=3", saturated_context())
    batch = Batch(torch.tensor([3, 0]), torch.tensor([1, 0]))
    for number in (1, 2):
        result = each.train(number, batch)
        assert result.used.mask.tolist() == [[False], [True]]
        assert result.rows[0] == 0 and result.rows[1] > 0


def test_a_fresh_method_goes_on_from_the_saved_state():
    each, _ = drifting("size=3", 6)
    each.train(1)
    other = harness("size=3", refreshed=False)
    other.tables.load_state_dict(each.tables.state_dict())
    other.load_state_dict(each.state_dict())
    for number in (7, 8):
        each.refresh(number), other.refresh(number)
        one, two = each.train(number), other.train(number)
        assert torch.equal(one.used.ids, two.used.ids) and torch.equal(memory(each), memory(other))


def test_it_is_itself_once_the_deviation_has_its_full_weight():
    assert recipe("srns(warmup=30)").build().own_phase.begins == 30
    assert recipe("srns(alpha=0)").build().own_phase is None


def test_it_needs_user_vectors():
    each = harness()
    step = each.step()
    outcome = each.forward()
    with pytest.raises(UserError, match="user vectors"):
        blind = replace(step, view=replace(step.view, users=None))
        each.method.sampler.observe(replace(outcome.feedback(), step=blind))


def test_the_released_settings():
    config = config_of(srns, {"preset": "released"}, "srns")
    assert config == srns.Config(8, 64, 10.0, 5.0, 50, "released")


@pytest.mark.parametrize("wrong", ["size=0", "fresh=-1", "temperature=0", "alpha=-1", "warmup=0"])
def test_bad_settings_are_refused(wrong):
    with pytest.raises(UserError, match=f"{wrong.partition('=')[0]}.* must be"):
        recipe(f"srns({wrong})")
