"""User vectors for a setting that cannot do without them."""

from torch import Tensor

from negbench.errors import UserError
from negbench.protocol import Ids, Negatives, Step, TrainContext


def users_of(users: Tensor | None, setting: str, instead: str) -> Tensor:
    """The vectors; a backbone that has none is refused, with the setting that it can have."""
    if users is None:
        raise UserError(
            f"{setting} needs a backbone with user vectors (mf, lightgcn); this one has none; "
            f"take {instead}"
        )
    return users


def ids_of(step: Step, negatives: Negatives, what: str) -> Ids:
    """ids [B, N], those of a shared pool for every row; refused where there are none."""
    if negatives.ids is None:
        raise UserError(
            f"{what} needs negatives that are items; these are vectors without ids; "
            "compose it with a method that draws items"
        )
    return negatives.ids.expand(len(step.batch), -1)


def width_of(context: TrainContext) -> int:
    """D; a loop that does not say it is refused, with the remedy."""
    if not context.width:
        raise UserError(
            "a method with a network must know the vectors' width before the first step; your own "
            "loop does not say it; add dim=D to negbench.attach"
        )
    return context.width
