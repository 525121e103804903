"""Item exposure: cumulative share of recommendations along the items by falling popularity.

    shown(n) = recommendations of the n most popular items / all recommendations
    train(n) = train interactions of the n most popular items / all train interactions
    even(n)  = n / I

A row follows `train` where it recommends items as often as they occur in train, lies above it
where it favours the popular, and follows `even` where all items are shown equally often. The lists
of all seeds are counted together. A curve has some hundred points, even on a log scale, and one at
the last item of each band.
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
    """One line a row and place n of the order: shown, train, even.

    Raises NothingToReport if no cell kept its lists and item counts.
    """
    cells = [cell for cell, _ in run.done]
    named = frames.repeated(run, [1] * len(cells))[ROW].itertuples(index=False, name=None)
    shown: dict[tuple[str, ...], Ints] = {}
    items: dict[tuple[str, int], tuple[Ints, Ints]] = {}
    by_rank: dict[str, tuple[Ints, Ints]] = {}
    for key, cell in zip(named, cells, strict=True):
        counts_and_bands, lists = _items(cell), cell.lists()
        if counts_and_bands is None or lists is None:
            continue
        # Splits of one run differ in how popular an item is: lists are counted by its place.
        split = (key[0], cell.partition)
        if split not in items:
            items[split] = counts_and_bands
            by_rank[key[0]] = _added(by_rank.get(key[0]), *counts_and_bands)
        counts, labels = items[split]
        seen = np.bincount(lists[lists >= 0].ravel(), minlength=len(counts))
        ordered = seen[by_popularity(counts, labels)]
        shown[key] = shown.get(key, np.zeros(len(counts), np.int64)) + ordered
    if not shown:
        raise _missing("recommended lists and item counts")
    parts = [_curve(key, seen, *by_rank[key[0]]) for key, seen in shown.items()]
    return pd.concat(parts, ignore_index=True)


def popularity(run: Run) -> pd.DataFrame:
    """One line a data set and place n: train count and band of the n-th most popular item.

    Raises NothingToReport if no cell kept its item counts.
    """
    parts = []
    for dataset in sorted({str(cell.spec["dataset"]) for cell, _ in run.done}):
        cells = (c for c, _ in run.done if c.spec["dataset"] == dataset)
        first = next(((c, items) for c in cells if (items := _items(c)) is not None), None)
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
        raise _missing("item counts")
    return pd.concat(parts, ignore_index=True)


def by_popularity(counts: ArrayLike, labels: ArrayLike) -> Ints:
    """Item ids [I], most popular first; equal counts by band, then by id."""
    order: Ints = np.lexsort((np.asarray(labels), -np.asarray(counts, np.int64)))
    return order


def places(n: int, labels: ArrayLike) -> Ints:
    """The points of a curve in 1 .. n: even on a log scale, and the last item of each band."""
    even = np.geomspace(1, n, PLACES).round().astype(np.int64)
    cuts = np.flatnonzero(np.diff(np.asarray(labels, np.int64))) + 1
    points: Ints = np.unique(np.concatenate([even, cuts]))
    return points


def _added(before: tuple[Ints, Ints] | None, counts: Ints, labels: Ints) -> tuple[Ints, Ints]:
    """The counts by place, summed over the splits so far, and the bands of the first split."""
    order = by_popularity(counts, labels)
    if before is None:
        return counts[order], labels[order]
    return before[0] + counts[order], before[1]


def _curve(key: tuple[str, ...], seen: Ints, counts: Ints, labels: Ints) -> pd.DataFrame:
    """The curve of a row; `seen`, `counts` and `labels` by falling popularity."""
    at = places(len(labels), labels)
    curve = pd.DataFrame(dict(zip(ROW, key, strict=True)), index=range(len(at)))
    for name, values in (("shown", seen), ("train", counts)):
        curve[name] = values.cumsum()[at - 1] / max(1, values.sum())
    curve["even"] = at / len(labels)
    curve.insert(len(ROW), "n", at)
    return curve


def _items(cell: Cell) -> tuple[Ints, Ints] | None:
    """The train counts [I] and the bands [I] of the items, or None if the cell lacks them."""
    arrays = cell.arrays("item_counts", "item_bands")
    if len(arrays) < 2 or not len(arrays["item_counts"]):
        return None
    return arrays["item_counts"].astype(np.int64), arrays["item_bands"].astype(np.int64)


def _missing(what: str) -> NothingToReport:
    return NothingToReport(
        f"exposure needs cells that kept {what}; this run has none, for it was made by an older "
        "negbench; run it again with --overwrite all"
    )
