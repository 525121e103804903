"""Negatives alone: exact draws outside a user's train items, called per batch of 2048."""

from collections.abc import Callable, Iterator
from typing import Any

import torch
from timing import rate

from negbench import rng
from negbench.draws import Even, Proposal, Weighted, outside
from negbench.ground import Ground

BATCH = 2048


def draws(ground: Ground, repeats: int) -> Iterator[dict[str, Any]]:
    """Negatives a second for uniform and popularity draws of 1, 32 and 200."""
    world = ground.world(seed=0, device=torch.device("cpu"))
    generator = rng.stream(0, "bench")
    users = torch.from_numpy(world.train.rows.copy())
    proposals: dict[str, Proposal] = {
        "uniform": Even(world.n_items, world.device),
        "popularity": Weighted.of(world.counts),
    }
    for name, proposal in proposals.items():
        for k in (1, 32, 200):
            found = rate(_drawing(proposal, world.excluded, users, k, generator), repeats)
            yield {
                "what": "draws",
                "case": f"{name}, k = {k}",
                "unit": "negatives",
                "cpu": found.cpu,
                "wall": found.wall,
                "spread": found.spread,
            }


def _drawing(
    proposal: Proposal, excluded: Any, users: torch.Tensor, k: int, generator: torch.Generator
) -> Callable[[], int]:
    def work() -> int:
        rows = users[torch.randint(len(users), (BATCH,), generator=generator)]
        outside(proposal, excluded, rows, k, generator)
        return BATCH * k

    return work
