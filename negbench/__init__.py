"""negbench: benchmark and analysis of negative sampling methods for recommender systems.

`run`, `tune` and `open_run` mirror the command line; `attach` puts a method into your own training
loop as a loss, `sampler` its negatives alone; `mine` writes hard negatives for other trainers. They
are imported when first used, so that `import negbench` stays quick. Messages go to the logger
"negbench"; nothing is printed unless your program handles them.
"""

import logging as _logging
from importlib import import_module as _import_module
from typing import TYPE_CHECKING as _TYPE_CHECKING

from negbench.version import __version__ as __version__

if _TYPE_CHECKING:
    from negbench.errors import UserError as UserError
    from negbench.experiment.api import run as run
    from negbench.experiment.finished.run import Run as Run
    from negbench.experiment.finished.run import open_run as open_run
    from negbench.loss_module import attach as attach
    from negbench.mining.mine import mine as mine
    from negbench.negative_sampler import sampler as sampler
    from negbench.tuning.api import tune as tune

__all__ = ["Run", "UserError", "attach", "mine", "open_run", "run", "sampler", "tune"]
_logging.getLogger(__name__).addHandler(_logging.NullHandler())
_HOMES = {
    "attach": "negbench.loss_module",
    "mine": "negbench.mining.mine",
    "run": "negbench.experiment.api",
    "sampler": "negbench.negative_sampler",
    "tune": "negbench.tuning.api",
    "open_run": "negbench.experiment.finished.run",
    "Run": "negbench.experiment.finished.run",
    "UserError": "negbench.errors",
}


def __getattr__(name: str) -> object:
    """Import a public name at its first use. Raises AttributeError for an unknown name."""
    if name not in _HOMES:
        raise AttributeError(f"module 'negbench' has no attribute {name!r}")
    value = getattr(_import_module(_HOMES[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    """The public names, also those that are not imported yet."""
    return sorted([*__all__, "__version__"])
