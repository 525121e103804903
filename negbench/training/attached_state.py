"""The state of a method in a user's own loop: what a checkpoint holds, and what a copy is."""

from typing import Any

import torch
from torch import nn

from negbench.protocol.interfaces import Method, Observes
from negbench.training.forward import Outcome, having
from negbench.training.snapshot import load_states, states


class AttachedState(nn.Module):
    """Counts, generators and parts of a method that is attached to a loop."""

    method: Method
    outcome: Outcome | None
    """The results of the last step, its negatives among them."""
    generator: torch.Generator
    refresher: torch.Generator
    maximised: nn.ParameterList
    number: int
    """Steps so far."""
    epochs_begun: int
    _rows_of_epoch: int
    _announced: bool
    """Whether the user says when epochs begin."""
    _observed: bool
    """Whether the parts have seen the last step's results."""
    _refresh_due: bool
    """Whether the epoch's tables are to be made again."""

    def get_extra_state(self) -> dict[str, Any]:
        """What `state_dict` holds beside the parameters: generators, epochs, what parts learnt."""
        self._observe()
        return {
            "generators": [each.get_state() for each in (self.generator, self.refresher)],
            "counts": [self.number, self.epochs_begun, self._rows_of_epoch, int(self._announced)],
            "parts": states(self.method.parts),
        }

    def set_extra_state(self, state: dict[str, Any]) -> None:
        """Go on from there: bit for bit after a whole epoch; within one, what methods made at its
        begin is made again from the vectors of now."""
        for generator, saved in zip(
            (self.generator, self.refresher), state["generators"], strict=True
        ):
            generator.set_state(saved)
        self.number, self.epochs_begun, self._rows_of_epoch, announced = state["counts"]
        self._announced, self.outcome, self._observed = bool(announced), None, True
        self._refresh_due = self.epochs_begun > 0
        load_states(self.method.parts, state["parts"])

    def __getstate__(self) -> dict[str, Any]:
        """For copies: without the graph of the last step."""
        self._observe()
        return {**self.__dict__, "outcome": None, "_observed": True}

    def __setstate__(self, state: dict[str, Any]) -> None:
        """A copy has parameters of its own, without the hooks of these."""
        super().__setstate__(state)  # type: ignore[no-untyped-call]
        self._maximise()

    def _maximise(self) -> None:
        for parameter in self.maximised:
            parameter.register_hook(torch.neg)

    def _observe(self) -> None:
        """Pass the last step's results on, once its gradients are there."""
        if self.outcome is None or self._observed:
            return
        feedback, self._observed = self.outcome.feedback(), True
        for part in having(self.method.parts, Observes):
            part.observe(feedback)
