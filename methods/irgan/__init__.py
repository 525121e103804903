"""IRGAN; `method.py` is the file to read first."""

from .method import CARD, Config, build

__all__ = ["CARD", "Config", "build"]
