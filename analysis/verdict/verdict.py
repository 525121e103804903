"""The verdict: what the numbers say, in plain words made from the numbers alone.

Who ranks best and is it real, for whom, at what false-negative risk, with what bias, at what cost,
and do the guards hold: `claims` has the middle ones. One list of sentences a data set and backbone;
what was not measured is not spoken of.
"""

from dataclasses import dataclass
from math import isnan

from ..number_format import counted, listed, spelled
from ..runs.frames import Run
from ..tables.main_table_values import Block, Line, Table
from . import sentences
from .inputs import Case, Evidence


@dataclass(frozen=True)
class Verdict:
    """The sentences on one data set and backbone."""

    dataset: str
    backbone: str
    sentences: tuple[str, ...]


def verdicts(run: Run, table: Table) -> list[Verdict]:
    """A verdict a block of the main table."""
    evidence = Evidence.of(run, table.metric, table.vs)
    found = []
    for block in table.blocks:
        said = _said(table, block, evidence.at(block.dataset, block.backbone))
        found.append(Verdict(block.dataset, block.backbone, tuple(s for s in said if s)))
    return found


def _said(table: Table, block: Block, case: Case) -> list[str]:
    whole = [line for line in block.methods if _value(table, line) is not None]
    if not whole:
        return ["No method has every seed finished, so nothing can be said yet."]
    best = whole[0].label
    return [
        _who(table, whole),
        _against(table, whole),
        sentences.whom(case),
        sentences.turn(case, best),
        sentences.active(case),
        sentences.risk(case, best),
        sentences.bias(case, best),
        sentences.paid(case, best),
        _guards(table, block, whole),
        _rests(whole[0], len(case.users(best))),
    ]


def _value(table: Table, line: Line) -> float | None:
    mean = line.entries[table.primary].mean
    return None if isnan(mean) else mean


def _who(table: Table, whole: list[Line]) -> str:
    best = whole[0]
    said = f"{best.label} ranks best: {spelled(*table.metric)} {best.entries[table.primary].said}."
    ties = [line.label for line in whole[1:] if line.tied]
    if len(whole) == 1:
        return said
    if not ties:
        return f"{said} No other method is tied with it."
    return f"{said} It cannot be told apart from {listed(ties)}."


def _against(table: Table, whole: list[Line]) -> str:
    base = next((line for line in whole if line.label == table.vs), None)
    rivals = [line for line in whole if line is not base]
    if base is None:
        return f"There is no finished row of {table.vs} to compare with."
    if not rivals:
        return ""
    better = [line for line in rivals if line.verdict == "better"]
    worse = [line.label for line in rivals if line.verdict == "worse"]
    n = counted(len(rivals), "other method")
    said = f"{len(better)} of {n} beat {table.vs} beyond chance"
    low, top = _value(table, base), _value(table, whole[0])
    if better and low and top is not None and whole[0] in better:
        said += f", the best of them by {(top - low) / low:.1%}"
    if worse:
        said += f"; {listed(worse)} {'is' if len(worse) == 1 else 'are'} worse"
    return f"{said}."


def _guards(table: Table, block: Block, whole: list[Line]) -> str:
    said = []
    for guard in block.references:
        mean = _value(table, guard)
        if mean is None:
            continue
        under = [line.label for line in whole if (_value(table, line) or 0.0) <= mean]
        if under:
            said.append(f"Not above the reference {guard.label}: {listed(under)}.")
        else:
            said.append(f"Every method is above the reference {guard.label}.")
    return " ".join(said)


def _rests(best: Line, users: int) -> str:
    if best.expected < 2:
        return "All of this rests on one seed: read differences with care."
    seeds = counted(best.expected, "seed")
    return f"These comparisons rest on {seeds} and {counted(users, 'test user')}." if users else ""
