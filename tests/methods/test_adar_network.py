"""ADAR beyond its default: the preset with a network, the plain noise N(0, I), huge vectors."""

import pytest
import torch

from negbench.composition import recipe
from negbench.methods import adar
from negbench.parts.diffusion import process
from negbench.plugins.term_syntax import config_of
from negbench.testing.toy_data import TrainingHarness


def harness(settings: str) -> TrainingHarness:
    trainer = TrainingHarness(recipe(f"adar(warmup=0,{settings})").build())
    trainer.refresh(1)
    return trainer


def test_the_preset_is_the_trained_network_with_the_plain_noise():
    config = config_of(adar, {"preset": "network"}, "adar")
    assert config == adar.Config(mode="reverse", noise="unit", denoiser="trained")
    assert "closed form" in adar.CARD.title and adar.Config().mode == "forward"
    assert not TrainingHarness(recipe("adar").build()).minimised  # the default learns nothing
    assert len(TrainingHarness(recipe("adar(preset=network)").build()).minimised) == 4


def test_unit_noise_is_standard_normal_beside_the_shrunken_positive():
    """The plain process sqrt(abar) e_i + sqrt(1 - abar) z, whatever the size of the items."""
    trainer = harness("noise=unit,rule=fixed,at=0.3,w=1")
    r = float(process.snr_matched(50, 0.01).r[15])
    results = [trainer.forward(number) for number in range(400)]
    drawn = torch.stack([each.used.vectors[:, 0] for each in results])
    positive = results[0].step.view.positive.detach()
    assert torch.allclose(drawn.mean(0), r * positive, atol=0.25)
    assert float(drawn.var(0).mean()) == pytest.approx(1 - r**2, rel=0.03)
    spread = float(results[0].step.view.items.var(0).mean())
    isotropic = harness("noise=isotropic,rule=fixed,at=0.3,w=1")
    drawn = torch.stack([isotropic.forward(n).used.vectors[:, 0] for n in range(100)])
    assert float(drawn.var(0).mean()) == pytest.approx((1 - r**2) * spread, rel=0.05)
    assert spread < 0.5


@pytest.mark.parametrize("size", [1e12, 1e15])
def test_the_rule_by_snr_does_not_overflow(size):
    trainer = harness("rule=snr")
    trainer.tables.items *= size
    trainer.tables.users *= size
    stage, step = trainer.method.stages[0], trainer.step()
    r = stage.transition(step, stage.epoch_catalogue(step), step.view.query)
    assert bool(r.isfinite().all()) and bool((r > 0).any()) and float(r.max()) <= 0.95
