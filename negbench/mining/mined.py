"""Mined negatives: block by block, so that memory does not grow with the data."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray

from negbench.data.interactions import Csr
from negbench.evaluation.full_ranking import Scorer, block_size
from negbench.mining.files import write
from negbench.mining.labels import Labels
from negbench.mining.rule import Rule
from negbench.mining.scores import OwnScores, UserBlock
from negbench.mining.selection import NONE, by_score, drawn, hardest
from negbench.negative_sampler import NegativeSampler
from negbench.ops.axes import Ids, Rows
from negbench.protocol.context import TrainContext

PAIRS = 2048
"""Train pairs that a method draws for at once."""


@dataclass(frozen=True, eq=False)
class Source:
    """Whose negatives are mined: the model, the train pairs, and what is known of the users."""

    model: Scorer | OwnScores
    context: TrainContext
    """The train pairs, and what is never taken."""
    labels: Labels
    description: str
    """The model and what is excluded, in words."""
    held_out: Csr | None = None
    """Positives that may be taken, so that they are counted; None where none is known."""


@dataclass
class Counts:
    """What a pass over the train pairs gave."""

    pairs: int = 0
    negatives: int = 0
    short: int = 0
    """Pairs with fewer than k negatives."""
    held_out: int = 0
    """Negatives that are a held-out positive of the same user."""


class Mined:
    """Negatives of every train pair. Iterate over blocks, or take one `frame`, or `write` a file.

    Columns: user, positive, negative (ids of the data), rank (1 for the highest scored of a pair's
    negatives), s_positive, s_negative, and names and texts of the items where there are any. Each
    pass gives the same rows.
    """

    def __init__(self, source: Source, rule: Rule, method: str | None = None) -> None:
        """Of a source; by a method's draws, or the highest scored where it is None."""
        self.source, self.rule, self.method, self.counts = source, rule, method, Counts()

    @property
    def columns(self) -> dict[str, type]:
        """The name and the kind (int, float, str, or uint64 of large ids) of each column."""
        return self.source.labels.columns

    def __iter__(self) -> Iterator[pd.DataFrame]:
        """Data frames of some thousand train pairs each, in the order of the users."""
        self.counts = Counts()
        context = self.source.context
        sampler = NegativeSampler(self.method, context) if self.method else None
        train, device = context.train.distinct, context.device
        users = np.flatnonzero(train.lengths)
        size = block_size(train.n_columns, device)
        for start in range(0, len(users), size):
            here = users[start : start + size]
            ids = torch.as_tensor(here, device=device)
            block = UserBlock(self.source.model, ids, context.excluded, self._depth)
            pairs = slice(train.indptr[here[0]], train.indptr[here[-1] + 1])
            rows = (train.rows[pairs], train.indices[pairs].astype(np.int64))
            pieces = (torch.split(torch.as_tensor(each, device=device), PAIRS) for each in rows)
            for users_of, positives in zip(*pieces, strict=True):
                yield pd.DataFrame(self._of_pairs(block, users_of, positives, sampler))

    def frame(self) -> pd.DataFrame:
        """All rows at once."""
        return pd.concat(list(self), ignore_index=True)

    def write(self, path: str | Path) -> int:
        """Write all rows to a .parquet or .jsonl file; their number.

        The file is complete or absent. Raises UserError for another ending, or a file that cannot
        be written.
        """
        return write(self, self.columns, Path(path))

    def summary(self) -> str:
        """What the last pass gave, as far as it went, in one sentence that is true by itself."""
        counts, rule = self.counts, self.rule
        if not counts.pairs:
            return "nothing is mined yet: iterate over it, or write it"
        how = f"drawn by {self.method}" if self.method else "the highest scored of all items"
        how += f", {rule.filters}" if rule.filters else ""
        text = (
            f"{counts.negatives:,} negatives of {counts.pairs:,} train pairs, up to {rule.k} each: "
            f"{how}; {self.source.description}"
        )
        if counts.short:
            text += f"; {counts.short:,} pairs have fewer than {rule.k}"
        if self.source.held_out is not None:
            share = counts.held_out / max(1, counts.negatives)
            text += (
                f"; {counts.held_out:,} negatives ({share:.2%}) are held-out positives of the "
                "same user"
            )
        return text

    @property
    def _depth(self) -> int:
        """How far each user's items must be ranked."""
        if self.method:
            return self.rule.skip_top
        every = self.source.context.n_items
        return every if self.rule.bounded else self.rule.skip_top + self.rule.k

    def _of_pairs(
        self, block: UserBlock, users: Rows, positives: Rows, sampler: NegativeSampler | None
    ) -> dict[str, Any]:
        """The columns of some pairs of a block."""
        s_pos = block.scores(users, positives.unsqueeze(1)).squeeze(1)
        if sampler is None:
            ids = hardest(block, users, s_pos, self.rule)
        else:
            ids = drawn(sampler, block, users, positives, s_pos, self.rule)
        ids, s_neg = by_score(block, users, ids)
        rows, columns = (ids != NONE).nonzero(as_tuple=True)
        own = (users[rows], positives[rows], ids[rows, columns])
        numbers = [each.cpu().numpy() for each in own]
        self._count(ids, numbers[0], numbers[2])
        scores = {"s_positive": s_pos[rows], "s_negative": s_neg[rows, columns]}
        others = {"rank": columns + 1, **scores}
        return self.source.labels.labelled(
            numbers[0], numbers[1], numbers[2], {k: v.cpu().numpy() for k, v in others.items()}
        )

    def _count(self, ids: Ids, users: NDArray[Any], negatives: NDArray[Any]) -> None:
        counts, known = self.counts, self.source.held_out
        counts.pairs += len(ids)
        counts.negatives += len(negatives)
        counts.short += int((ids[:, -1] == NONE).sum())
        if known is not None and len(known):
            keys = users * known.n_columns + negatives
            at = np.searchsorted(known.keys, keys).clip(max=len(known) - 1)
            counts.held_out += int((known.keys[at] == keys).sum())
