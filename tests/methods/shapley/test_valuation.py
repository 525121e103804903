"""Carving, the pool, buckets and weights; and errors of repeated measurements that are right."""

import numpy as np
import pytest
import torch
from helpers.toy_data import small_context

from negbench.data.interactions import Csr
from negbench.methods.shapley.buckets import Buckets, means
from negbench.methods.shapley.in_run_values import in_run
from negbench.methods.shapley.triplet_gradients import Moment
from negbench.methods.shapley.triplet_pool import ValuedPool
from negbench.methods.shapley.valuation import HeldOutTriplets, Valuing, repeated
from negbench.methods.shapley.value_weights import chosen, tempered
from negbench.ops import rng
from negbench.parts.holdout_pairs import carve
from negbench.protocol.view import Similarity

WORLD = small_context()
CARVED, LEFT = carve(WORLD.train, 0.25, 0)
U = WORLD.n_users


def moment_of():
    table = 0.5 * torch.randn(U + WORLD.n_items, 4, generator=rng.stream(0, "table"))
    return Moment(table, U, Similarity())


def pool_of(candidates=3, most=10**6):
    return ValuedPool.of(LEFT, WORLD, candidates, most)


def all_held_out(moment):
    """Of every carved pair, all the triplets that may be drawn."""
    for u, i in zip(CARVED.rows.tolist(), CARVED.indices.tolist(), strict=True):
        free = int(WORLD.n_items - WORLD.excluded.sizes[u])
        of = torch.full((free,), u)
        ids = WORLD.excluded.non_member(of, torch.arange(free))
        yield moment.nodes(of, torch.full((free,), i), ids)


def test_carving_parts_the_train_pairs_and_spares_the_last():
    both = np.concatenate([CARVED.keys, LEFT.keys])
    assert np.array_equal(np.sort(both), WORLD.train.keys)
    assert len(CARVED) == round(0.25 * len(WORLD.train))
    assert (LEFT.lengths[WORLD.train.lengths > 0] > 0).all()
    again, _ = carve(WORLD.train, 0.25, 0)
    other, _ = carve(WORLD.train, 0.25, 1)
    assert np.array_equal(again.keys, CARVED.keys) and not np.array_equal(other.keys, CARVED.keys)


def test_a_user_with_one_pair_keeps_it():
    train = Csr.of([0, 1, 1], [0, 1, 2], n_rows=3, n_columns=3)
    held, left = carve(train, 0.9, 0)
    assert held.lengths.tolist() == [0, 1, 0] and left.lengths.tolist() == [1, 1, 0]


def test_the_pool_holds_allowed_negatives_of_pairs_that_are_left():
    pool = pool_of()
    users, positives, negatives = pool.triplets
    assert len(pool) == len(LEFT) and len(users) == 3 * len(LEFT)
    assert not WORLD.excluded.contains(users, negatives.unsqueeze(1)).any()
    keys = set(LEFT.keys.tolist())
    assert set((users * WORLD.n_items + positives).tolist()) == keys
    at, found = pool.find(torch.tensor(LEFT.rows), torch.tensor(LEFT.indices).long())
    assert found.all() and torch.equal(pool.users[at], torch.tensor(LEFT.rows))
    out = torch.tensor(CARVED.rows), torch.tensor(CARVED.indices).long()
    assert not pool.find(*out)[1].any()
    assert len(pool_of(most=30)) == 10


def test_values_are_a_moving_mean_and_come_back():
    pool = pool_of()
    n = 3 * len(LEFT)
    one, two = torch.rand(2, n, generator=rng.stream(0, "values")).unbind()
    assert pool.recorded() == {}
    pool.add(one, torch.full((n,), 0.3), one, 3, 0.5)
    pool.add(two, torch.full((n,), 0.4), two, 5, 0.5)
    kept = pool.recorded()
    assert len(kept["user"]) == n and kept["epoch"].tolist() == [5] * n
    torch.testing.assert_close(kept["value"], (one + two) / 2)
    torch.testing.assert_close(kept["error"], torch.full((n,), 0.25))
    torch.testing.assert_close(kept["hardness"], two)
    again = pool_of()
    again.load_state_dict(pool.state_dict())
    assert all(torch.equal(a, kept[name]) for name, a in again.recorded().items())


def test_errors_of_repeated_measurements_cover():
    g = rng.stream(0, "noise")
    inside = []
    for _ in range(50):
        mean, error = repeated(lambda: torch.randn(40, generator=g) * 3 + 1, 8)
        inside.append((mean - 1).abs() <= 2.365 * error)  # Student's t, 7 degrees
    assert 0.93 <= float(torch.stack(inside).double().mean()) <= 0.97
    values = torch.randn(5, 6, generator=g)
    rows = iter(values)
    mean, error = repeated(lambda: next(rows), 5)
    torch.testing.assert_close(mean, values.mean(0))
    torch.testing.assert_close(error, values.std(0) / 5**0.5)


