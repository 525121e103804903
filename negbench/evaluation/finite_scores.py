"""Scores must be finite before they are ranked: inf sorts like a number, so it would win a place.

One sum a block finds out: it is finite where every score is. Only where it is not are the scores
looked at one by one; what is seen is not ranked, so a scorer may give it -inf itself.
"""

from math import isnan

import torch

from negbench.ops.axes import ItemScores, Pairs, Rows


class NotFinite(ArithmeticError):
    """A model gave infinite scores or NaN."""


def require_finite(scores: ItemScores, users: Rows, seen: tuple[Pairs, Pairs]) -> None:
    """Check the scores [b, I] of users [b], but for the `seen` pairs (row of the block, item).

    Raises NotFinite if a score that would be ranked is infinite or NaN.
    """
    if torch.isfinite(scores.sum()):
        return
    wrong = ~torch.isfinite(scores)
    wrong[seen] = False
    if not wrong.any():  # what is seen, or a sum of great numbers
        return
    row, item = wrong.nonzero()[0].tolist()
    value, count = float(scores[row, item]), int(wrong.sum())
    raise NotFinite(
        f"scores must be finite to be ranked; {count:,} of {scores.numel():,} of a block are not, "
        f"the first {'NaN' if isnan(value) else value} for user {int(users[row])} and item {item}: "
        "a trained model has diverged (lower lr), a reference or plug-in must return numbers"
    )
