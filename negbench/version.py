"""The version of negbench."""

__version__ = "0.1.0"
