"""Held-out pairs, the pool, buckets and weights; correct errors of repeated measurements."""

import numpy as np
import pytest
import torch
from helpers.toy_data import small_context

from negbench.data.interactions import Csr
from negbench.methods.shapley.buckets import Buckets, bucket_means
from negbench.methods.shapley.in_run_values import in_run_values
from negbench.methods.shapley.triplet_gradients import VectorState
from negbench.methods.shapley.triplet_pool import TripletPool
from negbench.methods.shapley.valuation import HeldOutTriplets, Valuation, mean_and_error
from negbench.methods.shapley.value_weights import sample_candidate, softmax_weights
from negbench.ops import rng
from negbench.parts.holdout_pairs import hold_out
from negbench.protocol.view import Similarity

CONTEXT = small_context()
HELD_OUT, LEFT = hold_out(CONTEXT.train, 0.25, 0)
U = CONTEXT.n_users


def state_of():
    table = 0.5 * torch.randn(U + CONTEXT.n_items, 4, generator=rng.stream(0, "table"))
    return VectorState(table, U, Similarity())


def pool_of(candidates=3, most=10**6):
    return TripletPool.of(LEFT, CONTEXT, candidates, most)


def all_held_out(state):
    """Of every held-out pair, all the triplets that may be drawn."""
    for u, i in zip(HELD_OUT.rows.tolist(), HELD_OUT.indices.tolist(), strict=True):
        free = int(CONTEXT.n_items - CONTEXT.excluded.sizes[u])
        of = torch.full((free,), u)
        ids = CONTEXT.excluded.non_member(of, torch.arange(free))
        yield state.nodes(of, torch.full((free,), i), ids)


def test_holding_out_parts_the_train_pairs_and_spares_the_last():
    both = np.concatenate([HELD_OUT.keys, LEFT.keys])
    assert np.array_equal(np.sort(both), CONTEXT.train.keys)
    assert len(HELD_OUT) == round(0.25 * len(CONTEXT.train))
    assert (LEFT.lengths[CONTEXT.train.lengths > 0] > 0).all()
    again, _ = hold_out(CONTEXT.train, 0.25, 0)
    other, _ = hold_out(CONTEXT.train, 0.25, 1)
    assert np.array_equal(again.keys, HELD_OUT.keys) and not np.array_equal(
        other.keys, HELD_OUT.keys
    )


def test_a_user_with_one_pair_keeps_it():
    train = Csr.of([0, 1, 1], [0, 1, 2], n_rows=3, n_columns=3)
    held_out, left = hold_out(train, 0.9, 0)
    assert held_out.lengths.tolist() == [0, 1, 0] and left.lengths.tolist() == [1, 1, 0]


def test_the_pool_holds_allowed_negatives_of_pairs_that_are_left():
    pool = pool_of()
    users, positives, negatives = pool.triplets
    assert len(pool) == len(LEFT) and len(users) == 3 * len(LEFT)
    assert not CONTEXT.excluded.contains(users, negatives.unsqueeze(1)).any()
    keys = set(LEFT.keys.tolist())
    assert set((users * CONTEXT.n_items + positives).tolist()) == keys
    at, in_pool = pool.find(torch.tensor(LEFT.rows), torch.tensor(LEFT.indices).long())
    assert in_pool.all() and torch.equal(pool.users[at], torch.tensor(LEFT.rows))
    out = torch.tensor(HELD_OUT.rows), torch.tensor(HELD_OUT.indices).long()
    assert not pool.find(*out)[1].any()
    assert len(pool_of(most=30)) == 10


def test_values_are_a_moving_mean_and_come_back():
    pool = pool_of()
    n = 3 * len(LEFT)
    one, two = torch.rand(2, n, generator=rng.stream(0, "values")).unbind()
    assert pool.record() == {}
    pool.add(one, torch.full((n,), 0.3), one, 3, 0.5)
    pool.add(two, torch.full((n,), 0.4), two, 5, 0.5)
    record = pool.record()
    assert len(record["user"]) == n and record["epoch"].tolist() == [5] * n
    torch.testing.assert_close(record["value"], (one + two) / 2)
    torch.testing.assert_close(record["error"], torch.full((n,), 0.25))
    torch.testing.assert_close(record["hardness"], two)
    again = pool_of()
    again.load_state_dict(pool.state_dict())
    assert all(torch.equal(a, record[name]) for name, a in again.record().items())


def test_errors_of_repeated_measurements_cover():
    g = rng.stream(0, "noise")
    inside = []
    for _ in range(50):
        mean, error = mean_and_error(lambda: torch.randn(40, generator=g) * 3 + 1, 8)
        inside.append((mean - 1).abs() <= 2.365 * error)  # Student's t, 7 degrees
    assert 0.93 <= float(torch.stack(inside).double().mean()) <= 0.97
    values = torch.randn(5, 6, generator=g)
    rows = iter(values)
    mean, error = mean_and_error(lambda: next(rows), 5)
    torch.testing.assert_close(mean, values.mean(0))
    torch.testing.assert_close(error, values.std(0) / 5**0.5)


