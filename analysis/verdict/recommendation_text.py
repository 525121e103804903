"""Layouts of the recommendation: a page of 30 lines and 100 columns, Markdown, csv and JSON."""

import textwrap
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from math import isnan
from statistics import fmean
from typing import Any

import pandas as pd

from ..measures import bands
from ..number_format import counted, listed, metric_label, seconds
from ..runs.frames import REFERENCE, Run
from ..tables.main_table import main_table
from ..tables.render import as_json, comma_separated, markdown, require_format, text
from ..tables.row_phrases import NAMED
from ..tables.table import Column, Table, text_rows
from .recommendation import CHEAP, Recommendation, recommendation
from .standings import Standing

WIDTH, LINES, FEWEST = 100, 30, 3
"""Columns and lines of the page, and the rows that its table shows at least."""
NAME = 19
"""Longer names stand on a line of their own in the text form."""


def render(run: Run, *, format: str = "text", metric: str | None = None, vs: str = "random") -> str:
    """The recommendation as text, md, csv or json.

    Raises UserError if the format or metric is unknown.
    """
    require_format("a format of recommendations", format, LAYOUTS)
    return LAYOUTS[format](recommendation(run, main_table(run, metric, vs)))


def summary(
    run: Run, *, format: str = "text", metric: str | None = None, vs: str = "random"
) -> str:
    """What stands on top of a comparison in this format; empty in csv and JSON."""
    if format not in ("text", "md"):
        return ""
    sentences = recommendation(run, main_table(run, metric, vs)).summary
    if format == "md":
        return markdown([Table(headline=sentence) for sentence in sentences])
    return "\n".join(line for sentence in sentences for line in _wrapped(sentence)) + "\n"


def _page(page: Recommendation) -> str:
    """The page: choices, the table of the rows that rank best, what stays open, and the rule."""
    choices = [line for a in page.advices for each in a.sentences for line in _wrapped(each)]
    ends = [line for each in (*page.open_points, page.rule) for line in _wrapped(each)]
    title = _wrapped(_title(page))
    legend = _wrapped(_legend(page))
    left = LINES - sum(map(len, (title, choices, ends, legend))) - 4
    lines = page.standings[bands.TOTAL]
    shown = lines[: max(left, FEWEST)]
    more = [f"{counted(len(lines) - len(shown), 'other row')}: --format csv has every row."]
    table = text([_table(page, shown)]).rstrip("\n").splitlines() if lines else []
    table += more if len(shown) < len(lines) else []
    return "\n".join([*title, *choices, "", *table, *legend, "", *ends]) + "\n"


def _title(page: Recommendation) -> str:
    blocks = [" · ".join(where) for where in page.blocks]
    names = [*blocks[:NAMED], *([f"{len(blocks) - NAMED} more"] if len(blocks) > NAMED else [])]
    many = counted(len(blocks), "block")
    return f"Which row to choose, by {metric_label(page.metric)} over {many}: {listed(names)}"


def _wrapped(sentence: str) -> list[str]:
    return textwrap.wrap(sentence, WIDTH, subsequent_indent="  ", break_on_hyphens=False)


def _table(page: Recommendation, lines: Sequence[Standing]) -> Table:
    n = len(page.blocks)
    longest = max([len("Method"), *(len(_name(page, line)) for line in lines)])
    columns: dict[Column, Callable[[Standing], str]] = {
        Column("Method", align="<", width=min(NAME, longest)): lambda line: _name(page, line),
        Column("unbeaten", align="<"): lambda line: f"{line.unbeaten}/{n}",
        Column("mean rank", align="<"): lambda line: (
            f"{line.rank:.1f} ({line.rank_low:.1f}-{line.rank_high:.1f})"
        ),
        Column("vs base"): lambda line: _gain(line.base_gains, line.above_base),
        Column("vs ref."): lambda line: _gain(line.reference_gains, line.above_reference),
    }
    for band in list(page.standings)[1:]:
        columns[Column(band)] = _unbeaten_on(page, band)
    columns[Column("epoch")] = lambda line: seconds(page.facts[line.row].cost_factor)
    columns[Column(f"{_clock(page)} s")] = lambda line: seconds(page.facts[line.row].seconds)
    columns[Column("FN")] = lambda line: _lift(page, line.row)
    rows = text_rows(columns, lines)
    return Table(columns=tuple(columns), rows=rows, rules=False, squeeze=True)


