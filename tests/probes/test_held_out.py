"""Held-out pairs of the probes, and the closed-form rate of false negatives."""

import numpy as np
import pytest
import torch
from helpers.probe_scenarios import held_pairs, pairs, small_scenario

from negbench.data.interactions import Csr
from negbench.data.membership import Membership
from negbench.parts.sampling.proposals import (
    UniformProposal,
    WeightedProposal,
    excluded_mass,
    sample_outside,
)
from negbench.probes.held_out import HeldOut, expected_false
from negbench.scenario.scenario import prepare

CPU = torch.device("cpu")
# Each observed interaction of kuairec draws once: the share that the user would like, in percent.
GOLDEN = {0.0: 6.10, 0.75: 10.30, 1.0: 12.32}
GOLDEN_TRAIN = {0.0: 6.37, 0.75: 10.88, 1.0: 13.04}


@pytest.mark.parametrize("exclude", ["train", "train+valid", "none"])
@pytest.mark.parametrize("planted", [0.0, 0.2])
def test_rates_are_those_of_a_loop_over_users(exclude, planted):
    scenario = small_scenario(exclude, planted)
    context = scenario.train_context(seed=0, device=CPU)
    held_out = HeldOut.of(scenario, context)
    held, excluded = held_pairs(scenario), pairs(scenario.excluded)
    for user in range(context.n_users):
        own = {j for u, j in held - excluded if u == user}
        free = context.n_items - sum(u == user for u, _ in excluded)
        assert float(held_out.rate[user]) == pytest.approx(len(own) / free)
    keys = {(k // context.n_items, k % context.n_items) for k in held_out.pairs.keys.tolist()}
    assert keys == held and not held_out.exact
    assert (held_out.planted is None) == (planted == 0)


def test_planted_pairs_leave_train_and_every_user_keeps_one():
    plain, scenario = small_scenario(), small_scenario(planted=0.3)
    assert len(scenario.planted) == round(0.3 * len(plain.split.train))
    assert pairs(scenario.planted) | pairs(scenario.split.train) == pairs(plain.split.train)
    assert not pairs(scenario.planted) & pairs(scenario.split.train)
    assert scenario.split.train.lengths[plain.split.train.lengths > 0].min() >= 1
    assert scenario.split.hash != plain.split.hash
    assert pairs(scenario.planted) <= pairs(scenario.masked("test"))
    assert pairs(scenario.masked("valid")) == pairs(plain.split.train)


def closed_form(train: Csr, held: Csr, beta: float) -> float:
    """Draws in proportion to popularity ** beta outside the user's own items, one for each pair."""
    weights = torch.from_numpy(train.counts.astype(float)) ** beta
    weights[torch.from_numpy(train.counts) == 0] *= 0 if beta else 1
    p = weights / weights.sum()
    mine, left = (excluded_mass(p, Membership.of(sets)) for sets in (held, train))
    n = torch.from_numpy(train.lengths)
    return float((n * mine / (1 - left)).sum() / n.sum())


def without(all_pairs: Csr, other: Csr) -> Csr:
    keys = np.setdiff1d(all_pairs.keys, other.keys)
    size = {"n_rows": other.n_rows, "n_columns": other.n_columns}
    return Csr.of(keys // other.n_columns, keys % other.n_columns, **size)


@pytest.fixture(scope="module")
def kuairec():
    return prepare("kuairec")


@pytest.mark.parametrize("beta", GOLDEN)
def test_kuairec_has_the_golden_rates_of_its_closed_form(kuairec, beta):
    data = kuairec.interactions
    size = {"n_rows": data.n_users, "n_columns": data.n_items}
    observed = Csr.of(data.users, data.items, **size)
    whole = closed_form(observed, without(data.truth, observed), beta)
    assert 100 * whole == pytest.approx(GOLDEN[beta], abs=0.005)
    train = kuairec.split.train
    assert len(train) == pytest.approx(0.9 * len(observed), rel=0.01)
    part = closed_form(train, without(data.truth, train), beta)
    assert 100 * part == pytest.approx(GOLDEN_TRAIN[beta], abs=0.06)


@pytest.mark.parametrize("beta", GOLDEN)
def test_draws_on_kuairec_keep_to_the_closed_form(kuairec, beta):
    context = kuairec.train_context(seed=0, device=CPU)
    held_out, train = HeldOut.of(kuairec, context), kuairec.split.train
    assert held_out.exact
    exact = closed_form(train, without(kuairec.interactions.truth, train), beta)
    users = torch.from_numpy(train.rows).repeat(4)
    proposal = (
        WeightedProposal.of(context.counts.double() ** beta)
        if beta
        else UniformProposal(context.n_items, CPU)
    )
    ids, mask = sample_outside(
        proposal, context.excluded, users, 1, torch.Generator().manual_seed(1)
    )
    assert mask is None
    rate = held_out.pairs.contains(users, ids).double().mean()
    error = (exact * (1 - exact) / len(users)) ** 0.5
    assert abs(float(rate) - exact) < 4 * error
    if not beta:
        chance = expected_false(held_out.rate, users, torch.ones(len(users))) / len(users)
        assert float(chance) == pytest.approx(exact, rel=1e-9)
