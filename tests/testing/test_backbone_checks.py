"""Every backbone keeps the rules, and each rule catches a backbone that breaks it."""

import pytest

from negbench.backbones import mf
from negbench.errors import UserError
from negbench.plugins import registry
from negbench.testing.backbone_checks import BACKBONE_CHECKS, backbone_conforms

OWN = '''"""MF with something wrong."""
import torch
from dataclasses import dataclass
from negbench.backbones import mf
from negbench.protocol import Card
CARD = Card(title="Own", family="backbone", provides=("users",), provenance="ours")
Config = mf.Config
class Own(mf.MF):
    {body}
def build(config, context, generator):
    return Own(config, context, generator)
'''
WRONG = {
    "trains": (
        "def backward(self, batch, view, negatives): pass",
        "training must move a parameter",
    ),
    "the_gradient_is_right": (
        """def backward(self, batch, view, negatives):
        super().backward(batch, view, negatives)
        self.table.grad.mul_(2)""",
        "check `backward`",
    ),
    "ranks": (
        """def encode(self, history):
        own = super().encode(history)
        return type(own)(own.items[1:], own.similarity, own.query, own.users)""",
        r"`items` must be \[12, D\]; got 11 rows",
    ),
    "same_seed_same_epoch": (
        """def backward(self, batch, view, negatives):
        super().backward(batch, view, negatives)
        self.table.grad.add_(torch.randn(()))""",
        "never from torch's global one",
    ),
    "state_survives": (
        """def state_dict(self): return {}
    def load_state_dict(self, state): pass""",
        "`state_dict` must hold all that ranking reads",
    ),
}


@pytest.mark.parametrize("check", BACKBONE_CHECKS)
@pytest.mark.parametrize("name", registry.names("backbones"))
def test_our_backbones_conform(name, check):
    backbone_conforms(name, check)


@pytest.mark.parametrize("check", WRONG)
def test_a_check_catches_what_it_is_for(check, tmp_path, monkeypatch):
    monkeypatch.setattr(registry, "_plugins", {})
    body, sentence = WRONG[check]
    path = tmp_path / f"own_{check}.py"
    path.write_text(OWN.format(body=body))
    name = registry.add_plugin(path)
    backbone_conforms(name, "says_what_it_is")
    with pytest.raises(AssertionError, match=f"own_{check} fails '{check}'.*{sentence}"):
        backbone_conforms(name, check)


def test_a_config_without_what_training_reads_is_named(tmp_path, monkeypatch):
    monkeypatch.setattr(registry, "_plugins", {})
    path = tmp_path / "narrow.py"
    config = "@dataclass(frozen=True)\nclass Config:\n    dim: int = 8\n"
    path.write_text(OWN.format(body="pass").replace("Config = mf.Config\n", config))
    with pytest.raises(AssertionError, match="Config needs lr, batch_size"):
        backbone_conforms(registry.add_plugin(path), "says_what_it_is")


def test_a_module_or_settings_are_tested_as_well():
    backbone_conforms(mf, "ranks")
    backbone_conforms("mf(dim=3)", "ranks")
    with pytest.raises(UserError, match="backbones must be known names"):
        backbone_conforms("mff")
