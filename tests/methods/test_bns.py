"""BNS: a loop twin, its limits by prior and candidates, and the distribution of scores."""

import importlib
from dataclasses import replace

import pytest
import torch

from negbench.composition import recipe
from negbench.ops.count_at_most import COMPILED, FEW
from negbench.plugins.term_syntax import config_of
from negbench.protocol.step import Negatives
from negbench.testing.toy_data import TrainingHarness

bns = importlib.import_module("negbench.methods.bns")


def run(method, number=1):
    return TrainingHarness(recipe(method).build()).forward(number)


@pytest.mark.parametrize("settings", ["", "prior=users", "prior=users,scale=2,lam=0.5"])
def test_it_is_its_formula_in_a_loop(settings):
    harness = TrainingHarness(recipe(f"bns({settings})").build())
    outcome = harness.forward()
    c, context, step = harness.method.stages[0].config, harness.context, outcome.step
    everything = (step.view.query @ step.view.items.T).detach().double()
    whole = float(context.counts.sum()) if c.prior == "share" else context.n_users
    for b, user in enumerate(step.batch.users.tolist()):
        hidden = set(context.train.row(user).tolist())
        free = [j for j in range(12) if j not in hidden]
        costs = []
        for j in outcome.drawn.ids[b].tolist():
            s = everything[b, j]
            below = sum(float(everything[b, k]) <= float(s) for k in free) / len(free)
            p = min(1.0, c.scale * float(context.counts[j]) / whole)
            total = (1 - below) * (1 - p) + below * p
            unbias = (1 - below) * (1 - p) / total if total else 1.0
            info = float(torch.sigmoid(s - outcome.s_pos[b].detach().double()))
            costs.append(info * (1 - (1 + c.lam) * unbias))
        best = min(range(len(costs)), key=lambda at, v=costs: v[at])
        assert int(outcome.used.ids[b, 0]) == int(outcome.drawn.ids[b, best])


@pytest.mark.parametrize("sampled", [0, 6])
def test_a_prior_of_0_is_dns_and_of_1_the_easiest_candidate(sampled):
    hard = run("dns(candidates=7)")
    none = run(f"bns(candidates=7,scale=0,sampled={sampled})")
    assert torch.equal(none.used.ids, hard.used.ids) and torch.equal(none.rows, hard.rows)
    harness = TrainingHarness(recipe(f"bns(candidates=7,sampled={sampled})").build())
    harness.method.stages[0].prior.fill_(1.0)
    sure = harness.forward()
    easiest = sure.step.score(sure.drawn).argmin(1, keepdim=True)
    assert torch.equal(sure.used.ids, sure.drawn.ids.gather(1, easiest))


def test_one_candidate_is_random():
    one, even = run("bns(candidates=1)"), run("random")
    assert torch.equal(one.used.ids, even.used.ids) and torch.equal(one.rows, even.rows)


def test_a_great_weight_takes_the_most_information_that_is_likely_true():
    g = torch.Generator().manual_seed(0)
    scores, s_pos = torch.randn(50, 6, generator=g), torch.randn(50, generator=g)
    below, prior = torch.rand(2, 50, 6, generator=g, dtype=torch.float64)
    true = (1 - below) * (1 - prior)
    worth = torch.sigmoid(scores - s_pos.unsqueeze(1)) * true / (true + below * prior)
    best = bns.risk(s_pos, scores, below, prior, 1e9).argmin(1)
    assert torch.equal(best, worth.argmax(1))


def test_with_the_released_prior_only_the_top_few_are_spared():
    below = torch.tensor([[0.5, 0.99, 0.999, 0.9999]], dtype=torch.float64)
    info = 0.5  # all score as the positive does
    cost = bns.risk(torch.zeros(1), torch.zeros(1, 4), below, torch.full_like(below, 1e-4), 5.0)
    unbias = (1 - cost / info) / 6
    expected = torch.tensor([[0.9999, 0.9902, 0.9092, 0.5]], dtype=torch.float64)
    torch.testing.assert_close(unbias, expected, atol=1e-4, rtol=0)


def test_scores_far_above_the_positive_do_not_tie():
    scores = torch.tensor([[20.0, 30.0, 25.0]])
    zero = torch.zeros(1, 3, dtype=torch.float64)
    assert int(bns.risk(torch.zeros(1), scores, zero, zero, 5.0).argmin(1)) == 1


