"""Vectors by layer: those of a backbone that provides layers, else its vectors as one layer."""

from collections.abc import Iterator
from dataclasses import dataclass

import torch

from negbench.protocol import AnyShape, AnyVectors, Ids, LayerVectors, Negatives, Step

BLOCK = 1 << 20
"""Numbers of the candidates' vectors that are worked on at once: what a processor's cache holds."""


@dataclass(frozen=True, eq=False)
class LayerStack:
    """The queries, positives and items of a step at every layer, L of them.

    What is scored is the mean over layers. Where a transform maps the vectors that are scored,
    the backbone's layers are not what they are made of, so there is one layer: what is scored.
    """

    step: Step

    @property
    def many(self) -> bool:
        """Whether the backbone's own layers are used."""
        view = self.step.view
        provided = view.item_layers is not None and view.query_layers is not None
        return provided and view.through is None

    @property
    def queries(self) -> LayerVectors:
        """The queries, with gradient."""
        view = self.step.view
        if self.many and view.query_layers is not None:
            return view.query_layers
        return view.query.unsqueeze(1)

    def positives(self) -> LayerVectors:
        """The positives, with gradient."""
        view = self.step.view
        return view.layer_rows(self.step.batch.items) if self.many else view.positive.unsqueeze(1)

    def chosen(self, ids: AnyShape) -> AnyVectors:
        """The vector at layer l of the item chosen for it: ids [B, N, L] -> [B, N, L, D], with
        gradient. One layer bears the L2 penalty, as the negatives of the step."""
        view = self.step.view
        if not self.many:
            return view.rows(ids.squeeze(-1), penalised=True).unsqueeze(-2)
        return view.layer_rows(ids).diagonal(dim1=-3, dim2=-2).movedim(-1, -2)

    @torch.no_grad()
    def candidates(self, negatives: Negatives) -> Iterator[tuple[slice, AnyVectors]]:
        """The candidates' vectors, detached, in blocks of rows: which rows, and [b, M, L, D].

        A shared pool is read once, and [1, K, L, D] for all rows. Raises ValueError for vectors
        without ids.
        """
        n, (_, layers, width) = len(self.step.batch), self.queries.shape
        rows = max(1, BLOCK // max(1, negatives.n * layers * width))
        shared = self.vectors(negatives.row_ids(1)) if negatives.shared else None
        for start in range(0, n, rows):
            block = slice(start, start + rows)
            if shared is not None:
                yield block, shared
            else:
                yield block, self.vectors(negatives.row_ids(n)[block])

    @torch.no_grad()
    def vectors(self, ids: Ids) -> AnyVectors:
        """Vectors of items at every layer, detached: ids [B, N] -> [B, N, L, D]."""
        view = self.step.view
        if self.many and view.item_layers is not None:
            return view.item_layers[ids]
        return view.rows(ids).unsqueeze(-2)


def any_layer(best: AnyShape, generator: torch.Generator) -> Ids:
    """The choice of one layer, drawn uniformly, for each negative: [B, N, L] -> [B, N].

    For the record of negatives that are made of several items: over many rows each layer's item
    counts 1 / L.
    """
    n = best.shape[-1]
    if n == 1:
        return best.squeeze(-1)
    layer = torch.randint(n, best.shape[:-1], generator=generator, device=best.device)
    return best.gather(-1, layer.unsqueeze(-1)).squeeze(-1)
