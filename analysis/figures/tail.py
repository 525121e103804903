"""Figure `tail`: accuracy on all items and on the rarest; rows that nothing dominates joined."""

from ..measures import bands
from ..number_format import metric_label
from ..runs import frames
from ..runs.frames import MetricLike, Run
from ._style import Plot
from .tradeoff import MARKS, planes

PLACE = 3


def plots(run: Run, metric: MetricLike = None) -> list[Plot]:
    """The plane of `tradeoff` with the metric on the last band instead of balance."""
    chosen = frames.choose_metric(run, metric)
    name = metric_label(chosen)
    band = bands.names(run)[-1]
    label = f"{name} on {band} items"
    caption = f"{name} on all items against {label}; {MARKS}"
    return planes(run, chosen, band, kind="tail", label=label, caption=caption)
