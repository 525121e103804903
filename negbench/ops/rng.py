"""Random streams by name from one seed: a draw in one place cannot shift another."""

import hashlib

import numpy as np
import torch


def derive(seed: int, *names: str | int) -> int:
    """A 63-bit seed for the stream of this name; the same on every machine and in every process."""
    word = "/".join(str(part) for part in (seed, *names)).encode()
    return int.from_bytes(hashlib.blake2b(word, digest_size=8).digest(), "little") >> 1


def stream(seed: int, *names: str | int, device: torch.device | str = "cpu") -> torch.Generator:
    """A torch generator for the stream of this name, on the device where its draws are used."""
    return torch.Generator(device).manual_seed(derive(seed, *names))


def numpy_stream(seed: int, *names: str | int) -> np.random.Generator:
    """A numpy generator for the stream of this name."""
    return np.random.Generator(np.random.PCG64(derive(seed, *names)))
