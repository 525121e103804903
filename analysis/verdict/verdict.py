"""The verdict of a run: sentences on its results, computed from the numbers alone.

Who ranks best and is it real, for whom, at what false-negative rate, with what popularity bias, at
what cost, and is every method above the references: `sentences` has the middle ones. One list of
sentences a data set and backbone; what was not measured is not mentioned.
"""

from dataclasses import dataclass
from math import isnan

from ..number_format import counted, listed, metric_label, spread
from ..runs.frames import Run
from ..tables.main_table_values import Block, MainTable, Row
from . import sentences
from .inputs import BlockInputs, RunInputs


@dataclass(frozen=True)
class Verdict:
    """The sentences on one data set and backbone."""

    dataset: str
    backbone: str
    sentences: tuple[str, ...]


def verdicts(run: Run, table: MainTable) -> list[Verdict]:
    """One verdict a block of the main table."""
    inputs = RunInputs.of(run, table.metric, table.vs)
    return [
        Verdict(block.dataset, block.backbone, tuple(filter(None, _sentences(table, block, here))))
        for block in table.blocks
        for here in [inputs.at(block.dataset, block.backbone)]
    ]


def _sentences(table: MainTable, block: Block, inputs: BlockInputs) -> list[str]:
    whole = [row for row in block.methods if _value(table, row) is not None]
    if not whole:
        return ["No method has every seed finished, so nothing can be said yet."]
    best = whole[0].label
    return [
        _best_method(table, whole),
        _against_baseline(table, whole),
        sentences.best_by_band(inputs),
        sentences.order_reversal(inputs, best),
        sentences.best_by_activity(inputs),
        sentences.false_negatives(inputs, best),
        sentences.popularity_bias(inputs, best),
        sentences.cost(inputs, best),
        _against_references(table, block, whole),
        _sample_size(whole[0], len(inputs.users(best))),
    ]


def _value(table: MainTable, row: Row) -> float | None:
    mean = row.entries[table.primary].mean
    return None if isnan(mean) else mean


def _best_method(table: MainTable, whole: list[Row]) -> str:
    best = whole[0]
    entry = best.entries[table.primary]
    value = f"{metric_label(table.metric)} {spread(entry.mean, entry.std)}"
    sentence = f"{best.label} ranks best: {value}."
    ties = [row.label for row in whole[1:] if row.tied]
    if len(whole) == 1:
        return sentence
    if not ties:
        return f"{sentence} No other method is tied with it."
    return f"{sentence} It cannot be told apart from {listed(ties)}."


def _against_baseline(table: MainTable, whole: list[Row]) -> str:
    base = next((row for row in whole if row.label == table.vs), None)
    rivals = [row for row in whole if row is not base]
    if base is None:
        return f"There is no finished row of {table.vs} to compare with."
    if not rivals:
        return ""
    better = [row for row in rivals if row.verdict == "better"]
    worse = [row.label for row in rivals if row.verdict == "worse"]
    n = counted(len(rivals), "other method")
    sentence = f"{len(better)} of {n} beat {table.vs} beyond chance"
    low, top = _value(table, base), _value(table, whole[0])
    if better and low and top is not None and whole[0] in better:
        sentence += f", the best of them by {(top - low) / low:.1%}"
    if worse:
        sentence += f"; {listed(worse)} {'is' if len(worse) == 1 else 'are'} worse"
    return f"{sentence}."


def _against_references(table: MainTable, block: Block, whole: list[Row]) -> str:
    texts = []
    for reference in block.references:
        mean = _value(table, reference)
        if mean is None:
            continue
        under = [row.label for row in whole if (_value(table, row) or 0.0) <= mean]
        if under:
            texts.append(f"Not above the reference {reference.label}: {listed(under)}.")
        else:
            texts.append(f"Every method is above the reference {reference.label}.")
    return " ".join(texts)


def _sample_size(best: Row, users: int) -> str:
    if best.expected < 2:
        return "All of this rests on one seed: read differences with care."
    seeds = counted(best.expected, "seed")
    return f"These comparisons rest on {seeds} and {counted(users, 'test user')}." if users else ""
