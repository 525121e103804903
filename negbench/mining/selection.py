"""Choice of k different negatives for each train pair: the highest scored, or a method's draws."""

import torch

from negbench.mining.rule import Rule
from negbench.mining.scores import UserBlock
from negbench.negative_sampler import NegativeSampler, Sampled
from negbench.ops.axes import Ids, Mask, Rows, Scores
from negbench.ops.top_k import MASKED

ROUNDS = 8
"""A method is asked for so many times k draws a pair at most, until it gave k different ones."""
NONE = -1
"""Stands where a pair has fewer than k negatives."""


def hardest(block: UserBlock, users: Rows, s_pos: Rows, rule: Rule) -> Ids:
    """The k highest-scored items that the rule lets through, best first, [B, k]; -1 fills up.

    Each user's items are ranked once: a bound on the score is a place in that ranking, from which
    the next k are taken.
    """
    (order, scores), rows = block.ranking, block.places(users)
    starts = torch.full_like(rows, rule.skip_top)
    if rule.bounded:
        starts = starts.maximum(_first_below(scores, rows, rule.highest(s_pos)))
    places = starts.unsqueeze(1) + torch.arange(rule.k, device=rows.device)
    last = order.shape[1] - 1
    ids = order[rows.unsqueeze(1), places.clamp(max=last)]
    return ids.masked_fill(places > last, NONE)


def _first_below(scores: Scores, rows: Rows, bound: Rows) -> Rows:
    """The first place of each pair's row of falling scores [b, depth] that is at most its bound."""
    places, rising = torch.empty_like(rows), -scores
    for row in range(int(rows[0]), int(rows[-1]) + 1):  # pairs come user by user
        here = rows == row
        places[here] = torch.searchsorted(rising[row], -bound[here])
    return places


def drawn(
    sampler: NegativeSampler,
    block: UserBlock,
    users: Rows,
    positives: Rows,
    s_pos: Rows,
    rule: Rule,
) -> Ids:
    """The first k different items that a method draws and the rule lets through, [B, k].

    In the order of the draws; -1 where `ROUNDS` times k draws gave fewer.
    """
    ids = users.new_empty(len(users), 0)
    usable, chosen = ids.bool(), ids
    while ids.shape[1] < ROUNDS * rule.k and not _full(chosen):
        sampled = sampler(users, positives=positives, score=block.scores)
        passes = _passes(block, users, sampled.ids, s_pos, rule) & _counts(sampled)
        ids, usable = torch.cat([ids, sampled.ids], 1), torch.cat([usable, passes], 1)
        chosen = first_different(ids, usable, rule.k)
    return chosen


def _counts(sampled: Sampled) -> Mask:
    """Which draws [B, N] the method would use: not masked, and not of weight 0, row or draw."""
    counts = torch.ones_like(sampled.ids, dtype=torch.bool)
    if sampled.mask is not None:
        counts &= sampled.mask
    if sampled.row_weight is not None:
        counts &= (sampled.row_weight > 0).unsqueeze(1)
    if sampled.logw is not None:
        counts &= sampled.logw > MASKED
    return counts


def _full(chosen: Ids) -> bool:
    return chosen.shape[1] > 0 and bool((chosen[:, -1] != NONE).all())


def _passes(block: UserBlock, users: Rows, ids: Ids, s_pos: Rows, rule: Rule) -> Mask:
    """What may be a negative: not excluded, and let through by the rule."""
    passes = ~block.excluded.contains(users, ids)
    if rule.bounded:
        passes &= block.scores(users, ids) <= rule.highest(s_pos).unsqueeze(1)
    if rule.skip_top:
        first = block.ranking[0][block.places(users), : rule.skip_top]
        for item in first.T:
            passes &= ids != item.unsqueeze(1)
    return passes


def first_different(ids: Ids, usable: Mask, k: int) -> Ids:
    """The first k different usable ids of each row [B, N], in their order, [B, k]; -1 fills up."""
    listed = torch.where(usable, ids, NONE)
    rising, order = listed.sort(dim=1, stable=True)  # of equal ids the first stays first
    repeats = torch.zeros_like(usable)
    repeats[:, 1:] = rising[:, 1:] == rising[:, :-1]
    new = usable & ~torch.zeros_like(usable).scatter(1, order, repeats)
    place = new.cumsum(1) - 1
    place = torch.where(new & (place < k), place, k)  # what is not taken falls behind the k
    return ids.new_full((len(ids), k + 1), NONE).scatter(1, place, listed)[:, :k]


def by_score(block: UserBlock, users: Rows, ids: Ids) -> tuple[Ids, Scores]:
    """The ids [B, k] by falling score, and their scores; -1 stays last, at -inf."""
    scores = block.scores(users, ids.clamp(min=0)).masked_fill(ids == NONE, MASKED)
    scores, order = scores.sort(dim=1, descending=True, stable=True)
    return ids.gather(1, order), scores
