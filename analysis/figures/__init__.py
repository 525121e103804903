"""Figure kinds, found by scanning this folder, and those of plug-ins; only `report` writes files.

A kind is one file. It has a literal `PLACE` (its place among the figures of a run), a docstring
"Figure `name`: what it shows", and `plots(run, metric)`, which returns its plots, most of them one
a data set and backbone. If a run lacks what a figure needs, `plots` raises NothingToReport. The
name of a kind is that of its file, with dashes, or a literal `KIND`; a file that begins with an
underscore is no kind. Listing reads the sources and imports none of them. A plug-in has a card in
place of `PLACE` and comes after all of these.
"""

from __future__ import annotations

import ast
import importlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cache, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from negbench.errors import UserError, did_you_mean, shown
from negbench.plugins import registry

if TYPE_CHECKING:
    from ..runs.frames import MetricLike, Run
    from ._style import Plot as Plot

    Draw = Callable[[Run, MetricLike], list[Plot]]


LAST = 100
"""The place of plug-ins."""


def __getattr__(name: str) -> object:
    """`Plot`, what kinds return; imported when asked for, as it brings pandas and seaborn."""
    if name != "Plot":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return importlib.import_module(f"{__name__}._style").Plot


@dataclass(frozen=True)
class Kind:
    """A kind of figure as its source declares it."""

    name: str
    module: str
    """Its file in this folder; empty for a plug-in's."""
    title: str
    place: int


def kinds() -> Mapping[str, Kind]:
    """Every kind by its name, in the order of their places; nothing is imported."""
    own = registry.added("figures")
    titles = {name: registry.card("figures", name).title for name in own}
    return {**built_in_kinds(), **{name: Kind(name, "", titles[name], LAST) for name in own}}


@cache
def built_in_kinds() -> Mapping[str, Kind]:
    """The kinds of this folder, in the order of their places."""
    files = sorted(Path(__file__).parent.glob("[!_]*.py"))
    declared = sorted(map(_declared, files), key=lambda kind: (kind.place, kind.name))
    return {kind.name: kind for kind in declared}


def _declared(path: Path) -> Kind:
    tree = ast.parse(path.read_text("utf-8"))
    literals: dict[str, Any] = {
        node.targets[0].id: ast.literal_eval(node.value)
        for node in tree.body
        if isinstance(node, ast.Assign)
        and isinstance(node.targets[0], ast.Name)
        and node.targets[0].id in ("KIND", "PLACE")
    }
    title = (ast.get_docstring(tree) or "").partition("\n")[0].partition(": ")[2]
    name = literals.get("KIND", path.stem.replace("_", "-"))
    return Kind(name, path.stem, title, literals["PLACE"])


class _Kinds(Mapping[str, "Draw"]):
    """The `plots` function of each kind, imported on access; captions say what budgets cut off."""

    def __getitem__(self, kind: str) -> Draw:
        module = kinds()[kind].module
        if not module:
            return partial(_with_budgets, partial(_of_plugin, kind))
        return partial(_with_budgets, importlib.import_module(f"{__name__}.{module}").plots)

    def __iter__(self) -> Iterator[str]:
        return iter(kinds())

    def __len__(self) -> int:
        return len(kinds())


def _of_plugin(kind: str, run: Run, metric: MetricLike = None) -> list[Plot]:
    """The plots of a plug-in; what goes wrong in its code is one sentence."""
    from ._style import Plot

    try:
        plots = registry.load("figures", kind).plots(run, metric)
    except UserError:
        raise
    except Exception as error:
        raise UserError(
            f"figure {kind} must draw; its plots(run, metric) raised {type(error).__name__}: "
            f"{error}"
        ) from error
    if not isinstance(plots, list) or not all(isinstance(plot, Plot) for plot in plots):
        raise UserError(f"figure {kind} must give a list of Plot; got {shown(plots)}")
    return plots


def _with_budgets(draw: Draw, run: Run, metric: MetricLike = None) -> list[Plot]:
    """The plots, each saying which rows were still rising or in warm-up, and what is pending.

    Also that the run is repeated over splits, or shown on bands that it did not have. None of it is
    true of the trials of a search, so their plots stay as they are.
    """
    from ..runs.recut import bands_chosen_after
    from ..tables.budget_notes import of_figure
    from ..tables.pending_notes import pending
    from ..tables.split_notes import over_splits

    plots, after = draw(run, metric), f"{over_splits(run)} {bands_chosen_after(run)}".strip()
    lines = [
        (plot.caption, after, of_figure(run, plot.dataset, plot.backbone), pending(run))
        for plot in plots
    ]
    captions = [" ".join(filter(None, texts)) for texts in lines]
    return [
        plot if plot.trials else replace(plot, caption=text)
        for plot, text in zip(plots, captions, strict=True)
    ]


KINDS: Mapping[str, Draw] = _Kinds()


def plots_of(run: Run, kinds: Iterable[str] = (), metric: MetricLike = None) -> Iterator[Plot]:
    """The plots of these kinds, or, without any, of all kinds that the run has records for.

    Raises UserError for an unknown kind or metric, and NothingToReport for a kind that is asked for
    by name and cannot be drawn of this run.
    """
    from ..runs import frames  # here, so that listing the kinds imports no pandas

    wanted = list(dict.fromkeys(kinds))
    for kind in wanted:
        if kind not in KINDS:
            raise UserError(
                f"a plot must be one of {', '.join(KINDS)}; got {kind!r}; "
                f"{did_you_mean(kind, list(KINDS))}"
            )
    chosen = frames.choose_metric(run, metric)  # a wrong metric is a mistake, not a missing record
    if wanted:
        return (plot for kind in wanted for plot in KINDS[kind](run, chosen))
    return _all(run, chosen)


def _all(run: Run, metric: MetricLike) -> Iterator[Plot]:
    refused = None
    drawn = False
    for draw in KINDS.values():
        try:
            plots = draw(run, metric)
        except UserError as error:
            refused = error
            continue
        drawn = drawn or bool(plots)
        yield from plots
    if refused and not drawn:
        raise refused
