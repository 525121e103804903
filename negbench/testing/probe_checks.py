"""Conformance checks of a probe: numbers by name each epoch, and training stays as it is."""

from collections.abc import Callable
from types import ModuleType

import torch

from negbench.parts import BPR, Uniform
from negbench.plugins.term_syntax import config_of
from negbench.probes.own_probe import OwnProbe
from negbench.protocol.interfaces import Method, Probe
from negbench.scenario.scenario import prepare
from negbench.testing.step_checks import global_states, require_same, tensors_of
from negbench.testing.toy_data import TrainingHarness

DATA = "synthetic(users=40,items=40,interactions=400,relevant=0.3)"
STEPS = 3


def gives_numbers(module: ModuleType) -> None:
    """`wants` answers, `watch` runs, and `epoch` gives numbers by name, twice over."""
    probe, harness = _built(module)
    for epoch in (1, 2):
        _watched(probe, harness)
        probe.epoch(epoch)


def changes_nothing(module: ModuleType) -> None:
    """`watch` changes no tensor or gradient of the step, and draws from no stream of training."""
    probe, harness = _built(module)
    for number in range(1, STEPS + 1):
        outcome = harness.forward(number)
        outcome.s_neg.retain_grad()
        torch.autograd.backward(outcome.loss)
        feedback, leaves = outcome.feedback(), outcome.step.view.leaves
        state, world = outcome.step.generator.get_state(), global_states()
        tensors = {**tensors_of(outcome.step, "step"), **tensors_of(outcome.used, "used")}
        gradients = {
            f"{k}.grad": t.grad for k, t in tensors_of(leaves).items() if t.grad is not None
        }
        before = {k: t.detach().clone() for k, t in {**tensors, **gradients}.items()}
        if probe.wants(number):
            probe.watch(outcome.step, outcome.drawn, outcome.used, feedback)
        require_same(before, {**tensors, **gradients}, "`watch` must change nothing of a step")
        assert torch.equal(state, outcome.step.generator.get_state()), (
            "`watch` must not draw from `step.generator`; make a generator of your own"
        )
        assert world == global_states(), "the global random state must not be used"


def state_survives(module: ModuleType) -> None:
    """A fresh probe continues from the state of another, where it has one."""
    (first, harness), (second, _) = _built(module), _built(module)
    _watched(first, harness)
    second.load_state_dict(first.state_dict())


def _built(module: ModuleType) -> tuple[OwnProbe, TrainingHarness]:
    scenario = prepare(DATA)
    context = scenario.train_context(seed=0, device=torch.device("cpu"))
    built = module.build(config_of(module, {}, module.__name__), scenario, context)
    assert isinstance(built, Probe), (
        "`build` must return an object with wants(number), watch(...) and epoch(number)"
    )
    method = Method(sampler=Uniform(3), objective=BPR())
    return OwnProbe(module.__name__, built), TrainingHarness(method, context)


def _watched(probe: OwnProbe, harness: TrainingHarness) -> None:
    for number in range(1, STEPS + 1):
        outcome = harness.forward(number)
        outcome.s_neg.retain_grad()
        torch.autograd.backward(outcome.loss)
        if probe.wants(number):
            probe.watch(outcome.step, outcome.drawn, outcome.used, outcome.feedback())


PROBE_CHECKS: dict[str, Callable[[ModuleType], None]] = {
    "gives_numbers": gives_numbers,
    "changes_nothing": changes_nothing,
    "state_survives": state_survives,
}
"""Every check by name."""
