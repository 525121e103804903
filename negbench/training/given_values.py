"""Values that a user's own loop gives: one sentence for each of another kind."""

from numbers import Integral
from typing import Any

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray

from negbench.errors import UserError, shown

NUMBER_THEM = "number them, for instance by pandas.factorize"
MOST = 2**31 - 1
"""Ids are below: tables of users and items have a row for each of 0..n - 1."""


def whole_number(value: object, name: str, least: int) -> int:
    """The number as an int. Raises UserError for no whole number, and for one below `least`."""
    if not isinstance(value, Integral) or isinstance(value, bool) or value < least:
        raise UserError(f"`{name}` must be a whole number, at least {least}; got {shown(value)}")
    return int(value)


def require_tensor(value: object, name: str) -> None:
    """Raises ValueError for an array or a list where a tensor is needed."""
    if not isinstance(value, torch.Tensor):
        raise ValueError(
            f"`{name}` must be a tensor; got {shown(value)}; wrap it by torch.as_tensor"
        )


def own_device(name: str | torch.device) -> torch.device:
    """The device of this name. Raises UserError where torch does not have it here."""
    try:
        device = torch.device(name)
        torch.empty(0, device=device)
    except (RuntimeError, AssertionError, TypeError) as error:
        raise UserError(
            f"`device` must be one that torch has here, as cpu or cuda; got {shown(name)}"
        ) from error
    return device


def pair_ids(values: ArrayLike, name: str) -> NDArray[np.int64]:
    """The users or items of train pairs, [n]; none stays none.

    Raises UserError for what are no whole numbers, and for numbers that no table has a row for.
    """
    given: Any = values.detach().cpu() if isinstance(values, torch.Tensor) else values
    try:
        ids = np.asarray(given)
    except ValueError as error:  # lists of different lengths
        raise UserError(f"`{name}` must be one list of ids; got {shown(values)}") from error
    if not ids.size:
        return ids.astype(np.int64)
    if ids.dtype.kind not in "iu":
        raise UserError(
            f"`{name}` must be whole numbers, ids counted from 0; got {ids.dtype}; {NUMBER_THEM}"
        )
    if (most := int(ids.max())) >= MOST:
        raise UserError(f"`{name}` must be below {MOST:,}; got {most}; {NUMBER_THEM}")
    return ids.astype(np.int64)
