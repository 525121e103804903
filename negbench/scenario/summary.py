"""Summary statistics of a data set, before any training."""

from datetime import UTC, datetime
from typing import Any

import numpy as np

from negbench.data.interactions import Csr, Interactions, Split
from negbench.data.k_core import k_core
from negbench.errors import DataError, UserError
from negbench.scenario.item_distribution import distribution_line
from negbench.scenario.popularity_bands import Bands
from negbench.scenario.splits import split

CORES = (2, 5, 10)


def summarise(data: Interactions, bands: str = "mass", rule: str = "") -> dict[str, Any]:
    """Sizes, density, quartiles a user and an item, k-cores, bands, split, times and notes.

    Without a split `rule` it is the one that a run takes by itself, and a reason where it fails.
    Raises UserError if the data cannot be split by a `rule` that was given.
    """
    pairs = Csr.of(data.users, data.items, n_rows=data.n_users, n_columns=data.n_items)
    parts, why = _parts(data, rule)
    divided = Bands.of((parts.train if parts else pairs).counts, bands)  # as a run cuts them
    caveats = () if parts is None else parts.notes
    return {
        "name": data.name,
        "users": data.n_users,
        "items": data.n_items,
        "interactions": len(data),
        "density": f"{len(data) / max(1, data.n_users * data.n_items):.4%}",
        "a user has": _quartiles(pairs.lengths),
        "an item has": _quartiles(pairs.counts),
        "k-core": [_core(data, k) for k in CORES],
        "bands": f"{divided.rule} by {'train' if parts else 'all'} pairs: "
        + ", ".join(f"{name} {size:,}" for name, size in divided.sizes.items()),
        "split": [why] if parts is None else _split(parts),
        "order": _span(data),
        "truth": "known" if data.truth is not None else "not known",
        "known negatives": _negatives(data),
        "features": [f"{name[:4]}s: {each}" for name, each in data.features.items()] or ["none"],
        "licence": data.licence or "not known",
        "source": data.source or "not known",
        "checksum": data.checksum[:12],
        "notes": list(dict.fromkeys([*data.notes, *caveats, *divided.notes])),
    }


def _negatives(data: Interactions) -> str:
    """How many pairs are known to be no positives, by how they are known."""
    judged = 0 if data.judged is None else len(data.judged)
    counts = {
        "shown and not chosen": 0 if data.unchosen is None else len(data.unchosen),
        "rated too low": 0 if data.disliked is None else len(data.disliked),
        "judged and not true": judged - len(data.truth) if judged and data.truth is not None else 0,
    }
    return ", ".join(f"{n:,} {how}" for how, n in counts.items() if n > 0) or "none"


def _quartiles(counts: np.ndarray[Any, Any]) -> str:
    low, middle, high = (int(np.quantile(counts, share)) for share in (0.25, 0.5, 0.75))
    return f"{middle} in the middle, {low} to {high} for half, {counts.max():,} at most"


def _parts(data: Interactions, rule: str) -> tuple[Split | None, str]:
    """The parts, or None and why there are none where no rule was asked for."""
    try:
        return split(data, rule or "auto"), ""
    except UserError as error:
        if rule:
            raise
        return None, str(error)


def _split(parts: Split) -> list[str]:
    sizes = f"train {len(parts.train):,}  valid {len(parts.valid):,}  test {len(parts.test):,}"
    if parts.fold_in is not None:
        sizes += f"  fold-in {len(parts.fold_in):,}"
    return [f"{parts.rule}   {sizes}   hash {parts.hash}", *distribution_line(parts).split("   ")]


def _core(data: Interactions, k: int) -> str:
    try:
        left = k_core(data, k)
    except DataError:
        return f"{k}: nothing remains"
    return f"{k}: {left.n_users:,} users, {left.n_items:,} items, {len(left):,} interactions"


def _span(data: Interactions) -> str:
    if data.times is None or not len(data.times) or data.order == "rows":
        return {"rows": "the file's own order", "none": "none known"}.get(data.order, data.order)
    first, last = float(np.min(data.times)), float(np.max(data.times))
    try:
        days = [datetime.fromtimestamp(each, UTC).date().isoformat() for each in (first, last)]
    except (OverflowError, ValueError, OSError):
        days = [f"{first:g}", f"{last:g}"]
    if not 5e8 < first < 5e9:  # not seconds since 1970
        days = [f"{first:g}", f"{last:g}"]
    return f"time, {days[0]} to {days[1]}"
