"""Figure `tail`: accuracy on all items against accuracy on the rarest, the best in both joined."""

from ..measures import bands
from ..number_format import spelled
from ..runs import frames
from ..runs.frames import Run
from ._style import Plot
from .tradeoff import SAYS, planes

PLACE = 3


def plots(run: Run, metric: str | None = None) -> list[Plot]:
    """The plane of `tradeoff` with the metric on the last band in the place of balance."""
    shown = spelled(*frames.measure(run, metric))
    band = bands.names(run)[-1]
    label = f"{shown} on {band} items"
    says = f"{shown} on all items against {label}; {SAYS}"
    return planes(run, metric, band, kind="tail", label=label, says=says)
