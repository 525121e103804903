"""Marks and notes on budgets: rows that were still rising, and rows kept from their warm-up."""

from collections.abc import Mapping
from typing import Any

import pandas as pd

from negbench.storage.training_end import STILL_RISING, WARM_UP_ONLY

from ..measures.budget import budget
from ..number_format import listed
from ..runs.frames import Run
from ..runs.notes import Note

CAPPED, BEFORE_PHASE = "^", "~"
NAMED = 6
"""Rows that a note names one by one; of more it says how many."""


def mark(line: Mapping[Any, Any]) -> str:
    """The marks of a row, a line of `budget`: ^ still rising, ~ kept from before its own phase."""
    rising = CAPPED if line.get("capped", 0) else ""
    return rising + (BEFORE_PHASE if line.get("before_phase", 0) else "")


def of_budget(run: Run, dataset: str, backbone: str) -> list[Note]:
    """What the marks mean, with the rows and the numbers of their cells; none where all is well."""
    texts = _sentences(budget(run), dataset, backbone)
    return [Note("budget", f"{sign} {text}".strip()) for sign, text in texts]


def of_figure(run: Run, dataset: str, backbone: str) -> str:
    """The same for a caption, where no marks are drawn; "" stands for all of the run."""
    texts = _sentences(budget(run), dataset, backbone)
    return " ".join(text[:1].upper() + text[1:] for _, text in texts)


def _sentences(lines: pd.DataFrame, dataset: str, backbone: str) -> list[tuple[str, str]]:
    for name, value in (("dataset", dataset), ("backbone", backbone)):
        lines = lines[lines[name] == value] if value else lines
    return [*_still_rising(lines), *_before_phase(lines), *_not_recorded(lines)]


def _still_rising(lines: pd.DataFrame) -> list[tuple[str, str]]:
    rising = lines[lines["capped"] > 0]
    if rising.empty:
        return []
    where = f"in {len(rising)} of {len(lines)} rows"
    if len(rising) <= NAMED:
        where = listed([_share(line, "capped") for line in rising.to_dict("records")])
    cells = f"{rising['capped'].sum():.0f} of {lines['cells'].sum():.0f} cells"
    so = "more epochs may raise these rows and change the order"
    return [(CAPPED, f"{STILL_RISING}: {cells} ({where}); {so}.")]


def _before_phase(lines: pd.DataFrame) -> list[tuple[str, str]]:
    """All such rows by name: what they show is not the method of that name."""
    texts = []
    never = lines[lines["warm_up_only"]]
    if len(never):
        rows = [f"{line['row']} ({_phase(line)})" for line in never.to_dict("records")]
        texts.append((BEFORE_PHASE, f"{WARM_UP_ONLY}, ranked last: {listed(rows)}."))
    partly = lines[(lines["before_phase"] > 0) & ~lines["warm_up_only"]]
    if len(partly):
        rows = [
            f"{_share(line, 'before_phase')} ({_phase(line)})" for line in partly.to_dict("records")
        ]
        text = f"weights kept from before the method's own phase: {listed(rows)}."
        texts.append((BEFORE_PHASE, text))
    return texts


def _not_recorded(lines: pd.DataFrame) -> list[tuple[str, str]]:
    unknown = lines["unrecorded"].sum()
    if not unknown:
        return []
    cells = f"{unknown:.0f} of {lines['cells'].sum():.0f} cells"
    text = (
        f"Not recorded in {cells}, which an older version trained: whether the weights kept are of "
        "a method's own phase or of its warm-up."
    )
    return [("", text)]


def _share(line: Mapping[Any, Any], count: str) -> str:
    return f"{line['row']} {line[count]:.0f} of {line['cells']:.0f}"


def _phase(line: Mapping[Any, Any]) -> str:
    return f"{line['phase']} from epoch {line['begins']:.0f}, trained to {line['epochs']:.0f}"
