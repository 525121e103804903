"""The held-out loss over a fixed sample, before and after each refresh of the values.

Values are meant to lower this loss. Whether they do is measured: the loss before a refresh against
that one epoch later, over the same held-out triplets, so the difference is paired.
"""

from collections.abc import Mapping
from typing import Any

from torch import Tensor

from negbench.ops import rng

from .shapes import Triplets
from .triplet_gradients import VectorState
from .valuation import HeldOutTriplets

ERRORS = 2.0
"""A loss has risen if its mean difference is above so many standard errors."""


class HeldOutWatch:
    """Measures the held-out loss before every epoch that follows the warm-up."""

    def __init__(self, held_out: HeldOutTriplets, size: int) -> None:
        """`size` triplets are drawn from the seed at the first measurement."""
        self.held_out, self.size = held_out, size
        self._nodes: Tensor | None = None
        self.now: Tensor | None = None
        """The loss of each held-out triplet now, [V]."""
        self.before: Tensor | None = None
        """The same before the latest refresh; None once it has been compared."""
        self.scale = 1.0
        self.rise: float | None = None
        """How far the mean loss rose in the epoch after a refresh; set for that one epoch."""
        self.harmful = False
        """Whether it rose by more than its error after the latest refresh."""
        self.n_harmful = 0

    def nodes(self, state: VectorState) -> Triplets:
        """The sample, [V, 3], the same in every epoch."""
        if self._nodes is None:
            context = self.held_out.context
            generator = rng.stream(context.seed, "watched", device=context.device)
            self._nodes = self.held_out.sample(self.size, state, generator)
        return self._nodes

    def measure(self, state: VectorState) -> None:
        """Measure the loss, and compare it with that before the refresh one epoch ago."""
        self.now, self.scale = state.held_out.losses(self.nodes(state)), state.held_out_scale
        self.rise = None
        if self.before is not None:
            apart = self.now - self.before
            self.rise = float(apart.mean())
            error = float(apart.std()) / max(1, len(apart)) ** 0.5
            self.harmful = self.rise > ERRORS * error
            self.n_harmful += self.harmful
            self.before = None

    def refreshed(self) -> None:
        """Keep the loss as that before the refresh."""
        self.before, self.harmful = self.now, False

    def metrics(self) -> Mapping[str, float]:
        """The loss before this epoch, at which scale, and what the latest refresh has done."""
        if self.now is None:
            return {}
        values = {"held_out_loss": float(self.now.mean()), "held_out_scale": self.scale}
        if self.rise is not None:
            values |= {"held_out_rise": self.rise}
        return values | {"harmful_refreshes": float(self.n_harmful)}

    def state_dict(self) -> dict[str, Any]:
        """State for a checkpoint; the sample is drawn again from the seed."""
        return {"before": self.before, "harmful": self.harmful, "n_harmful": self.n_harmful}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Restore the state."""
        before = state["before"]
        device = self.held_out.context.device
        self.before = None if before is None else before.to(device)
        self.harmful, self.n_harmful = state["harmful"], state["n_harmful"]
