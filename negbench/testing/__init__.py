"""The conformance suite: what any method of negbench must do, ours or a stranger's.

    from negbench.testing import CHECKS, conforms

    @pytest.mark.parametrize("check", CHECKS)
    def test_conforms(check):
        conforms("my_method", check)

`conforms` takes a name (or a method string such as "dns(candidates=4)"), a module, or a function
without arguments that builds a Method. A failure is an AssertionError that says what to mend.
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
from negbench.testing import card_checks, step_checks
from negbench.testing.toy_data import Play, batch_of, toy_context, usual, without_remainder


@dataclass(frozen=True)
class Subject:
    """What is looked at: a way to build it, and its module where it has one."""

    name: str
    build: Callable[[], Method]
    module: ModuleType | None = None
    device: str = "cpu"

    def play(self, where: TrainContext | None = None, *, begun: int = 1) -> Play:
        """A fresh method, begun in a world and refreshed for its first epoch."""
        play = Play(self.build(), where or usual(self.device), begun)
        play.refresh(1)
        return play


def subject(method: str | ModuleType | Callable[[], Method], device: str = "cpu") -> Subject:
    """What was named, ready to look at."""
    if isinstance(method, str):
        made = recipe(method)
        module = registry.load("methods", made.terms[0].name) if len(made.terms) == 1 else None
        return Subject(str(made), made.build, module, device)
    if isinstance(method, ModuleType):
        name = method.__name__.rpartition(".")[2]
        return Subject(name, lambda: method.build(config_of(method, {}, name)), method, device)
    return Subject(getattr(method, "__name__", "method"), method, None, device)


def conforms(
    method: str | ModuleType | Callable[[], Method], check: str | None = None, device: str = "cpu"
) -> None:
    """Run every check, or the one named; the first rule that is broken is raised."""
    looked_at = subject(method, device)
    for name, run in CHECKS.items() if check is None else [(check, CHECKS[check])]:
        try:
            run(looked_at)
        except AssertionError as error:
            raise AssertionError(f"{looked_at.name} fails {name!r}: {error}") from error


def says_what_it_is(subject: Subject) -> None:
    """The card, the docstring and the Config hold what others read."""
    if subject.module is None:
        return
    card = card_checks.card_is_literal(subject.module)
    card_checks.config_is_a_record(subject.module)
    card_checks.card_tells_the_parts(card, subject.build())
    card_checks.search_fits(card, subject.module)
    card_checks.docstring_says_how(subject.module)


def build_is_fresh(subject: Subject) -> None:
    """Two builds share no part that holds something."""
    first, second = subject.build(), subject.build()
    shared = [a for a in first.parts for b in second.parts if a is b and getattr(a, "__dict__", {})]
    assert not shared, f"`build` must make new parts each time; shared: {shared}"


def a_row_without_negatives(subject: Subject) -> None:
    """A user who has met every item: no hang, nothing excluded counts, the loss is finite."""
    play = subject.play(without_remainder(subject.device))
    step_checks.ids_are_allowed(play)
    step_checks.loss_and_gradient(play)


def small_sizes(subject: Subject) -> None:
    """One row, one user, and a catalogue of two items go through a whole step."""
    for where, rows in (
        (usual(subject.device), 1),
        (toy_context([[0, 2]], 4, subject.device), None),
        (toy_context([[0], [1], [0]], 2, subject.device), None),
    ):
        play = subject.play(where)
        outcome = play.train(batch=batch_of(where, rows=rows))
        assert bool(torch.isfinite(outcome.rows).all()), (
            f"the loss must be finite with {where.n_users} users, {where.n_items} items and "
            f"{len(outcome.rows)} rows; got {outcome.rows.tolist()}"
        )


def same_seed_same_step(subject: Subject) -> None:
    """Two fresh builds with the same seed take the same three steps."""
    first, second = subject.play(), subject.play()
    for number in (1, 2, 3):
        a, b = first.train(number), second.train(number)
        assert torch.equal(a.rows, b.rows), f"the same seed must give the same step {number}"


def begin_twice(subject: Subject) -> None:
    """`begin` may be called again, as a resumed run does."""
    once, twice = subject.play(begun=1).forward(), subject.play(begun=2).forward()
    assert torch.equal(once.rows, twice.rows), "`begin` called twice must leave what once leaves"


def state_survives(subject: Subject) -> None:
    """What two steps have changed is in `state_dict`, is plain, and continues a fresh method."""
    first, second = subject.play(), subject.play()
    for number in (1, 2):
        first.train(number)
    file = io.BytesIO()
    torch.save(first.state(), file)
    file.seek(0)
    second.load(torch.load(file, weights_only=True))
    a, b = first.train(3), second.train(3)
    assert torch.equal(a.rows, b.rows), (
        "a fresh method with the state of another must go on as that one does; a part that changes "
        "in a step needs state_dict and load_state_dict over all of what it has learnt"
    )


def learnt_parameters_move(subject: Subject) -> None:
    """Every parameter that a part declares changes in training."""
    play = subject.play()
    before = [p.detach().clone() for p in (*play.down, *play.up)]
    for number in (1, 2, 3):
        play.train(number)
    still = [i for i, p in enumerate((*play.down, *play.up)) if torch.equal(before[i], p.detach())]
    assert not still, f"every declared parameter must change in training; number {still} did not"


def _in_a_step(check: Callable[[Play], None]) -> Callable[[Subject], None]:
    return lambda subject: check(subject.play())


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
}
"""Every check by name, for pytest to show one by one."""
