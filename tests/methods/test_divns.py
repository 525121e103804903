"""DivNS: DNS as its limit, the greedy set against a determinant, the cache, gradients, state."""

import importlib
from dataclasses import replace

import pytest
import torch
import torch.nn.functional as F

from negbench.composition import recipe
from negbench.errors import UserError
from negbench.protocol.step import Batch, Negatives
from negbench.testing.toy_data import TrainingHarness, saturated_context

divns = importlib.import_module("negbench.methods.divns")


def harness_of(settings="", context=None):
    method = recipe(f"divns({settings})").build()
    return TrainingHarness(method, context) if context else TrainingHarness(method)


def test_the_hard_item_alone_is_dns():
    mixed = harness_of("lam=1")
    hard = TrainingHarness(recipe("dns(candidates=10)").build())
    for number in (1, 2, 3):
        a, b = mixed.train(number), hard.train(number)
        assert torch.equal(a.used.ids, b.used.ids) and torch.equal(a.rows, b.rows)
        of_mixed, of_dns = a.step.view.leaves, b.step.view.leaves
        assert torch.equal(of_mixed.query.grad, of_dns.query.grad)
        assert torch.equal(of_mixed.rows[of_mixed.penalised][1].grad, of_dns.rows[0][1].grad)


def test_the_greedy_set_adds_the_largest_determinant_each_time():
    g = torch.Generator().manual_seed(0)
    first = F.normalize(torch.randn(20, 6, generator=g), dim=-1)
    others = F.normalize(torch.randn(20, 7, 6, generator=g), dim=-1)
    usable = torch.rand(20, 7, generator=g) < 0.8
    at, there = divns.outside_span(first, others, usable, 3)
    for b in range(20):
        chosen = [first[b]]
        for n in range(3):
            free = [c for c in range(7) if usable[b, c]]

            def volume(c, b=b, chosen=chosen):
                x = torch.stack([*chosen, others[b, c]]).double()
                return float(torch.linalg.det(x @ x.T))

            assert bool(there[b, n])
            best = max(free, key=volume)
            assert int(at[b, n]) == best
            chosen.append(others[b, best])


def test_what_is_in_the_span_already_is_nothing_new():
    first = torch.tensor([[1.0, 0.0, 0.0]])
    others = torch.tensor([[[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, -1.0, 0.0]]])
    at, there = divns.outside_span(first, others, torch.ones(1, 3, dtype=torch.bool), 3)
    assert int(at[0, 0]) in (1, 2) and there.tolist() == [[True, False, False]]


@pytest.mark.parametrize("choice", ["greedy", "near", "any"])
def test_the_mixture_is_its_formula(choice):
    harness = harness_of(f"candidates=4,runners=3,cache=6,diverse=2,lam=0.6,choice={choice}")
    harness.train(1)
    cached = harness.method.stages[0].cached.clone()
    outcome = harness.forward(2)
    view, users = outcome.step.view, outcome.step.batch.users
    scores = outcome.step.score(outcome.drawn).detach()
    for b in range(len(users)):
        order = scores[b].argsort(descending=True)
        hard, runners = outcome.drawn.ids[b, order[0]], outcome.drawn.ids[b, order[1:]]
        assert int(outcome.used.ids[b, 0]) == int(hard)
        pool = {j for j in [*runners.tolist(), *cached[users[b]].tolist()[:3]] if j >= 0}
        rest = (outcome.used.vectors[b, 0].detach() - 0.6 * view.items[hard]) / 0.4
        sets = [[i] for i in pool] + [[i, j] for i in pool for j in pool if i <= j]
        means = torch.stack([view.items[s].mean(0) for s in sets])
        members = sets[int((means - rest).norm(dim=1).argmin())]
        assert (means - rest).norm(dim=1).min() < 1e-4
        if choice == "near":
            cosine = F.cosine_similarity(view.items[list(pool)], view.items[hard].unsqueeze(0))
            nearest = {j for j, c in zip(pool, cosine, strict=True) if c >= cosine.max() - 1e-6}
            assert nearest & set(members)
        if choice == "greedy" and pool - {int(hard)}:
            assert set(members) - {int(hard)}


