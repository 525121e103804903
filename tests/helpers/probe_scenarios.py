"""Scenarios and fits for the tests of probes."""

import torch
from helpers.toy_data import small_interactions

from negbench.backbones import mf
from negbench.composition import recipe
from negbench.ops import rng
from negbench.scenario.planted_false_negatives import plant
from negbench.scenario.popularity_bands import Bands
from negbench.scenario.scenario import Scenario
from negbench.scenario.splits import split
from negbench.training.config import TrainConfig
from negbench.training.fit import Fit


def small_scenario(exclude="train", planted=0.0, **size) -> Scenario:
    data = small_interactions(**size)
    parts, hidden = split(data, "ratio(0.6,0.2,0.2)"), None
    if planted:
        parts, hidden = plant(parts, planted)
    return Scenario(data, parts, Bands.of(parts.train.counts), exclude, hidden)


def fit_on(scenario, method="random", probes=lambda context: (), epochs=1, batch_size=64, seed=0):
    context = scenario.train_context(seed=seed, device=torch.device("cpu"))
    config = mf.Config(dim=8, batch_size=batch_size)
    backbone = mf.build(config, context, rng.stream(seed, "init"))
    built = recipe(method).build()
    return Fit(built, backbone, context, TrainConfig(epochs=epochs), probes=probes(context))


def held_pairs(scenario) -> set[tuple[int, int]]:
    parts = scenario.split
    held = [parts.valid, parts.test, scenario.planted, scenario.interactions.truth]
    train = pairs(parts.train)
    return {pair for part in held if part is not None for pair in pairs(part)} - train


def pairs(csr) -> set[tuple[int, int]]:
    return set(zip(csr.rows.tolist(), csr.indices.tolist(), strict=True))
