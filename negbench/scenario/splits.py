"""Train, validation and test splits by rule.

A rule is a name, with numbers in brackets where it takes any: `ratio(0.8,0.1,0.1)`. Every pair is
in exactly one part, but for those that a rule leaves out as newer than its test pairs. Within a row
of a part the pairs stay in time order, or in the order of the file where no time is known.

- `ratio(a,b,c)`: each user's n pairs in order, cut at the whole numbers below a n and (a + b) n,
  with one or more in train. So 2 to 5 pairs under (0.8,0.1,0.1) give one to test, none to valid.
  A fourth share leaves each user's newest pairs out: `ratio(0.7,0.1,0.1,0.1)` is the split as it
  was before the last tenth of each history.
- `random(a,b,c)`: the same sizes, each user's pairs shuffled.
- `temporal(a,b)`: two points in time for all users, at the quantiles a and b; equal times stay
  together. A user whose pairs are all after the first point has no train pair. After a third point
  pairs are left out: `temporal(0.7,0.8,0.9)`.
- `leave_one_out` (`loo`): the last pair is test, the one before it valid, for users with 3 pairs or
  more; all pairs of the others are train. `leave_one_out(skip=1)` leaves each user's newest pair
  out first.
- `files(a)`: the parts as given. Without a given valid part it is sampled from train: of each
  user's n train pairs the nearest whole number to a n, never all (a = 0.1: none below 5 pairs).
  Of data that come divided by users, valid is a share of the train users, as under `users`.
- `truth(a)`: valid is sampled likewise from all observed pairs; test is the ground truth that was
  not observed, of the judged cells where only some were judged.
- `users(a,b,c)`: users are divided, not pairs, by a seed; of a valid or test user the last item
  (`last=2`: the last two) is to be ranked, the earlier ones are read as history at ranking time
  and never trained on (see `held_out_users.py`).
- `cold_items(a)`: the share a of the items is in test only; the pairs of the others are split as by
  `random(0.8,0.1,0.1)` (see `cold_items.py`).
- `popularity_shift(alpha,a)`: test is the share a of all pairs, sampled against the popularity of
  the items: alpha = 1 draws pairs uniformly, alpha = 0 items uniformly. Valid is as large and drawn
  without the shift, so that no selection uses it; each user keeps a train pair (see
  `popularity_shift.py`).
"""

from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction
from functools import partial

import numpy as np
from numpy.typing import NDArray

from negbench.data.fold_in import FOLD_IN, TEST, TRAIN, VALID
from negbench.data.interactions import Csr, Interactions, Split
from negbench.errors import UserError
from negbench.ops.rng import numpy_stream
from negbench.scenario import cold_items, held_out_users, popularity_shift
from negbench.scenario.ranking_protocol import of_users_with_history
from negbench.scenario.rule_numbers import increasing_points, share_for_valid, three_shares
from negbench.scenario.rule_syntax import Rule, read_rule, with_seed
from negbench.scenario.split_caveats import caveats

Parts = NDArray[np.int8]

LEFT_OUT = 4
"""Pairs newer than the test pairs: in no part."""
DEFAULTS: dict[str, tuple[float, ...]] = {
    "ratio": (0.8, 0.1, 0.1),
    "random": (0.8, 0.1, 0.1),
    "temporal": (0.8, 0.9),
    "leave_one_out": (),
    "files": (0.1,),
    "truth": (0.1,),
    "users": (0.8, 0.1, 0.1),
    "popularity_shift": popularity_shift.DEFAULTS,
    "cold_items": cold_items.DEFAULTS,
}
"""The rules with their default numbers."""

SEEDED = ("random", "files", "truth", "users", "popularity_shift", "cold_items")
"""The rules that draw."""
ALIASES = {"loo": "leave_one_out"}


