"""The page of an audit as parts in order: a title, sentences, a table; no layout of any format."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from math import isnan

from ..number_format import listed, metric_label, number
from ..tables.table import Column, Table, text_rows
from . import sentences
from .findings import BlockFindings, Overview, Share, SystemFindings, findings
from .glossary import Term, glossary, limits
from .inputs import Block
from .intervals import Estimate
from .items import ItemLine
from .user_examples import ITEMS, Example
from .user_groups import ACTIVITY, TASTE
from .words import fine, percent, points, signed, times


@dataclass(frozen=True)
class Part:
    """A part of the page."""

    title: str
    sentences: tuple[str, ...] = ()
    table: Table | None = None
    terms: tuple[Term, ...] = ()
    half: bool = False
    """Whether half the width is enough, so that it may stand beside the next."""


@dataclass(frozen=True, eq=False)
class BlockPage:
    """A block on the page: the warning and the first sentences, then the parts."""

    title: str
    warning: str
    parts: tuple[Part, ...]
    numbers: BlockFindings


def block_page(block: Block, chosen: tuple[str, ...] = ()) -> BlockPage:
    """The page of a block; details of the systems `chosen`, else of the most accurate one."""
    numbers = findings(block, chosen)
    parts = [_in_words(numbers, system) for system in numbers.details]
    parts += [_at_a_glance(numbers)]
    parts += [part for system in numbers.details for part in _tables(numbers, system)]
    parts += [
        Part("Words", terms=glossary(block)),
        Part("What this page cannot say", limits(block)),
        Part("Data and protocol", block.notes),
    ]
    title = f"{block.dataset} · {block.backbone}"
    return BlockPage(title, sentences.warning(numbers), tuple(parts), numbers)


def _in_words(numbers: BlockFindings, system: SystemFindings) -> Part:
    return Part(f"{system.overview.name} in words", tuple(sentences.all_of(numbers, system)))


def _at_a_glance(numbers: BlockFindings) -> Part:
    metric = metric_label(numbers.block.audience.metric)
    columns: dict[Column, Callable[[Overview], str]] = {
        Column("System", align="<"): lambda view: view.name,
        Column(metric): lambda view: number(view.accuracy.value),
        Column("against most popular"): lambda view: _with_interval(view.gain, signed),
        Column("popularity"): lambda view: times(view.lift.value),
        **{
            Column(name): partial(_band_share, at)
            for at, name in enumerate(numbers.block.audience.bands.names)
        },
        Column("coverage"): lambda view: percent(view.coverage),
    }
    labels = [each.label for each in numbers.overviews if each.label != each.name]
    text = [
        "Each system, and below it what to read it against. Popularity: that of the lists over "
        "that of the users' own histories, 1.00 = alike; the bands: their share of the places; "
        "[a, b]: the interval of 95 %, for all systems together."
    ]
    text += [f"To know of these systems: {listed(labels)}."] if labels else []
    return Part(
        "All systems at a glance",
        tuple(text),
        Table(
            "",
            tuple(columns),
            text_rows(columns, numbers.overviews),
            text_rows(columns, numbers.anchors),
        ),
    )


def _band_share(at: int, view: Overview) -> str:
    return percent(view.shares[at])


def _with_interval(estimate: Estimate, form: Callable[[float], str]) -> str:
    """A value and its interval of 95 % for a table: +0.0101 [+0.0073, +0.0129]."""
    if not estimate.known or isnan(estimate.low):
        return form(estimate.value)
    return f"{form(estimate.value)} [{form(estimate.low)}, {form(estimate.high)}]"


def _tables(numbers: BlockFindings, system: SystemFindings) -> list[Part]:
    name = system.overview.name
    parts = [
        Part(f"Users by taste: {name}", (), _users(numbers, system, TASTE)),
        Part(f"Users by activity: {name}", (), _users(numbers, system, ACTIVITY)),
        Part(f"Popular and rare items: {name}", (), _shares(system.bands, "Band")),
    ]
    groups = numbers.block.audience.groups
    if groups is not None:
        table = _shares(system.item_groups, groups.column)
        parts.append(Part(f"Items by {groups.column}: {name}", (), table))
    parts += [
        Part(f"Shown more than chosen: {name}", (_ITEMS,), _items(system.over), half=True),
        Part(f"Shown less than chosen: {name}", (_ITEMS,), _items(system.under), half=True),
        Part(f"Users, before and after: {name}", _examples(numbers, system)),
    ]
    return [each for each in parts if each.sentences or (each.table and each.table.rows)]


_ITEMS = "Ten items, by their share of all places in the lists less their share of all histories."


HEADERS = {TASTE: "Taste", ACTIVITY: "Quarter"}


def _users(numbers: BlockFindings, system: SystemFindings, by: str) -> Table:
    metric = metric_label(numbers.block.audience.metric)
    lines = [line for line in system.users if line.by == by]
    columns = {
        Column(HEADERS[by], align="<"): lambda line: line.name.removesuffix(" quarter"),
        Column("users"): lambda line: f"{line.n_users:,}",
        Column(metric): lambda line: _with_interval(line.accuracy, number),
        Column("most popular"): lambda line: number(line.popular),
        Column("gain"): lambda line: _with_interval(line.gain, signed),
        Column("popularity"): lambda line: _with_interval(line.lift, times),
    }
    return Table("", tuple(columns), text_rows(columns, lines))


def _shares(lines: Sequence[Share], header: str) -> Table:
    columns = {
        Column(header, align="<"): lambda line: line.name,
        Column("items"): lambda line: f"{line.n_items:,.0f}",
        Column("in histories"): lambda line: percent(line.history),
        Column("in lists"): lambda line: percent(line.lists.value),
        Column("points"): lambda line: _with_interval(line.change, points),
        Column("most popular"): lambda line: percent(line.popular),
        Column("random"): lambda line: percent(line.random),
    }
    return Table("", tuple(columns), text_rows(columns, lines))


def _items(lines: Sequence[ItemLine]) -> Table:
    columns = {
        Column("Item", align="<"): lambda line: line.title,
        Column("band"): lambda line: line.band,
        Column("of histories"): lambda line: fine(line.history),
        Column("of lists"): lambda line: fine(line.lists),
    }
    return Table("", tuple(columns), text_rows(columns, lines))


def _examples(numbers: BlockFindings, system: SystemFindings) -> tuple[str, ...]:
    if not system.examples:
        return ()
    in_order = numbers.block.audience.in_order
    return (
        "Of each taste the user in the middle by how much more popular the list is than the "
        f"history; up to {ITEMS} items of each.",
        *(_example(line, in_order) for line in system.examples),
    )


def _example(line: Example, in_order: bool) -> str:
    """A user; `in_order` is whether his test items are known to be later than his history."""
    chose, mark = "Chose (", "chosen too, held out"
    if in_order:
        chose, mark = "Chose before (the last ", "chosen later"
    shown = [
        f"{title}{f' ({mark})' if hit else ''}"
        for title, hit in zip(line.shown, line.chosen_later, strict=True)
    ]
    return (
        f"User {line.user}, {line.group}. {chose}{len(line.history)} of "
        f"{line.n_history}): {'; '.join(line.history)}. Is shown first: {'; '.join(shown)}. "
        f"The list is {times(line.lift)} times as popular as the history."
    )
