"""AdaSIR: the law of the pools, the weights by both signs, what a frozen model leaves."""

import importlib
from dataclasses import replace

import pytest
import torch
from scipy import stats
from torch.nn.functional import softplus

from negbench.composition import recipe
from negbench.errors import UserError
from negbench.plugins.term_syntax import config_of
from negbench.protocol import Batch
from negbench.testing.toy_data import TrainingHarness, saturated_context, toy_context

adasir = importlib.import_module("negbench.methods.adasir")
SETS = [[0, 1, 2], [0, 3, 4, 5, 6], []]
SCORES = torch.randn(3, 9, generator=torch.Generator().manual_seed(1))
FAR = torch.randn(3, 9, generator=torch.Generator().manual_seed(2)) + 3


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


def model(scores):
    """A model with these scores: its items are unit vectors."""
    return adasir.Model(scores, torch.eye(scores.shape[1]))


def pools(scores, context=None, seed=0, **settings):
    context = context or toy_context(SETS, 9)
    sampler = adasir.UserPools(adasir.Config(**settings))
    sampler.begin(context)
    sampler.resample(model(scores), context, generator(seed))
    return sampler, context


def allowed_law(scores, user):
    allowed = torch.ones(9, dtype=torch.bool)
    allowed[SETS[user]] = False
    return scores[user].masked_fill(~allowed, -torch.inf).double().softmax(0)


def weighted_law(sampler, scores, user):
    """The weighted share of every item in user's whole pool, under today's scores."""
    ids, stale = sampler.pools["ids"][user].long(), sampler.pools["stale"][user]
    weights = sampler.log_weights(scores[user, ids].unsqueeze(0), stale.unsqueeze(0))[0].exp()
    return torch.zeros(9).index_add_(0, ids, weights / len(ids)).double()


def harness(word, context=None):
    each = TrainingHarness(recipe(word).build(), *([context] if context else []))
    each.refresh(1)
    return each


@pytest.mark.parametrize("proposal", ["uniform", "log_popularity", "power_popularity"])
def test_of_many_candidates_the_pool_is_a_softmax_of_scores_whatever_they_came_from(proposal):
    sets = [[0, 1, 2], [0, 3, 4, 5, 6], [], [7, 8], [7, 0]]  # every item has a count
    context = toy_context(sets, 9)
    scores = torch.cat([SCORES, SCORES[:2]])
    sampler, _ = pools(scores, context, candidates=60_000, pool=2000, proposal=proposal)
    for user in range(3):
        seen = torch.bincount(sampler.pools["ids"][user], minlength=9).double()
        law = allowed_law(scores, user)
        assert not seen[sets[user]].any()
        assert stats.chisquare(seen[law > 0], 2000 * law[law > 0]).pvalue > 1e-3


def test_few_candidates_leave_the_proposal():
    """One candidate is kept whatever it scores: the pool is uniform, as `random`."""
    context = toy_context([[0, 1, 2]] * 5000, 9)
    sampler, _ = pools(SCORES[:1].expand(5000, -1), context, candidates=1, pool=1)
    seen = torch.bincount(sampler.pools["ids"][:, 0], minlength=9)
    assert not seen[:3].any() and stats.chisquare(seen[3:]).pvalue > 1e-3


def test_a_model_that_stands_still_weighs_all_alike_over_merged_pools():
    each = harness("adasir(negatives=4,pool=6)")
    for number in (2, 3):
        each.refresh(number)
    drawn = each.method.sampler.sample(each.step())
    assert drawn.n == 4
    torch.testing.assert_close(drawn.logw, torch.zeros_like(drawn.logw), atol=1e-5, rtol=0)


def test_stale_draws_are_taken_to_the_law_of_the_scores_of_now():
    sampler, _ = pools(SCORES, candidates=20_000, pool=20_000)
    for user in range(3):
        law = weighted_law(sampler, FAR, user)
        torch.testing.assert_close(law, allowed_law(FAR, user), atol=0.02, rtol=0)


def test_old_and_new_draws_of_a_merged_pool_count_alike():
    """Scores moved by 3 in the mean: raw stale scores would leave e^3 to 1 between the two."""
    sampler, context = pools(SCORES, candidates=20_000, pool=20_000)
    before = {name: values.clone() for name, values in sampler.pools.items()}
    sampler.resample(model(FAR), context, generator(5))
    for user in range(3):
        ids, stale = sampler.pools["ids"][user].long(), sampler.pools["stale"][user]
        logits = FAR[user, ids] - stale
        new = logits.abs() < 1e-6
        assert 0.48 < float(new.double().mean()) < 0.52
        share = float(logits[new].exp().sum() / logits.exp().sum())
        assert 0.47 < share < 0.53
        torch.testing.assert_close(
            weighted_law(sampler, FAR, user), allowed_law(FAR, user), atol=0.02, rtol=0
        )
    assert not torch.equal(before["ids"], sampler.pools["ids"])


def test_without_merging_the_last_pool_is_gone():
    sampler, context = pools(SCORES, merge=False, pool=30)
    fresh, _ = pools(FAR, seed=7, merge=False, pool=30)
    sampler.resample(model(FAR), context, generator(7))
    assert torch.equal(sampler.pools["ids"], fresh.pools["ids"])