def test_caches_hold_the_newest_runners_up_first_and_the_last_row_of_a_user():
    harness = harness_of("candidates=4,runners=2,cache=5")
    part = harness.method.stages[0]
    batch = Batch(torch.tensor([0, 3, 0]), torch.tensor([0, 6, 1]))
    seen = {0: [], 3: []}
    for number in (1, 2, 3):
        outcome = harness.train(number, batch)
        order = outcome.step.score(outcome.drawn).argsort(1, descending=True)
        runners = outcome.drawn.ids.gather(1, order)[:, 1:3]
        seen[3] = [*runners[1].tolist(), *seen[3]][:5]
        seen[0] = [*runners[2].tolist(), *seen[0]][:5]
    for user, expected in seen.items():
        assert part.cached[user].tolist() == expected
    assert bool((part.cached[[1, 2, 4, 5, 6]] == -1).all())


def test_a_step_alone_keeps_nothing():
    harness = harness_of()
    harness.forward()
    assert bool((harness.method.stages[0].cached == -1).all())


def test_the_gradient_reaches_the_hard_and_the_diverse_items_and_the_choice_has_none():
    harness = harness_of("lam=0.7")
    harness.train(1)
    outcome = harness.forward(2)
    outcome.loss.backward()
    leaves = outcome.step.view.leaves
    reached = [rows for _, rows in leaves.rows if rows.grad is not None]
    assert [r.shape[1] for r in reached] == [1, 3]
    others = outcome.step.batch.users != 5  # user 5 has one item left: nothing else is there
    hard, diverse = (r.grad.flatten(1).any(1) for r in reached)
    assert bool(hard.all()) and bool(diverse[others].all()) and not bool(diverse[~others].any())
    assert leaves.rows[leaves.penalised][1] is reached[0]


def test_masked_candidates_are_neither_hard_nor_cached():
    harness = harness_of()
    mask = torch.zeros(28, 12, dtype=torch.bool)
    mask[1:, 7] = True
    step, part = harness.step(), harness.method.stages[0]
    used = part.apply(step, Negatives(torch.arange(12).expand(28, -1), mask=mask))
    assert bool((used.ids[1:] == 7).all()) and bool((part.pending[1] == -1).all())
    torch.testing.assert_close(used.vectors[1:, 0], step.view.items[7].expand(27, -1))
    s_pos = step.view.score_pair(step.view.positive)
    rows = harness.method.objective.rows(step, s_pos, step.score(used), used)
    assert rows[0] == 0 and bool(torch.isfinite(rows).all())
    saturated = harness_of(context=saturated_context())
    for number in (1, 2):
        outcome = saturated.train(number)
        assert bool(torch.isfinite(outcome.rows).all())
    assert bool((saturated.method.stages[0].cached[3] == -1).all())


def test_state_goes_on_where_it_was_saved():
    one, two = harness_of(), harness_of()
    one.train(1), one.train(2)
    fresh = two.forward(3)
    two.load_state_dict(one.state_dict())
    a, b = one.train(3), two.train(3)
    assert torch.equal(a.rows, b.rows) and not torch.equal(a.rows, fresh.rows)
    assert torch.equal(one.method.stages[0].cached, two.method.stages[0].cached)


def test_greedy_sets_are_farther_from_the_hard_item_than_near_ones():
    cosines = {}
    for choice in ("near", "any", "greedy"):
        harness = harness_of(f"choice={choice},diverse=1,lam=0")
        harness.train(1), harness.train(2)
        outcome = harness.forward(3)
        hard = outcome.step.view.items[outcome.used.ids[:, 0]]
        cosine = F.cosine_similarity(outcome.used.vectors[:, 0].detach(), hard)
        cosines[choice] = float(cosine.abs().mean())
    assert cosines["greedy"] < cosines["any"] < cosines["near"]


def test_it_works_through_a_transform_of_the_vectors():
    harness = harness_of()
    step = harness.step()
    doubled = replace(step, view=replace(step.view, through=lambda x: 2 * x))
    drawn = harness.method.sampler.sample(step)
    plain, mapped = (harness.method.stages[0].apply(s, drawn) for s in (step, doubled))
    torch.testing.assert_close(mapped.vectors, 2 * plain.vectors)


@pytest.mark.parametrize(
    ("wrong", "rule"),
    [
        ("runners=10", "below `candidates`"),
        ("cache=4", "must hold"),
        ("diverse=21", "from 1 to 20"),
    ],
)
def test_settings_that_do_not_fit_are_refused(wrong, rule):
    with pytest.raises(UserError, match=rule):
        recipe(f"divns({wrong})")
