"""The reference model: a frozen copy of the backbone after some epochs of the same run.

A benchmark trains from scratch, so no model is loaded: the loop gives frozen copies of the backbone
(`Epoch.freeze`), and this part takes one after `after` epochs. It was trained on the train part
alone, as the backbone. Its weights are in the state, so a resumed run has the same reference.
"""

from typing import Any

from negbench.errors import UserError
from negbench.protocol import Batch, Epoch, FrozenBackbone, View


class Reference:
    """A copy of the backbone as it was before epoch `after` + 1."""

    def __init__(self, after: int) -> None:
        """`after` 0 freezes the initial weights."""
        self.after = after
        self.begin()

    def begin(self) -> None:
        """Callback before training: drop any frozen copy."""
        self.frozen: FrozenBackbone | None = None
        self.saved: dict[str, Any] | None = None

    def refresh(self, epoch: Epoch) -> None:
        """Callback before each epoch: freeze the backbone when due, or restore a checkpoint's copy.

        Raises UserError if the loop cannot freeze its backbone.
        """
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
        """One forward pass of the frozen copy. Raises UserError before it is frozen."""
        if self.frozen is None:
            raise UserError(
                "a reference policy is frozen when an epoch begins, and no epoch has begun; call "
                "`epoch(items, users)` before each, or run the method on a backbone of the suite"
            )
        return self.frozen.view(batch)

    def state_dict(self) -> dict[str, Any] | None:
        """State for a checkpoint: the frozen weights, None before the copy."""
        return self.saved if self.frozen is None else self.frozen.state_dict()

    def load_state_dict(self, state: dict[str, Any] | None) -> None:
        """Restore the state; before the copy exists, `refresh` loads it."""
        if state is None:
            self.begin()
        elif self.frozen is None:
            self.saved = state
        else:
            self.frozen.load_state_dict(state)
