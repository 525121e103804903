"""Searches for programs: a long frame with every point of E_n, and the same as a tree for JSON."""

from collections.abc import Iterator, Mapping
from math import isnan, nan
from typing import Any

import pandas as pd

from .expected_score import BAND, Curve, why_none
from .lines import NEVER, Line
from .page import TuningBlock, TuningPage

KEYS = ("dataset", "backbone", "row", "protocol")
COLUMNS = (*KEYS, "measure", "detail", "n", "value", "low", "high", "cpu_seconds", "dots")
Entry = Mapping[str, Any]


def long_form(page: TuningPage) -> pd.DataFrame:
    """One line a figure, references once: `expected` at each n with its band and its cost.

    `detail` is the backbone whose `random` is to be passed, or the parameter of a share.
    """
    entries, seen = [], set()
    for block in page.blocks:
        for line in block.lines:
            own = line.searched
            keys = dict(zip(KEYS, (own.dataset, own.backbone, own.row, own.hash), strict=True))
            first = id(own) not in seen
            seen.add(id(own))
            for entry in (*(_figures(line) if first else ()), *_to_pass(line, block)):
                entries.append(keys | dict(entry))
    return pd.DataFrame(entries, columns=list(COLUMNS)).astype({"n": "Int64"})


def _figures(line: Line) -> Iterator[Entry]:
    trials = line.searched.trials
    yield {"measure": "trials", "value": float(len(trials))}
    yield {"measure": "trials_over", "value": float(len(line.searched.counted))}
    yield {"measure": "trials_failed", "value": float(sum(each.failed for each in trials))}
    for name, value in scores(line).items():
        if not isnan(value):
            yield {"measure": name, "value": value, "n": _place(line, name)}
    for point in points(line.curve):
        rest = {name: value for name, value in point.items() if name != "expected"}
        yield {"measure": "expected", "value": point["expected"], **rest}
    for name, share in (line.shares.shares if line.shares else {}).items():
        yield {"measure": "share", "detail": name, "value": share}
    if line.shares:
        yield {"measure": "shares_r2", "value": line.shares.r2, "n": line.shares.trials}


def _place(line: Line, name: str) -> int | None:
    """How many trials a figure is of, where it is of all that are over."""
    return len(line.searched.counted) if name in ("tuned", "best_on_test") else None


def _to_pass(line: Line, block: TuningBlock) -> Iterator[Entry]:
    if line.to_pass is not None:
        n = None if line.to_pass == NEVER else int(line.to_pass)
        value = nan if n is None else float(n)
        yield {"measure": "n_to_pass_random", "detail": block.backbone, "value": value, "n": n}


def scores(line: Line) -> dict[str, float]:
    """The figures of a line by name; shares are fractions, NaN is not known."""
    return {
        "default": line.default,
        "tuned": line.tuned,
        "gain": line.gain,
        "gain_share": line.gain_share,
        "best_on_test": line.best,
        "oracle_setting_inflation": line.setting_inflation,
        "oracle_epoch_inflation": line.epoch_inflation,
        "valid_picked": line.picked,
        "valid_fresh": line.fresh,
        "winners_curse": line.curse,
        "cpu_seconds": line.cpu_seconds,
    }


def points(curve: Curve | None) -> list[dict[str, Any]]:
    """The points of E_n, with the band and the expected cost of n random trials."""
    if curve is None:
        return []
    names = ("n", "expected", "low", "high", "cpu_seconds", "dots")
    columns = [getattr(curve, name).tolist() for name in names]
    return [dict(zip(names, point, strict=True)) for point in zip(*columns, strict=True)]


def tree(page: TuningPage) -> dict[str, Any]:
    """All figures for JSON, with the notes."""
    return {
        "blocks": [
            {
                "dataset": block.dataset,
                "backbone": block.backbone,
                "protocol": block.hash,
                "metric": block.lines[0].searched.metric,
                "settings": block.lines[0].searched.protocol,
                "rows": [_row(line) for line in block.lines],
                "notes": block.notes,
            }
            for block in page.blocks
        ],
        "band": BAND,
        "notes": page.notes,
    }


def _row(line: Line) -> dict[str, Any]:
    own = line.searched
    return {
        "row": own.row,
        "kind": "reference" if own.reference else "method",
        "trials": len(own.trials),
        "trials_over": len(own.counted),
        "trials_failed": sum(each.failed for each in own.trials),
        "values": scores(line),
        "n_to_pass_random": line.to_pass,
        "curve": points(line.curve),
        "no_curve": why_none(own),
        "shares": line.shares and {"shares": line.shares.shares, "r2": line.shares.r2},
        "space": {each.name: each.text for each in own.space},
        "winner": own.winner,
        "edges": own.edges,
    }
