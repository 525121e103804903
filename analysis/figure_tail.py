"""Figure `tail`: accuracy on all items against accuracy on the rarest, the best in both joined."""

from negbench.analysis import bands, frames
from negbench.analysis.canvas import Plot
from negbench.analysis.figure_tradeoff import SAYS, planes
from negbench.analysis.frames import Run
from negbench.analysis.spelling import spelled


def tail(run: Run, metric: str | None = None) -> list[Plot]:
    """The plane of `tradeoff` with the metric on the last band in the place of balance."""
    shown = spelled(*frames.measure(run, metric))
    band = bands.names(run)[-1]
    label = f"{shown} on {band} items"
    says = f"{shown} on all items against {label}; {SAYS}"
    return planes(run, metric, band, kind="tail", label=label, says=says)