def test_the_released_sign_is_the_law_of_three_times_the_scores():
    sampler, _ = pools(SCORES, candidates=20_000, pool=40_000, sign="released")
    for user in range(3):
        law = weighted_law(sampler, SCORES, user)
        torch.testing.assert_close(law, allowed_law(3 * SCORES, user), atol=0.02, rtol=0)
        assert float((law - allowed_law(SCORES, user)).abs().max()) > 0.05


@pytest.mark.parametrize("sign", ["correct", "released"])
def test_the_loss_is_its_formula_in_a_loop(sign):
    each = harness(f"adasir(negatives=3,sign={sign})")
    pool = {k: v.clone() for k, v in each.method.sampler.pools.items()}
    pool["stale"] += torch.randn(pool["stale"].shape, generator=generator())
    # One stale score for one item of a user, so that it can be looked up by the id.
    table = {}
    for user in range(7):
        for at, item in enumerate(pool["ids"][user].tolist()):
            pool["stale"][user, at] = table.setdefault((user, item), pool["stale"][user, at])
    each.method.sampler.load_state_dict(pool)
    result = each.forward()
    s_pos = result.s_pos.detach()
    factor = 1 if sign == "released" else -1
    for b, user in enumerate(result.step.batch.users.tolist()):
        scores = result.s_neg[b].detach()
        ids = result.used.ids[b].tolist()
        logits = [float(s) + factor * float(table[user, j]) for s, j in zip(scores, ids, strict=1)]
        w = torch.tensor(logits).softmax(0)
        want = sum(float(w[k] * softplus(scores[k] - s_pos[b])) for k in range(3))
        assert float(result.rows[b].detach()) == pytest.approx(want, rel=1e-4)


def test_the_gradient_goes_to_query_positive_and_negatives_not_through_the_weights():
    result = harness("adasir(negatives=3)").forward()
    assert not result.used.logw.requires_grad
    result.rows.sum().backward()
    leaves = result.step.view.leaves
    share = torch.sigmoid(result.s_neg - result.s_pos.unsqueeze(1)).detach()
    slopes = -(result.used.logw.exp() * share).mean(1)
    query = result.step.view.query.detach()
    torch.testing.assert_close(leaves.positive.grad, slopes.unsqueeze(1) * query)
    assert leaves.query.grad.any() and any(rows.grad.any() for _, rows, *_ in leaves.rows)


def test_one_negative_has_no_weight():
    result = harness("adasir(negatives=1)").forward()
    torch.testing.assert_close(result.rows, softplus(result.s_neg[:, 0] - result.s_pos))


def test_a_user_without_items_is_masked_and_costs_nothing():
    context = saturated_context()
    each = harness("adasir", context)
    each.refresh(2)
    batch = Batch(torch.tensor([3, 0]), torch.tensor([1, 0]))
    result = each.forward(batch=batch)
    assert result.used.mask.tolist() == [[False] * 5, [True] * 5]
    assert result.rows[0] == 0 and result.rows[1] > 0


def test_items_of_weight_0_are_no_candidates():
    """Under a popularity proposal a user may have nothing but cold items left."""
    context = toy_context([[0, 1, 2], [0, 1]], 5)
    each = harness("adasir(proposal=log_popularity)", context)
    drawn = each.method.sampler.sample(
        each.step(batch=Batch(torch.tensor([0, 1]), torch.zeros(2).long()))
    )
    assert drawn.mask.tolist() == [[False] * 5, [True] * 5] and (drawn.ids[1] == 2).all()


def test_a_fresh_method_goes_on_from_the_saved_pools():
    first, second = harness("adasir(pool=4)"), TrainingHarness(recipe("adasir(pool=4)").build())
    first.refresh(2)
    second.load_state_dict(first.state_dict())
    one, two = (x.forward(5).used for x in (first, second))
    assert torch.equal(one.ids, two.ids) and torch.equal(one.logw, two.logw)
    first.refresh(3), second.refresh(3)
    assert torch.equal(first.forward(6).used.ids, second.forward(6).used.ids)


def test_without_a_refresh_the_first_step_fills_the_pools():
    each = TrainingHarness(recipe("adasir").build())
    assert not each.state_dict()[0]
    assert torch.isfinite(each.forward().rows).all() and len(each.state_dict()[0]["ids"]) == 7


def test_it_needs_user_vectors():
    each = TrainingHarness(recipe("adasir").build())
    step = each.step()
    with pytest.raises(UserError, match="user vectors"):
        each.method.sampler.sample(replace(step, view=replace(step.view, users=None)))


def test_the_released_settings():
    config = config_of(adasir, {"preset": "released"}, "adasir")
    assert config == adasir.Config(
        negatives=5, pool=50, candidates=200, proposal="uniform", merge=True, sign="released"
    )


@pytest.mark.parametrize("wrong", ["negatives=0", "pool=0", "candidates=0", "sign=plus"])
def test_bad_settings_are_refused(wrong):
    with pytest.raises(UserError, match=f"{wrong.partition('=')[0]}.* must be"):
        recipe(f"adasir({wrong})")
