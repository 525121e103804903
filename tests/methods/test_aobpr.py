"""AOBPR: the law of factor and rank, before and after exclusion, and its limits."""

import importlib
import math
from dataclasses import replace

import numpy as np
import pytest
import torch
from scipy import stats

from negbench.composition import recipe
from negbench.errors import UserError
from negbench.plugins.term_syntax import config_of
from negbench.protocol import Batch, Similarity
from negbench.testing.toy_data import TrainingHarness, saturated_context, toy_context

aobpr = importlib.import_module("negbench.methods.aobpr")
N = 8000


def harness(settings="", sets=((0, 4), (), (1, 2, 3, 5)), n_items=8, context=None):
    word = f"aobpr({settings})"
    return TrainingHarness(recipe(word).build(), context or toy_context(sets, n_items))


def one_row(each, user, number=1):
    """A step of one row of this user."""
    return each.step(number, Batch(torch.tensor([user]), torch.tensor([0])))


def draws(each, user, step=None):
    step = step or one_row(each, user)
    ids = each.method.sampler.sample(step).ids
    return torch.bincount(ids[0], minlength=each.context.n_items).double()


def law_of(each, user, scale, excluded=(), factors=None, items=None):
    """P(item) in a loop: factors by |q| sd, ranks restricted to the allowed items of a factor."""
    items = each.tables.items.mean(1) if items is None else items
    query = each.tables.users.mean(1)[user]
    width, n = items.shape[1], items.shape[0]
    weights = np.array(
        [abs(float(query[f])) * float(items[:, f].std(correction=0)) for f in range(width)]
    )
    law = np.zeros(n)
    for f in range(width):
        rising = sorted(range(n), key=lambda i: float(items[i, f]))
        order = rising[::-1] if query[f] > 0 else rising
        p = {i: math.exp(-(r + 1) / scale) for r, i in enumerate(order) if i not in excluded}
        for i, value in p.items():
            law[i] += weights[f] / weights.sum() * value / sum(p.values())
    return torch.from_numpy(law)


def agrees(seen, law):
    possible = law > 0
    assert not seen[~possible].any()
    return stats.chisquare(seen[possible], seen.sum() * law[possible]).pvalue > 1e-3


@pytest.mark.parametrize("scale", [1.0, 3.0])
@pytest.mark.parametrize("user", [0, 1, 2])
def test_items_follow_the_law_of_factor_and_rank_restricted_to_the_allowed(scale, user):
    each = harness(f"scale={scale},unit=ranks,negatives={N}")
    law = law_of(each, user, scale, set(each.context.train.row(user).tolist()))
    assert agrees(draws(each, user), law)


def test_factors_go_by_weight_and_deviation():
    each = harness()
    order = aobpr.Order.of(each.tables.items.mean(1))
    query = each.tables.users.mean(1)[:1]
    factor, falls = order.factors(query, N, torch.Generator().manual_seed(0))
    weights = (query[0].abs() * each.tables.items.mean(1).std(0, correction=0)).double()
    seen = torch.bincount(factor[0], minlength=8).double()
    assert stats.chisquare(seen, N * weights / weights.sum()).pvalue > 1e-3
    assert torch.equal(falls, query[0][factor] > 0)
    factor, _ = order.factors(torch.zeros(1, 8), N, torch.Generator().manual_seed(0))
    assert stats.chisquare(torch.bincount(factor[0], minlength=8)).pvalue > 1e-3


@pytest.mark.parametrize("scale", [0.5, 2.0, 40.0])
def test_ranks_are_geometric(scale):
    each = harness(f"scale={scale},unit=ranks")
    ranks = each.method.sampler.ranks((N,), torch.Generator().manual_seed(1))
    law = np.exp(-(np.arange(8) + 1) / scale)
    seen = torch.bincount(ranks, minlength=8).numpy()
    likely = N * law / law.sum() > 1
    want = N * law / law.sum()
    assert (
        stats.chisquare(
            [*seen[likely], seen[~likely].sum()], [*want[likely], want[~likely].sum()]
        ).pvalue
        > 1e-3
        if (~likely).any()
        else stats.chisquare(seen, want).pvalue > 1e-3
    )


def test_a_large_lambda_is_uniform_over_the_allowed():
    each = harness(f"scale=1e9,negatives={N}")
    seen = draws(each, 0)
    assert seen[[0, 4]].sum() == 0
    assert stats.chisquare(seen[[1, 2, 3, 5, 6, 7]]).pvalue > 1e-3


def test_a_small_lambda_is_the_extreme_allowed_item_of_a_factor():
    each = harness(f"scale=1e-9,negatives={N}")
    for user in range(3):
        law = law_of(each, user, 1e-1, set(each.context.train.row(user).tolist()))
        seen = draws(each, user)
        extreme = law > 1e-3  # at 1e-1 the second of a factor has e^-10
        assert seen[~extreme].sum() == 0
        assert stats.chisquare(seen[extreme], N * law[extreme] / law[extreme].sum()).pvalue > 1e-3


