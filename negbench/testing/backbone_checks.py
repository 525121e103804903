"""The conformance suite of backbones: the rules that every one must keep, built in or a plug-in.

    from negbench.testing.backbone_checks import BACKBONE_CHECKS, backbone_conforms

    @pytest.mark.parametrize("check", BACKBONE_CHECKS)
    def test_conforms(check):
        backbone_conforms("my_backbone", check)

A failure is an AssertionError that states the fix.
"""

import io
from collections.abc import Callable
from dataclasses import dataclass, fields, replace
from types import ModuleType
from typing import Any

import torch

from negbench.composition import recipe
from negbench.ops import rng
from negbench.plugins import registry
from negbench.plugins.term_syntax import config_of, parse
from negbench.protocol.context import TrainContext
from negbench.protocol.interfaces import Backbone
from negbench.protocol.step import RankingVectors, Step
from negbench.testing import card_checks
from negbench.testing.toy_data import default_context, toy_context
from negbench.training.config import TrainConfig
from negbench.training.fit import Fit
from negbench.training.forward import forward

SETTINGS = ("dim", "lr", "batch_size")
"""What the training loop reads of every backbone's Config."""
STEP = 1e-4
"""Length of the step of the numeric derivative: longer ones cross kinks, as signs in XSimGCL."""


@dataclass(frozen=True)
class BackboneSubject:
    """The backbone under test, as typed."""

    name: str
    module: ModuleType
    values: dict[str, Any]

    def build(self, context: TrainContext, seed: int = 0, **settings: Any) -> Backbone:
        """A fresh backbone; settings that its Config has not are left out."""
        known = {f.name for f in fields(self.module.Config)}
        config = config_of(self.module, dict(self.values), self.name)
        config = replace(config, **{k: v for k, v in settings.items() if k in known})
        built: Backbone = self.module.build(config, context, rng.stream(seed, "init"))
        return built

    def fit(self, context: TrainContext | None = None, **settings: Any) -> Fit:
        """A training run with uniform negatives and BPR."""
        context = context or world()
        backbone = self.build(context, **settings)
        return Fit(recipe("random").build(), backbone, context, TrainConfig(epochs=2))


def world() -> TrainContext:
    """Seven users and twelve items, the pairs in an order."""
    return default_context()


def says_what_it_is(subject: BackboneSubject) -> None:
    """The card, the docstring and the Config are complete and machine-readable."""
    card = card_checks.card_is_literal(subject.module)
    assert card.family == "backbone", f'the card must say family="backbone"; got {card.family!r}'
    config = getattr(subject.module, "Config", None)
    assert config is not None, f"a backbone needs a Config with {', '.join(SETTINGS)}"
    card_checks.config_is_plain(subject.module)
    missing = [name for name in SETTINGS if name not in {f.name for f in fields(config)}]
    assert not missing, f"Config needs {', '.join(missing)}: the training loop reads them"
    card_checks.search_space_is_valid(card, subject.module)
    card_checks.presets_can_be_typed(card, subject.module)
    card_checks.later_settings_exist(card, subject.module)
    assert (subject.module.__doc__ or "").strip(), "the module needs a docstring: model and source"


def trains(subject: BackboneSubject) -> None:
    """An epoch has a finite loss, and moves a parameter."""
    fit = subject.fit()
    before = [each.detach().clone() for each in fit.backbone.parameters()]
    assert before, "`parameters` must give what is trained; got none"
    fit.epoch()
    after = [each.detach() for each in fit.backbone.parameters()]
    assert all(bool(each.isfinite().all()) for each in after), "parameters must stay finite"
    moved = any(not torch.equal(a, b) for a, b in zip(before, after, strict=True))
    assert moved, "training must move a parameter; `backward` must fill their gradients"


def the_gradient_is_right(subject: BackboneSubject) -> None:
    """The gradient that a step leaves is the slope of its loss, by a numeric derivative.

    Along the gradient itself, without the L2 penalty; random numbers of the backbone are drawn
    alike in every pass.
    """
    fit = subject.fit(l2=0.0)
    backbone, parameters = fit.backbone, list(fit.backbone.parameters())
    batch = next(iter(fit.batches.epoch(rng.stream(0, "batches"))))
    backbone.train()

    def passed() -> tuple[Any, Any]:
        view = backbone.view(batch, rng.stream(0, "backbone"))
        step = Step(batch, view, fit.context, 1, 1, rng.stream(0, "negatives"))
        return view, forward(fit.method, step)

    for each in parameters:
        each.grad = torch.zeros_like(each)
    view, outcome = passed()
    outcome.loss.backward()
    backbone.backward(batch, view, outcome.used)
    gradient = [each.grad.clone() for each in parameters if each.grad is not None]
    size = float(torch.cat([each.flatten() for each in gradient]).norm())
    assert size > 0, "the gradient of a first step must not be 0; `backward` must fill it"

    def loss_at(length: float) -> float:
        with torch.no_grad():
            for each, along in zip(parameters, gradient, strict=True):
                each.add_(along, alpha=length / size)
        value = float(passed()[1].loss.detach())
        with torch.no_grad():
            for each, along in zip(parameters, gradient, strict=True):
                each.sub_(along, alpha=length / size)
        return value

    slope = (loss_at(STEP) - loss_at(-STEP)) / (2 * STEP)
    assert abs(slope - size) <= 0.05 * size, (
        f"the gradient must be that of the loss: along it the loss rises by {slope:.4g} a unit, "
        f"and its length is {size:.4g}; check `backward`"
    )


