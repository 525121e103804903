"""negbench: benchmark and analysis of negative sampling methods for recommender systems.

`run` and `open_run` mirror the command line; `attach` puts a method into somebody else's loop. They
are imported when first used, so that `import negbench` stays quick.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from negbench.version import __version__ as __version__

if TYPE_CHECKING:
    from negbench.attach import attach as attach
    from negbench.errors import UserError as UserError
    from negbench.experiment.api import run as run
    from negbench.experiment.finished.run import Run as Run
    from negbench.experiment.finished.run import open_run as open_run


_DOORS = {
    "attach": "negbench.attach",
    "run": "negbench.experiment.api",
    "open_run": "negbench.experiment.finished.run",
    "Run": "negbench.experiment.finished.run",
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
