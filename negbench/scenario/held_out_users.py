"""Split by users with fold-in: some users are trained on, others are only ranked.

Users in a random order are cut at the whole numbers below a n and (a + b) n: train, valid, test. Of
a valid or test user the last items are to be ranked, all before are the history that is read at
ranking time; no pair of such a user is trained on. Popularity, bands and exclusions are those of
the train users. A user with too few pairs to have a history and a target is trained on.
"""

from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from negbench.data.fold_in import TEST, TRAIN, VALID, fold_in
from negbench.data.interactions import Interactions, Split
from negbench.data.number_words import counted
from negbench.errors import UserError
from negbench.ops.rng import numpy_stream
from negbench.scenario.rule_syntax import Rule

Ints = NDArray[np.int64]
Parts = NDArray[np.int8]


def assign_parts(interactions: Interactions, rule: Rule, order: Ints) -> Parts:
    """The part of each pair, [n]: of held-out users all but the last `rule.last` are FOLD_IN.

    `order` [n] are the pairs' indices in time order. Raises UserError if `last` is below 1.
    """
    if rule.last < 1:
        raise UserError(
            f"split rule `{rule}` needs at least one item of a held-out user to rank; "
            f"last must be 1 or more, got {rule.last}"
        )
    users, (first, second) = interactions.users, rule.numbers[:2]
    able = np.flatnonzero(np.bincount(users) > rule.last)
    shuffled = able[numpy_stream(rule.seed, "split").permutation(len(able))]
    cuts = [_share(share, len(able)) for share in (first, first + second)]
    of_user = np.full(interactions.n_users, TRAIN, np.int8)
    of_user[shuffled[cuts[0] : cuts[1]]] = VALID
    of_user[shuffled[cuts[1] :]] = TEST
    return fold_in(users, of_user[users], order, rule.last)


def sample_valid_users(
    interactions: Interactions, parts: Parts, rule: Rule, order: Ints, share: Fraction
) -> Parts:
    """Move a share of the train users to valid, the nearest whole number of them, never all."""
    users = interactions.users
    trained = parts == TRAIN
    able = np.flatnonzero(np.bincount(users[trained]) > 1)
    n = min(_share(share, 2 * len(able)) + 1 >> 1, len(able) - 1)
    chosen = able[numpy_stream(rule.seed, "split").permutation(len(able))[: max(n, 0)]]
    valid = np.isin(users, chosen) & trained
    moved = fold_in(users, np.where(valid, np.int8(VALID), np.int8(TRAIN)), order)
    return np.where(valid, moved, parts)


def notes(parts: Split, interactions: Interactions) -> tuple[str, ...]:
    """What a split by users means for its results; nothing for any other split."""
    if parts.fold_in is None:
        return ()
    known = parts.train.lengths > 0
    valid, test = (int(((part.lengths > 0) & ~known).sum()) for part in (parts.valid, parts.test))
    last = int(parts.test.lengths.max())
    target = "last item is" if last == 1 else f"last {last} items are"
    lines = [
        f"split by users: {int(known.sum()):,} are trained on; {counted(valid, 'valid user')} and "
        f"{counted(test, 'test user')} are not: their earlier items are read as history (fold-in) "
        f"and their {target} ranked."
    ]
    counts = np.bincount(interactions.users)
    short = int(((counts > 0) & (counts <= last)).sum())
    if short and parts.rule_name == "users":
        who = counted(short, "user has", "users have")
        lines.append(f"{who} too few pairs to be held out ({last + 1} are needed): trained on.")
    return tuple(lines)


def _share(share: Fraction, n: int) -> int:
    """`share n` rounded down, exactly."""
    return n * share.numerator // share.denominator
