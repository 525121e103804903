"""The figures by the name that users type; `report` alone writes them.

Each takes a run and a metric (or None) and gives its plots, most of them one a data set and
backbone. Where a run lacks what a figure needs, it says so as NothingToReport.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping

from negbench.analysis import frames
from negbench.analysis.canvas import Plot
from negbench.analysis.figure_adar_path import journeys
from negbench.analysis.figure_bands import bars
from negbench.analysis.figure_cd import diagram
from negbench.analysis.figure_convergence import curves
from negbench.analysis.figure_exposure import shares
from negbench.analysis.figure_fn_rate import rates
from negbench.analysis.figure_hardness import levels
from negbench.analysis.figure_heatmap import distances_map
from negbench.analysis.figure_overview import pages
from negbench.analysis.figure_popularity_curve import falling
from negbench.analysis.figure_ranks import intervals
from negbench.analysis.figure_tail import tail
from negbench.analysis.figure_tradeoff import scatter
from negbench.analysis.figure_triplets import worths
from negbench.analysis.frames import Run
from negbench.errors import UserError
from negbench.registry import nearest

KINDS: Mapping[str, Callable[[Run, str | None], list[Plot]]] = {
    "overview": pages,
    "tradeoff": scatter,
    "tail": tail,
    "heatmap": distances_map,
    "bands": bars,
    "fn-rate": rates,
    "hardness": levels,
    "adar-path": journeys,
    "triplets": worths,
    "convergence": curves,
    "exposure": shares,
    "popularity-curve": falling,
    "ranks": intervals,
    "cd": diagram,
}


def plots_of(run: Run, kinds: Iterable[str] = (), metric: str | None = None) -> Iterator[Plot]:
    """The plots of these kinds, one after the other; without any all that the run has records for.

    A kind that is asked for by name and cannot be drawn is refused.
    """
    wanted = list(dict.fromkeys(kinds))
    for kind in wanted:
        if kind not in KINDS:
            raise UserError(
                f"a plot must be one of {', '.join(KINDS)}; got {kind!r}; "
                f"{nearest(kind, list(KINDS))}"
            )
    frames.measure(run, metric)  # a wrong metric is a mistake, not a gap of the run
    if wanted:
        return (plot for kind in wanted for plot in KINDS[kind](run, metric))
    return _all(run, metric)


def _all(run: Run, metric: str | None) -> Iterator[Plot]:
    refused = None
    found = False
    for draw in KINDS.values():
        try:
            plots = draw(run, metric)
        except UserError as error:
            refused = error
            continue
        found = found or bool(plots)
        yield from plots
    if refused and not found:
        raise refused
