"""Splits: which pairs are learnt from, which stop and tune, and which are reported.

A rule is a word, with numbers in brackets where it takes any: `ratio(0.8,0.1,0.1)`. Every pair
falls in exactly one part. Within a row of a part the pairs stay in time order, or in the order of
the file where no time is known.

- `ratio(a,b,c)`: each user's n pairs in order, cut at the whole numbers below a n and (a + b) n,
  with one or more in train. So 2 to 5 pairs under (0.8,0.1,0.1) give one to test, none to valid.
- `random(a,b,c)`: the same sizes, each user's pairs shuffled.
- `temporal(a,b)`: two lines in time for all users, at the quantiles a and b; equal times stay
  together. A user who comes after the first line has no train pair.
- `leave_one_out` (`loo`): the last pair is test, the one before it valid, for users with 3 pairs or
  more; all pairs of the others are train.
- `files(a)`: the parts as given. Where no valid part is given it is carved from train: of each
  user's n train pairs the nearest whole number to a n, never all (a = 0.1: none below 5 pairs).
- `truth(a)`: valid is carved likewise from all that was observed; test is the truth that was not
  observed, of the judged cells where only some were judged.
- `popularity_shift(alpha,a)`: test is the share a of all pairs, drawn against the popularity of the
  items: alpha = 1 draws all pairs alike, alpha = 0 all items alike. Valid is as large and drawn
  without the shift, so that no selection sees it; each user keeps a train pair (see `shifting`).
"""

from collections.abc import Callable
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from negbench.data.interactions import Csr, Interactions, Split
from negbench.errors import UserError
from negbench.ops.rng import numpy_stream
from negbench.scenario import popularity_shift
from negbench.scenario.rule_syntax import Rule, read_rule

Parts = NDArray[np.int8]
TRAIN, VALID, TEST = 0, 1, 2

DEFAULTS: dict[str, tuple[float, ...]] = {
    "ratio": (0.8, 0.1, 0.1),
    "random": (0.8, 0.1, 0.1),
    "temporal": (0.8, 0.9),
    "leave_one_out": (),
    "files": (0.1,),
    "truth": (0.1,),
    "popularity_shift": popularity_shift.DEFAULTS,
}
"""The rules and the numbers each takes when none is given."""

ALIASES = {"loo": "leave_one_out"}

WARNINGS = {
    "leave_one_out": "leave_one_out lets a model learn from pairs later than the ones it is tested "
    "on, so it sees the future; `temporal(0.8,0.9)` does not.",
    "temporal": "under temporal a user who comes after the first line in time has no train pair "
    "and is ranked by an untrained vector.",
    "popularity_shift": "under popularity_shift the test pairs are drawn against popularity, the "
    "valid pairs are not: nothing is stopped or selected under the shift.",
}
"""By the name of a rule: what its results must be read with."""


def split(interactions: Interactions, rule: str = "auto", *, seed: int = 0) -> Split:
    """Divide the interactions by a rule; `Split.rule` says it in full, with any seed it drew by.

    `auto` is `truth` for data that know it, else `files` for data that come divided, else `ratio`
    where an order is known, else `random`.
    """
    asked = _auto(interactions) if rule == "auto" else rule
    read = read_rule(asked, DEFAULTS, "split rule", ALIASES, seed=seed)
    if not len(interactions):
        raise UserError(f"{interactions.name} holds no interactions, so there is nothing to split")
    parts = _RULES[read.name](interactions, read)
    result = _gather(interactions, parts, _said(read, interactions))
    for word, part in (("train", result.train), ("test", result.test)):
        if not len(part):
            raise UserError(
                f"split rule `{result.rule}` leaves the {word} part of {interactions.name} empty "
                f"({len(interactions)} interactions); choose another rule or other numbers"
            )
    return result


def warning(rule: str) -> str:
    """The sentence to print beside results under this (resolved) rule, or an empty string."""
    return WARNINGS.get(rule.partition("(")[0], "")


def _auto(interactions: Interactions) -> str:
    if interactions.truth is not None:
        return "truth"
    if interactions.part is not None:
        return "files"
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
    first, second = _increasing(rule)
    times = interactions.times
    if times is None:
        raise UserError(
            f"split rule `{rule}` needs the time of every pair and {interactions.name} has none; "
            "use ratio(0.8,0.1,0.1) or random(0.8,0.1,0.1)"
        )
    ranked = np.sort(times)
    cuts = [ranked[int(share * len(ranked))] for share in (first, second)]
    return np.searchsorted(np.array(cuts), times, side="right").astype(np.int8)


def _leave_one_out(interactions: Interactions, rule: Rule) -> Parts:
    _need_order(interactions, rule)
    place, n = _places(interactions.users, _in_order(interactions))
    parts = np.zeros(len(place), np.int8)
    parts[(n >= 3) & (place == n - 1)] = TEST
    parts[(n >= 3) & (place == n - 2)] = VALID
    return parts


def _files(interactions: Interactions, rule: Rule) -> Parts:
    if interactions.part is None:
        raise UserError(
            f"split rule `files` needs data that come divided and {interactions.name} come as one "
            "list; use ratio(0.8,0.1,0.1) or random(0.8,0.1,0.1)"
        )
    parts = interactions.part.copy()
    return parts if (parts == VALID).any() else _carve(interactions, parts, rule)


