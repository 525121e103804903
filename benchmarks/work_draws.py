"""Negatives alone: exact draws outside a user's train items, called per batch of 2048.

A few a row are drawn for a whole chunk of batches at once: "in the loop" below.
"""

from collections.abc import Callable, Iterator
from itertools import cycle
from typing import Any

import torch
from timing import rate

from negbench.ops import rng
from negbench.parts.sampling.proposals import (
    Prefetch,
    Proposal,
    UniformProposal,
    WeightedProposal,
    sample_outside,
)
from negbench.scenario.scenario import Scenario
from negbench.training.batches import Pairs

BATCH = 2048


def draws(scenario: Scenario, repeats: int) -> Iterator[dict[str, Any]]:
    """Negatives a second for uniform and popularity draws of 1, 32 and 200."""
    context = scenario.train_context(seed=0, device=torch.device("cpu"))
    generator = rng.stream(0, "bench")
    users = torch.from_numpy(context.train.rows.copy())
    proposals: dict[str, Proposal] = {
        "uniform": UniformProposal(context.n_items, context.device),
        "popularity": WeightedProposal.of(context.counts),
    }
    feed = Pairs(context.train, BATCH)
    for name, proposal in proposals.items():
        works = {
            f"k = {k}": _drawing(proposal, context.excluded, users, k, generator)
            for k in (1, 32, 200)
        }
        works["k = 1, a whole epoch at once"] = _drawing(
            proposal, context.excluded, users, 1, generator, len(users)
        )
        works["k = 1 in the loop"] = _in_the_loop(proposal, context.excluded, feed, generator)
        for case, work in works.items():
            speed = rate(work, repeats)
            yield {
                "what": "draws",
                "case": f"{name}, {case}",
                "unit": "negatives",
                "cpu": speed.cpu,
                "wall": speed.wall,
                "spread": speed.spread,
            }


def _drawing(
    proposal: Proposal,
    excluded: Any,
    users: torch.Tensor,
    k: int,
    generator: torch.Generator,
    size: int = BATCH,
) -> Callable[[], int]:
    shuffled = users[torch.randperm(len(users), generator=generator)]
    batches = cycle(torch.split(shuffled, size))

    def work() -> int:
        rows = next(batches)
        sample_outside(proposal, excluded, rows, k, generator)
        return len(rows) * k

    return work


def _in_the_loop(
    proposal: Proposal, excluded: Any, feed: Pairs, generator: torch.Generator
) -> Callable[[], int]:
    batches, prefetch = list(feed.epoch(generator)), Prefetch(proposal, 1)

    def work() -> int:
        for batch in batches:
            if not batch.start:
                prefetch.chunk = None
            prefetch.sample(excluded, batch, generator)
        return len(feed.users)

    return work
