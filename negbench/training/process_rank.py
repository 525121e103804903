"""Which process of a distributed training this is: each has a stream of draws of its own."""

import torch
from torch import distributed

from negbench.errors import UserError
from negbench.ops import rng


def process_rank(rank: int | None = None) -> int:
    """The rank that was given; else that of `torch.distributed` where it runs, else 0.

    Raises UserError for a rank below 0.
    """
    if rank is None:
        return distributed.get_rank() if _runs() else 0
    if rank < 0:
        raise UserError(f"`rank` must be at least 0; got {rank}")
    return rank


def n_processes() -> int:
    """The processes of `torch.distributed` where it runs, else 1."""
    return distributed.get_world_size() if _runs() else 1


def own_stream(
    seed: int, *names: str | int, rank: int, device: torch.device | str = "cpu"
) -> torch.Generator:
    """The stream of this name in the process of this rank; rank 0's is that of a single process."""
    mine = ("rank", rank) if rank else ()
    return rng.stream(seed, *names, *mine, device=device)


def _runs() -> bool:
    return distributed.is_available() and distributed.is_initialized()
