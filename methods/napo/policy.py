"""The policy: a softmax of the backbone's scores over the whole catalogue.

    log pi(i | x) = s(x, i) - log Z(x),   Z(x) = sum_j e^{s(x, j)}

The user's earlier items stay in Z: a policy gives every item a probability, and they sum to 1. All
scores are one matmul of B x I; log Z of a row cancels between responses to the same prompt.
"""

import torch

from negbench.errors import UserError
from negbench.protocol import Ids, ItemScores, Rows, Scores, TrainContext, View

from .preference_loss import LogProbs


class CataloguePolicy:
    """Scores of all items as responses."""

    def __init__(self, cells: int) -> None:
        """`cells` is the most scores that a step may hold."""
        self.cells = cells

    def begin(self, context: TrainContext) -> None:
        """Callback before training: list the items."""
        self.ids = torch.arange(context.n_items, device=context.device)

    def scores(self, view: View) -> ItemScores:
        """s(x, i) for every row and item, [B, I]. Raises UserError for more than `cells` scores."""
        rows, items = len(view.query), len(self.ids)
        if rows * items > self.cells:
            raise UserError(
                f"a policy over all items takes {rows} rows x {items} items = "
                f"{rows * items / 2**28:.1f} GiB a score table, above `cells`={self.cells}; lower "
                "the batch size or raise `cells`"
            )
        return view.score_shared(self.ids)


def log_probs(
    s_pos: Rows, s_neg: Scores, table: ItemScores | None, pooled: Ids | None = None
) -> LogProbs:
    """Log-probabilities of positives [B] and negatives [B, K], and of items `pooled` [B, P].

    Without a table of all scores [B, I] they lack -log Z, the same for all responses of a row.
    """
    if table is None:
        return LogProbs(s_pos, s_neg)
    z = torch.logsumexp(table, 1)
    shared = None if pooled is None else table.gather(1, pooled) - z.unsqueeze(1)
    return LogProbs(s_pos - z, s_neg - z.unsqueeze(1), shared)
