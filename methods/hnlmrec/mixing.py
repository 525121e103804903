"""Mixes a generated vector into the negatives of its row."""

from dataclasses import replace

from negbench.protocol import Negatives, Step, Vectors


def mix_generated(step: Step, negatives: Negatives, generated: Vectors, alpha: float) -> Negatives:
    """alpha g + (1 - alpha) e_j for each negative; e_j gets 1 - alpha of its plain gradient.

    The mixture is no item: a record takes the item nearest to it.
    """
    view, size = step.view, len(step.batch)
    if negatives.vectors is None:
        assert negatives.ids is not None
        own = view.rows(negatives.ids)
    else:
        own = negatives.vectors
    ids = None if negatives.ids is None else negatives.row_ids(size)
    drawn = view.similarity.prepare(own).expand(size, -1, -1)
    vectors = alpha * generated.unsqueeze(1) + (1 - alpha) * drawn
    return replace(negatives, ids=ids, vectors=vectors, shared=False, logq=None, named=False)
