"""What a user asks of all figures of a run: rows to name, and the width."""

from dataclasses import dataclass


@dataclass(frozen=True)
class FigureChoices:
    """Rows that every figure names, whatever their values, and the width of each in inches."""

    named: tuple[str, ...] = ()
    width: float | None = None
    """None leaves each kind its own."""