@pytest.mark.parametrize("sign", [1, -1])
def test_with_one_factor_it_is_sampling_by_the_rank_of_the_score(sign):
    each = harness(f"scale=2,unit=ranks,negatives={N}")
    each.tables.users, each.tables.items = each.tables.users[..., :1], each.tables.items[..., :1]
    each.tables.users[1] = sign
    scores = (each.tables.users.mean(1)[1] * each.tables.items.mean(1)).sum(1)
    law = torch.zeros(8, dtype=torch.float64)
    law[scores.argsort(descending=True)] = torch.exp(-(torch.arange(8).double() + 1) / 2)
    assert agrees(draws(each, 1), law / law.sum())


def test_under_cosines_the_columns_are_of_unit_vectors():
    each = harness(f"scale=1,unit=ranks,negatives={N}")
    each.tables.items *= torch.tensor([1.0, 9, 1, 1, 20, 1, 1, 5]).view(8, 1, 1)
    step = one_row(each, 1)
    step = replace(step, view=replace(step.view, similarity=Similarity("cosine", 0.1)))
    vectors = torch.nn.functional.normalize(each.tables.items.mean(1), dim=1)
    law = law_of(each, 1, 1.0, items=vectors)
    assert agrees(draws(each, 1, step), law)
    assert not agrees(draws(harness(f"scale=1,unit=ranks,negatives={N}"), 1), law)


def test_a_share_is_a_number_of_ranks():
    share, ranks = harness("scale=0.25"), harness("scale=2,unit=ranks")
    one, two = (x.method.sampler.sample(x.step()).ids for x in (share, ranks))
    assert torch.equal(one, two)


def test_a_user_of_almost_everything_gets_what_is_left_and_one_of_all_is_masked():
    sets = [list(range(1, 300)), list(range(300)), [0]]
    each = harness("scale=1e-3,negatives=3", sets, 300)
    batch = Batch(torch.tensor([0, 1, 2]), torch.tensor([1, 1, 0]))
    result = each.forward(1, batch)
    assert result.used.ids[0].tolist() == [0, 0, 0] and not (result.used.ids[2] == 0).any()
    assert result.used.mask.tolist() == [[True] * 3, [False] * 3, [True] * 3]
    assert result.rows[1] == 0 and (result.rows[[0, 2]] > 0).all()


def test_no_score_is_computed_and_only_the_draw_has_a_gradient():
    each = harness("negatives=3")
    step = each.step()
    drawn = each.method.sampler.sample(step)
    assert step.view.dots.total == 0 and not step.view.leaves.rows
    result = each.forward()
    loss = torch.nn.functional.softplus(result.s_neg - result.s_pos.unsqueeze(1)).mean(1)
    assert torch.equal(result.rows, loss) and torch.equal(result.used.ids, drawn.ids)


def test_it_sorts_anew_after_i_log_i_draws():
    each = harness("negatives=2")  # 8 log 8 = 16.6; 6 rows of 2 draws a step
    sampler = each.method.sampler
    each.train(1)
    first = sampler.order
    each.forward(2)
    assert sampler.order is first
    each.train(2)
    each.tables.items = -each.tables.items
    each.forward(3)
    assert sampler.order is not first and not torch.equal(sampler.order.items, first.items)


def test_or_it_sorts_anew_in_every_epoch():
    each = harness("renew=epoch")
    sampler = each.method.sampler
    for number in range(1, 20):
        each.train(number)
    first = sampler.order
    each.tables.items = -each.tables.items
    sampler.sample(replace(each.step(20), epoch=2))
    assert sampler.order is not first and not torch.equal(sampler.order.items, first.items)


@pytest.mark.parametrize("steps", [1, 3])
@pytest.mark.parametrize("renew", ["draws", "epoch"])
def test_a_fresh_method_goes_on_from_the_saved_order(steps, renew):
    first, second = harness(f"renew={renew}"), harness(f"renew={renew}")
    for number in range(1, steps + 1):
        first.train(number)
    for each in (first, second):
        each.tables.items = each.tables.items + torch.linspace(-2, 2, 8).view(8, 1, 1)
    second.load_state_dict(first.state_dict())
    for number in (7, 8, 9, 10):
        assert torch.equal(first.train(number).used.ids, second.train(number).used.ids)


def test_all_users_of_a_saturated_toy_get_what_is_allowed():
    each = harness("negatives=40", context=saturated_context())
    result = each.forward()
    users = result.step.batch.users
    assert not (each.context.excluded.contains(users, result.used.ids) & result.used.mask).any()
    assert torch.equal(result.used.mask.any(1), users != 3)


def test_the_released_settings():
    config = config_of(aobpr, {"preset": "released"}, "aobpr")
    assert config == aobpr.Config(negatives=1, scale=500.0, unit="ranks", renew="draws")


@pytest.mark.parametrize("wrong", ["negatives=0", "scale=0", "unit=items", "renew=never"])
def test_bad_settings_are_refused(wrong):
    with pytest.raises(UserError, match=f"{wrong.partition('=')[0]}.* must be"):
        recipe(f"aobpr({wrong})")