def split(
    interactions: Interactions,
    rule: str = "auto",
    *,
    seed: int = 0,
    with_history: bool = False,
    mask: str = "seen",
) -> Split:
    """Split the interactions by a rule; `Split.rule` is its full text, with its seed if it has one.

    `with_history` leaves out held-out pairs of users who have nothing before them; `mask` is
    what is left out of the ranking (seen, train or none), for the caveats.

    `auto` is `files` for data that come divided, else `truth` for data with ground truth, else
    `ratio` where an order is known, else `random`. Raises UserError if the data cannot be split so.
    """
    read = read_split_rule(rule, interactions, seed=seed)
    if not len(interactions):
        raise UserError(f"{interactions.name} holds no interactions, so there is nothing to split")
    parts = _RULES[read.name](interactions, read)
    result = _gather(interactions, parts, read)
    for word, part in (("train", result.train), ("test", result.test)):
        if not len(part):
            raise UserError(
                f"split rule `{result.rule}` leaves the {word} part of {interactions.name} empty "
                f"({len(interactions)} interactions); choose another rule or other numbers"
            )
    if with_history:
        result = of_users_with_history(result)
    return replace(result, notes=(*caveats(interactions, parts, result, mask), *result.notes))


def read_split_rule(rule: str, interactions: Interactions, *, seed: int = 0) -> Rule:
    """The rule of a text; `auto` is resolved by the data. Raises UserError if it is no rule."""
    text = _auto(interactions) if rule == "auto" else rule
    return read_rule(text, DEFAULTS, "split rule", ALIASES, seed=seed)


def _auto(interactions: Interactions) -> str:
    if interactions.part is not None:
        return "files"
    if interactions.truth is not None:
        return "truth"
    return "random" if interactions.order == "none" else "ratio"


def _ratio(interactions: Interactions, rule: Rule) -> Parts:
    _need_order(interactions, rule)
    place, n = _places(interactions.users, _in_order(interactions))
    return _cut(place, n, rule)


def _random(interactions: Interactions, rule: Rule) -> Parts:
    shuffled = numpy_stream(rule.seed, "split").permutation(len(interactions))
    place, n = _places(interactions.users, shuffled)
    return _cut(place, n, rule)


def _temporal(interactions: Interactions, rule: Rule) -> Parts:
    points = increasing_points(rule)
    times = interactions.times
    if times is None:
        raise UserError(
            f"split rule `{rule}` needs the time of every pair and {interactions.name} has none; "
            "use ratio(0.8,0.1,0.1) or random(0.8,0.1,0.1)"
        )
    ranked = np.sort(times)
    cuts = [ranked[int(share * len(ranked))] for share in points]
    after = np.searchsorted(np.array(cuts), times, side="right")
    return np.array([TRAIN, VALID, TEST, LEFT_OUT], np.int8)[after]


def _leave_one_out(interactions: Interactions, rule: Rule) -> Parts:
    _need_order(interactions, rule)
    place, n = _places(interactions.users, _in_order(interactions))
    parts, kept = np.zeros(len(place), np.int8), np.maximum(n - rule.skip, 1)
    parts[(kept >= 3) & (place == kept - 1)] = TEST
    parts[(kept >= 3) & (place == kept - 2)] = VALID
    parts[place >= kept] = LEFT_OUT
    return parts


def _files(interactions: Interactions, rule: Rule) -> Parts:
    if interactions.part is None:
        raise UserError(
            f"split rule `files` needs data that come divided and {interactions.name} come as one "
            "list; use ratio(0.8,0.1,0.1) or random(0.8,0.1,0.1)"
        )
    parts = interactions.part.copy()
    if (parts == VALID).any():
        return parts
    if (parts == FOLD_IN).any():
        order, share = _in_order(interactions), share_for_valid(rule)
        return held_out_users.sample_valid_users(interactions, parts, rule, order, share)
    return _sample_valid(interactions, parts, rule)


def _truth(interactions: Interactions, rule: Rule) -> Parts:
    if interactions.truth is None:
        raise UserError(
            f"split rule `truth` needs data whose true relevance is known and {interactions.name} "
            "is not such; use auto"
        )
    return _sample_valid(interactions, np.zeros(len(interactions), np.int8), rule)


def _users(interactions: Interactions, rule: Rule) -> Parts:
    _need_order(interactions, rule)
    three_shares(rule)
    return held_out_users.assign_parts(interactions, rule, _in_order(interactions))


_RULES: dict[str, Callable[[Interactions, Rule], Parts]] = {
    "ratio": _ratio,
    "random": _random,
    "temporal": _temporal,
    "leave_one_out": _leave_one_out,
    "files": _files,
    "truth": _truth,
    "users": _users,
    "popularity_shift": popularity_shift.assign_parts,
    "cold_items": partial(cold_items.assign_parts, split_warm=_random),
}


