"""How a model of the user's own scores: by its word, or by a function."""

from collections.abc import Callable

from negbench.errors import UserError, shown
from negbench.ops.axes import AnyShape, AnyVectors
from negbench.protocol.view import Similarity

How = str | Callable[[AnyVectors, AnyVectors], AnyShape]
"""dot, cosine, or a function of queries [..., D] and items [..., D], which broadcast, to [...]."""


def similarity_of(how: How, temperature: float) -> Similarity:
    """The similarity. Raises UserError for another word or a temperature out of range."""
    kind, score = ("own", how) if callable(how) else (how, None)
    try:
        return Similarity(kind, temperature, score)  # type: ignore[arg-type]
    except ValueError as error:
        raise UserError(str(error)) from error
    except TypeError as error:
        raise UserError(f"`temperature` must be a number; got {shown(temperature)}") from error
