"""Values of a gradient step: against enumeration, autograd through LightGCN, and planted flips."""

import pytest
import torch
from helpers.toy_data import small_context

from negbench.backbones import lightgcn, mf
from negbench.backbones.lightgcn import mean_of
from negbench.methods.shapley.games import exact_values
from negbench.methods.shapley.in_run_values import OneStepGame, in_run_values
from negbench.methods.shapley.permutation_estimator import estimate
from negbench.methods.shapley.retraining_game import RetrainingGame
from negbench.methods.shapley.triplet_gradients import VectorState
from negbench.ops import rng
from negbench.protocol.view import Similarity

CONTEXT = small_context()
U, ITEMS = CONTEXT.n_users, CONTEXT.n_items
KINDS = [Similarity(), Similarity("cosine", 0.5)]


def triplets(n, seed=0):
    g = rng.stream(seed, "triplets")
    ids = [torch.randint(U, (n,), generator=g)]
    ids += [U + torch.randint(ITEMS, (n,), generator=g) for _ in range(2)]
    return torch.stack(ids, 1)


def state_of(kind=KINDS[0], tangent_kernel=None, scale=0.5, dim=6):
    table = scale * torch.randn(U + ITEMS, dim, generator=rng.stream(0, "table"))
    return VectorState(table, U, kind, tangent_kernel)


def graph():
    config = lightgcn.Config(dim=6, layers=2, init=0.5)
    return lightgcn.build(config, CONTEXT, rng.stream(0, "init"))


def through_graph(backbone):
    vectors = backbone.encode(CONTEXT.train)
    table = torch.cat([vectors.users, vectors.items])
    return VectorState(table, U, vectors.similarity, vectors.tangent_kernel)


def mean_loss(table, nodes, kind=KINDS[0]):
    user, positive, negative = table[nodes].unbind(1)
    gap = (kind.query(user) * (kind.prepare(positive) - kind.prepare(negative))).sum(-1)
    return -torch.nn.functional.logsigmoid(gap).mean()


@pytest.mark.parametrize("kind", KINDS)
def test_first_order_is_the_product_of_gradients(kind):
    state, players, utility = state_of(kind), triplets(40), triplets(50, 1)
    table = state.vectors.clone().requires_grad_()
    (ahead,) = torch.autograd.grad(mean_loss(table, utility, kind), table)
    want = []
    for each in players:
        (own,) = torch.autograd.grad(mean_loss(table, each[None], kind), table)
        want.append(0.3 * (own * ahead).sum())
    values = in_run_values(state, players, utility, 0.3, order=1)
    torch.testing.assert_close(values, torch.stack(want), rtol=1e-4, atol=1e-6)


def test_the_closed_form_of_dot_products():
    state, players, utility = state_of(), triplets(40), triplets(50, 1)
    v = state.mean_gradient(utility)
    (p, q, r), (vp, vq, vr) = (t[players].unbind(1) for t in (state.vectors, v))
    x = (p * (q - r)).sum(1)
    want = -torch.sigmoid(-x) * (((q - r) * vp).sum(1) + (p * (vq - vr)).sum(1))
    torch.testing.assert_close(in_run_values(state, players, utility, 1.0, order=1), want)


def test_lightgcn_moves_its_vectors_as_the_tangent_says():
    backbone = graph()
    gradient = torch.randn(U + ITEMS, 6, generator=rng.stream(0, "gradient"))
    mean = mean_of(backbone._by_autograd())
    (on_table,) = torch.autograd.grad(mean, backbone.table, gradient)
    with torch.no_grad():
        backbone.table += on_table
        moved = mean_of(backbone._by_autograd()) - mean
    torch.testing.assert_close(backbone.tangent_kernel(gradient), moved, rtol=1e-4, atol=1e-5)


def test_lightgcn_values_are_those_of_autograd_through_the_propagation():
    backbone, players, utility = graph(), triplets(30), triplets(50, 1)
    held_out_loss = mean_loss(mean_of(backbone._by_autograd()), utility)
    (ahead,) = torch.autograd.grad(held_out_loss, backbone.table)
    want = []
    for each in players:
        (own,) = torch.autograd.grad(
            mean_loss(mean_of(backbone._by_autograd()), each[None]), backbone.table
        )
        want.append((own * ahead).sum())
    values = in_run_values(through_graph(backbone), players, utility, 1.0, order=1)
    torch.testing.assert_close(values, torch.stack(want), rtol=1e-3, atol=1e-6)
    identity = VectorState(through_graph(backbone).vectors, U, KINDS[0])
    direct = in_run_values(identity, players, utility, 1.0, order=1)
    assert not torch.allclose(values, direct, atol=1e-4)


@pytest.mark.parametrize("through", [False, True])
def test_the_one_step_game_takes_the_real_step(through):
    backbone = graph()
    state = through_graph(backbone) if through else state_of()
    players, utility, rate = triplets(8), triplets(60, 1), 2.0
    game = OneStepGame.of(state, players, utility, rate)
    members = torch.rand(5, 8, generator=rng.stream(0, "sets")) < 0.5
    table = backbone.table if through else state.vectors.clone().requires_grad_()
    for inside, utility_fall in zip(members, game.utility_of(members), strict=True):
        final = mean_of(backbone._by_autograd()) if through else table
        before = mean_loss(final, utility)
        loss = mean_loss(final, players[inside]) * inside.sum() / 8
        (slope,) = torch.autograd.grad(loss, table)
        with torch.no_grad():
            table -= rate * slope
            after = mean_loss(mean_of(backbone._by_autograd()) if through else table, utility)
            table += rate * slope
        fall = float((before - after).detach())
        assert float(utility_fall) == pytest.approx(fall, rel=2e-3, abs=2e-6)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("through", [False, True])
