"""One method out of several: which part each of them gives, and which parameters reach it.

Each card says which of the four choices its method is about (`moves`). In a composition a choice
comes from the method that moves it, stages line up in the order typed, and what nobody moves comes
from the last one.
"""

from collections.abc import Iterable, Sequence
from typing import Any, TypeVar

import numpy as np
import torch

from negbench.errors import UserError
from negbench.plugins.card import Card
from negbench.protocol.interfaces import Method

T = TypeVar("T")


def compose(methods: Sequence[Method], cards: Iterable[Card], text: str) -> Method:
    """Each choice from the method whose card moves it.

    Raises UserError where two of them move the same one.
    """
    choices = movers(methods, cards, text)

    def owner(choice: str) -> Method:
        return choices.get(choice, methods)[-1]

    staged = choices.get("stages") or [methods[-1]]
    return Method(
        sampler=owner("sampler").sampler,
        stages=tuple(stage for method in staged for stage in method.stages),
        objective=owner("objective").objective,
        transform=owner("transform").transform,
    )


def movers(owners: Sequence[T], cards: Iterable[Card], text: str) -> dict[str, list[T]]:
    """Which owners (methods, or their cards) move each choice.

    Raises UserError where two of them move the same one; stages may come from several.
    """
    moving: dict[str, list[T]] = {}
    for owner, card in zip(owners, cards, strict=True):
        for choice in card.moves:
            moving.setdefault(choice, []).append(owner)
    for choice in ("sampler", "objective", "transform"):
        if len(moving.get(choice, [])) > 1:
            raise UserError(f"only one method of a composition may set the {choice}; got {text!r}")
    return moving


def same_method(one: Method, other: Method) -> bool:
    """Whether two methods are built alike: the same parts, with equal settings all the way down.

    Parts that cannot be compared, such as networks with weights of their own, count as different.
    """
    return _same(one.parts, other.parts, set())


def _same(one: Any, other: Any, compared: set[tuple[int, int]]) -> bool:
    """`compared` holds the pairs of objects on the way here: parts may know one another."""
    if type(one) is not type(other):
        return False
    if one is None or isinstance(one, str | bytes | int | float | complex | type):
        return bool(one == other)
    if isinstance(one, torch.Tensor):
        return one.shape == other.shape and bool(torch.equal(one, other))
    if isinstance(one, np.ndarray):
        return bool(np.array_equal(one, other))
    if one is other or (id(one), id(other)) in compared:
        return True
    compared = compared | {(id(one), id(other))}
    if isinstance(one, dict):
        keys = one.keys()
        return keys == other.keys() and all(_same(one[k], other[k], compared) for k in keys)
    if isinstance(one, list | tuple):
        alike = len(one) == len(other)
        return alike and all(_same(a, b, compared) for a, b in zip(one, other, strict=True))
    known = hasattr(one, "__dict__") and not callable(one)
    return known and _same(vars(one), vars(other), compared)
