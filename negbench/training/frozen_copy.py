"""A backbone as it was, for parts that compare what is learnt with what was known before."""

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
    """A copy of a backbone that never learns, seen as at inference: nothing is dropped."""

    def __init__(self, backbone: Backbone) -> None:
        """Copy the weights as they are."""
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
        """Be what was frozen in another process."""
        self.backbone.load_state_dict(state)


def freeze_later(backbone: Backbone) -> Callable[[], FrozenCopy]:
    """What an Epoch hands to its parts: a call that freezes this backbone as it then is."""
    return partial(FrozenCopy, backbone)
