"""Requirements of a method: user vectors, negatives with ids, a known embedding width."""

from negbench.errors import UserError
from negbench.protocol import Ids, Negatives, Step, TrainContext, UserVectors


def users_of(users: UserVectors | None, setting: str, instead: str) -> UserVectors:
    """The user vectors [U, D] that a setting needs; the error names a setting to take instead.

    Raises UserError if the backbone has none.
    """
    if users is None:
        raise UserError(
            f"{setting} needs a backbone with user vectors (mf, lightgcn); this one has none; "
            f"take {instead}"
        )
    return users


def ids_of(step: Step, negatives: Negatives, what: str) -> Ids:
    """Item ids of the negatives, [B, N]; a shared pool's are expanded to every row.

    Raises UserError if the negatives are synthesised vectors: ids beside them are not theirs.
    """
    if negatives.record_ids is None:
        raise UserError(
            f"{what} needs negatives that are items; these are synthesised vectors; "
            "compose it with a method that draws items"
        )
    return negatives.row_ids(len(step.batch))


def width_of(context: TrainContext) -> int:
    """Embedding width D. Raises UserError if it is unknown (`attach` without `dim`)."""
    if not context.width:
        raise UserError(
            "a method with a network must know the vectors' width before the first step; your own "
            "loop does not say it; add dim=D to negbench.attach"
        )
    return context.width
