"""A backbone's settings for one row: its own, those behind the row's `@`, and the training's."""

from collections.abc import Collection, Mapping
from dataclasses import fields
from typing import Any

from negbench.errors import UserError, did_you_mean
from negbench.plugins import registry
from negbench.plugins.row_terms import SETTINGS
from negbench.plugins.term_syntax import Term, config_of
from negbench.training.config import TrainConfig

OVER = ("lr", "l2", "dim", "batch_size")
"""Training settings that go over those of a backbone, unless they are typed in its term."""


def backbone_config(term: Term, behind: Mapping[str, Any], train: TrainConfig) -> Any:
    """The backbone's settings in full: its defaults, what was typed, and those of the training.

    Raises UserError for a parameter that is unknown, of a wrong type or out of range.
    """
    module, typed = registry.load("backbones", term.name), dict(term.values)
    known = {each.name for each in fields(module.Config)} if hasattr(module, "Config") else set()
    asked = {name: getattr(train, name) for name in OVER if name in known - typed.keys()}
    given = {name: value for name, value in asked.items() if value is not None}
    return config_of(module, {**typed, **behind, **given}, term.name)  # checked once, as a whole


def check_names(term: Term, names: Collection[str]) -> None:
    """Check what stands behind a row's `@` against the backbone that it is trained on.

    Raises UserError for a name that is neither a training setting nor a parameter of the backbone,
    and for a parameter that is typed in the backbone's term too.
    """
    if not names:
        return
    config = getattr(registry.load("backbones", term.name), "Config", None)
    own = [each.name for each in fields(config) if each.name not in SETTINGS] if config else []
    for name in names:
        if name in dict(term.values):
            raise UserError(
                f"a setting may be given once; {name} is typed in the backbone {term} and behind "
                "an @; leave one out"
            )
        if name not in (*SETTINGS, *own):
            near = did_you_mean(name, [*SETTINGS, *own])
            raise UserError(
                f"settings behind an @ must be of the training ({', '.join(SETTINGS)}) or of "
                f"backbone {term.name} ({', '.join(own) or 'which has none'}); got {name!r}"
                f"{'; ' + near if near.startswith('did') else ''}"
            )
