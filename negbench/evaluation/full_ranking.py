"""Full-ranking evaluation: ranks all items for every user with test items, per-user values kept."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol, runtime_checkable

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from negbench.data.interactions import Csr
from negbench.evaluation.finite_scores import require_finite
from negbench.evaluation.found_lists import FindsLists, ranks_in, recall_of_lists, sample_of
from negbench.evaluation.metric_kernels import (
    MetricKey,
    event_values,
    mean_of_users,
    metric_values,
    metric_values_by_band,
)
from negbench.evaluation.metric_names import Metric
from negbench.ops.axes import AnyShape, ItemScores, Pairs, Rows
from negbench.ops.exact_rank import ranks_of
from negbench.ops.top_k import MASKED, tie_places, top_k
from negbench.scenario.popularity_bands import Bands

DEFAULT = Metric("ndcg", 20)
"""The metric of early stopping where none is chosen."""
MOST_SCORES = 2**26
"""Scores of a block on a CPU: 10 million items are ranked for 6 users at once."""


class Scorer(Protocol):
    """Scores items for users: a trained model or a reference."""

    def scores(self, users: Rows) -> ItemScores:
        """The score of every item for these users, float [b, I].

        The caller may overwrite the result: evaluation writes -inf into it.
        """
        ...


@runtime_checkable
class ReusesBuffer(Protocol):
    """A scorer that can write the scores of a block into the buffer of an earlier one."""

    def scores_into(self, users: Rows, into: ItemScores | None) -> ItemScores:
        """As `scores`, reusing the buffer `into` [b, I] where it is given."""
        ...


@runtime_checkable
class FoldsIn(Protocol):
    """A reference that can score users it was not fitted on, from their history."""

    def fold_in(self, history: Csr) -> Scorer:
        """The same model with these histories [U, I] in place of the train rows."""
        ...


@dataclass(frozen=True, eq=False)
class Ranking:
    """Result of an evaluation: lists, metric values of each user, and ranks of the target pairs.

    `users` int64 [n] are those with at least one target item; `top` int32 [n, K] the recommended
    items, -1 where the catalogue ran out; `values` float32 [n] by (metric, K, band), NaN for a user
    without target items in that band. `ranks` int32 [pairs] is the rank, from 1, of each target
    pair among the unseen items, in the order of the target's pairs; 0 for a seen pair.

    Where an index found the lists, ranks are places in them, 0 beyond, and `index_recall` is the
    share of the exact lists' first K in them, by K; it is empty where ranks are exact.
    """

    users: NDArray[np.int64]
    top: NDArray[np.int32]
    values: dict[MetricKey, NDArray[np.float32]]
    ranks: NDArray[np.int32]
    index_recall: Mapping[int, float] = field(default_factory=dict)

    def means(self) -> dict[MetricKey, float]:
        """The mean of each metric over the users with a value; NaN if none has one."""
        return {key: mean_of_users(value) for key, value in self.values.items()}


@torch.inference_mode()
def evaluate(
    scorer: Scorer,
    target: Csr,
    seen: Csr,
    *,
    bands: Bands,
    metrics: Sequence[Metric],
    depth: int = 0,
    average: str = "users",
    block: int | None = None,
    device: torch.device | str = "cpu",
) -> Ranking:
    """Evaluate by full ranking: rank all but the `seen` items for each user with `target` items.

    For the valid part `seen` is train; for the test part it is train joined with valid.
    A band's metric counts only the target items of that band as relevant; the list is the same.
    Lists are as long as the greatest K of the metrics, or `depth` where that is more.
    A scorer that finds its lists by an index is set against exact ones for a sample of users.
    """
    users = np.flatnonzero(target.lengths)
    ks = sorted({depth, *(k for _, k in metrics)} - {0})
    k, recall = ks[-1], {}
    if isinstance(scorer, FindsLists):
        top = _found(scorer, users, seen, k, device)
        ranks, some = ranks_in(top, users, target), sample_of(len(users))
        exact, _ = _exact(scorer, target, seen, users[some], k, block, device)
        recall = recall_of_lists(top[some], exact, ks)
    else:
        top, ranks = _exact(scorer, target, seen, users, k, block, device)
    rows = np.repeat(np.arange(len(users)), target.lengths[users])
    values = metric_values_by_band(
        rows,
        target.indices,
        ranks,
        len(users),
        bands=bands.masks,
        metrics=metrics,
        average=average,
    )
    return Ranking(users, top, values, ranks, recall)


@torch.inference_mode()
def metric_at(
    scorer: Scorer,
    target: Csr,
    seen: Csr,
    metric: Metric = DEFAULT,
    *,
    average: str = "users",
    block: int | None = None,
    device: torch.device | str = "cpu",
) -> float:
    """Mean of one metric over the users with target items, or over events: for early stopping.

    It looks at the first K alone, which is quicker than the rank of every target pair.
    """
    users = np.flatnonzero(target.lengths)
    if not len(users):
        return float("nan")
    of_users = event_values if average == "events" else metric_values
    if isinstance(scorer, FindsLists):
        ranks = ranks_in(_found(scorer, users, seen, metric.k, device), users, target)
        rows = np.repeat(np.arange(len(users)), target.lengths[users])
        return float(of_users(rows, ranks, target.lengths[users], [metric])[metric].mean())
    places = tie_places(target.n_columns, device)
    marks = None  # one block for all: a user has few targets, so undoing is cheaper than a new one
    hits, one = [], torch.ones((), dtype=torch.int32, device=device)
    for scores, pairs in _scored_blocks(scorer, target, seen, users, block, device):
        top = top_k(scores, metric.k, places)
        if marks is None:
            marks = torch.zeros(scores.shape, dtype=torch.int32, device=device)
        marks.index_put_(pairs, one, accumulate=True)  # an event counts each time that it comes
        hits.append(marks[: len(top)].gather(1, top.clamp(min=0)) * (top >= 0))
        marks[pairs] = 0
    times = torch.cat(hits).cpu().numpy()
    rows, at = times.nonzero()
    rows, at = (np.repeat(each, times[rows, at]) for each in (rows, at))
    values = of_users(rows, at + 1, target.lengths[users], [metric])
    return float(values[metric].mean())


def row_pairs(indptr: AnyShape, indices: AnyShape, users: Rows) -> tuple[Pairs, Pairs]:
    """The pairs of some rows of a CSR: the row's position in `users` and the column, [T] each.

    `indptr` [U + 1] and `indices` [pairs] are those of the CSR, `users` [B] its rows.
    """
    starts = indptr[users]
    lengths = indptr[users + 1] - starts
    ends = lengths.cumsum(0)
    rows = torch.arange(len(users), device=users.device).repeat_interleave(lengths)
    within = torch.arange(len(rows), device=users.device)
    return rows, indices[within + (starts - ends + lengths)[rows]].long()


def block_size(n_items: int, device: torch.device | str = "cpu") -> int:
    """Number of users to score at once: a block of scores takes 20 MiB on a CPU, more where that
    would be fewer than 32 users, and never more than 256 MiB, or 8 GiB on a GPU."""
    if torch.device(device).type != "cpu":
        return min(2048, max(1, 2**31 // n_items))
    return min(256, max(32, 5 * 2**20 // n_items), max(1, MOST_SCORES // n_items))


def _found(
    scorer: FindsLists, users: NDArray[np.int64], seen: Csr, k: int, device: torch.device | str
) -> NDArray[np.int32]:
    """The lists [n, k] of an index."""
    top: NDArray[np.int32] = scorer.lists(torch.tensor(users, device=device), seen, k).int().numpy()
    return top


def _exact(
    scorer: Scorer,
    target: Csr,
    seen: Csr,
    users: NDArray[np.int64],
    k: int,
    block: int | None,
    device: torch.device | str,
) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
    """The lists [n, k] of these users by the scores of all items, and their targets' ranks."""
    places = tie_places(target.n_columns, device)
    tops, parts = [torch.zeros(0, k, dtype=torch.int32)], [torch.zeros(0, dtype=torch.int32)]
    for scores, pairs in _scored_blocks(scorer, target, seen, users, block, device):
        tops.append(top_k(scores, k, places).int().cpu())
        parts.append(ranks_of(scores, *pairs, places).cpu())
    return torch.cat(tops).numpy(), torch.cat(parts).numpy()


