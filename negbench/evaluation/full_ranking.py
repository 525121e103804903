"""Full-ranking evaluation: ranks all items for every user with test items, per-user values kept."""

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
from negbench.ops.axes import ItemScores, ListValues, Pairs, Rows, TopItems
from negbench.ops.exact_rank import ranks_of
from negbench.ops.top_k import MASKED, tie_places, top_k
from negbench.scenario.popularity_bands import Bands

USER_BLOCK = 4096
"""Users whose metric tables are computed at once."""
MetricKey = tuple[str, int, str]
"""Metric name, K and popularity band ("all" or a band's name)."""


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
    """Result of an evaluation: top-K lists and metric values of each user.

    `users` int64 [n] are those with at least one target item; `top` int32 [n, K] the recommended
    items, -1 where the catalogue ran out; `values` float32 [n] by (metric, K, band), NaN for a user
    without target items in that band. `ranks` int32 [pairs] where requested: the rank, from 1, of
    each target pair among the unseen items, in the order of the target's pairs; 0 for a seen pair.
    """

    users: NDArray[np.int64]
    top: NDArray[np.int32]
    values: dict[MetricKey, NDArray[np.float32]]
    ranks: NDArray[np.int32] | None = None

    def means(self) -> dict[MetricKey, float]:
        """The mean of each metric over the users with a value; NaN if none has one."""
        return {key: _mean(value) for key, value in self.values.items()}


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
    """Evaluate by full ranking: rank all but the `seen` items for each user with `target` items.

    For the valid part `seen` is train; for the test part it is train joined with valid.
    A band's metric counts only the target items of that band as relevant; the list is the same.
    With `ranks` the rank of every target pair is returned too, at up to the cost of a second pass.
    """
    users = np.flatnonzero(target.lengths)
    k = max(k for _, k in metrics)
    blocks = _rank_blocks(scorer, target, seen, users, k, block, device, ranks=ranks)
    empty = ((_no_rows(k),), (_no_rows(k),), (_NO_RANKS,))
    tops, hit_blocks, places = zip(*blocks, strict=True) if len(users) else empty
    top, hits = torch.cat(tops).cpu(), torch.cat(hit_blocks).cpu().bool()
    columns: dict[MetricKey, list[Tensor]] = {}
    labels = torch.tensor(bands.labels)
    band_of = torch.where(top >= 0, labels[top.clamp(min=0)], -1)
    relevant = _relevant(target, bands)[torch.from_numpy(users)]
    for b, band in enumerate(("all", *bands.names)):
        counted = hits if band == "all" else hits & (band_of == b - 1)
        for tables in _tables(counted, relevant[:, b]):
            for metric, cut in metrics:
                column = tables[metric][:, cut - 1].float()
                columns.setdefault((metric, cut, band), []).append(column)
    values = {key: torch.cat(parts).numpy() for key, parts in columns.items()}
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
    """Mean NDCG@k over the users with target items: all that early stopping needs."""
    users = np.flatnonzero(target.lengths)
    if not len(users):
        return float("nan")
    blocks = _rank_blocks(scorer, target, seen, users, k, block, device)
    hits = torch.cat([hit for _, hit, _ in blocks])
    relevant = torch.from_numpy(target.lengths[users])
    return float(torch.cat([t["ndcg"][:, k - 1] for t in _tables(hits.cpu(), relevant)]).mean())


def block_size(n_items: int, device: torch.device | str = "cpu") -> int:
    """Number of users to score at once: a block of scores takes up to 20 MiB on a CPU."""
    if torch.device(device).type != "cpu":
        return 2048
    return min(256, max(32, 5 * 2**20 // n_items))


@torch.inference_mode()
def _rank_blocks(
    scorer: Scorer,
    target: Csr,
    seen: Csr,
    users: NDArray[np.int64],
    k: int,
    block: int | None,
    device: torch.device | str,
    ranks: bool = False,
) -> Iterator[tuple[TopItems, ListValues, Pairs]]:
    """Per block of users: top-k ids [b, k], whether each is in the target [b, k], and ranks.

    The ranks are those of the block's target pairs, [n], or empty if not requested.
    """
    n_items = target.n_columns
    places = tie_places(n_items, device)
    masked, wanted = _tensors(seen, device), _tensors(target, device)
    step = block or block_size(n_items, device)
    marks = torch.zeros(min(step, len(users)), n_items, dtype=torch.bool, device=device)
    buffer = None  # one block of scores for all: allocating it each time fragments the heap
    for chunk in torch.split(torch.tensor(users, device=device), step):
        if isinstance(scorer, ReusesBuffer):
            into = None if buffer is None else buffer[: len(chunk)]
            scores = scorer.scores_into(chunk, into)
            buffer = buffer if buffer is not None else scores
        else:
            scores = scorer.scores(chunk)
        scores[row_pairs(*masked, chunk)] = MASKED
        top = top_k(scores, k, places)
        pairs = row_pairs(*wanted, chunk)
        marks[pairs] = True
        hits = marks[: len(chunk)].gather(1, top.clamp(min=0)) & (top >= 0)
        marks[pairs] = False  # cheaper than a new block: a user has few targets
        yield top, hits, ranks_of(scores, *pairs, places) if ranks else _NO_RANKS


def _tables(hits: ListValues, relevant: Rows) -> Iterator[dict[str, ListValues]]:
    """`metric_tables` in blocks of users, to bound the memory."""
    blocks = (torch.split(values, USER_BLOCK) for values in (hits, relevant))
    for hit, count in zip(*blocks, strict=True):
        yield metric_tables(hit, count)


_NO_RANKS = torch.zeros(0, dtype=torch.int32)


def _tensors(part: Csr, device: torch.device | str) -> tuple[Tensor, Tensor]:
    return torch.tensor(part.indptr, device=device), torch.tensor(part.indices, device=device)


def _no_rows(k: int) -> Tensor:
    return torch.zeros(0, k, dtype=torch.long)


def _relevant(target: Csr, bands: Bands) -> Tensor:
    """Number of target items of each user, in all and in each band, [U, 1 + bands]."""
    n = len(bands.names)
    cells = target.rows * n + bands.labels[target.indices]
    counts = np.bincount(cells, minlength=target.n_rows * n).reshape(target.n_rows, n)
    return torch.from_numpy(np.column_stack([target.lengths, counts]))


def _mean(values: NDArray[np.float32]) -> float:
    known = values[~np.isnan(values)]
    return float(known.mean(dtype=np.float64)) if len(known) else float("nan")
