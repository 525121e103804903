"""Exposure: which items the lists show, told along the items by falling train popularity.

    shown(n) = recommendations of the n most met items / all recommendations
    train(n) = train interactions of the n most met items / all train interactions
    even(n)  = n / I

A row follows `train` where it shows items as often as they were met, lies above it where it
favours the popular, and follows `even` where all items are shown alike. The lists of all seeds are
counted together. A curve is told at some hundred places, evenly on a log scale, and at the cuts of
the bands.
"""

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from negbench.errors import NothingToReport
from negbench.storage.cell_store import Cell

from ..runs import frames
from ..runs.frames import ROW, Run

PLACES = 300
Ints = NDArray[np.int64]


def exposure(run: Run) -> pd.DataFrame:
    """One line a row and place n of the order: shown, train, even."""
    cells = [cell for cell, _ in run.done]
    named = frames.repeated(run, [1] * len(cells))[ROW].itertuples(index=False, name=None)
    shown: dict[tuple[str, ...], Ints] = {}
    items: dict[str, tuple[Ints, Ints]] = {}
    for key, cell in zip(named, cells, strict=True):
        found, lists = _items(cell), cell.arrays("top").get("top")
        if found is None or lists is None:
            continue
        counts, _ = items.setdefault(key[0], found)
        seen = np.bincount(lists[lists >= 0].ravel(), minlength=len(counts))
        shown[key] = shown.get(key, np.zeros(len(counts), np.int64)) + seen
    if not shown:
        raise _lacking("recommended lists and item counts")
    parts = [_curve(key, seen, *items[key[0]]) for key, seen in shown.items()]
    return pd.concat(parts, ignore_index=True)


def popularity(run: Run) -> pd.DataFrame:
    """One line a data set and place n: the train count of the n-th most met item and its band."""
    parts = []
    for dataset in sorted({str(cell.spec["dataset"]) for cell, _ in run.done}):
        cells = (c for c, _ in run.done if c.spec["dataset"] == dataset)
        first = next(((c, found) for c in cells if (found := _items(c)) is not None), None)
        if first is None:
            continue
        cell, (counts, labels) = first
        order = by_popularity(counts, labels)
        at = places(len(order), labels[order])
        names = np.asarray(cell.record["bands"]["names"])
        parts.append(
            pd.DataFrame(
                {
                    "dataset": dataset,
                    "n": at,
                    "count": counts[order][at - 1],
                    "band": names[labels[order][at - 1]],
                }
            )
        )
    if not parts:
        raise _lacking("item counts")
    return pd.concat(parts, ignore_index=True)


def by_popularity(counts: ArrayLike, labels: ArrayLike) -> Ints:
    """The items from the most to the least met; equal counts by band, then by number."""
    order: Ints = np.lexsort((np.asarray(labels), -np.asarray(counts, np.int64)))
    return order


def places(n: int, labels: ArrayLike) -> Ints:
    """Where the curves are told, from 1 to n: evenly on a log scale, and the last of each band."""
    even = np.geomspace(1, n, PLACES).round().astype(np.int64)
    cuts = np.flatnonzero(np.diff(np.asarray(labels, np.int64))) + 1
    told: Ints = np.unique(np.concatenate([even, cuts]))
    return told


def _curve(key: tuple[str, ...], seen: Ints, counts: Ints, labels: Ints) -> pd.DataFrame:
    order = by_popularity(counts, labels)
    at = places(len(order), labels[order])
    told = pd.DataFrame(dict(zip(ROW, key, strict=True)), index=range(len(at)))
    for name, values in (("shown", seen), ("train", counts)):
        told[name] = values[order].cumsum()[at - 1] / max(1, values.sum())
    told["even"] = at / len(order)
    told.insert(len(ROW), "n", at)
    return told


def _items(cell: Cell) -> tuple[Ints, Ints] | None:
    """The train count and the band of each item, where the cell kept them."""
    found = cell.arrays("item_counts", "item_bands")
    if len(found) < 2 or not len(found["item_counts"]):
        return None
    return found["item_counts"].astype(np.int64), found["item_bands"].astype(np.int64)


def _lacking(what: str) -> NothingToReport:
    return NothingToReport(
        f"exposure needs cells that kept {what}; this run has none, for it was made by an older "
        "negbench; run it again"
    )
