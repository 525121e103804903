"""Estimates: a likely figure and a bound, learnt from phases, refreshes and finished cells."""

import time
from dataclasses import replace
from itertools import count

import pytest
from helpers.small_runs import SMALL, go

from negbench.experiment import console
from negbench.experiment.estimate import grid, pairing, typical_epochs
from negbench.experiment.estimate.grid import estimate
from negbench.experiment.estimate.stopwatch import Deadline, OutOfTime, Stopwatch
from negbench.experiment.options.options import build, flatten
from negbench.experiment.plan import plan
from negbench.training.config import TrainConfig

BURNS = """
import time
from negbench.parts import BPR, Uniform
from negbench.protocol import Card, Method, Phase
CARD = Card(title="Burns seconds of the CPU", family="toy")
def burn(seconds):
    end = time.process_time() + seconds
    while time.process_time() < end:
        pass
class Burning(Uniform):
    def own_phase(self):
        return Phase("slow", {begins})
    def begin(self, context):
        burn({begin})
        super_begin = getattr(super(), "begin", None)
        if super_begin:
            super_begin(context)
    def refresh(self, epoch):
        burn({refresh} if epoch.number != {once} else 0.5)
    def sample(self, step):
        burn({late} if step.epoch >= {begins} else {early})
        return super().sample(step)
def build(config):
    return Method(sampler=Burning(1), objective=BPR())
"""
QUIET = {"begins": 1, "begin": 0, "refresh": 0, "once": 0, "early": 0, "late": 0}


@pytest.fixture
def ticking(monkeypatch):
    """CPU time that only passes where it is read, a millisecond a time: no load can change it."""
    ticks = count()
    monkeypatch.setattr(time, "process_time", lambda: next(ticks) / 1000)


def burning(plugin, **costs):
    """A plug-in whose parts take so many seconds."""
    return plugin("burning", BURNS.format(**{**QUIET, **costs}))


def estimated(out, budget=0.0, **raw):
    """The estimate of a small grid, and its planned cells."""
    options = build(flatten({**SMALL, "methods": "random", "seeds": 1, "out": str(out), **raw}))
    planned = plan(options)
    return estimate(planned.cells, planned.scenarios, out, device="cpu", budget=budget), planned


def one(out, **raw):
    known, _ = estimated(out, **raw)
    (single,) = known.known.values()
    return single


def test_the_likely_figure_is_below_the_bound_and_cells_add_up(tmp_path):
    known, planned = estimated(tmp_path, methods="random,dns", seeds=3, epochs=400)
    assert len(known.known) == known.pairings == 2 and not known.is_cut
    for each in known.known.values():
        assert 0 < each.likely < each.bound and each.epochs < 400
    likely, bound = known.seconds(planned.cells)
    assert likely == pytest.approx(3 * sum(each.likely for each in known.known.values()))
    assert bound == pytest.approx(3 * sum(each.bound for each in known.known.values()))
    assert known.likely_of_all(planned.cells) == pytest.approx(likely)
    short, _ = estimated(tmp_path, epochs=2)
    assert all(each.likely == each.bound for each in short.known.values())


def test_rows_of_two_objectives_are_told_apart(tmp_path):
    rows = "random,random(objective=softmax),dns(candidates=4)@dim=8"
    known, _ = estimated(tmp_path, methods=rows)
    assert [each.method for each in known.known.values()] == [
        "random",
        "random(objective=softmax)",
        "dns(candidates=4)@dim=8",
    ]


def test_refreshes_and_preparation_are_counted(tmp_path, plugin, ticking):
    plain = one(tmp_path, methods="burning", plugins=[burning(plugin)], epochs=10)
    path = burning(plugin, refresh=0.05, begin=0.2)
    slow = one(tmp_path, methods="burning", plugins=[path], epochs=10)
    assert slow.bound - plain.bound == pytest.approx(10 * 0.05 + 0.2, rel=0.2)
    assert slow.epoch - plain.epoch == pytest.approx(0.05, rel=0.2)


def test_the_steps_of_a_phase_are_timed_in_it(tmp_path, plugin, ticking):
    path = burning(plugin, begins=6, late=0.05)
    slow = one(tmp_path, methods="burning", plugins=[path], epochs=20)
    plain = one(tmp_path, methods="burning", plugins=[burning(plugin, begins=6)], epochs=20)
    assert slow.step - plain.step == pytest.approx(0.05, rel=0.2)
    assert slow.bound - plain.bound == pytest.approx(15 * slow.steps * 0.05, rel=0.25)


def test_a_phase_beyond_the_budget_is_not_counted(tmp_path, plugin):
    path = burning(plugin, begins=60, late=0.5)
    known, _ = estimated(tmp_path, methods="random,burning", plugins=[path], epochs=4)
    assert all(each.bound < 0.5 for each in known.known.values())


def test_a_generator_trained_once_is_counted_once(tmp_path, plugin, ticking):
    path = burning(plugin, begins=8, once=5)
    slow = one(tmp_path, methods="burning", plugins=[path], epochs=40)
    plain = one(tmp_path, methods="burning", plugins=[burning(plugin, begins=8)], epochs=40)
    assert slow.bound - plain.bound == pytest.approx(0.5, rel=0.2)


def test_a_refresh_that_takes_long_is_broken_off(tmp_path, plugin):
    methods, plugins = "random,burning,dns", [burning(plugin, refresh=30)]
    started = time.monotonic()
    known, planned = estimated(tmp_path, budget=1.5, methods=methods, plugins=plugins, epochs=9)
    assert time.monotonic() - started < 10
    assert known.is_cut and known.pairings == 3
    assert [each.method for each in known.known.values()] == ["random"]
    assert known.likely_of_all(planned.cells) == pytest.approx(3 * known.seconds(planned.cells)[0])


