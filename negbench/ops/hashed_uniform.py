"""A uniform number for each id, by a hash: the same one wherever the id is met under one key."""

import torch

from negbench.ops.axes import AnyShape

_FIRST, _SECOND = -0x40A7B892E31B1A47, -0x6B2FB644ECCEEE15
"""The multipliers of splitmix64's finaliser as signed 64-bit numbers."""
_BITS = 24
"""As many as a float32 holds exactly."""


def hashed_uniform(ids: AnyShape, key: int) -> AnyShape:
    """Numbers in [0, 1) of int64 ids [...], float32 [...], independent over ids and keys.

    Steele, Lea & Flood, "Fast Splittable Pseudorandom Number Generators", OOPSLA 2014, with the
    constants of splitmix64: for a draw an id where only some of many ids are met.
    """
    mixed = ids + key
    mixed = (mixed ^ _shifted(mixed, 30)) * _FIRST
    mixed = (mixed ^ _shifted(mixed, 27)) * _SECOND
    mixed = mixed ^ _shifted(mixed, 31)
    return _shifted(mixed, 64 - _BITS).to(torch.float32) / (1 << _BITS)


def _shifted(values: AnyShape, bits: int) -> AnyShape:
    """Shifted to the right, with zeros from the left."""
    shifted: AnyShape = (values >> bits) & ((1 << (64 - bits)) - 1)
    return shifted
