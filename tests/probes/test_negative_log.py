"""The reservoir keeps every used negative with the same probability, at any time."""

import numpy as np
import pytest
import torch
from helpers.probe_scenarios import fit_on, pairs, small_scenario

from negbench.probes.negative_log import NegativeLog


def filled(size, seed, epochs=3, method="random(negatives=2)"):
    scenario = small_scenario()
    fit = fit_on(
        scenario, method, lambda w: [NegativeLog(size, w)], epochs=epochs, seed=seed, batch_size=32
    )
    fit.run()
    return scenario, fit.probes[0].arrays(), fit


def test_all_is_kept_where_there_is_room():
    scenario, kept, fit = filled(10**6, 0)
    assert len(kept["user"]) == 3 * 2 * len(scenario.split.train)
    assert set(zip(kept["user"].tolist(), kept["positive"].tolist(), strict=True)) == pairs(
        scenario.split.train
    )
    assert not set(zip(kept["user"].tolist(), kept["negative"].tolist(), strict=True)) & pairs(
        scenario.split.train
    )
    assert np.bincount(kept["epoch"]).tolist() == [0] + [2 * len(scenario.split.train)] * 3


def test_each_epoch_has_its_fair_share():
    counts = np.zeros(3)
    runs = 60
    for seed in range(runs):
        _, kept, _ = filled(50, seed)
        assert len(kept["user"]) == 50
        counts += np.bincount(kept["epoch"], minlength=4)[1:]
    share = counts / counts.sum()
    # 3,000 entries, near independent: five standard errors of a third.
    assert share == pytest.approx([1 / 3] * 3, abs=5 * (2 / 9 / (50 * runs)) ** 0.5)


def test_scores_are_those_of_the_moment_of_the_draw():
    scenario = small_scenario()
    seen = []

    class Note:
        def wants(self, number):
            return True

        def watch(self, step, drawn, used, feedback):
            for b, user in enumerate(step.batch.users.tolist()):
                for n, j in enumerate(used.ids[b].tolist()):
                    s = float(feedback.s_neg[b, n])
                    seen.append((user, j, step.epoch, round(s, 5)))

        def epoch(self, number):
            return {}

    fit = fit_on(scenario, "dns", lambda w: [NegativeLog(30, w), Note()], epochs=2)
    fit.run()
    kept = fit.probes[0].arrays()
    for user, j, epoch, s in zip(
        kept["user"], kept["negative"], kept["epoch"], kept["s_negative"], strict=True
    ):
        assert (int(user), int(j), int(epoch), round(float(s), 5)) in set(seen)


def test_masked_negatives_are_not_kept():
    _, kept, fit = filled(10**6, 0, epochs=1, method="in_batch")
    train = pairs(small_scenario().split.train)
    assert not set(zip(kept["user"].tolist(), kept["negative"].tolist(), strict=True)) & train
    assert torch.is_tensor(fit.backbone.table)