def test_finished_cells_are_learnt_from(tmp_path, plugin):
    asked = {"methods": "burning", "plugins": [burning(plugin, late=0.02)], "epochs": 30}
    go(tmp_path, **asked, seeds=1, patience=2)
    real = one(tmp_path, **asked, seeds=2, patience=2)
    assert real.finished == 1 and real.steps == 0
    (cell,) = grid.FinishedCells.of(tmp_path, "cpu", 1).cells.values()
    fit, seconds = cell[0].record["fit"], cell[0].record["seconds"]["cpu"]["total"]
    assert real.epochs == fit["epochs"] and real.likely == pytest.approx(seconds)
    assert real.bound == pytest.approx(seconds * 30 / fit["epochs"])
    other = one(tmp_path / "elsewhere", **asked, seeds=2, patience=2)
    assert other.finished == 0 and other.steps > 0


def test_seconds_of_another_machine_are_not_taken_and_its_epochs_are(tmp_path, monkeypatch):
    go(tmp_path, seeds=1, methods="random", epochs=30, patience=2)
    same = one(tmp_path, seeds=2, epochs=30, patience=2)
    here = grid.FinishedCells.of(tmp_path, "cpu", 1)
    moved = replace(here, machine={**here.machine, "cpus": 999})
    monkeypatch.setattr(grid.FinishedCells, "of", lambda *asked: moved)
    there = one(tmp_path, seeds=2, epochs=30, patience=2)
    assert (same.finished, there.finished) == (1, 0) and same.epochs == there.epochs


def test_other_methods_learn_from_how_fast_these_data_are_learnt(tmp_path):
    go(tmp_path, seeds=1, methods="random", epochs=30, patience=2, lr=0.05)
    asked = {"methods": "random,dns", "epochs": 300, "patience": 2, "lr": 0.05}
    known, _ = estimated(tmp_path, **asked)
    alone, _ = estimated(tmp_path / "new", **asked)
    by_method = [{e.method: e.epochs for e in each.known.values()} for each in (known, alone)]
    assert by_method[0]["dns"] < by_method[1]["dns"]


def test_without_a_validation_part_no_cell_stops_early(tmp_path):
    single = one(tmp_path, split="truth(0)", epochs=60)
    assert single.epochs == 60 and single.likely == single.bound


@pytest.mark.parametrize(
    "best, epochs, want",
    [(7, 100, 17), (7.0000000001, 100, 17), (7.2, 100, 18), (98, 100, 100), (1, 5, 5)],
)
def test_a_cell_trains_to_its_best_epoch_and_patience_more(best, epochs, want):
    budget = TrainConfig(epochs=epochs, patience=10)
    assert typical_epochs.epochs_until_patience(budget, best, validated=True) == want
    every = replace(budget, eval_every=2, patience=5)
    assert typical_epochs.epochs_until_patience(every, 7, validated=True) == min(epochs, 18)


def test_every_measured_method_and_backbone_is_one_of_ours():
    from negbench.plugins import registry

    methods, backbones = registry.names("methods"), registry.names("backbones")
    datasets = registry.names("datasets")
    for (dataset, backbone), method in typical_epochs.BEST:
        assert method in methods and backbone in backbones and dataset in datasets


def test_a_failing_step_leaves_a_pairing_without_estimate(tmp_path, monkeypatch):
    def fail(self):
        raise RuntimeError("no step today")

    monkeypatch.setattr(pairing.Pairing, "costs", fail)
    known, _ = estimated(tmp_path)
    assert (known.known, known.pairings, known.is_cut) == ({}, 1, False)
    (reason,) = known.failing
    assert " mf random: RuntimeError: no step today (" in reason and "test_estimate.py:" in reason


def test_what_fails_in_a_later_phase_is_told_before_anything_is_trained(tmp_path):
    """The virtual negatives of adar begin in epoch 6; divns needs items."""
    known, _ = estimated(tmp_path, methods="adar+divns", epochs=9)
    (reason,) = known.failing
    assert "adar+divns: divns needs negatives that are items" in reason
    options = build(flatten({**SMALL, "methods": "random", "out": str(tmp_path)}))
    lines = console.grid_lines(options, plan(options), tmp_path, "cpu", known)
    assert lines[1:] == [f"fails  {reason}"] and "no estimate of its 1 pairing" in lines[0]
    lines, fails = console.dry_run(options, plan(options), tmp_path, "cpu", known)
    assert fails and f"fails  {reason}" in lines


def test_a_deadline_breaks_off_python_at_work_and_leaves_nothing_behind():
    import signal

    before = signal.getsignal(signal.SIGALRM)
    deadline = Deadline(0.05)
    deadline.require()
    deadline.start()
    with pytest.raises(OutOfTime), deadline.breaking_off():
        time.sleep(5)
    with pytest.raises(OutOfTime):
        deadline.require()
    assert signal.getsignal(signal.SIGALRM) is before
    none = Deadline(0)
    none.start()
    with none.breaking_off():
        none.require()


def test_one_thread_on_the_cpu_is_timed_by_cpu_seconds():
    import torch

    assert Stopwatch(torch.device("cpu"), 1).time(lambda: time.sleep(0.1)) < 0.05
    assert Stopwatch(torch.device("cpu"), 2).time(lambda: time.sleep(0.1)) >= 0.1
