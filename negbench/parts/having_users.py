"""User vectors for a setting that cannot do without them."""

from torch import Tensor

from negbench.errors import UserError


def users_of(users: Tensor | None, setting: str, instead: str) -> Tensor:
    """The vectors; a backbone that has none is refused, with the setting that it can have."""
    if users is None:
        raise UserError(
            f"{setting} needs a backbone with user vectors (mf, lightgcn); this one has none; "
            f"take {instead}"
        )
    return users
