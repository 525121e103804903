"""Phases: best epoch and patience start anew when a method's own begins, also over a resume."""

import copy

import pytest
from helpers.probe_scenarios import fit_on, small_scenario

from negbench.parts import BPR, Uniform
from negbench.protocol import Method, Phase
from negbench.training.config import TrainConfig


class Late(Uniform):
    """A uniform sampler that says that its own phase begins in some epoch."""

    def __init__(self, begins):
        super().__init__(1)
        self.begins = begins

    def own_phase(self):
        return Phase("late draws", self.begins)


def fit_of(begins, values, epochs=9, **budget):
    fit = fit_on(small_scenario(), epochs=epochs)
    config = TrainConfig(epochs=epochs, **{"patience": 2, **budget})
    method = Method(sampler=Late(begins), objective=BPR())
    given = iter(values)
    return type(fit)(method, fit.backbone, fit.context, config, validate=lambda model: next(given))


def ended(begins, values, **budget):
    now = fit_of(begins, values, **budget).run()
    return now.best_epoch, now.epoch, now.stopped


FALLING = [0.9, 0.8, 0.7, 0.6, 0.5, 0.4, 0.3, 0.2, 0.1]


def test_without_a_phase_patience_counts_from_the_first_epoch():
    assert ended(1, FALLING) == (1, 3, "patience")


def test_patience_waits_for_the_phase_and_the_best_is_of_the_phase():
    assert ended(5, FALLING) == (5, 7, "patience")


def test_a_phase_beyond_the_budget_changes_nothing():
    assert ended(10, FALLING) == (1, 3, "patience")


def test_the_last_epoch_counts_where_the_phase_begins_in_it():
    assert ended(9, FALLING) == (9, 9, "epochs")


def test_the_first_evaluation_within_the_phase_starts_it_where_not_every_epoch_is_evaluated():
    assert ended(4, FALLING, eval_every=3, patience=1) == (6, 9, "patience")


def test_a_time_limit_in_the_warm_up_keeps_the_best_of_the_warm_up():
    assert ended(5, FALLING, time_limit=1e-9) == (1, 1, "time limit")


@pytest.mark.parametrize("cut", [2, 5, 6])
def test_a_resumed_fit_starts_anew_at_the_same_epoch(cut):
    values = [0.9, 0.8, 0.7, 0.6, 0.1, 0.3, 0.2, 0.1, 0.0]
    whole, states = fit_of(5, values), []
    whole.run(save=lambda: states.append(copy.deepcopy(whole.state_dict())))
    again = fit_of(5, values[cut:])
    again.load_state_dict(states[cut - 1])
    again.run()
    assert vars(again.progress).keys() == vars(whole.progress).keys()
    assert (again.progress.best_epoch, again.progress.epoch) == (6, 8)
    assert (whole.progress.best_epoch, whole.progress.epoch) == (6, 8)


def test_a_composition_has_the_phase_that_begins_last():
    parts = Method(sampler=Late(3), stages=(Late(7), Late(5)), objective=BPR())
    assert parts.own_phase == Phase("late draws", 7)
    assert Method(sampler=Uniform(1), objective=BPR()).own_phase is None
    assert Method(sampler=Late(1), objective=BPR()).own_phase is None