def _scored_blocks(
    scorer: Scorer,
    target: Csr,
    seen: Csr,
    users: NDArray[np.int64],
    block: int | None,
    device: torch.device | str,
) -> Iterator[tuple[ItemScores, tuple[Pairs, Pairs]]]:
    """Per block of users: the scores [b, I] with -inf for seen items, and the target pairs."""
    if not len(users):
        return
    masked, wanted = _tensors(seen, device), _tensors(target, device)
    step = block or block_size(target.n_columns, device)
    buffer = None  # one block of scores for all: allocating it each time fragments the heap
    for chunk in torch.split(torch.tensor(users, device=device), step):
        if isinstance(scorer, ReusesBuffer):
            into = None if buffer is None else buffer[: len(chunk)]
            scores = scorer.scores_into(chunk, into)
            buffer = buffer if buffer is not None else scores
        else:
            scores = scorer.scores(chunk)
        if scores.dtype == torch.bfloat16:  # numpy, which ranks on a CPU, has no such numbers
            scores = scores.float()
        known = row_pairs(*masked, chunk)
        require_finite(scores, chunk, known)
        scores[known] = MASKED
        yield scores, row_pairs(*wanted, chunk)


def _tensors(part: Csr, device: torch.device | str) -> tuple[Tensor, Tensor]:
    return torch.tensor(part.indptr, device=device), torch.tensor(part.indices, device=device)