def ranks(subject: BackboneSubject) -> None:
    """`encode` gives finite vectors of every item, and of the users that are asked for."""
    context = world()
    backbone = subject.build(context)
    vectors = _encoded(backbone, context)
    rows = len(vectors.items)
    assert rows == context.n_items, f"`items` must be [{context.n_items}, D]; got {rows} rows"
    users = torch.tensor([3, 0, 3, 6])
    query = vectors.query(users)
    assert query.shape == (4, vectors.items.shape[1]), (
        f"`query(users [b])` must be [b, D] with D of the items; got {list(query.shape)} and "
        f"items {list(vectors.items.shape)}"
    )
    finite = bool(query.isfinite().all() and vectors.items.isfinite().all())
    assert finite, "vectors to rank by must be finite"
    alone = vectors.query(users[:1])
    assert torch.allclose(query[0], query[2], atol=1e-5), "a user's vector must not depend on b"
    assert torch.allclose(query[:1], alone, atol=1e-4), "a user's vector must not depend on others"


def same_seed_same_epoch(subject: BackboneSubject) -> None:
    """Two fresh builds with the same seed give the same weights after an epoch."""
    first, second = subject.fit(), subject.fit()
    torch.manual_seed(1)
    first.epoch()
    torch.manual_seed(2)
    second.epoch()
    for a, b in zip(first.backbone.parameters(), second.backbone.parameters(), strict=True):
        assert torch.equal(a, b), (
            "the same seed must give the same epoch; draw from the generators that `build` and "
            "`view` are given, never from torch's global one"
        )


def state_survives(subject: BackboneSubject) -> None:
    """A fresh backbone with the state of another ranks as that one does."""
    fit = subject.fit()
    fit.epoch()
    file = io.BytesIO()
    torch.save(fit.backbone.state_dict(), file)
    file.seek(0)
    other = subject.build(fit.context, seed=7)
    other.load_state_dict(torch.load(file, weights_only=True))
    a, b = _encoded(fit.backbone, fit.context), _encoded(other, fit.context)
    assert torch.equal(a.items, b.items), "`state_dict` must hold all that ranking reads"


def small_sizes(subject: BackboneSubject) -> None:
    """One user, or a catalogue of two items, still trains and ranks."""
    for context in (toy_context([[0, 2]], 4), toy_context([[0], [1], [0, 1]], 3)):
        fit = subject.fit(context)
        assert fit.epoch()["loss"] >= 0, "the loss must be a number"
        assert bool(_encoded(fit.backbone, context).items.isfinite().all()), "vectors: finite"


def _encoded(backbone: Backbone, context: TrainContext) -> RankingVectors:
    backbone.train(False)
    with torch.no_grad():
        return backbone.encode(context.train)


BACKBONE_CHECKS: dict[str, Callable[[BackboneSubject], None]] = {
    "says_what_it_is": says_what_it_is,
    "trains": trains,
    "the_gradient_is_right": the_gradient_is_right,
    "ranks": ranks,
    "same_seed_same_epoch": same_seed_same_epoch,
    "state_survives": state_survives,
    "small_sizes": small_sizes,
}
"""Every check by name, for pytest to show one by one."""


def backbone_subject(backbone: str | ModuleType) -> BackboneSubject:
    """The backbone under test, from its name (or `mf(dim=8)`) or its module."""
    if isinstance(backbone, ModuleType):
        return BackboneSubject(backbone.__name__.rpartition(".")[2], backbone, {})
    term = parse(backbone)
    return BackboneSubject(backbone, registry.load("backbones", term.name), dict(term.values))


def backbone_conforms(backbone: str | ModuleType, check: str | None = None) -> None:
    """Run every check of a backbone, or the one named.

    Raises AssertionError at the first broken rule.
    """
    tested = backbone_subject(backbone)
    for name, run in (
        BACKBONE_CHECKS.items() if check is None else [(check, BACKBONE_CHECKS[check])]
    ):
        try:
            run(tested)
        except AssertionError as error:
            raise AssertionError(f"{tested.name} fails {name!r}: {error}") from error
