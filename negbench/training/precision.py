"""Scores and losses in float32, whatever precision a user's own loop computes in."""

from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass

import torch

from negbench.ops.axes import AnyVectors, Rows, Vectors
from negbench.protocol.encoded_items import Encode

HALF = (torch.bfloat16, torch.float16)


@dataclass(frozen=True)
class Precision:
    """float32, or what comes where the score is a function of the user's own."""

    own: bool

    def vectors(self, vectors: AnyVectors) -> AnyVectors:
        """Vectors of half precision as float32."""
        return vectors.float() if vectors.dtype in HALF and not self.own else vectors

    def scoring(self, device: torch.device) -> AbstractContextManager[None]:
        """Without autocast."""
        off: AbstractContextManager[None] = torch.autocast(device.type, enabled=False)
        return nullcontext() if self.own else off

    def encoder(self, encode: Encode, device: torch.device) -> Encode:
        """The user's function under the autocast of the loop, though it is called in `scoring`."""
        enabled = torch.is_autocast_enabled(device.type)
        dtype = torch.get_autocast_dtype(device.type)

        def encoded(ids: Rows) -> Vectors:
            with torch.autocast(device.type, dtype, enabled=enabled):
                return self.vectors(encode(ids))

        return encoded
