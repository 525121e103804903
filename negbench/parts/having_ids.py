"""The ids of negatives, for a method that looks items up by more than their vectors."""

from negbench.errors import UserError
from negbench.protocol import Ids, Negatives, Step


def ids_of(step: Step, negatives: Negatives, what: str) -> Ids:
    """ids [B, N], those of a shared pool for every row; refused where there are none."""
    if negatives.ids is None:
        raise UserError(
            f"{what} needs negatives that are items; these are vectors without ids; "
            "compose it with a method that draws items"
        )
    return negatives.ids.expand(len(step.batch), -1)
