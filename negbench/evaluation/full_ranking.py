"""Evaluation: every item ranked for every user who has something to find, per-user values kept."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from negbench.data.interactions import Csr
from negbench.evaluation.metric_kernels import metric_tables, row_pairs
from negbench.evaluation.metric_names import Metric
from negbench.ops.exact_rank import ranks_of
from negbench.ops.top_k import NOTHING, tie_places, top_k
from negbench.scenario.popularity_bands import Bands

USERS = 4096
"""Whose tables of metrics are made at once."""
Cell = tuple[str, int, str]
"""A metric, its K and its band ("all" or the name of one)."""


class Scorer(Protocol):
    """Anything that can be ranked: a trained backbone or a reference."""

    def scores(self, users: Tensor) -> Tensor:
        """The score of every item for these users, float [b, I].

        The block is the caller's own: evaluation writes -inf into it.
        """
        ...


@runtime_checkable
class Fills(Protocol):
    """A scorer that writes a block's scores over those of an earlier block."""

    def fill(self, users: Tensor, into: Tensor | None) -> Tensor:
        """`scores`, in `into` [b, I] where it is given."""
        ...


@dataclass(frozen=True, eq=False)
class Ranking:
    """What an evaluation saw: the users, what each was shown and what it was worth to them.

    `users` int64 [n] are those with at least one item to find; `top` int32 [n, K] the items shown,
    -1 where the catalogue ran out; `values` float32 [n] by (metric, K, band), NaN for a user with
    nothing to find in that band. `ranks` int32, where asked for: the rank from 1 on of each target
    pair among the unseen items, in the order of the target's pairs; 0 for a pair that was seen.
    """

    users: NDArray[np.int64]
    top: NDArray[np.int32]
    values: dict[Cell, NDArray[np.float32]]
    ranks: NDArray[np.int32] | None = None

    def means(self) -> dict[Cell, float]:
        """The mean of each metric over the users who have a value; NaN where none has."""
        return {cell: _mean(value) for cell, value in self.values.items()}


def evaluate(
    scorer: Scorer,
    target: Csr,
    seen: Csr,
    *,
    bands: Bands,
    metrics: Sequence[Metric],
    block: int | None = None,
    device: torch.device | str = "cpu",
    ranks: bool = False,
) -> Ranking:
    """Rank all items but the `seen` ones for each user with `target` items, and measure.

    For the valid part `seen` is train; for the test part it is train joined with valid.
    A band's metric counts only the target items of that band as relevant; the list is the same.
    With `ranks` the rank of every target pair is kept too, at up to the cost of ranking again.
    """
    users = np.flatnonzero(target.lengths)
    k = max(k for _, k in metrics)
    walk = _walk(scorer, target, seen, users, k, block, device, ranks=ranks)
    nobody = ((_no_rows(k),), (_no_rows(k),), (_NO_RANKS,))
    tops, found, places = zip(*walk, strict=True) if len(users) else nobody
    top, hits = torch.cat(tops).cpu(), torch.cat(found).cpu().bool()
    columns: dict[Cell, list[Tensor]] = {}
    labels = torch.tensor(bands.labels)
    band_of = torch.where(top >= 0, labels[top.clamp(min=0)], -1)
    relevant = _relevant(target, bands)[torch.from_numpy(users)]
    for b, band in enumerate(("all", *bands.names)):
        counted = hits if band == "all" else hits & (band_of == b - 1)
        for tables in _tables(counted, relevant[:, b]):
            for metric, cut in metrics:
                column = tables[metric][:, cut - 1].float()
                columns.setdefault((metric, cut, band), []).append(column)
    values = {cell: torch.cat(parts).numpy() for cell, parts in columns.items()}
    ranked = torch.cat(places).cpu().numpy() if ranks else None
    return Ranking(users, top.int().numpy(), values, ranked)


def ndcg_at(
    scorer: Scorer,
    target: Csr,
    seen: Csr,
    k: int = 20,
    *,
    block: int | None = None,
    device: torch.device | str = "cpu",
) -> float:
    """Mean NDCG@k over the users with target items: the cheap call that stops training."""
    users = np.flatnonzero(target.lengths)
    if not len(users):
        return float("nan")
    hits = torch.cat([hit for _, hit, _ in _walk(scorer, target, seen, users, k, block, device)])
    relevant = torch.from_numpy(target.lengths[users])
    return float(torch.cat([t["ndcg"][:, k - 1] for t in _tables(hits.cpu(), relevant)]).mean())


def block_size(n_items: int, device: torch.device | str = "cpu") -> int:
    """How many users to score at once: on a CPU a block of scores may take 20 MiB."""
    if torch.device(device).type != "cpu":
        return 2048
    return min(256, max(32, 5 * 2**20 // n_items))


@torch.inference_mode()
def _walk(
    scorer: Scorer,
    target: Csr,
    seen: Csr,
    users: NDArray[np.int64],
    k: int,
    block: int | None,
    device: torch.device | str,
    ranks: bool = False,
) -> Iterator[tuple[Tensor, Tensor, Tensor]]:
    """Per block of users: the ids of the first k, whether each is in the target, [b, k], and ranks.

    The ranks are those of the block's target pairs, [n], or none where they are not asked for.
    """
    n_items = target.n_columns
    places = tie_places(n_items, device)
    known, wanted = _tensors(seen, device), _tensors(target, device)
    step = block or block_size(n_items, device)
    marks = torch.zeros(min(step, len(users)), n_items, dtype=torch.bool, device=device)
    room = None  # one block for all: made anew each time, they leave the heap full of holes
    for chunk in torch.split(torch.tensor(users, device=device), step):
        if isinstance(scorer, Fills):
            scores = scorer.fill(chunk, None if room is None else room[: len(chunk)])
            room = room if room is not None else scores
        else:
            scores = scorer.scores(chunk)
        scores[row_pairs(*known, chunk)] = NOTHING
        top = top_k(scores, k, places)
        pairs = row_pairs(*wanted, chunk)
        marks[pairs] = True
        hits = marks[: len(chunk)].gather(1, top.clamp(min=0)) & (top >= 0)
        marks[pairs] = False  # cheaper than a fresh block: the targets of a user are few
        yield top, hits, ranks_of(scores, *pairs, places) if ranks else _NO_RANKS


def _tables(hits: Tensor, relevant: Tensor) -> Iterator[dict[str, Tensor]]:
    """`metric_tables` of some users after the other: of all at once they would fill the memory."""
    for some, many in zip(torch.split(hits, USERS), torch.split(relevant, USERS), strict=True):
        yield metric_tables(some, many)


_NO_RANKS = torch.zeros(0, dtype=torch.int32)


def _tensors(part: Csr, device: torch.device | str) -> tuple[Tensor, Tensor]:
    return torch.tensor(part.indptr, device=device), torch.tensor(part.indices, device=device)


def _no_rows(k: int) -> Tensor:
    return torch.zeros(0, k, dtype=torch.long)


def _relevant(target: Csr, bands: Bands) -> Tensor:
    """How many target items each user has, in all and in each band, [U, 1 + bands]."""
    n = len(bands.names)
    cells = target.rows * n + bands.labels[target.indices]
    counts = np.bincount(cells, minlength=target.n_rows * n).reshape(target.n_rows, n)
    return torch.from_numpy(np.column_stack([target.lengths, counts]))


def _mean(values: NDArray[np.float32]) -> float:
    known = values[~np.isnan(values)]
    return float(known.mean(dtype=np.float64)) if len(known) else float("nan")
