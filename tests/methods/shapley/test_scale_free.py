"""Values that do not ask whether all scores should shrink or grow, and what a refresh has done."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from helpers.probe_scenarios import fit_on, small_scenario
from helpers.toy_data import small_context

from negbench.backbones import lightgcn
from negbench.methods.shapley.games import exact_values
from negbench.methods.shapley.held_out_watch import HeldOutWatch
from negbench.methods.shapley.in_run_values import OneStepGame, in_run_values
from negbench.methods.shapley.retraining_game import RetrainingGame
from negbench.methods.shapley.triplet_gradients import VectorState, best_scale
from negbench.ops import rng
from negbench.protocol.view import Similarity

CONTEXT = small_context()
U, ITEMS = CONTEXT.n_users, CONTEXT.n_items
SCALES = (0.25, 0.5, 2.0, 4.0)
QUICK = "warmup=0,utility=64,measurements=2,every=3"


def triplets(n, seed=0):
    g = rng.stream(seed, "triplets")
    ids = [torch.randint(U, (n,), generator=g)]
    ids += [U + torch.randint(ITEMS, (n,), generator=g) for _ in range(2)]
    return torch.stack(ids, 1)


def graph_state(scale=1.0, share=1.5):
    """LightGCN's vectors, all with a large part in common, and its propagation."""
    backbone = lightgcn.build(
        lightgcn.Config(dim=6, layers=2, init=0.5), CONTEXT, rng.stream(0, "init")
    )
    vectors = backbone.encode(CONTEXT.train)
    table = torch.cat([vectors.users, vectors.items]).detach()
    common = torch.rand(len(table), 1, generator=rng.stream(0, "length"))
    table = table + share * common * torch.ones(6) / 6**0.5
    return VectorState(scale * table, U, vectors.similarity, vectors.tangent_kernel)


PLAYERS, UTILITY = triplets(60), triplets(400, 1)


def held_out_by_score(state):
    """Held-out triplets that the state ranks somewhat better than at random."""
    wrong = state.hardness(UTILITY) > 0
    flipped = UTILITY.clone()
    some = wrong & (torch.rand(len(wrong), generator=rng.stream(0, "flip")) < 0.5)
    flipped[some] = UTILITY[some][:, [0, 2, 1]]
    return flipped


def values_at(scale, free):
    state, utility = graph_state(scale), held_out_by_score(graph_state())
    state = state.scale_free(utility) if free else state
    values = in_run_values(state, PLAYERS, utility, 1.0, order=1)
    return values / torch.sigmoid(state.hardness(PLAYERS))


def test_scaling_all_scores_flips_raw_values_and_leaves_scale_free_ones_as_they_are():
    raw, free = values_at(1.0, False), values_at(1.0, True)
    for scale in SCALES:
        # A triplet's own slope apart, the very numbers are the same: up to rounding.
        torch.testing.assert_close(values_at(scale, True), free, rtol=1e-4, atol=1e-7)
    small, large = values_at(SCALES[0], False), values_at(SCALES[-1], False)
    flipped = (small.sign() != large.sign()).double().mean()
    assert float(flipped) > 0.5 and not torch.allclose(raw, small, rtol=0.1)


def test_the_scale_is_the_one_of_the_lowest_loss():
    h = torch.randn(500, generator=rng.stream(0, "h")) - 0.6
    scale = best_scale(h)
    losses = [torch.nn.functional.softplus(c * scale * h).mean() for c in (0.97, 1.0, 1.03)]
    assert losses[1] < losses[0] and losses[1] < losses[2]
    assert best_scale(3 * h) == pytest.approx(scale / 3, rel=1e-4)
    assert best_scale(-h.abs()) == pytest.approx(64) and best_scale(h.abs()) < 1 / 63


def test_at_the_best_scale_the_loss_has_no_slope_along_the_vectors():
    state = graph_state()
    free = state.scale_free(UTILITY)
    slope = free.held_out.mean_gradient(UTILITY)
    along = float((slope * free.common).sum() / slope.norm())
    assert abs(along) < 1e-4 < abs(float((state.mean_gradient(UTILITY) * free.common).sum()))
    moved = free.displacement(torch.randn(U + ITEMS, 6, generator=rng.stream(0, "g")))
    assert abs(float((moved * free.common).sum())) < 1e-5


