"""The door to the analyses: found by name when asked for, never imported by the core."""

import importlib
from types import ModuleType


def analysis(name: str) -> ModuleType:
    """A module of `negbench.analysis`."""
    return importlib.import_module(f"negbench.analysis.{name}")
