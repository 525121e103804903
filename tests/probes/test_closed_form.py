"""The rate of false negatives that a fixed proposal has, against loops and against draws."""

import numpy as np
import pytest
import torch
from helpers.probe_scenarios import fit_on, held_pairs, pairs, small_scenario

from negbench.backbones import sasrec
from negbench.composition import recipe
from negbench.ops import rng
from negbench.probes.monitor import FULL, Monitor
from negbench.probes.probe_set import closed_form_rate
from negbench.training.batches import Pairs
from negbench.training.config import TrainConfig
from negbench.training.fit import Fit

KNOWN = ["random(negatives=4)", "popularity(negatives=4)", "popularity(exponent=-1)", "in_batch"]


def rate_of(fit: Fit) -> float | None:
    of_pairs = isinstance(fit.batches, Pairs)
    rows = fit.batches.rows_per_user
    return closed_form_rate(fit.probes, fit.method, rows, of_pairs=of_pairs).get("fnr_closed")


def monitored(scenario, method, epochs=1):
    return fit_on(scenario, method, lambda w: [Monitor(scenario, w, FULL)], epochs=epochs)


@pytest.mark.parametrize("exclude", ["train", "train+valid"])
@pytest.mark.parametrize("method", KNOWN)
def test_draws_keep_to_the_closed_form(method, exclude):
    scenario = small_scenario(exclude, n_users=60, n_items=80, n=1500)
    fit = monitored(scenario, method, epochs=60)
    rows = fit.run().rows
    count, total = (sum(row[name] for row in rows) for name in ("fn_count", "fn_total"))
    rate = rate_of(fit)
    assert rate is not None
    # Draws of a pool are shared by its rows, so they vary more than as many of their own.
    slack = 4 * (rate / total) ** 0.5 * (3 if method == "in_batch" else 1)
    assert abs(count / total - rate) < slack


def test_every_item_gives_the_closed_form_to_rounding():
    fit = monitored(small_scenario(), "all_items")
    assert fit.run().rows[0]["fnr"] == pytest.approx(rate_of(fit), rel=1e-12)


@pytest.mark.parametrize("exclude", ["train", "none"])
def test_popular_negatives_by_a_loop(exclude):
    scenario = small_scenario(exclude)
    fit = monitored(scenario, "popularity(exponent=0.5,smoothing=2)")
    weights = (scenario.split.train.counts + 2.0) ** 0.5
    held, excluded, rates = held_pairs(scenario), pairs(scenario.excluded), []
    for u, _ in pairs(scenario.split.train):
        free = [j for j in range(scenario.split.n_items) if (u, j) not in excluded]
        liked = [j for j in free if (u, j) in held]
        rates.append(weights[liked].sum() / weights[free].sum())
    assert rate_of(fit) == pytest.approx(np.mean(rates))


@pytest.mark.parametrize("method", ["dns", "mixed", "adaptive", "random+dns"])
def test_a_method_that_chooses_has_no_closed_form(method):
    assert rate_of(monitored(small_scenario(), method)) is None


def test_nor_has_one_that_masks_positives_row_by_row_or_is_not_watched():
    assert rate_of(monitored(small_scenario("none"), "in_batch")) is None
    assert rate_of(monitored(small_scenario("none"), "random")) is not None
    assert rate_of(fit_on(small_scenario(), "random")) is None


def test_sequences_count_their_own_rows_and_their_batches_are_no_random_pairs():
    scenario = small_scenario()
    context = scenario.train_context(seed=0, device=torch.device("cpu"))
    for method, known in (("random", True), ("in_batch", False)):
        model = sasrec.build(sasrec.Config(dim=8), context, rng.stream(0, "init"))
        probes = [Monitor(scenario, context, FULL)]
        config = TrainConfig(epochs=1)
        fit = Fit(recipe(method).build(), model, context, config, probes=probes)
        assert (rate_of(fit) is not None) == known
        lengths = scenario.split.train.lengths
        assert fit.batches.rows_per_user.tolist() == np.maximum(lengths - 1, 0).tolist()
