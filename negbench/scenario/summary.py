"""Summary statistics of a data set, before any training."""

from datetime import UTC, datetime
from typing import Any

import numpy as np

from negbench.data.interactions import Csr, Interactions
from negbench.data.k_core import k_core
from negbench.errors import DataError
from negbench.scenario.item_distribution import distribution_line
from negbench.scenario.popularity_bands import Bands
from negbench.scenario.splits import split

CORES = (2, 5, 10)


def summarise(data: Interactions, bands: str = "mass", rule: str = "") -> dict[str, Any]:
    """Sizes, density, quartiles a user and an item, k-cores, bands, times and notes.

    With a split `rule` also the sizes and item distributions of the parts.
    """
    pairs = Csr.of(data.users, data.items, n_rows=data.n_users, n_columns=data.n_items)
    divided = Bands.of(pairs.counts, bands)
    return {
        "name": data.name,
        "users": data.n_users,
        "items": data.n_items,
        "interactions": len(data),
        "density": f"{len(data) / max(1, data.n_users * data.n_items):.4%}",
        "a user has": _quartiles(pairs.lengths),
        "an item has": _quartiles(pairs.counts),
        "k-core": [_core(data, k) for k in CORES],
        "bands": f"{divided.rule}: " + ", ".join(f"{n} {s:,}" for n, s in divided.sizes.items()),
        **({"split": _split(data, rule)} if rule else {}),
        "order": _span(data),
        "truth": "known" if data.truth is not None else "not known",
        "licence": data.licence or "not known",
        "source": data.source or "not known",
        "checksum": data.checksum[:12],
        "notes": list(data.notes),
    }


def _quartiles(counts: np.ndarray[Any, Any]) -> str:
    low, middle, high = (int(np.quantile(counts, share)) for share in (0.25, 0.5, 0.75))
    return f"{middle} in the middle, {low} to {high} for half, {counts.max():,} at most"


def _split(data: Interactions, rule: str) -> list[str]:
    parts = split(data, rule)
    sizes = f"train {len(parts.train):,}  valid {len(parts.valid):,}  test {len(parts.test):,}"
    return [f"{parts.rule}   {sizes}   hash {parts.hash}", *distribution_line(parts).split("   ")]


def _core(data: Interactions, k: int) -> str:
    try:
        left = k_core(data, k)
    except DataError:
        return f"{k}: nothing remains"
    return f"{k}: {left.n_users:,} users, {left.n_items:,} items, {len(left):,} interactions"


def _span(data: Interactions) -> str:
    if data.times is None or not len(data.times):
        return {"rows": "the file's own order", "none": "none known"}.get(data.order, data.order)
    first, last = float(np.min(data.times)), float(np.max(data.times))
    try:
        days = [datetime.fromtimestamp(each, UTC).date().isoformat() for each in (first, last)]
    except (OverflowError, ValueError, OSError):
        days = [f"{first:g}", f"{last:g}"]
    if not 5e8 < first < 5e9:  # not seconds since 1970
        days = [f"{first:g}", f"{last:g}"]
    return f"time, {days[0]} to {days[1]}"
