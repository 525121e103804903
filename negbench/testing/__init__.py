"""The conformance suite: the rules that every method must keep, built in or a plug-in.

    from negbench.testing import CHECKS, conforms

    @pytest.mark.parametrize("check", CHECKS)
    def test_conforms(check):
        conforms("my_method", check)

`conforms` takes a name (or a method string such as "dns(candidates=4)"), a module, or a function
without arguments that builds a Method. A failure is an AssertionError that states the fix.
"""

import io
from collections.abc import Callable
from dataclasses import dataclass
from types import ModuleType

import torch

from negbench.composition import recipe
from negbench.plugins import registry
from negbench.plugins.term_syntax import config_of
from negbench.protocol.context import TrainContext
from negbench.protocol.interfaces import Method
from negbench.protocol.view import Similarity
from negbench.testing import card_checks, step_checks
from negbench.testing.toy_data import (
    TrainingHarness,
    batch_of,
    default_context,
    saturated_context,
    toy_context,
)

DOT = Similarity()


@dataclass(frozen=True)
class Subject:
    """The method under test: its builder, and its module where it has one."""

    name: str
    build: Callable[[], Method]
    module: ModuleType | None = None
    device: str = "cpu"

    def harness(
        self,
        context: TrainContext | None = None,
        *,
        begin_calls: int = 1,
        kind: Similarity = DOT,
        cut: bool = True,
    ) -> TrainingHarness:
        """A fresh method in a train context, ready for the steps of its first epoch."""
        context = context or default_context(self.device)
        harness = TrainingHarness(self.build(), context, begin_calls, kind=kind, cut=cut)
        harness.refresh(1)
        return harness


def subject(method: str | ModuleType | Callable[[], Method], device: str = "cpu") -> Subject:
    """The method under test, from its name, module or builder."""
    if isinstance(method, str):
        method_recipe = recipe(method)
        terms = method_recipe.terms
        module = registry.load("methods", terms[0].name) if len(terms) == 1 else None
        return Subject(str(method_recipe), method_recipe.build, module, device)
    if isinstance(method, ModuleType):
        name = method.__name__.rpartition(".")[2]
        return Subject(name, lambda: method.build(config_of(method, {}, name)), method, device)
    return Subject(getattr(method, "__name__", "method"), method, None, device)


def conforms(
    method: str | ModuleType | Callable[[], Method], check: str | None = None, device: str = "cpu"
) -> None:
    """Run every conformance check, or the one named, on a method.

    Raises AssertionError at the first broken rule.
    """
    tested = subject(method, device)
    for name, run in CHECKS.items() if check is None else [(check, CHECKS[check])]:
        try:
            run(tested)
        except AssertionError as error:
            raise AssertionError(f"{tested.name} fails {name!r}: {error}") from error


def says_what_it_is(subject: Subject) -> None:
    """The card, the docstring and the Config are complete and machine-readable."""
    if subject.module is None:
        return
    card = card_checks.card_is_literal(subject.module)
    card_checks.config_is_plain(subject.module)
    card_checks.card_matches_parts(card, subject.build())
    card_checks.search_space_is_valid(card, subject.module)
    card_checks.controls_can_be_run(card, subject.module)
    card_checks.presets_can_be_typed(card, subject.module)
    card_checks.later_settings_exist(card, subject.module)
    card_checks.docstring_has_formula_and_cost(subject.module)


def build_is_fresh(subject: Subject) -> None:
    """Two builds share no part that has state."""
    first, second = subject.build(), subject.build()
    shared = [a for a in first.parts for b in second.parts if a is b and getattr(a, "__dict__", {})]
    assert not shared, f"`build` must make new parts each time; shared: {shared}"


def a_row_without_negatives(subject: Subject) -> None:
    """A user with every item excluded: no hang, no excluded item counts, the loss is finite."""
    harness = subject.harness(saturated_context(subject.device))
    step_checks.ids_are_allowed(harness)
    step_checks.loss_and_gradient(harness)


def small_sizes(subject: Subject) -> None:
    """One row, one user, or a catalogue of two items still train."""
    for context, rows in (
        (default_context(subject.device), 1),
        (toy_context([[0, 2]], 4, subject.device), None),
        (toy_context([[0], [1], [0]], 2, subject.device), None),
    ):
        harness = subject.harness(context)
        outcome = harness.train(batch=batch_of(context, rows=rows))
        assert bool(torch.isfinite(outcome.rows).all()), (
            f"the loss must be finite with {context.n_users} users, {context.n_items} items and "
            f"{len(outcome.rows)} rows; got {outcome.rows.tolist()}"
        )


