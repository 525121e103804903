"""A frozen copy of the backbone, for losses with a reference model."""

import copy
from collections.abc import Callable
from functools import partial
from typing import Any

import torch

from negbench.ops import rng
from negbench.protocol.interfaces import Backbone
from negbench.protocol.step import Batch
from negbench.protocol.view import View


class FrozenCopy:
    """A frozen copy of a backbone in inference mode, without dropout."""

    def __init__(self, backbone: Backbone) -> None:
        """Copy the current weights."""
        self.backbone = copy.deepcopy(backbone)
        self.backbone.train(False)
        device = next(iter(self.backbone.parameters())).device
        self.generator = rng.stream(0, "frozen", device=device)

    @torch.no_grad()
    def view(self, batch: Batch) -> View:
        """One forward pass of the copy; score with it under `no_grad`."""
        return self.backbone.view(batch, self.generator)

    def state_dict(self) -> dict[str, Any]:
        """The copy's weights."""
        return dict(self.backbone.state_dict())

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Restore the weights of the copy from a checkpoint."""
        self.backbone.load_state_dict(state)


def freeze(backbone: Backbone) -> Callable[[], FrozenCopy]:
    """`Epoch.freeze`: a call that makes a frozen copy of this backbone."""
    return partial(FrozenCopy, backbone)