def _need_order(interactions: Interactions, rule: Rule) -> None:
    if interactions.order == "none":
        raise UserError(
            f"split rule `{rule}` needs an order of each user's pairs and {interactions.name} has "
            "none; use random(0.8,0.1,0.1), or --order rows if a file's rows are in time order"
        )


def _in_order(interactions: Interactions) -> NDArray[np.int64]:
    """Indices of the pairs in time order [n]; equal times keep the order of the file.

    Data whose order is "rows" keep that of the file, whatever their times.
    """
    if interactions.times is None or interactions.order == "rows":
        return np.arange(len(interactions))
    return np.argsort(interactions.times, kind="stable")


def _places(
    users: NDArray[np.int64], order: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Each pair's position among its user's pairs along `order`, and their number, [n] each."""
    grouped = order[np.argsort(users[order], kind="stable")]
    counts = np.bincount(users)
    starts = np.cumsum(counts) - counts
    place = np.empty(len(users), np.int64)
    place[grouped] = np.arange(len(users)) - starts[users[grouped]]
    return place, counts[users]


def _cut(place: NDArray[np.int64], n: NDArray[np.int64], rule: Rule) -> Parts:
    """The part of each pair by its position, in the shares of the rule."""
    shares = three_shares(rule)
    first = np.maximum(_share(shares[0], n), 1)  # who has no train pair is ranked at random
    second = np.maximum(_share(shares[0] + shares[1], n), first)
    parts = (place >= first).astype(np.int8) + (place >= second)
    third = np.maximum(_share(shares[0] + shares[1] + shares[2], n), first)
    parts[place >= third] = LEFT_OUT
    return parts


def _share(share: Fraction, n: NDArray[np.int64]) -> NDArray[np.int64]:
    """`share n` rounded down, exactly: 0.29 of 100 is 29."""
    return n * share.numerator // share.denominator


def _sample_valid(interactions: Interactions, parts: Parts, rule: Rule) -> Parts:
    """Move a share of each user's train pairs to valid, at random by the rule's seed."""
    share = share_for_valid(rule)
    train = np.flatnonzero(parts == TRAIN)
    shuffled = numpy_stream(rule.seed, "split").permutation(len(train))
    place, n = _places(interactions.users[train], shuffled)
    nearest = _share(share, 2 * n) + 1 >> 1
    parts[train[place < np.minimum(nearest, n - 1)]] = VALID
    return parts


def _resolved(rule: Rule, interactions: Interactions) -> str:
    """The rule's text: with its seed where it is random, without numbers that had no effect."""
    if rule.name == "files" and interactions.part is not None and (interactions.part == 1).any():
        return "files"
    rule = popularity_shift.with_defaults(rule) if rule.name == "popularity_shift" else rule
    return with_seed(rule) if rule.name in SEEDED else str(rule)


def _gather(interactions: Interactions, parts: Parts, rule: Rule) -> Split:
    """The parts as CSR by user, each row in time order where times are known."""
    order = _in_order(interactions)
    users, items, parts = interactions.users[order], interactions.items[order], parts[order]
    shape = {"n_rows": interactions.n_users, "n_columns": interactions.n_items}
    train, valid, test, folded = (
        Csr.of(users[parts == part], items[parts == part], **shape)
        for part in (TRAIN, VALID, TEST, FOLD_IN)
    )
    if rule.name == "truth":
        test = _unobserved(interactions)
    text = _resolved(rule, interactions)
    fold_in = folded if len(folded) else None
    return Split(train, valid, test, text, interactions.order, rule.name, fold_in)


def _unobserved(interactions: Interactions) -> Csr:
    """Ground-truth positives that were not observed, of the judged cells."""
    truth = interactions.truth
    assert truth is not None  # checked by the rule `truth`
    keys = np.setdiff1d(truth.keys, interactions.users * truth.n_columns + interactions.items)
    if interactions.judged is not None:
        keys = np.intersect1d(keys, interactions.judged.keys)
    users, items = np.divmod(keys, truth.n_columns)
    return Csr.of(users, items, n_rows=truth.n_rows, n_columns=truth.n_columns)