def test_the_step_without_its_common_part_stays_symmetric():
    free = graph_state().scale_free(UTILITY)
    one, two = torch.randn(2, U + ITEMS, 6, generator=rng.stream(0, "g")).unbind()
    ahead, back = (one * free.displacement(two)).sum(), (two * free.displacement(one)).sum()
    torch.testing.assert_close(ahead, back, rtol=1e-4, atol=1e-5)


def test_values_sum_to_the_fall_of_the_scale_free_loss():
    utility = held_out_by_score(graph_state())
    free = graph_state().scale_free(utility)
    values = in_run_values(free, PLAYERS, utility, 10.0)
    move = 10.0 * free.displacement(free.mean_gradient(PLAYERS))
    after = replace(free, vectors=free.vectors - move).held_out
    apart = free.held_out.losses(utility).double() - after.losses(utility).double()
    assert float(values.mean()) == pytest.approx(float(apart.mean()), rel=2e-2, abs=1e-6)
    assert float(apart.mean().abs()) > 1e-4


@pytest.mark.parametrize("through", [False, True])
def test_the_games_are_judged_at_the_same_scale(through):
    table = 0.5 * torch.randn(U + ITEMS, 6, generator=rng.stream(0, "table"))
    kernel = graph_state().tangent_kernel if through else None
    state = VectorState(table, U, Similarity(), kernel, held_out_scale=0.4)
    players, rate = triplets(8), 0.7
    closed = OneStepGame.of(state, players, UTILITY, rate).taylor()
    values = in_run_values(state, players, UTILITY, rate)
    torch.testing.assert_close(values.double(), 8 * closed.values(), rtol=1e-3, atol=1e-6)
    torch.testing.assert_close(closed.values(), exact_values(closed))
    small = 0.01
    game = RetrainingGame(state, players, torch.arange(8), UTILITY, small, 1, 8)
    walked = 8 * exact_values(game).float()
    want = in_run_values(state, players, UTILITY, small)
    torch.testing.assert_close(walked, want, rtol=0.02, atol=float(want.abs().max()) * 0.02)


def test_the_held_out_loss_is_logged_before_and_after_each_refresh():
    fit = fit_on(small_scenario(), f"shapley({QUICK})")
    logged = [fit.epoch() for _ in range(5)]
    losses = [row["held_out_loss"] for row in logged]
    assert ["held_out_rise" in row for row in logged] == [False, True, False, False, True]
    assert logged[1]["held_out_rise"] == pytest.approx(losses[1] - losses[0], abs=1e-6)
    assert logged[4]["held_out_rise"] == pytest.approx(losses[4] - losses[3], abs=1e-6)
    assert all(row["held_out_scale"] > 0 for row in logged)


@pytest.mark.parametrize("refuse", [False, True])
def test_values_that_raise_the_loss_are_counted_and_dropped_if_asked(refuse, monkeypatch):
    fit = fit_on(small_scenario(), f"shapley({QUICK},refuse={str(refuse).lower()})")
    sampler = fit.method.sampler
    fit.refresh(1)
    sampler.watch.before = torch.zeros_like(sampler.watch.before)  # whatever follows is a rise
    fit.refresh(2)
    assert sampler.watch.n_harmful == 1 and sampler.watch.harmful
    asked = []
    candidates = sampler._candidates
    monkeypatch.setattr(sampler, "_candidates", lambda s: asked.append(1) or candidates(s))
    batch = next(iter(fit.batches.epoch(fit.streams["batches"])))
    fit.step(batch, 2, 1)
    assert bool(asked) is not refuse
    fit.refresh(4)
    fit.step(batch, 4, 1)
    assert len(asked) == (1 if refuse else 2) and not sampler.watch.harmful


def test_a_fall_is_no_harm_and_the_watch_comes_back():
    fit = fit_on(small_scenario(), f"shapley({QUICK})")
    watch = fit.method.sampler.watch
    fit.refresh(1)
    watch.before = watch.before + 1
    again = HeldOutWatch(watch.held_out, 64)
    again.load_state_dict(watch.state_dict())
    for each in (watch, again):
        state = graph_state()
        each.now = watch.now
        each.measure(replace(state, vectors=state.vectors[: U + ITEMS]))
        assert not each.harmful and each.rise < 0 and each.n_harmful == 0
    assert np.isclose(watch.rise, again.rise)
