"""The place of a synthesised negative between its positive and the catalogue's mean."""

import pytest
import torch
from helpers.probe_scenarios import fit_on, held_pairs, small_scenario

from negbench.parts import BPR, Uniform
from negbench.probes.held_out import HeldOut
from negbench.probes.synthesis_path import SynthesisPath
from negbench.probes.watched_rows import WatchedRows
from negbench.protocol.interfaces import Method
from negbench.protocol.step import Negatives


class Between:
    """Exactly r of the way from the mean to the positive, plus the drawn item's own vector."""

    def __init__(self, r):
        self.r = r

    def apply(self, step, negatives):
        mean = step.view.items.detach().mean(0)
        synthesised = mean + self.r * (step.view.positive.detach() - mean)
        own = step.view.rows(negatives.ids).detach()
        return Negatives(vectors=torch.cat([synthesised.unsqueeze(1), own], 1))


@pytest.mark.parametrize(("r", "bin_"), [(0.05, 1), (0.3, 2), (0.5, 3), (0.95, 5)])
def test_a_vector_falls_into_the_bin_of_its_place(r, bin_):
    scenario = small_scenario()
    fit = fit_on(scenario, "random", batch_size=64)
    fit.method = Method(Uniform(1), BPR(), (Between(r),))
    fit.method.sampler.begin(fit.context)
    meter, caught = SynthesisPath(HeldOut.of(scenario, fit.context)), []

    class Look:
        def wants(self, number):
            return True

        @torch.no_grad()
        def watch(self, step, drawn, used, feedback):
            rows = torch.arange(len(step.batch))
            caught.append(WatchedRows.of(step, drawn, used, feedback, rows))
            meter.update(caught[-1])

        def epoch(self, number):
            return {}

    fit.probes = [Look()]
    fit.step(next(iter(fit.batches.epoch(torch.Generator().manual_seed(0)))), 1, 1)
    metrics, watched = meter.epoch_metrics(), caught[0]
    assert metrics[f"path_share_{bin_}"] == 1  # an item's own vector is not synthesised
    gaps = watched.s_neg[:, 0] - watched.s_pos
    assert metrics[f"path_gap_{bin_}"] == pytest.approx(float(gaps.mean()), rel=1e-4)
    held = held_pairs(scenario)
    pairs = zip(watched.users.tolist(), watched.ids[:, 0].tolist(), strict=True)
    assert metrics[f"path_fnr_{bin_}"] == pytest.approx(
        sum(pair in held for pair in pairs) / len(watched.users)
    )
    assert meter.epoch_metrics() == {}


def test_without_vectors_there_is_no_metric():
    scenario = small_scenario()
    fit = fit_on(scenario, "random", lambda w: [], batch_size=64)
    assert SynthesisPath(HeldOut.of(scenario, fit.context)).epoch_metrics() == {}
