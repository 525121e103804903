"""Split with cold items: a share of the items, drawn at random, is met in the test part only.

All pairs of these items are test pairs. The pairs of the others are split as by
`random(0.8,0.1,0.1)`, so the test part holds both, and one run shows how the same model ranks items
that it was trained on and items that it was not. Valid has no cold item: nothing is stopped or
selected on them. A user whose items are all cold has no train pair and is counted in a caveat.

The protocol of cold-start studies, as Volkovs, Yu & Poutanen, "DropoutNet", NeurIPS 2017, but with
all items ranked together: a cold item competes with the warm ones.
"""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from negbench.data.fold_in import TEST
from negbench.data.interactions import Interactions
from negbench.errors import UserError
from negbench.ops.rng import numpy_stream
from negbench.scenario.rule_syntax import Rule

DEFAULTS = (0.1,)
"""The share of the items that is cold."""
WARM = ("0.8", "0.1", "0.1")
"""The shares of train, valid and test among the pairs of the others."""

Parts = NDArray[np.int8]


def assign_parts(
    interactions: Interactions, rule: Rule, split_warm: Callable[[Interactions, Rule], Parts]
) -> Parts:
    """The part of each pair, [n]; `split_warm` divides the pairs of items that are not cold."""
    warm = ~cold_items(interactions, rule)[interactions.items]
    parts = np.full(len(interactions), TEST, np.int8)
    users, items = interactions.users[warm], interactions.items[warm]
    parts[warm] = split_warm(
        replace(interactions, users=users, items=items, times=None),
        Rule("random", WARM, rule.seed),
    )
    return parts


def cold_items(interactions: Interactions, rule: Rule) -> NDArray[np.bool_]:
    """Which items are cold, [I], drawn by the rule's seed.

    Raises UserError if the share is out of range, or is less than one item.
    """
    if len(rule.numbers) != 1 or not 0 < rule.numbers[0] < 1:
        raise UserError(
            f"split rule `{rule}` needs one share of the items, above 0 and below 1, as in "
            "cold_items(0.1)"
        )
    share, n = rule.numbers[0], interactions.n_items
    size = n * share.numerator // share.denominator
    if not size:
        raise UserError(
            f"split rule `{rule}` takes less than one of the {n:,} items of {interactions.name}; "
            "use a larger share"
        )
    cold = np.zeros(n, bool)
    cold[numpy_stream(rule.seed, "cold items").permutation(n)[:size]] = True
    return cold
