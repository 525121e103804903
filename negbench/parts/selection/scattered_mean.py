"""The top-k negatives as one study's code weighs them: their scores among zeros of the whole pool.

mean_{j in pool} softplus(s_j where j in top_k, else 0) = sum_{j in top_k} softplus(s_j) / K + const
"""

from dataclasses import dataclass, replace

from negbench.parts.losses.functions import count_unmasked
from negbench.parts.selection.top_scored import TopM
from negbench.protocol import Negatives, Step


@dataclass(frozen=True)
class ScatteredTop:
    """Keep the k top-scored of a pool of K, each weighing 1 / K in a loss that averages."""

    k: int

    def apply(self, step: Step, negatives: Negatives) -> Negatives:
        """[B, K] or shared [K] -> [B, k]; K is the pool's width, which a small batch limits.

        An objective takes the mean over the kept that are usable, so each weighs their number / K.
        """
        kept = TopM(self.k).apply(step, negatives)
        if not kept.n:
            return kept
        n = count_unmasked(step.view.query.new_zeros(len(step.batch), kept.n), kept.mask)
        share = (n.clamp(min=1) / negatives.n).log().view(-1, 1).expand(len(step.batch), kept.n)
        return replace(kept, logw=share if kept.logw is None else kept.logw + share)
