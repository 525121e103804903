"""negbench: benchmark and analysis of negative sampling methods for recommender systems.

`run` and `open_run` mirror the command line; `attach` puts a method into somebody else's loop. They
are imported when first used, so that `import negbench` stays quick.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from negbench.attaching import attach as attach
    from negbench.errors import UserError as UserError
    from negbench.grid.mirror import run as run
    from negbench.grid.runs import Run as Run
    from negbench.grid.runs import open_run as open_run

__version__ = "0.1.0"

_DOORS = {
    "attach": "negbench.attaching",
    "run": "negbench.grid.mirror",
    "open_run": "negbench.grid.runs",
    "Run": "negbench.grid.runs",
    "UserError": "negbench.errors",
}


def __getattr__(name: str) -> Any:
    """Import what is asked for, once."""
    if name not in _DOORS:
        raise AttributeError(f"module 'negbench' has no attribute {name!r}")
    found = getattr(import_module(_DOORS[name]), name)
    globals()[name] = found
    return found


def __dir__() -> list[str]:
    """The public names, before they are imported too."""
    return sorted({*globals(), *_DOORS})