@pytest.mark.parametrize("order", [1, 2])
def test_in_run_values_are_unbiased_and_their_errors_cover(order):
    state, held_out = state_of(), HeldOutTriplets.of(HELD_OUT, CONTEXT)
    players = state.nodes(*pool_of(2).triplets)
    pairs, g = len(LEFT), rng.stream(0, "held out")
    valuation = Valuation(order=order, measurements=8, utility=150, rate=0.05)
    each = [
        in_run_values(state, players, nodes, 0.05 * pairs, order=order)
        for nodes in all_held_out(state)
    ]
    want = torch.stack(each).mean(0)
    inside, off = [], []
    for _ in range(12):
        value, error = valuation.values(
            state, players, lambda n: held_out.sample(n, state, g), pairs, players[:, 0], g
        )
        inside.append((value - want).abs() <= 2.365 * error + 1e-7)
        off.append(value - want)
    assert 0.91 <= float(torch.stack(inside).double().mean()) <= 0.98
    drift = torch.stack(off)
    z = drift.mean(0) / (drift.std(0) / 12**0.5).clamp(min=1e-9)
    assert float(z.abs().median()) < 1.1


@pytest.mark.parametrize("estimator", ["antithetic", "quadratic", "plain"])
def test_one_step_and_in_run_give_the_same_values(estimator):
    state, held_out = state_of(), HeldOutTriplets.of(HELD_OUT, CONTEXT)
    players = state.nodes(*pool_of(1).triplets)[:64]
    g = rng.stream(0, "one step")
    utility = held_out.sample(2000, state, g)

    def valued(**settings):
        valuation = Valuation(measurements=3, rate=0.02, **settings)
        return valuation.values(state, players, lambda n: utility, 64, players[:, 0], g)[0]

    walked, closed = valued(game="one_step", estimator=estimator), valued(order=1)
    assert float(torch.corrcoef(torch.stack([walked, closed]))[0, 1]) > 0.98
    assert float(walked.std() / closed.std()) == pytest.approx(1, abs=0.1)


def test_retraining_values_groups_and_sums_to_the_fall():
    state, held_out = state_of(), HeldOutTriplets.of(HELD_OUT, CONTEXT)
    players = state.nodes(*pool_of(1).triplets)
    groups, g = players[:, 0] % 4 + 10, rng.stream(0, "retrain")
    valuation = Valuation(
        game="retrain", measurements=3, utility=400, rate=0.1, tolerance=0.0, estimator="plain"
    )
    utility = held_out.sample(400, state, g)
    value, error = valuation.values(state, players, lambda n: utility, len(LEFT), groups, g)
    for group in groups.unique():
        assert len(value[groups == group].unique()) == 1
    step = state.vectors - 0.1 * len(LEFT) * state.mean_gradient(players)
    after = VectorState(step, U, Similarity()).losses(utility).mean()
    fall = float(state.losses(utility).mean() - after)
    assert float(value.mean()) == pytest.approx(fall, rel=1e-3) and bool((error >= 0).all())


def test_buckets_are_alike_in_size_and_average():
    g = rng.stream(0, "buckets")
    hardness, counts = torch.randn(2, 4000, generator=g).unbind()
    buckets = Buckets.of(hardness, counts, 4, 2)
    index = buckets.index(hardness, counts)
    sizes = torch.bincount(index, minlength=buckets.n)
    assert buckets.n == 8 and int(sizes.min()) > 400 and int(sizes.max()) < 600
    values = torch.rand(4000, generator=g)
    averages = bucket_means(values, index, 9)
    assert float(averages[3]) == pytest.approx(float(values[index == 3].mean()), rel=1e-4)
    assert float(averages[8]) == pytest.approx(float(values.mean()), rel=1e-4)


def test_weights_have_mean_one_and_keep_the_order():
    values = torch.randn(500, generator=rng.stream(0, "w")) * 7
    weight = softmax_weights(values, 1.0, 0.2)
    assert float(weight.mean()) == pytest.approx(1, abs=1e-4) and float(weight.min()) >= 0.2
    assert bool((weight[values.argsort()].diff() >= 0).all())
    torch.testing.assert_close(softmax_weights(values, 1e9, 0.2), torch.ones(500))
    torch.testing.assert_close(softmax_weights(torch.full((5,), 3.0), 1.0, 0.2), torch.ones(5))


@pytest.mark.parametrize("how", ["weights", "resample", "corrected"])
def test_sampled_candidates_have_the_right_weight_in_expectation(how):
    weight = torch.tensor([[0.5, 2.0, 0.0, 1.0]]).expand(60_000, 4)
    loss = torch.tensor([3.0, 1.0, 100.0, 7.0])
    at, own, of_row = sample_candidate(weight, rng.stream(0, "chosen"), how)
    mean_loss = float((loss[at.squeeze(1)] * own.squeeze(1) * of_row).mean())
    even = (3 + 1 + 7) / 3
    want = even if how == "corrected" else (0.5 * 3 + 2 * 1 + 1 * 7) / 3
    assert mean_loss == pytest.approx(want, rel=0.02)
