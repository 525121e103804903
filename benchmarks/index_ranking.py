"""Time of exact ranking and of an index on one large catalogue, and how much the index misses.

    python benchmarks/index_ranking.py --items 1000000 --users 1000

Vectors are drawn in 1,000 clusters, with lengths as unlike as those of popular and rare items.
"""

import argparse
import time
from collections.abc import Callable
from typing import Any

import torch

from negbench.evaluation.found_lists import recall_of_lists
from negbench.evaluation.full_ranking import block_size
from negbench.evaluation.item_index import ItemIndex
from negbench.ops.sampled_dot import dot_with_all
from negbench.ops.top_k import tie_places, top_k

CLUSTERS = 1000


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--items", type=int, default=1_000_000)
    options.add_argument("--users", type=int, default=1000)
    options.add_argument("--dim", type=int, default=64)
    options.add_argument("--k", type=int, default=20)
    asked = options.parse_args()
    items, users = drawn(asked.items, asked.users, asked.dim)
    places = tie_places(asked.items)

    def exact() -> torch.Tensor:
        blocks = users.split(block_size(asked.items))
        return torch.cat([top_k(dot_with_all(each, items), asked.k, places) for each in blocks])

    best = timed("exact lists", exact)
    index = timed("build the index", lambda: ItemIndex.of(items))
    _, ids = timed("lists by the index", lambda: index.search(users, asked.k))
    recall = recall_of_lists(ids.numpy(), best.numpy(), [asked.k])[asked.k]
    print(f"recall@{asked.k} of exact lists: {recall:.4f}")


def drawn(n_items: int, n_users: int, dim: int) -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(0)
    centres = torch.randn(CLUSTERS, dim, generator=generator)
    items, users = (
        centres[torch.randint(CLUSTERS, (n,), generator=generator)]
        + torch.randn(n, dim, generator=generator)
        for n in (n_items, n_users)
    )
    lengths = torch.randn(n_items, 1, generator=generator).mul(0.5).exp()
    return torch.nn.functional.normalize(items, dim=1) * lengths, users


def timed(what: str, work: Callable[[], Any]) -> Any:
    wall, cpu = time.perf_counter(), time.process_time()
    result = work()
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    print(f"{what}: {wall:.1f} s, {cpu:.1f} s of CPU", flush=True)
    return result


if __name__ == "__main__":
    main()
