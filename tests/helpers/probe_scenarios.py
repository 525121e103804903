"""Grounds and fits for the tests of probes."""

import torch
from helpers.toy_data import small_interactions

from negbench.backbones import mf
from negbench.composition import recipe
from negbench.ops import rng
from negbench.scenario.planted_false_negatives import plant
from negbench.scenario.popularity_bands import Bands
from negbench.scenario.scenario import Ground
from negbench.scenario.splits import split
from negbench.training.fit import Fit, TrainConfig


def small_ground(exclude="train", planted=0.0, **size) -> Ground:
    data = small_interactions(**size)
    parts, hidden = split(data, "ratio(0.6,0.2,0.2)"), None
    if planted:
        parts, hidden = plant(parts, planted)
    return Ground(data, parts, Bands.of(parts.train.counts), exclude, hidden)


def fit_on(ground, method="random", probes=lambda world: (), epochs=1, batch_size=64, seed=0):
    world = ground.world(seed=seed, device=torch.device("cpu"))
    config = mf.Config(dim=8, batch_size=batch_size)
    backbone = mf.build(config, world, rng.stream(seed, "init"))
    made = recipe(method).build()
    return Fit(made, backbone, world, TrainConfig(epochs=epochs), probes=probes(world))


def held_pairs(ground) -> set[tuple[int, int]]:
    parts = ground.split
    found = [parts.valid, parts.test, ground.planted, ground.interactions.truth]
    train = pairs(parts.train)
    return {pair for part in found if part is not None for pair in pairs(part)} - train


def pairs(csr) -> set[tuple[int, int]]:
    return set(zip(csr.rows.tolist(), csr.indices.tolist(), strict=True))
