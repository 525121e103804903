"""A frozen reference: the backbone after so many epochs of this very run, kept to its end.

A benchmark trains from scratch, so nothing is loaded: the loop hands out copies of the backbone
(`Epoch.freeze`), and this part takes one when its time has come. It is learnt from the train part
alone, as the backbone is. Its weights are in the state, so a resumed run has the same reference.
"""

from typing import Any

from negbench.errors import UserError
from negbench.protocol import Batch, Epoch, FrozenBackbone, View


class Reference:
    """A copy of the backbone as it was before epoch `after` + 1."""

    def __init__(self, after: int) -> None:
        """0 freezes the first weights."""
        self.after = after
        self.begin()

    def begin(self) -> None:
        """Nothing frozen yet."""
        self.frozen: FrozenBackbone | None = None
        self.saved: dict[str, Any] | None = None

    def refresh(self, epoch: Epoch) -> None:
        """Freeze when the epochs are over; take up what a checkpoint had frozen."""
        if self.frozen is not None or epoch.number <= self.after:
            return
        if epoch.freeze is None:
            raise UserError(
                "a reference policy needs a loop that can freeze its backbone; this one cannot; "
                "run the method on a backbone of the suite"
            )
        self.frozen = epoch.freeze()
        if self.saved is not None:
            self.frozen.load_state_dict(self.saved)
            self.saved = None

    def view(self, batch: Batch) -> View:
        """One forward pass of the frozen copy."""
        if self.frozen is None:
            raise UserError(
                "a reference policy is frozen when an epoch begins, and none was said to; call "
                "`epoch(items, users)` before each, or run the method on a backbone of the suite"
            )
        return self.frozen.view(batch)

    def state_dict(self) -> dict[str, Any] | None:
        """The frozen weights, None before there are any."""
        return self.saved if self.frozen is None else self.frozen.state_dict()

    def load_state_dict(self, state: dict[str, Any] | None) -> None:
        """Take them back; where nothing is frozen yet, `refresh` does it."""
        if state is None:
            self.begin()
        elif self.frozen is None:
            self.saved = state
        else:
            self.frozen.load_state_dict(state)
