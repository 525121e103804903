"""The state of a method in a user's own loop: what a checkpoint holds, and what a copy is."""

from typing import Any

import torch
from torch import nn

from negbench.errors import UserError
from negbench.protocol.context import TrainContext
from negbench.protocol.encoded_items import EncodedItems
from negbench.protocol.interfaces import Method, Observes
from negbench.training.forward import Outcome, having
from negbench.training.id_check import IdCheck
from negbench.training.process_rank import own_stream
from negbench.training.snapshot import load_states, states


class AttachedState(nn.Module):
    """Counts, generators and parts of a method that is attached to a loop."""

    method: Method
    context: TrainContext
    rank: int
    """Of this process; 0 where there is one."""
    ids: IdCheck
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
        """What `state_dict` holds beside the parameters: generators, epochs, what parts learnt.

        Raises ValueError for ids of the last step that were not there.
        """
        self.ids.settle()
        self._observe()
        return {
            "rank": self.rank,
            "generators": [each.get_state() for each in (self.generator, self.refresher)],
            "counts": [self.number, self.epochs_begun, self._rows_of_epoch, int(self._announced)],
            "parts": states(self.method.parts),
            **self._made_for(),
        }

    def _made_for(self) -> dict[str, list[Any]]:
        """What a state can be loaded into: parts of these classes, so many users and items."""
        classes = [type(part).__qualname__ for part in self.method.parts]
        return {"classes": classes, "sizes": [self.context.n_users, self.context.n_items]}

    def set_extra_state(self, state: dict[str, Any]) -> None:
        """Go on from there: bit for bit after a whole epoch; within one, what methods made at its
        begin is made again from the vectors of now. From the file of another rank, draws begin a
        stream of this rank's own. Raises UserError for the state of another method or other data.
        """
        for name, own in self._made_for().items():
            if (saved := state.get(name, own)) != own:
                what = "parts" if name == "classes" else "numbers of users and items"
                raise UserError(
                    f"a state must be of the same method and data; its {what} are "
                    f"{', '.join(map(str, saved))}, here they are {', '.join(map(str, own))}; "
                    "attach what was saved"
                )
        self.number, self.epochs_begun, self._rows_of_epoch, announced = state["counts"]
        draws, refreshes = state["generators"]
        self.refresher.set_state(refreshes)
        if state.get("rank", 0) == self.rank:
            self.generator.set_state(draws)
        else:
            self.generator = self.draws("negatives", "after", self.number)
        self._announced, self.outcome, self._observed = bool(announced), None, True
        self._refresh_due = self.epochs_begun > 0
        load_states(self.method.parts, state["parts"])

    def draws(self, *names: str | int) -> torch.Generator:
        """A stream of draws of this process, by its name."""
        context = self.context
        return own_stream(context.seed, *names, rank=self.rank, device=context.device)

    def __getstate__(self) -> dict[str, Any]:
        """For copies: without the graph of the last step."""
        self.ids.settle()
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
        if isinstance(items := feedback.step.view.items, EncodedItems):
            items.forget()
        for part in having(self.method.parts, Observes):
            part.observe(feedback)
