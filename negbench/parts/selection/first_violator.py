"""First violator: draw until a negative scores within a margin of the positive; count the tries.

    L = w(tries) max(0, m - s_i + s_j),   w = min(cap, log max(1, floor((I - 1) / tries)))

The fewer tries it took, the more items stand above the positive: (I - 1) / tries estimates its
rank. A row whose draws all obey the margin weighs 0.
"""

import math
from dataclasses import dataclass, replace

import torch

from negbench.protocol import Mask, Negatives, Rows, Step, TrainContext


@dataclass(eq=False)
class FirstViolator:
    """Keep the first of each row's draws that violates the margin, and weigh the row by its tries.

    All draws are made and scored at once; those behind the first violator are not used.
    """

    margin: float = 1.0
    cap: float = math.inf

    def begin(self, context: TrainContext) -> None:
        """Callback before training: nothing is counted yet."""
        self.sums = torch.zeros(3, dtype=torch.float64, device=context.device)
        self.rows = 0

    @torch.no_grad()
    def apply(self, step: Step, negatives: Negatives) -> Negatives:
        """[B, T] -> [B, 1], `row_weight` by the tries; 0 where no draw violates."""
        if not negatives.n:
            return negatives
        s_pos = step.view.score_pair(step.view.positive)
        violates = step.score(negatives) > (s_pos - self.margin).unsqueeze(1)
        if negatives.mask is not None:
            violates &= negatives.mask
        first, tries, any_ = first_true(violates)
        weight = self.weight(tries, step.context.n_items).to(s_pos.dtype) * any_
        self.sums += torch.stack([any_.sum(), tries.sum(), weight.sum()])
        self.rows += len(weight)
        kept = negatives.take(first.unsqueeze(1))
        given = negatives.row_weight
        return replace(kept, row_weight=weight if given is None else given * weight)

    def weight(self, tries: Rows, n_items: int) -> Rows:
        """w of the tries [B], [B]."""
        rank = torch.div(n_items - 1, tries, rounding_mode="floor")
        return rank.clamp(min=1).log().clamp(max=self.cap)

    def epoch_metrics(self) -> dict[str, float]:
        """Share of rows with a violator, tries and weight of a row, over the epoch."""
        names = ("violators", "tries", "rank_weight")
        means = (self.sums / max(1, self.rows)).tolist()
        self.sums, self.rows = torch.zeros_like(self.sums), 0
        return dict(zip(names, means, strict=True))


def first_true(hits: Mask) -> tuple[Rows, Rows, Rows]:
    """Place of the first True of each row [B, T], the tries up to it, and whether there is one."""
    any_ = hits.any(1)
    first = hits.to(torch.uint8).argmax(1)
    return first, torch.where(any_, first + 1, hits.shape[1]), any_