def test_nothing_to_divide_is_a_true_negative():
    one, zero = torch.ones(1, 1, dtype=torch.float64), torch.zeros(1, 1, dtype=torch.float64)
    cost = bns.risk(torch.zeros(1), torch.zeros(1, 1), one, zero, 5.0)
    assert float(cost) == pytest.approx(0.5 * (1 - 6))


def test_the_sampled_share_comes_near_the_exact_one_and_blocks_change_nothing(monkeypatch):
    harness = TrainingHarness(recipe("bns(sampled=4000)").build())
    part, step = harness.method.stages[0], harness.step()
    drawn = harness.method.sampler.sample(step)
    with torch.no_grad():
        exact = part.share_below(step, drawn.ids)
        near = part.sampled(step, drawn.ids)
        monkeypatch.setattr(bns, "BLOCK", 5 * 12)
        assert torch.equal(part.share_below(step, drawn.ids), exact)
    assert (near - exact).abs().max() < 0.04 and float(exact.max()) == 1 and float(near.max()) < 1


def test_a_shared_pool_is_counted_as_each_rows_candidates():
    """More candidates than are counted one by one, repeats and ties among them."""
    harness = TrainingHarness(recipe("bns(prior=users)").build())
    part, step = harness.method.stages[0], harness.step()
    pool = Negatives(torch.arange(12).repeat(6), shared=True)
    shares = part.share_below(step, pool.row_ids(28))
    few = torch.cat([part.share_below(step, ids) for ids in pool.row_ids(28).split(FEW, 1)], 1)
    assert pool.n > COMPILED > FEW and torch.equal(shares, few)
    assert torch.equal(part.apply(step, pool).ids, part.apply(step, pool.per_row(28)).ids)


def test_masked_candidates_are_never_chosen_and_a_row_without_any_has_no_loss():
    harness = TrainingHarness(recipe("bns").build())
    step, part = harness.step(), harness.method.stages[0]
    mask = torch.zeros(28, 12, dtype=torch.bool)
    mask[1:, 7] = True
    used = part.apply(step, Negatives(torch.arange(12).expand(28, -1), mask=mask))
    assert bool((used.ids[1:] == 7).all()) and not bool(used.mask[0]) and bool(used.mask[1:].all())
    s_pos = step.view.score_pair(step.view.positive)
    rows = harness.method.objective.rows(step, s_pos, step.score(used), used)
    assert rows[0] == 0 and bool(torch.isfinite(rows).all())


def test_the_order_of_candidates_and_a_constant_on_all_scores_do_not_count():
    harness = TrainingHarness(recipe("bns(prior=users)").build())
    part, step = harness.method.stages[0], harness.step()
    ids = torch.arange(12).expand(28, -1)
    used = part.apply(step, Negatives(ids))
    assert torch.equal(part.apply(step, Negatives(ids.flip(1))).ids, used.ids)
    # One more coordinate of 1 for every query and item: all scores of all rows rise alike.
    view = step.view
    ones = {"query": view.query, "items": view.items, "positive": view.positive}
    wide = {name: torch.cat([v, torch.ones(len(v), 1)], 1) for name, v in ones.items()}
    risen = replace(step, view=replace(view, **wide))
    assert torch.equal(part.apply(risen, Negatives(ids)).ids, used.ids)


def test_the_prior_and_the_spared_rows_are_logged():
    harness = TrainingHarness(recipe("bns(prior=users,candidates=7)").build())
    outcome = harness.forward()
    metrics = harness.method.stages[0].epoch_metrics()
    counts = harness.context.counts
    assert metrics["bns_prior"] == pytest.approx(float((counts / 7)[outcome.drawn.ids].mean()))
    hardest = outcome.step.score(outcome.drawn).argmax(1, keepdim=True)
    spared = outcome.used.ids != outcome.drawn.ids.gather(1, hardest)
    assert metrics["bns_spared"] == pytest.approx(float(spared.float().mean()))
    assert 0 < metrics["bns_spared"] < 1 and harness.method.stages[0].epoch_metrics() == {}


def test_the_released_preset():
    assert config_of(bns, {"preset": "released"}, "bns") == bns.Config(5, 5.0, "share", 1.0, 0)
