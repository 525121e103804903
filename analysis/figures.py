"""The figures by the name that users type; `report` alone writes them.

Each takes a run and a metric (or None) and gives one `Plot` per data set and backbone.
"""

from collections.abc import Callable, Mapping

from negbench.analysis.canvas import Plot
from negbench.analysis.figure_bands import bars
from negbench.analysis.figure_convergence import curves
from negbench.analysis.figure_tradeoff import scatter
from negbench.analysis.frames import Run

KINDS: Mapping[str, Callable[[Run, str | None], list[Plot]]] = {
    "bands": bars,
    "convergence": curves,
    "tradeoff": scatter,
}
