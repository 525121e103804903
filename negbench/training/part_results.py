"""Checks of what the parts of a method give in a step: shapes alone, so nothing waits for a GPU.

Without them a mistake of a plug-in would train: torch broadcasts [B, N] - [B] to [B, B], and
compiled loops read one row of ids as if there were B.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch

from negbench.errors import UserError, shown
from negbench.ops.axes import Rows
from negbench.protocol.step import Negatives


def checked_negatives(negatives: Negatives, rows: int, part: object, verb: str) -> Negatives:
    """The negatives that `part.verb` gave for a batch of `rows`.

    Raises UserError, which names the part and the field, where a shape or a type is another.
    """
    if not isinstance(negatives, Negatives):
        raise _refused(part, verb, "Negatives", shown(negatives))
    n, shared, ids, mask = negatives.n, negatives.shared, negatives.ids, negatives.mask
    lead = () if shared else (rows,)
    if ids is not None and (ids.shape != (*lead, n) or ids.dtype != torch.int64):
        raise _refused(part, verb, f"`ids` {'[K]' if shared else f'[{rows}, N]'} int64", _seen(ids))
    if mask is not None and (mask.shape != (rows, n) or mask.dtype != torch.bool):
        raise _refused(part, verb, f"`mask` [{rows}, {n}] bool", _seen(mask))
    vectors, logq = negatives.vectors, negatives.logq
    if vectors is not None and vectors.shape[:-1] != (*lead, n):
        want = f"`vectors` {'[K, D]' if shared else f'[{rows}, {n}, D]'}"
        raise _refused(part, verb, want, _seen(vectors))
    if logq is not None and logq.shape not in ((n,), (1, n), (rows, n)):
        raise _refused(part, verb, f"`logq` [{rows}, {n}]", _seen(logq))
    if negatives.logw is not None and negatives.logw.shape != (rows, n):
        raise _refused(part, verb, f"`logw` [{rows}, {n}]", _seen(negatives.logw))
    if negatives.row_weight is not None and negatives.row_weight.shape != (rows,):
        raise _refused(part, verb, f"`row_weight` [{rows}]", _seen(negatives.row_weight))
    return negatives


def checked_rows(losses: Rows, rows: int, objective: object) -> Rows:
    """The losses [B] that an objective gave. Raises UserError where they are of another shape."""
    if not isinstance(losses, torch.Tensor) or losses.shape != (rows,):
        raise _refused(objective, "rows", f"a loss for each row, [{rows}]", _seen(losses))
    return losses


def plain_numbers(metrics: Mapping[str, Any]) -> dict[str, Any]:
    """Metrics of an epoch as Python's own numbers.

    One of numpy would be unpickled with the checkpoint that holds it, which is refused.
    """
    return {
        name: value.item() if isinstance(value, np.generic | torch.Tensor) else value
        for name, value in metrics.items()
    }


def _seen(value: Any) -> str:
    if not isinstance(value, torch.Tensor):
        return shown(value)
    return f"{list(value.shape)} {str(value.dtype).removeprefix('torch.')}"


def _refused(part: object, verb: str, want: str, got: str) -> UserError:
    return UserError(
        f"{type(part).__name__}.{verb} must give {want}; got {got}; "
        "`negbench check FILE` names the line"
    )
