"""Approximate index of item vectors (HNSW): the first n items of a query without scoring all.

A graph links each item to near ones on several layers; a query walks it greedily and keeps the best
items that it meets. Yu. A. Malkov, D. A. Yashunin, "Efficient and robust approximate nearest
neighbor search using Hierarchical Navigable Small World graphs", arXiv 1603.09320; here by faiss.

Products are taken as they are. The other way, one more coordinate that gives all items one length
so that products become distances, gave a third of the exact lists' items where this gave nearly all
(50,000 items of unlike lengths).
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import import_module
from typing import Any

import torch

from negbench.evaluation.finite_scores import NotFinite
from negbench.ops.axes import Ids, ItemVectors, Scores, Vectors

LINKS = 32
"""Links of an item on each layer above the lowest, which has twice as many; faiss's default."""
BUILD_WIDTH = 40
"""Items kept in view while an item's links are chosen; faiss's default."""
WIDTH = 256
"""Items kept in view while a query walks the graph; twice those asked for, where that is more."""


@dataclass(frozen=True, eq=False)
class ItemIndex:
    """The graph of one table of item vectors, by inner product."""

    graph: Any

    @classmethod
    def of(cls, items: ItemVectors) -> "ItemIndex":
        """Link the items [I, D], one after the other on one thread, so that it comes out the same.

        Raises NotFinite where a vector is not finite.
        """
        faiss = import_module("faiss")
        _require_finite(items, "item")
        graph = faiss.IndexHNSWFlat(items.shape[1], LINKS, faiss.METRIC_INNER_PRODUCT)
        graph.hnsw.efConstruction = BUILD_WIDTH
        with _threads(1):
            graph.add(items.float().cpu().numpy())
        return cls(graph)

    def search(self, queries: Vectors, n: int, width: int = 0) -> tuple[Scores, Ids]:
        """The n best items that a walk meets, best first: scores and ids [b, n], -1 where no more.

        A wider walk meets more of the right ones. Raises NotFinite where a query is not finite.
        """
        faiss = import_module("faiss")
        _require_finite(queries, "user")
        walk = faiss.SearchParametersHNSW(efSearch=width or max(WIDTH, 2 * n))
        with _threads(torch.get_num_threads()):
            scores, ids = self.graph.search(queries.float().cpu().numpy(), n, params=walk)
        return torch.from_numpy(scores), torch.from_numpy(ids)


def settings() -> dict[str, int]:
    """What an index is built and searched with, as a record has it."""
    return {"links": LINKS, "build_width": BUILD_WIDTH, "width": WIDTH}


def _require_finite(vectors: Vectors, whose: str) -> None:
    if not torch.isfinite(vectors).all():
        raise NotFinite(
            f"{whose} vectors must be finite to be ranked; some are not: a trained model has "
            "diverged (lower lr), a plug-in must return numbers"
        )


@contextmanager
def _threads(n: int) -> Iterator[None]:
    """So many threads of faiss, and then what it had."""
    faiss = import_module("faiss")
    before = faiss.omp_get_max_threads()
    faiss.omp_set_num_threads(n)
    try:
        yield
    finally:
        faiss.omp_set_num_threads(before)
