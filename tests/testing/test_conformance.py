"""The conformance suite over every method, and a broken method for every rule."""

import itertools
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from negbench.parts import BPR, Uniform
from negbench.plugins import registry
from negbench.protocol import Negatives, Phase, Scores, Step, TrainContext
from negbench.protocol.interfaces import Method
from negbench.testing import CHECKS, conforms
from negbench.testing.toy_data import TrainingHarness
from negbench.training.forward import forward


@pytest.mark.parametrize("check", CHECKS)
@pytest.mark.parametrize("method", registry.names("methods"))
def test_every_method_conforms(method: str, check: str) -> None:
    conforms(method, check)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
@pytest.mark.parametrize("check", CHECKS)
@pytest.mark.parametrize("method", registry.names("methods"))
def test_every_method_conforms_on_a_gpu(method: str, check: str) -> None:
    conforms(method, check, "cuda")


@dataclass(frozen=True)
class FunctionStage:
    """A stage from one function."""

    what: Callable[[Step, Negatives], Negatives]

    def apply(self, step: Step, negatives: Negatives) -> Negatives:
        return self.what(step, negatives)


@dataclass(frozen=True)
class FunctionObjective:
    """An objective from one function."""

    what: Callable[[Tensor, Tensor, Negatives], Tensor]

    def rows(self, step: Step, s_pos: Tensor, s_neg: Tensor, negatives: Negatives) -> Tensor:
        del step
        return self.what(s_pos, s_neg, negatives)


class IgnoresExclusion(Uniform):
    """Samples without the exclusion."""

    def sample(self, step: Step) -> Negatives:
        shape = (len(step.batch), 4)
        ids = torch.randint(step.context.n_items, shape, generator=step.generator)
        return Negatives(ids)


class GlobalGenerator(Uniform):
    """Draws from the global generator."""

    def sample(self, step: Step) -> Negatives:
        torch.rand(1)
        return super().sample(step)


class Counting:
    """A stage whose state changes with every step and is not in its state dict."""

    def __init__(self) -> None:
        self.steps = 0

    def apply(self, step: Step, negatives: Negatives) -> Negatives:
        self.steps += 1
        logw = torch.full((len(step.batch), negatives.n), float(self.steps))
        return replace(negatives, logw=logw)


class BeginsAdding(Counting):
    """A stage whose `begin` adds to the state of an earlier `begin`."""

    def begin(self, context: TrainContext) -> None:
        del context
        self.steps += 1


class UnusedParameter:
    """A stage with a parameter that gets no gradient."""

    def begin(self, context: TrainContext) -> None:
        del context
        self.parameter = torch.nn.Parameter(torch.zeros(3))

    def minimised(self) -> Iterable[torch.nn.Parameter]:
        return [self.parameter]

    def apply(self, step: Step, negatives: Negatives) -> Negatives:
        del step
        return negatives


class Misshapen:
    """A stage whose mask has a wrong shape."""

    def apply(self, step: Step, negatives: Negatives) -> Negatives:
        del step
        return replace(negatives, mask=torch.ones(2, 3, dtype=torch.bool))


class LatePhase(Counting):
    """A stage whose phase moves with its steps."""

    def own_phase(self) -> Phase:
        return Phase("late", 3 + self.steps)


class HalfPhase(Counting):
    """A stage whose phase begins within an epoch."""

    def own_phase(self) -> Phase:
        return Phase("half", 2.5)  # type: ignore[arg-type]


def with_stage(stage: Any) -> Callable[[], Method]:
    return lambda: Method(Uniform(4), BPR(), (stage,))


def with_objective(what: Callable[[Tensor, Tensor, Negatives], Tensor]) -> Callable[[], Method]:
    return lambda: Method(Uniform(4), FunctionObjective(what))


def overwrite(step: Step, negatives: Negatives) -> Negatives:
    del step
    assert negatives.ids is not None
    negatives.ids[0, 0] = 11
    return replace(negatives)


def overwrite_view(step: Step, negatives: Negatives) -> Negatives:
    step.view.items[0] += 1
    return negatives


def asks_for_leaves(step: Step, negatives: Negatives) -> Negatives:
    weight = 1.0 if step.view.leaves is None else 2.0
    return replace(negatives, row_weight=torch.full((len(step.batch),), weight))


def items_by_hand(step: Step, negatives: Negatives) -> Negatives:
    """Vectors that a stranger indexes out of the table, as most code of papers does."""
    assert negatives.ids is not None
    return replace(negatives, vectors=step.view.items[negatives.ids])


def layers_by_hand(step: Step, negatives: Negatives) -> Negatives:
    assert negatives.ids is not None and step.view.item_layers is not None
    return replace(negatives, vectors=step.view.item_layers[negatives.ids].amax(-2))


def users_by_hand(step: Step, negatives: Negatives) -> Negatives:
    assert step.view.users is not None
    return replace(negatives, losses={"users": step.view.users.square().sum()})


def above_one(step: Step, negatives: Negatives) -> Negatives:
    return replace(negatives, logq=torch.ones(len(step.batch), negatives.n))