def _truth(interactions: Interactions, rule: Rule) -> Parts:
    if interactions.truth is None:
        raise UserError(
            f"split rule `truth` needs data whose true relevance is known and {interactions.name} "
            "is not such; use auto"
        )
    return _carve(interactions, np.zeros(len(interactions), np.int8), rule)


_RULES: dict[str, Callable[[Interactions, Rule], Parts]] = {
    "ratio": _ratio,
    "random": _random,
    "temporal": _temporal,
    "leave_one_out": _leave_one_out,
    "files": _files,
    "truth": _truth,
    "popularity_shift": popularity_shift.shifted,
}


def _need_order(interactions: Interactions, rule: Rule) -> None:
    if interactions.order == "none":
        raise UserError(
            f"split rule `{rule}` needs an order of each user's pairs and {interactions.name} has "
            "none; use random(0.8,0.1,0.1)"
        )


def _in_order(interactions: Interactions) -> NDArray[np.int64]:
    """The pairs from first to last; equal times keep the order of the file."""
    if interactions.times is None:
        return np.arange(len(interactions))
    return np.argsort(interactions.times, kind="stable")


def _places(
    users: NDArray[np.int64], order: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """For each pair: its place among its user's pairs, counted along `order`, and their number."""
    grouped = order[np.argsort(users[order], kind="stable")]
    counts = np.bincount(users)
    starts = np.cumsum(counts) - counts
    place = np.empty(len(users), np.int64)
    place[grouped] = np.arange(len(users)) - starts[users[grouped]]
    return place, counts[users]


def _cut(place: NDArray[np.int64], n: NDArray[np.int64], rule: Rule) -> Parts:
    """Parts by place, in the shares of the rule."""
    shares = rule.numbers
    if len(shares) != 3 or shares[0] <= 0 or min(shares) < 0 or sum(shares) != 1:
        raise UserError(
            f"split rule `{rule}` needs three shares that sum to 1, the first above 0, "
            f"as in {rule.name}(0.8,0.1,0.1)"
        )
    first = np.maximum(_share(shares[0], n), 1)  # who has no train pair is ranked at random
    second = np.maximum(_share(shares[0] + shares[1], n), first)
    return (place >= first).astype(np.int8) + (place >= second)


def _share(share: Fraction, n: NDArray[np.int64]) -> NDArray[np.int64]:
    """The whole number at or below `share n`; exact, so 0.29 of 100 is 29."""
    return n * share.numerator // share.denominator


def _carve(interactions: Interactions, parts: Parts, rule: Rule) -> Parts:
    """Move a share of each user's train pairs to valid, at random by the rule's seed."""
    if len(rule.numbers) != 1 or not 0 <= rule.numbers[0] < 1:
        raise UserError(
            f"split rule `{rule}` needs one share of train for valid, at least 0 and below 1, "
            f"as in {rule.name}(0.1)"
        )
    train = np.flatnonzero(parts == TRAIN)
    shuffled = numpy_stream(rule.seed, "split").permutation(len(train))
    place, n = _places(interactions.users[train], shuffled)
    nearest = _share(rule.numbers[0], 2 * n) + 1 >> 1
    parts[train[place < np.minimum(nearest, n - 1)]] = VALID
    return parts


def _increasing(rule: Rule) -> tuple[Fraction, Fraction]:
    if len(rule.numbers) != 2 or not 0 < rule.numbers[0] <= rule.numbers[1] < 1:
        raise UserError(
            f"split rule `{rule}` needs two rising shares between 0 and 1, as in temporal(0.8,0.9)"
        )
    return rule.numbers[0], rule.numbers[1]


def _said(rule: Rule, interactions: Interactions) -> str:
    """The rule in full: with its seed where randomness acts, without numbers that did not."""
    if rule.name == "files" and interactions.part is not None and (interactions.part == 1).any():
        return "files"
    rule = popularity_shift.completed(rule) if rule.name == "popularity_shift" else rule
    if rule.name in ("random", "files", "truth", "popularity_shift"):
        return f"{str(rule).removesuffix(')')},seed={rule.seed})"
    return str(rule)


def _gather(interactions: Interactions, parts: Parts, rule: str) -> Split:
    """The three parts as rows of users, each row in time order where times are known."""
    order = _in_order(interactions)
    users, items, parts = interactions.users[order], interactions.items[order], parts[order]
    shape = {"n_rows": interactions.n_users, "n_columns": interactions.n_items}
    train, valid, test = (
        Csr.of(users[parts == part], items[parts == part], **shape) for part in (TRAIN, VALID, TEST)
    )
    if rule.startswith("truth"):
        test = _unobserved(interactions)
    return Split(train, valid, test, rule, interactions.order)


def _unobserved(interactions: Interactions) -> Csr:
    """The truth that was not observed, of the judged cells."""
    truth = interactions.truth
    assert truth is not None  # the rule `truth` has refused such data
    keys = np.setdiff1d(truth.keys, interactions.users * truth.n_columns + interactions.items)
    if interactions.judged is not None:
        keys = np.intersect1d(keys, interactions.judged.keys)
    users, items = np.divmod(keys, truth.n_columns)
    return Csr.of(users, items, n_rows=truth.n_rows, n_columns=truth.n_columns)
