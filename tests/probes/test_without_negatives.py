"""The monitor on methods without negatives: no metric, and those of other epochs are untouched."""

import torch
from helpers.probe_scenarios import fit_on, small_scenario

from negbench.composition import recipe
from negbench.parts import BPR, Uniform
from negbench.probes.monitor import FULL, SAMPLE, Monitor
from negbench.protocol.interfaces import Method
from negbench.protocol.step import Negatives


class EveryOtherEpoch(Uniform):
    """Draws in odd epochs and nothing in even ones."""

    def sample(self, step):
        if step.epoch % 2:
            return super().sample(step)
        return Negatives(step.batch.users.new_zeros((len(step.batch), 0)))


def metrics_of(method, budget, epochs=2):
    scenario = small_scenario(planted=0.1)
    fit = fit_on(scenario, "random", lambda w: [Monitor(scenario, w, budget)], epochs=epochs)
    for part in (method.sampler, method.objective):
        if hasattr(part, "begin"):
            part.begin(fit.context)
    fit.method = method
    own = {"epoch", "loss", "n_unfilled", "wall", "cpu"}
    return [{k: v for k, v in row.items() if k not in own} for row in fit.run().rows]


def test_there_is_nothing_to_measure() -> None:
    for budget in (FULL, SAMPLE):
        for text in ("directau", "enmf"):
            assert metrics_of(recipe(text).build(), budget) == [{}, {}]


def test_an_epoch_without_leaves_the_others_as_they_are() -> None:
    method = Method(EveryOtherEpoch(2), BPR())
    first, second, third = metrics_of(method, FULL, epochs=3)
    assert second == {} and first.keys() == third.keys()
    assert first["fn_total"] == third["fn_total"] > 0 and "planted_rate" in first


def test_all_negatives_masked_is_no_share_of_hard_ones() -> None:
    class Masked(Uniform):
        def sample(self, step):
            drawn = super().sample(step)
            return Negatives(drawn.ids, mask=torch.zeros_like(drawn.ids, dtype=torch.bool))

    row = metrics_of(Method(Masked(2), BPR()), FULL)[0]
    assert "hard" not in row and "fnr" not in row and row["ranked"] == 0
