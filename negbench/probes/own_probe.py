"""A probe of a plug-in: its measures go by its name, and what it does wrong is one sentence."""

from collections.abc import Mapping, Sequence
from typing import Any

from negbench.errors import UserError
from negbench.plugins import registry
from negbench.plugins.term_syntax import Term, config_of
from negbench.protocol.context import TrainContext
from negbench.protocol.interfaces import HasState, Probe
from negbench.protocol.step import Feedback, Negatives, Step
from negbench.scenario.scenario import Scenario

MARK = "."
"""Parts a probe's name from that of its measure, as in `mine.rate`; no other metric has it."""


class OwnProbe:
    """Passes every call on to the probe of a plug-in."""

    def __init__(self, name: str, probe: Probe) -> None:
        """`name` is that of the plug-in."""
        self.name, self.probe = name, probe

    @classmethod
    def of(cls, term: Term, scenario: Scenario, context: TrainContext) -> "OwnProbe":
        """Build the probe of a plug-in. Raises UserError if what it builds is no probe."""
        module = registry.load("probes", term.name)
        config = config_of(module, dict(term.values), term.name)
        probe = module.build(config, scenario, context)
        if not isinstance(probe, Probe):
            raise UserError(
                f"build of probe {term.name} must return an object with wants, watch and epoch; "
                f"got {type(probe).__name__}"
            )
        return cls(term.name, probe)

    def wants(self, number: int) -> bool:
        """Whether to look at step `number` of an epoch, counted from 1."""
        return bool(self.probe.wants(number))

    def watch(self, step: Step, drawn: Negatives, used: Negatives, feedback: Feedback) -> None:
        """Pass the step on."""
        self.probe.watch(step, drawn, used, feedback)

    def epoch(self, number: int) -> Mapping[str, float]:
        """The epoch's measures as `NAME.measure`. Raises UserError for one that is no number."""
        return {
            f"{self.name}{MARK}{measure}": self._number(measure, value)
            for measure, value in self.probe.epoch(number).items()
        }

    def _number(self, measure: str, value: object) -> float:
        try:
            return float(value)  # type: ignore[arg-type]
        except (TypeError, ValueError):
            raise UserError(
                f"every measure of probe {self.name} must be a number; {measure!r} is {value!r}"
            ) from None

    def state_dict(self) -> dict[str, Any]:
        """State for a checkpoint: that of the probe, where it has one."""
        return self.probe.state_dict() if isinstance(self.probe, HasState) else {}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Restore the state."""
        if isinstance(self.probe, HasState):
            self.probe.load_state_dict(state)


def means_of_own(trained: Sequence[Mapping[str, float]]) -> dict[str, float]:
    """The plain mean of each measure of plug-ins over epochs; NaN in an epoch counts for none."""
    values: dict[str, list[float]] = {}
    for row in trained:
        for name, value in row.items():
            if MARK in name and value == value:
                values.setdefault(name, []).append(value)
    return {name: sum(each) / len(each) for name, each in values.items()}