def beyond(step: Step, negatives: Negatives) -> Negatives:
    del step
    assert negatives.ids is not None
    return replace(negatives, ids=negatives.ids + 12)


def unseeded(step: Step, negatives: Negatives) -> Negatives:
    logw = torch.full((len(step.batch), negatives.n), float(next(CLOCK)))
    return replace(negatives, logw=logw)


CLOCK = itertools.count()
SHARED = Counting()

BROKEN: list[tuple[str, str, Callable[[], Method]]] = [
    ("build_is_fresh", "new parts each time", with_stage(SHARED)),
    ("shapes", "must have the axes", with_objective(lambda p, n, _: p.unsqueeze(1) - n)),
    ("shapes", "must have B = 28; got 2", with_stage(Misshapen())),
    (
        "shapes",
        "rows must be torch.float32",
        with_objective(lambda p, n, _: (p + n.sum(1)).double()),
    ),
    (
        "ids_are_allowed",
        "an excluded item must not count",
        lambda: Method(IgnoresExclusion(), BPR()),
    ),
    ("ids_are_allowed", "ids must be in 0..11", with_stage(FunctionStage(beyond))),
    ("logq_is_a_probability", "log of a probability", with_stage(FunctionStage(above_one))),
    (
        "loss_and_gradient",
        "gradient to the query",
        with_objective(lambda p, n, _: 0 * (p + n.sum(1))),
    ),
    ("loss_and_gradient", "must be finite", with_objective(lambda p, n, _: (p - n.mean(1)) / 0)),
    ("masked_counts_for_nothing", "must not change", with_objective(lambda p, n, _: n.mean(1) - p)),
    ("a_row_without_negatives", "must not count", lambda: Method(IgnoresExclusion(), BPR())),
    ("small_sizes", "1 rows; got", with_objective(lambda p, n, _: (n.mean(1) - p) / (len(p) - 1))),
    ("inputs_stay", "must not change the negatives", with_stage(FunctionStage(overwrite))),
    (
        "inputs_stay",
        "change its inputs; view.items",
        with_stage(FunctionStage(overwrite_view)),
    ),
    ("same_seed_same_step", "same seed must give", with_stage(FunctionStage(unseeded))),
    (
        "global_randomness_is_left_alone",
        "must not be used",
        lambda: Method(GlobalGenerator(), BPR()),
    ),
    ("begin_twice", "called twice", lambda: Method(Uniform(4), BPR(), (BeginsAdding(),))),
    ("state_survives", "needs state_dict", lambda: Method(Uniform(4), BPR(), (Counting(),))),
    ("learnt_parameters_move", "number \\[0\\] did not", with_stage(UnusedParameter())),
    ("phase_is_an_epoch", "settings alone", lambda: Method(Uniform(4), BPR(), (LatePhase(),))),
    ("phase_is_an_epoch", "a whole epoch", with_stage(HalfPhase())),
    (
        "cut_equals_autograd",
        "the backbone's users must be the same in training",
        with_stage(FunctionStage(asks_for_leaves)),
    ),
]


@pytest.mark.parametrize("check,word,build", BROKEN, ids=[f"{c}-{w}" for c, w, _ in BROKEN])
def test_a_broken_method_fails(check: str, word: str, build: Callable[[], Method]) -> None:
    with pytest.raises(AssertionError, match=word):
        conforms(build, check)


@pytest.mark.parametrize("stage", [items_by_hand, layers_by_hand, users_by_hand])
def test_a_part_may_index_the_tables_itself(stage: Callable[..., Negatives]) -> None:
    build = with_stage(FunctionStage(stage))
    for check in ("cut_equals_autograd", "loss_and_gradient", "inputs_stay"):
        conforms(build, check)
    plain, by_hand = (TrainingHarness(each()) for each in (with_stage(Counting()), build))
    reached = []
    for harness in (plain, by_hand):
        step = harness.step()
        forward(harness.method, step).loss.backward()
        assert step.view.leaves is not None
        tables = step.view.leaves.items, step.view.leaves.users, step.view.leaves.item_layers
        reached.append([isinstance(t, Tensor) and t.grad is not None for t in tables])
    assert not any(reached[0]), "a dense gradient must cost only those who read the table"
    assert sum(reached[1]) == 1


def test_numpy_and_python_randomness_are_watched_too() -> None:
    def draws(step: Step, negatives: Negatives) -> Negatives:
        del step
        np.random.rand()
        return negatives

    with pytest.raises(AssertionError, match="global random state"):
        conforms(with_stage(FunctionStage(draws)), "global_randomness_is_left_alone")


def test_annotated_axes_are_checked() -> None:
    class Wrong(Uniform):
        def sample(self, step: Step) -> Scores:  # type: ignore[override]
            del step
            return torch.zeros(3)

    with pytest.raises(AssertionError, match=r"return must have the axes \[B, N\]; got \[3\]"):
        conforms(lambda: Method(Wrong(), BPR()), "shapes")


def test_every_check_is_shown_to_fail() -> None:
    assert {check for check, _, _ in BROKEN} | {"says_what_it_is"} == set(CHECKS)
