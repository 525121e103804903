"""The verdict: what the numbers say, in plain words made from the numbers alone.

Who ranks best and is it real, for whom, at what cost, and do the guards hold. One list of sentences
a data set and backbone; nothing is said that the tables beside it do not show.
"""

from dataclasses import dataclass
from math import isnan

import pandas as pd

from negbench.analysis import bands as band_table
from negbench.analysis import frames
from negbench.analysis.board import Block, Line, Table
from negbench.analysis.cost import cost
from negbench.analysis.frames import Run
from negbench.analysis.spelling import counted, seconds, spelled

_NOT_BANDS = (band_table.TOTAL, band_table.BALANCE)


@dataclass(frozen=True)
class Verdict:
    """The sentences on one data set and backbone."""

    dataset: str
    backbone: str
    sentences: tuple[str, ...]


def verdicts(run: Run, table: Table) -> list[Verdict]:
    """A verdict a block of the main table."""
    told = band_table.bands(run, f"{table.metric[0]}@{table.metric[1]}")
    costs = cost(run, table.vs)
    found = []
    for block in table.blocks:
        here = (told["dataset"] == block.dataset) & (told["backbone"] == block.backbone)
        paid = costs[(costs["dataset"] == block.dataset) & (costs["backbone"] == block.backbone)]
        said = _said(table, block, told[here], paid)
        found.append(Verdict(block.dataset, block.backbone, tuple(s for s in said if s)))
    return found


def _said(table: Table, block: Block, told: pd.DataFrame, paid: pd.DataFrame) -> list[str]:
    whole = [line for line in block.methods if _value(table, line) is not None]
    if not whole:
        return ["No method has every seed finished, so nothing can be said yet."]
    return [
        _who(table, whole),
        _against(table, whole),
        _whom(told, spelled(*table.metric)),
        _cost(whole[0], paid, table.vs),
        _guards(table, block, whole),
        _one_seed(whole),
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
    return f"{said} It cannot be told apart from {_listed(ties)}."


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
        said += f"; {_listed(worse)} {'is' if len(worse) == 1 else 'are'} worse"
    return f"{said}."


def _whom(told: pd.DataFrame, metric: str) -> str:
    methods = told[told["kind"] != frames.REFERENCE].dropna(subset=["mean"])
    ordered = methods.sort_values(["mean", "row"], ascending=[False, True], kind="stable")
    tops = {str(band): lines.iloc[0] for band, lines in ordered.groupby("band", sort=False)}
    bands = [band for band in methods["band"].unique() if band in tops and band not in _NOT_BANDS]
    if not bands:
        return ""
    best = _listed(
        [f"{band} items {tops[band]['row']} ({tops[band]['mean']:.4f})" for band in bands]
    )
    said = f"Best for {best}."
    even = tops.get(band_table.BALANCE)
    if even is None:
        return said
    total = methods[(methods["band"] == band_table.TOTAL) & (methods["row"] == even["row"])]
    return (
        f"{said} Most even over the bands: {even['row']} (balance {even['mean']:.2f}, at {metric} "
        f"{total['mean'].iloc[0]:.4f})."
    )


def _cost(best: Line, paid: pd.DataFrame, vs: str) -> str:
    found = paid[paid["row"] == best.label]
    if found.empty or best.label == vs or pd.isna(found["train"].iloc[0]):
        return ""
    said = f"An epoch of {best.label} takes {seconds(found['train'].iloc[0])} s"
    ratio = found["ratio"].iloc[0]
    return f"{said}." if pd.isna(ratio) else f"{said}, {seconds(ratio)} times that of {vs}."


def _guards(table: Table, block: Block, whole: list[Line]) -> str:
    said = []
    for guard in block.references:
        mean = _value(table, guard)
        if mean is None:
            continue
        under = [line.label for line in whole if (_value(table, line) or 0.0) <= mean]
        if under:
            said.append(f"Not above the reference {guard.label}: {_listed(under)}.")
        else:
            said.append(f"Every method is above the reference {guard.label}.")
    return " ".join(said)


def _one_seed(whole: list[Line]) -> str:
    if whole[0].expected > 1:
        return ""
    return "All of this rests on one seed: read differences with care."


def _listed(words: list[str]) -> str:
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}"