@pytest.mark.parametrize("order", [1, 2])
def test_in_run_values_are_unbiased_and_their_errors_cover(order):
    moment, held = moment_of(), HeldOutTriplets.of(CARVED, WORLD)
    players = moment.nodes(*pool_of(2).triplets)
    pairs, g = len(LEFT), rng.stream(0, "held out")
    valuing = Valuing(order=order, measurements=8, utility=150, rate=0.05)
    each = [
        in_run(moment, players, nodes, 0.05 * pairs, order=order) for nodes in all_held_out(moment)
    ]
    want = torch.stack(each).mean(0)
    inside, off = [], []
    for _ in range(12):
        value, error = valuing.values(
            moment, players, lambda n: held.draw(n, moment, g), pairs, players[:, 0], g
        )
        inside.append((value - want).abs() <= 2.365 * error + 1e-7)
        off.append(value - want)
    assert 0.91 <= float(torch.stack(inside).double().mean()) <= 0.98
    drift = torch.stack(off)
    z = drift.mean(0) / (drift.std(0) / 12**0.5).clamp(min=1e-9)
    assert float(z.abs().median()) < 1.1


@pytest.mark.parametrize("estimator", ["antithetic", "quadratic", "plain"])
def test_one_step_and_in_run_speak_of_the_same_values(estimator):
    moment, held = moment_of(), HeldOutTriplets.of(CARVED, WORLD)
    players = moment.nodes(*pool_of(1).triplets)[:64]
    g = rng.stream(0, "one step")
    utility = held.draw(2000, moment, g)

    def valued(**settings):
        valuing = Valuing(measurements=3, rate=0.02, **settings)
        return valuing.values(moment, players, lambda n: utility, 64, players[:, 0], g)[0]

    walked, closed = valued(game="one_step", estimator=estimator), valued(order=1)
    assert float(torch.corrcoef(torch.stack([walked, closed]))[0, 1]) > 0.98
    assert float(walked.std() / closed.std()) == pytest.approx(1, abs=0.1)


def test_retraining_values_groups_and_sums_to_the_fall():
    moment, held = moment_of(), HeldOutTriplets.of(CARVED, WORLD)
    players = moment.nodes(*pool_of(1).triplets)
    groups, g = players[:, 0] % 4 + 10, rng.stream(0, "retrain")
    valuing = Valuing(
        game="retrain", measurements=3, utility=400, rate=0.1, tolerance=0.0, estimator="plain"
    )
    utility = held.draw(400, moment, g)
    value, error = valuing.values(moment, players, lambda n: utility, len(LEFT), groups, g)
    for group in groups.unique():
        assert len(value[groups == group].unique()) == 1
    step = moment.vectors - 0.1 * len(LEFT) * moment.gradient(players)
    after = Moment(step, U, Similarity()).losses(utility).mean()
    fall = float(moment.losses(utility).mean() - after)
    assert float(value.mean()) == pytest.approx(fall, rel=1e-3) and bool((error >= 0).all())


def test_buckets_are_alike_in_size_and_average():
    g = rng.stream(0, "buckets")
    hardness, counts = torch.randn(2, 4000, generator=g).unbind()
    made = Buckets.of(hardness, counts, 4, 2)
    which = made.which(hardness, counts)
    sizes = torch.bincount(which, minlength=made.n)
    assert made.n == 8 and int(sizes.min()) > 400 and int(sizes.max()) < 600
    values = torch.rand(4000, generator=g)
    found = means(values, which, 9)
    assert float(found[3]) == pytest.approx(float(values[which == 3].mean()), rel=1e-4)
    assert float(found[8]) == pytest.approx(float(values.mean()), rel=1e-4)


def test_weights_have_mean_one_and_keep_the_order():
    values = torch.randn(500, generator=rng.stream(0, "w")) * 7
    weight = tempered(values, 1.0, 0.2)
    assert float(weight.mean()) == pytest.approx(1, abs=1e-4) and float(weight.min()) >= 0.2
    assert bool((weight[values.argsort()].diff() >= 0).all())
    torch.testing.assert_close(tempered(values, 1e9, 0.2), torch.ones(500))
    torch.testing.assert_close(tempered(torch.full((5,), 3.0), 1.0, 0.2), torch.ones(5))


@pytest.mark.parametrize("how", ["weights", "resample", "corrected"])
def test_what_is_drawn_counts_as_it_should_in_expectation(how):
    weight = torch.tensor([[0.5, 2.0, 0.0, 1.0]]).expand(60_000, 4)
    loss = torch.tensor([3.0, 1.0, 100.0, 7.0])
    at, own, of_row = chosen(weight, rng.stream(0, "chosen"), how)
    found = float((loss[at.squeeze(1)] * own.squeeze(1) * of_row).mean())
    even = (3 + 1 + 7) / 3
    want = even if how == "corrected" else (0.5 * 3 + 2 * 1 + 1 * 7) / 3
    assert found == pytest.approx(want, rel=0.02)
