"""A method given in Python as a function: `negbench.run(methods=[mine, "random"])`.

A cell is known by the source of its code, so the function must stand in a file that has not changed
since negbench was imported: then its source is the code that runs.
"""

import inspect
import time
from collections.abc import Callable
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from types import ModuleType
from typing import Any

from negbench.errors import UserError, shown
from negbench.plugins.card import MOVES, Card
from negbench.plugins.source_code import SourceCode, source_code

IMPORTED = time.time()
"""When this process imported negbench; files that are older run as they stand."""
REMEDY = "write it to a plug-in file, as `negbench new method NAME` does, and give plugins=FILE"


@dataclass(frozen=True)
class GivenFunction:
    """A function that builds a method, with the name and the code that its cells have."""

    name: str
    build: Callable[[], Any]
    digest: str

    @classmethod
    def of(cls, build: Callable[[], Any]) -> "GivenFunction":
        """The plug-in of a function. Raises UserError for one that cells could not be known by."""
        name = getattr(build, "__name__", "")
        if not inspect.isfunction(build) or not name.isidentifier():
            got = "a lambda" if name == "<lambda>" else shown(build)
            raise UserError(
                f"a method must be a name or a function with a name; got {got}; {REMEDY}"
            )
        if "<locals>" in build.__qualname__:
            raise UserError(f"a method's function must stand at the top of its file; got {name}")
        wanted = inspect.signature(build).parameters.values()
        if missing := [each.name for each in wanted if each.default is each.empty]:
            raise UserError(
                f"a method's function is called without arguments; {name} needs "
                f"{', '.join(missing)}; give them defaults"
            )
        sources = _sources_of(build)
        for file in (file for source in sources for file in source.files):
            if file.stat().st_mtime > IMPORTED:
                raise UserError(
                    f"{file.name} changed after negbench was imported, so the code of {name} that "
                    "runs may not be the one that stands there; start Python again, or give "
                    "plugins=FILE"
                )
        digests = [source.digest for source in sources]
        together = sha256(" ".join(digests).encode()).hexdigest()[:12]
        return cls(name, build, digests[0] if len(digests) == 1 else together)

    @property
    def place(self) -> str:
        """Where the function stands: module and name."""
        return f"{self.build.__module__}.{self.build.__qualname__}"

    def module(self) -> ModuleType:
        """The function as a plug-in's module: a card and `build(config)`."""
        text = inspect.getdoc(self.build) or ""
        module = ModuleType(f"negbench_function_{self.name}", text)
        title = text.partition("\n")[0] or self.name
        module.__dict__["CARD"] = Card(title=title, moves=MOVES, provenance="ours")
        module.__dict__["build"] = lambda config: self.build()
        return module


def _sources_of(build: Callable[..., Any]) -> list[SourceCode]:
    """The source of a function, and of each decorator around it that its file does not import.

    A decorator's file says nothing of what is decorated, so the innermost function comes first.
    Raises UserError for a function that stands in no file.
    """
    chain = [build]
    while callable(inner := getattr(chain[-1], "__wrapped__", None)):
        chain.append(inner)
    sources: list[SourceCode] = []
    for each in reversed(chain):
        path = Path(inspect.getsourcefile(each) or "")
        if not path.is_file():
            raise UserError(f"function {build.__name__} stands in no file; {REMEDY}")
        if all(path.resolve() not in source.files for source in sources):
            sources.append(source_code(path.resolve()))
    return sources
