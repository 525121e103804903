"""Logs the nearest item of each generated vector, and whether it is on its user's topic."""

import torch

from negbench.ops.epoch_means import EpochMeans
from negbench.parts.selection.nearest_item import nearest_by_cosine
from negbench.protocol import Negatives, Rows, Step, Vectors

from .text_space import TextSpace

LOGGED_ROWS = 512
"""Rows of an epoch's first step whose generated negatives are compared with the nearest items."""


@torch.no_grad()
def log_nearest(
    step: Step, negatives: Negatives, g: Vectors, words: TextSpace, averages: EpochMeans
) -> None:
    """Log how close the nearest item of each g [B, D] is, and how often it is on its user's topic.

    The same share of the drawn negatives is logged beside it.
    """
    rows = torch.arange(min(LOGGED_ROWS, len(g)), device=g.device)
    users = step.batch.users[rows]
    ids, cosine, share = nearest_by_cosine(step, g[rows], rows)
    has_item = cosine.isfinite()  # else the user has had every item
    averages.add("decoded_cosine", cosine[has_item])
    averages.add("decoded_top5", share[has_item])
    averages.add("fhns_sem", on_topic(words, users[has_item], ids[has_item]))
    if negatives.ids is not None and negatives.n:
        drawn = negatives.row_ids(len(g))[rows, 0]
        averages.add("fhns_sem_drawn", on_topic(words, users, drawn))


def on_topic(words: TextSpace, users: Rows, ids: Rows) -> Rows:
    """Whether items are on their users' topic, [n], of the pairs where both have words."""
    near, known = words.on_topic(users, ids)
    return near[known]