def _unbeaten_on(page: Recommendation, band: str) -> Callable[[Standing], str]:
    counts = {line.row: line.unbeaten for line in page.standings[band]}
    return lambda line: f"{counts[line.row]}/{line.blocks}" if line.row in counts else "-"


def _name(page: Recommendation, line: Standing) -> str:
    facts, reference = page.facts[line.row], " (ref)" if line.kind == REFERENCE else ""
    return f"{line.row}{reference}{'^' if facts.capped else ''}"


def _legend(page: Recommendation) -> str:
    facts = page.facts.values()
    bands_too = "".join(f", {band}" for band in list(page.standings)[1:])
    parts = [
        f"unbeaten{bands_too}: blocks without a row significantly above",
        "vs base, vs ref.: mean gain over the baseline and over the best reference, in how many "
        "blocks significant",
        "epoch: seconds over the baseline's",
        f"{_clock(page)} s: a run with evaluation",
    ]
    if any(each.held_out_only and not isnan(each.fn_lift) for each in facts):
        parts.append("FN: held-out positives (h: a part of the false negatives) over uniform draws")
    elif not all(isnan(each.fn_lift) for each in facts):
        parts.append("FN: false negatives over uniform draws, exact")
    if any(each.capped for each in facts):
        parts.append("^ still rising")
    if untuned := max((each.untuned for each in facts), default=0):
        where = f" in {untuned} of {len(page.blocks)} blocks" if untuned < len(page.blocks) else ""
        parts.append(f"no row was tuned{where}")
    return f"{'; '.join(parts)}."


def _clock(page: Recommendation) -> str:
    return next((facts.clock for facts in page.facts.values()), "CPU")


def _gain(gains: Sequence[float], told_above: int) -> str:
    """The mean gain and the number of blocks in which it is significant."""
    if any(map(isnan, gains)):
        return "-"
    return f"{100 * fmean(gains):+.1f}% {told_above}/{len(gains)}"


def _lift(page: Recommendation, row: str) -> str:
    facts = page.facts[row]
    if isnan(facts.fn_lift):
        return "-"
    return f"{facts.fn_lift:.2f}{'h' if facts.held_out_only else ''}"


def _markdown(page: Recommendation) -> str:
    sentences = [Table(headline=sentence) for sentence in page.sentences]
    table = _table(page, page.standings[bands.TOTAL])
    ends = [Table(headline=_legend(page)), Table(headline=page.rule)]
    return markdown([Table(_title(page)), *sentences, table, *ends])


def _frame(page: Recommendation) -> pd.DataFrame:
    """One line a row and band, with what it costs and risks; `chosen` names the purposes."""
    return pd.DataFrame([dict(line) for line in _lines(page)]).assign(
        metric=str(page.metric), vs=page.vs
    )


def _lines(page: Recommendation) -> list[Mapping[str, Any]]:
    chosen = {advice.purpose: advice.choice.row for advice in page.advices}
    lines: list[Mapping[str, Any]] = []
    for band, of_band in page.standings.items():
        for line in of_band:
            purposes = [band] if chosen.get(band) == line.row else []
            if band == bands.TOTAL and chosen[CHEAP] == line.row:
                purposes.append(CHEAP)
            figures = asdict(line) | asdict(page.facts[line.row])
            figures |= {name: fmean(figures[name]) for name in ("base_gains", "reference_gains")}
            figures |= {name: ";".join(figures[name]) for name in ("bases", "level")}
            lines.append({"band": band, **figures, "chosen": ";".join(purposes)})
    return lines


def _tree(page: Recommendation) -> dict[str, Any]:
    """The whole page for JSON."""
    return {
        "metric": str(page.metric),
        "vs": page.vs,
        "blocks": [{"dataset": dataset, "backbone": backbone} for dataset, backbone in page.blocks],
        "choices": [
            {
                "purpose": advice.purpose,
                "row": advice.choice.row or None,
                "tied": advice.choice.tied,
                "why": advice.choice.why.name.lower(),
                "sentences": advice.sentences,
            }
            for advice in page.advices
        ],
        "open_points": page.open_points,
        "rule": page.rule,
        "rows": _lines(page),
    }


LAYOUTS: dict[str, Callable[[Recommendation], str]] = {
    "text": _page,
    "md": _markdown,
    "csv": lambda page: comma_separated(_frame(page)),
    "json": lambda page: as_json(_tree(page)),
}
