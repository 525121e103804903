"""True negatives and judged draws against loops, and the estimate over random judgements."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from helpers.probe_scenarios import fit_on, pairs, small_scenario

from negbench.data.interactions import Csr
from negbench.parts.sampling.proposals import UniformProposal, WeightedProposal, sample_outside
from negbench.probes.monitor import FULL, Budget, Monitor
from negbench.probes.negative_ids import NegativeIds
from negbench.probes.probe_set import pooled, probe_record
from negbench.probes.true_negative_rate import TrueNegativeRate
from negbench.scenario.scenario import Scenario

CPU = torch.device("cpu")


def cells(scenario: Scenario, at: np.ndarray) -> Csr:
    size = {"n_rows": scenario.split.n_users, "n_columns": scenario.split.n_items}
    return Csr.of(*np.nonzero(at), **size)


def judged_scenario(
    seed: int = 0, at_random: bool = True, **size: int
) -> tuple[Scenario, np.ndarray]:
    """A scenario whose every true preference is drawn, some of them judged; and all of them."""
    scenario = small_scenario(**size)
    data, random = scenario.interactions, np.random.default_rng(seed)
    popular = np.linspace(0.02, 0.6, data.n_items)  # items of higher id are liked by more
    true = random.random((data.n_users, data.n_items)) < popular
    true[data.users, data.items] = True
    share = np.where(np.arange(data.n_users) % 2, 0.1, 0.5)[:, None]  # some are judged more
    judged = random.random(true.shape) < share
    truth = cells(scenario, true & judged)
    data = replace(data, truth=truth, judged=cells(scenario, judged), judged_at_random=at_random)
    return replace(scenario, interactions=data), true


class Loops:
    """A probe that notes every used negative."""

    def __init__(self) -> None:
        self.seen: list[tuple[int, int]] = []

    def wants(self, number: int) -> bool:
        return True

    def watch(self, step, drawn, used, feedback) -> None:
        for user, row in zip(step.batch.users.tolist(), used.ids.tolist(), strict=True):
            self.seen += [(user, item) for item in row]

    def epoch(self, number: int) -> dict[str, float]:
        return {}


def test_rates_are_what_loops_count() -> None:
    scenario, _ = judged_scenario()
    data, train = scenario.interactions, pairs(scenario.split.train)
    shown = cells(scenario, np.random.default_rng(1).random((40, 30)) < 0.1)
    scenario = replace(scenario, interactions=replace(data, unchosen=shown))
    loops = Loops()
    fit = fit_on(
        scenario, "random(negatives=3)", lambda context: [Monitor(scenario, context, FULL), loops]
    )
    row = fit.run().rows[0]
    judged, true = pairs(data.judged) - train, pairs(data.truth) - train
    parts = scenario.split
    positive = train | pairs(parts.valid) | pairs(parts.test) | pairs(data.truth)
    negative = (pairs(data.judged) | pairs(shown)) - positive
    n = len(loops.seen)
    assert row["tn_total"] == n and row["tn_count"] == sum(p in negative for p in loops.seen)
    assert row["tnr"] == row["tn_count"] / n
    assert row["fj_total"] == sum(p in judged for p in loops.seen) > 0
    assert row["fj_count"] == sum(p in judged & true for p in loops.seen) > 0
    assert row["fnr_judged"] == row["fj_count"] / row["fj_total"]
    free = {u: 30 - sum(v == u for v, _ in train) for u in range(40)}
    chance = sum(sum(v == u for v, _ in negative) / free[u] for u, _ in loops.seen)
    assert row["tnr_expected"] == pytest.approx(chance / n)
    assert row["tnr_lift"] == pytest.approx(row["tn_count"] / chance)
    each = {u: free[u] / max(1, sum(v == u for v, _ in judged)) for u in range(40)}
    above = sum(each[p[0]] for p in loops.seen if p in judged & true)
    below = sum(each[p[0]] for p in loops.seen if p in judged)
    assert row["fnr_random"] == pytest.approx(above / below)
    assert row["fr_total"] == pytest.approx(row["fj_total"], rel=0.1)


@pytest.mark.parametrize("beta", [0.0, 1.0])
def test_the_estimate_over_random_judgements_is_right_on_average(beta: float) -> None:
    """Over many random judgements its mean is the rate of all draws; the rate of judged draws is
    not, since those who were judged more draw it to themselves."""
    estimates, raw, whole = [], [], []
    generator = torch.Generator().manual_seed(0)
    for seed in range(40):
        scenario, true = judged_scenario(seed)
        like = true.copy()
        like[::2] = False  # those who are judged more like less
        train = scenario.split.train
        like[train.rows, train.indices] = True
        data = scenario.interactions
        marked = np.zeros_like(true)
        marked[data.judged.rows, data.judged.indices] = True
        data = replace(data, truth=cells(scenario, like & marked))
        scenario = replace(scenario, interactions=data)
        context = scenario.train_context(seed=0, device=CPU)
        users = torch.from_numpy(train.rows)
        items = WeightedProposal.of(torch.arange(1.0, 31.0)) if beta else UniformProposal(30, CPU)
        ids, _ = sample_outside(items, context.excluded, users, 16, generator)
        meter = TrueNegativeRate(scenario, context)
        mask = torch.ones_like(ids, dtype=torch.bool)
        meter.update(NegativeIds(users, ids, mask, ids, mask))
        metrics = meter.epoch_metrics()
        estimates.append(metrics["fnr_random"])
        raw.append(metrics["fnr_judged"])
        known = torch.from_numpy(like)[users.unsqueeze(1), ids]
        whole.append(float(known.double().mean()))
    error = np.std(np.array(estimates) - whole) / len(whole) ** 0.5
    assert np.mean(estimates) == pytest.approx(np.mean(whole), abs=4 * error + 0.002)
    assert np.mean(raw) < np.mean(whole) - 0.05


def test_only_random_judgements_speak_for_all_draws() -> None:
    scenario, _ = judged_scenario(at_random=False)
    fit = fit_on(scenario, "random", lambda context: [Monitor(scenario, context, FULL)])
    row = fit.run().rows[0]
    assert "fnr_judged" in row and "fnr_random" not in row and "fr_total" not in row


def test_data_that_know_no_negative_have_no_such_metrics() -> None:
    scenario = small_scenario()
    fit = fit_on(scenario, "random", lambda context: [Monitor(scenario, context, FULL)])
    assert not {"tnr", "tn_total", "fnr_judged", "fj_total"} & fit.run().rows[0].keys()


def test_steps_between_the_watched_ones_are_counted_too() -> None:
    scenario, _ = judged_scenario(n_users=60, n_items=300, n=1500)
    few = Budget(every=8, negatives=128, rows=8, items=50, events=1e9)
    rows = [
        fit_on(scenario, "random(negatives=4)", lambda w, b=b: [Monitor(scenario, w, b)]).run().rows
        for b in (FULL, few)
    ]
    assert rows[1][0]["tn_total"] > 0.8 * rows[0][0]["tn_total"]
    assert rows[1][0]["tnr"] == pytest.approx(rows[0][0]["tnr"], rel=0.1)


def test_rates_are_exact_only_where_every_pair_is_judged() -> None:
    scenario, _ = judged_scenario()
    assert probe_record("sample", 0, 0.0, scenario)["exact"] is False
    whole = replace(scenario, interactions=replace(scenario.interactions, judged=None))
    assert probe_record("sample", 0, 0.0, whole)["exact"] is True


def test_the_metrics_of_a_training_are_pooled() -> None:
    rows = [
        {"epoch": 1, "tnr": 0.1, "tnr_expected": 0.05, "tn_total": 10, "tn_count": 1, "tn_cc": 1}
        | {"fnr_judged": 0.5, "fj_total": 2, "fj_count": 1},
        {"epoch": 2, "tnr": 0.2, "tnr_expected": 0.05, "tn_total": 30, "tn_count": 6, "tn_cc": 6},
    ]
    metrics = pooled(rows, 2)
    assert metrics["tnr"] == pytest.approx(7 / 40) and metrics["tnr_lift"] == pytest.approx(3.5)
    assert (metrics["tn_count"], metrics["tn_cc"], metrics["fnr_judged"]) == (7, 7, 0.5)
