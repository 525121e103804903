"""In how many steps false negatives are counted, and how well that fixes their rate."""

from dataclasses import replace

import pytest
import torch
from helpers.probe_scenarios import fit_on, small_scenario

from negbench.analysis.measures.rare_rates import SUMS, design_effect, interval, known
from negbench.composition import recipe
from negbench.experiment.cell.run import prepare_fit
from negbench.experiment.cell.spec import CellSpec
from negbench.probes.held_out import rate_of_rows
from negbench.probes.monitor import FULL, SAMPLE, Monitor
from negbench.probes.probe_set import pooled
from negbench.scenario.scenario import prepare
from negbench.training.config import TrainConfig


def test_sample_watches_the_first_step_of_every_sixteen():
    scenario = small_scenario()
    context = scenario.train_context(seed=0, device=torch.device("cpu"))
    monitor = Monitor(scenario, context, SAMPLE)
    assert [n for n in range(1, 40) if monitor.wants(n)] == [1, 17, 33]
    assert recipe("random").build()


@pytest.mark.parametrize("method", ["random(negatives=3)", "dns(candidates=4)", "in_batch"])
def test_false_negatives_are_counted_in_every_step_where_they_are_few(method):
    scenario = small_scenario()
    modes = [FULL, replace(SAMPLE, every=4, events=1e9)]
    whole, part = (
        fit_on(scenario, method, lambda w, b=budget: [Monitor(scenario, w, b)]).run().rows[0]
        for budget in modes
    )
    for name in ("fn_count", "fn_total", "fn_cc", "fn_ct", "fn_tt", "fnr_drawn", "fnr_expected"):
        assert part[name] == pytest.approx(whole[name]), name
    assert part["ranked"] < whole["ranked"]


def test_no_more_is_counted_than_holds_the_events():
    scenario = small_scenario(n_users=60, n_items=300, n=1500)
    budget = replace(SAMPLE, every=10**6, events=20)
    fit = fit_on(
        scenario, "random(negatives=8)", lambda w: [Monitor(scenario, w, budget)], batch_size=8
    )
    row = fit.run().rows[0]
    # The first step is watched whatever comes; the others are as many as 20 events need, of rows
    # whose 8 negatives are alike.
    _, alike = rate_of_rows(fit.probes[0].held_out.rate, fit.batches.rows_per_user)
    needed = 20 * (1 + 7 * alike)
    assert needed <= row["fn_total"] * row["fnr_expected"] < 1.3 * needed
    assert row["fn_total"] < 0.5 * fit.progress.negatives


@pytest.mark.parametrize(
    ("dataset", "method"), [("goodbooks", "random"), ("kuairec", "random(negatives=64)")]
)
def test_five_epochs_fix_a_rate_to_ten_percent(dataset, method):
    scenario = prepare(dataset)
    spec = CellSpec(dataset, "mf", method, train=TrainConfig(epochs=5))
    fit = prepare_fit(spec, scenario, torch.device("cpu"))
    for number in range(5):
        fit.progress.rows.append(fit.epoch())
        fit.progress.epoch = number + 1
    metrics = pooled(fit.progress.rows, 5)
    sums = [metrics[f"fn_{name}"] for name in SUMS]
    assert known(metrics["fnr"], *map(float, interval(*sums[:2], design_effect(*sums))))
