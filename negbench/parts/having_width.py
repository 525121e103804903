"""The width of the backbone's vectors, for a network that reads them."""

from negbench.errors import UserError
from negbench.protocol import World


def width_of(world: World) -> int:
    """D; a loop that does not say it is refused, with the remedy."""
    if not world.width:
        raise UserError(
            "a method with a network must know the vectors' width before the first step; your own "
            "loop does not say it; add dim=D to negbench.attach"
        )
    return world.width