def same_seed_same_step(subject: Subject) -> None:
    """Two fresh builds with the same seed give the same loss in three training steps."""
    first, second = subject.harness(), subject.harness()
    for number in (1, 2, 3):
        a, b = first.train(number), second.train(number)
        assert torch.equal(a.rows, b.rows), f"the same seed must give the same step {number}"


def begin_twice(subject: Subject) -> None:
    """`begin` may be called twice, as a resumed run does."""
    once, twice = subject.harness(begin_calls=1).forward(), subject.harness(begin_calls=2).forward()
    assert torch.equal(once.rows, twice.rows), "`begin` called twice must leave what once leaves"


def state_survives(subject: Subject) -> None:
    """A fresh method continues from a saved `state_dict`, which loads with `weights_only`."""
    first, second = subject.harness(), subject.harness()
    for number in (1, 2):
        first.train(number)
    file = io.BytesIO()
    torch.save(first.state_dict(), file)
    file.seek(0)
    second.load_state_dict(torch.load(file, weights_only=True))
    a, b = first.train(3), second.train(3)
    assert torch.equal(a.rows, b.rows), (
        "a fresh method with the state of another must continue as that one does; a part that "
        "changes in a step needs state_dict and load_state_dict over all that it has learnt"
    )


def learnt_parameters_move(subject: Subject) -> None:
    """Every parameter that a part declares changes in training."""
    harness = subject.harness()
    before = [p.detach().clone() for p in (*harness.minimised, *harness.maximised)]
    for number in (1, 2, 3):
        harness.train(number)
    still = [
        i
        for i, p in enumerate((*harness.minimised, *harness.maximised))
        if torch.equal(before[i], p.detach())
    ]
    assert not still, f"every declared parameter must change in training; number {still} did not"


def phase_is_an_epoch(subject: Subject) -> None:
    """A declared phase is known before `begin`, begins in an epoch, and stays as it is."""
    phase, harness = subject.build().own_phase, subject.harness()
    if phase is not None:
        whole = isinstance(phase.begins, int) and bool(phase.name.strip())
        assert whole, f"`own_phase` must give a name and a whole epoch from 1 on; got {phase}"
    harness.train()
    late = harness.method.own_phase
    assert late == phase, f"`own_phase` must follow from the settings alone; got {phase} and {late}"


def cut_equals_autograd(subject: Subject) -> None:
    """Training's shortcut gives every parameter the gradient of plain autograd.

    Training cuts autograd at the view and scatters the gradients of its leaves. Compared under
    both similarities, in the first epoch and in the first of the method's own phase.
    """
    phase = subject.build().own_phase
    for kind in (DOT, Similarity("cosine", 0.5)):
        for epoch in (1,) if phase is None else (1, phase.begins):
            cut, plain = (subject.harness(kind=kind, cut=cut) for cut in (True, False))
            step_checks.same_gradients(cut, plain, epoch)


def _in_a_step(check: Callable[[TrainingHarness], None]) -> Callable[[Subject], None]:
    return lambda subject: check(subject.harness())


CHECKS: dict[str, Callable[[Subject], None]] = {
    "says_what_it_is": says_what_it_is,
    "build_is_fresh": build_is_fresh,
    "shapes": _in_a_step(step_checks.shapes),
    "ids_are_allowed": _in_a_step(step_checks.ids_are_allowed),
    "logq_is_a_probability": _in_a_step(step_checks.logq_is_a_probability),
    "loss_and_gradient": _in_a_step(step_checks.loss_and_gradient),
    "masked_counts_for_nothing": _in_a_step(step_checks.masked_counts_for_nothing),
    "a_row_without_negatives": a_row_without_negatives,
    "small_sizes": small_sizes,
    "inputs_stay": _in_a_step(step_checks.inputs_stay),
    "same_seed_same_step": same_seed_same_step,
    "global_randomness_is_left_alone": _in_a_step(step_checks.global_randomness_is_left_alone),
    "begin_twice": begin_twice,
    "state_survives": state_survives,
    "learnt_parameters_move": learnt_parameters_move,
    "phase_is_an_epoch": phase_is_an_epoch,
    "cut_equals_autograd": cut_equals_autograd,
}
"""Every check by name, for pytest to show one by one."""