def test_the_expansion_has_the_closed_values(kind, through):
    tangent_kernel = graph().tangent_kernel if through else None
    state, players, utility = state_of(kind, tangent_kernel), triplets(8), triplets(60, 1)
    surrogate = OneStepGame.of(state, players, utility, 0.7).taylor()
    values = in_run_values(state, players, utility, 0.7)
    torch.testing.assert_close(values.double(), 8 * surrogate.values(), rtol=1e-3, atol=1e-6)
    torch.testing.assert_close(surrogate.values(), exact_values(surrogate))


def test_small_steps_are_second_order_and_estimators_agree_with_enumeration():
    state, players, utility = state_of(), triplets(10), triplets(200, 1)
    game = OneStepGame.of(state, players, utility, 4.0)
    want, closed = exact_values(game), game.taylor().values()
    first = in_run_values(state, players, utility, 4.0, order=1).double() / 10
    assert float((closed - want).norm()) < 0.5 * float((first - want).norm())
    stream = rng.stream(0, "permutations")
    plain = estimate(game, 200, stream, estimator="plain")
    ratio = {}
    for estimator in ("antithetic", "quadratic", "first_order"):
        surrogate = game.taylor()
        surrogate = surrogate.additive() if estimator == "first_order" else surrogate
        estimated = estimate(game, 200, stream, estimator=estimator, surrogate=surrogate)
        z = (estimated.value - want) / estimated.error.clamp(min=1e-12)
        assert float(z.abs().max()) < 4.5, estimator
        ratio[estimator] = float(plain.error.square().sum() / estimated.error.square().sum())
    assert ratio["antithetic"] > 10 and ratio["quadratic"] > 10
    assert ratio["first_order"] == pytest.approx(1, abs=0.3)


def test_symmetry_dummy_and_efficiency():
    state, players, utility = state_of(), triplets(9), triplets(60, 1)
    players[3] = players[7]
    players[5, 2] = players[5, 1]  # its positive and its negative are one: nothing to learn
    game = OneStepGame.of(state, players, utility, 1.0)
    closed = in_run_values(state, players, utility, 1.0).double()
    for values in (exact_values(game), closed):
        assert float(values[3]) == pytest.approx(float(values[7]), rel=1e-5)
        assert abs(float(values[5])) < 1e-9
    every = torch.ones(1, 9, dtype=torch.bool)
    assert float(exact_values(game).sum()) == pytest.approx(float(game.utility_of(every)), rel=1e-9)
    assert float(closed.mean()) == pytest.approx(
        float(game.taylor().utility_of(every)), rel=1e-4, abs=1e-7
    )


def test_a_triplet_apart_from_the_held_out_ones_has_no_value():
    state = state_of()
    players = torch.tensor([[0, U, U + 1], [1, U + 2, U + 3]])
    utility = torch.tensor([[1, U + 2, U + 4]])
    assert in_run_values(state, players, utility, 1.0)[0] == 0
    game = OneStepGame.of(state, players, utility, 1.0)
    assert game.utility_of(torch.tensor([[True, False]])) == 0


def test_one_step_of_retraining_by_singletons_is_the_one_step_game():
    for tangent_kernel in (None, graph().tangent_kernel):
        state, players, utility = state_of(KINDS[0], tangent_kernel), triplets(5), triplets(60, 1)
        one = OneStepGame.of(state, players, utility, 3.0)
        again = RetrainingGame(state, players, torch.arange(5), utility, 3.0, 1, 5)
        torch.testing.assert_close(exact_values(again), exact_values(one), rtol=1e-2, atol=2e-6)
        torch.testing.assert_close(
            again.taylor().values(), one.taylor().values(), rtol=1e-3, atol=1e-7
        )


def test_longer_retraining_goes_further_and_is_efficient():
    state, players = state_of(), triplets(60)
    groups = torch.arange(60) % 6
    short, long = (RetrainingGame(state, players, groups, players, 3.0, n, 6) for n in (1, 4))
    every = torch.ones(1, 6, dtype=torch.bool)
    assert 0 < float(short.utility_of(every)) < float(long.utility_of(every))
    assert float(exact_values(long).sum()) == pytest.approx(float(long.utility_of(every)), rel=1e-6)


def test_flipped_triplets_are_found():
    backbone = mf.build(mf.Config(dim=6, init=0.1), CONTEXT, rng.stream(0, "init"))
    users = torch.tensor(CONTEXT.train.rows)
    items = torch.tensor(CONTEXT.train.indices).long()
    g = rng.stream(0, "flips")
    table = backbone.table.detach()
    held = torch.rand(len(users), generator=g) < 0.3

    def nodes(which):
        u, i = users[which], items[which]
        free = CONTEXT.n_items - CONTEXT.excluded.sizes[u]
        rank = (torch.rand(len(u), generator=g) * free).long()
        return torch.stack([u, U + i, U + CONTEXT.excluded.non_member(u, rank)], 1)

    for _ in range(15):
        state = VectorState(table, U, KINDS[0])
        table = table - 20.0 * state.mean_gradient(nodes(~held))
    players = nodes(~held)
    flip = torch.rand(len(players), generator=g) < 0.1
    players[flip] = players[flip][:, [0, 2, 1]]
    utility = torch.cat([nodes(held) for _ in range(20)])
    value = in_run_values(VectorState(table, U, KINDS[0]), players, utility, 1.0)
    wrong, right = value[flip].unsqueeze(1), value[~flip]
    assert float((wrong < right).double().mean()) > 0.8
