"""Dropout from an explicit generator."""

import torch

from negbench.ops.axes import AnyShape


def dropout(x: AnyShape, p: float, generator: torch.Generator | None) -> AnyShape:
    """Dropout with an explicit generator; without one, nothing is dropped.

    Sixteen random bits a value, which is much cheaper than a random float: p is met to 1 / 65,536.
    """
    if generator is None or not p:
        return x
    words = torch.empty(-(-x.numel() // 4), dtype=torch.int64, device=x.device)
    bits = words.random_(-(2**63), None, generator=generator).view(torch.int16)
    dropped = round(p * 2**16)
    kept = bits[: x.numel()].view(x.shape) >= dropped - 2**15
    return x * kept * (2**16 / (2**16 - dropped))
