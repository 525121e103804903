"""A method as a user's own loop gives it: by its name, as a plug-in file, or built."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from weakref import WeakSet

from negbench.composition import recipe
from negbench.errors import UserError, shown
from negbench.plugins import registry
from negbench.plugins.card import Card
from negbench.protocol.interfaces import Method

Given = str | PathLike[str] | Method
"""A registered name with its settings, as `dns(candidates=16)`; the path of a plug-in file, with
settings too; or a `Method`, as a plug-in's `build` returns it."""
FILE = re.compile(r"(.+\.py)(\(.*\))?\s*", re.DOTALL)
"""A file, and settings behind it: `own.py(candidates=16)`."""
_in_loops: WeakSet[Method] = WeakSet()
"""The built methods that a loop has: what one teaches its parts would be in the other."""


@dataclass(frozen=True, eq=False)
class GivenMethod:
    """A method to be built, and what is known of it before."""

    name: str
    build: Callable[[], Method]
    cards: tuple[Card, ...] = ()
    """None where it was built already."""

    @property
    def needs(self) -> tuple[str, ...]:
        """What its cards ask of a backbone or of the data."""
        return tuple(sorted({need for card in self.cards for need in card.needs}))

    def taken(self) -> None:
        """Say that a loop has it, so that no other may."""
        if not self.cards:
            _in_loops.add(self.build())


def given_method(given: Given) -> GivenMethod:
    """The method; a file is registered as a plug-in.

    Raises UserError for an unknown name or setting, a file that is no method, a `Method` that a
    loop has already, and for anything else.
    """
    if isinstance(given, Method):
        if given in _in_loops:
            raise UserError(
                "a Method holds what it has learnt, and this one is in a loop already; build "
                "another, or give the method's name"
            )
        return GivenMethod("your method", lambda: given)
    if not isinstance(given, str | PathLike):
        raise UserError(
            "a method must be a name such as 'dns(candidates=16)', the path of a plug-in file, or "
            f"a Method; got {shown(given)}"
        )
    text = given if isinstance(given, str) else str(Path(given))
    if file := FILE.fullmatch(text):
        text = _registered(Path(file[1])) + (file[2] or "")
    parsed = recipe(text)
    return GivenMethod(text, parsed.build, parsed.cards)


def _registered(path: Path) -> str:
    """The name of a file's method."""
    if not path.is_file():
        raise UserError(f"a method's file must be there; got {path}")
    family = registry.family_of(path)
    if family != "methods":
        raise UserError(f"{path.name} must be a method's file; it is one of {family}")
    return registry.add_plugin(path)
