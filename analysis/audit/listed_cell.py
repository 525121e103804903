"""Lists of another system as a cell of a run, so that every table of the audit reads them alike.

Nothing was trained and no ranks are known beyond the lists: accuracy is read off the lists at the
K that were asked for, and measures of full ranks stay unknown. Such a cell lives in memory.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from negbench.data.interactions import Csr
from negbench.evaluation.metric_kernels import mean_of_users, metric_values_by_band
from negbench.evaluation.metric_names import Metric
from negbench.evaluation.popularity_bias import audit
from negbench.scenario.popularity_bands import Bands

from ..runs.damaged_cells import Array
from ..runs.frames import REFERENCE, Run
from ..runs.ranked_cells import RankedCell
from ..tables.audit import LISTS
from .inputs import Audience, Ints
from .list_accuracy import test_ranks

PARTS = ("train", "profiles", "seen", "test")
"""What is read of a split, each [U, I]."""


@dataclass(frozen=True, eq=False)
class ListedCell(RankedCell):
    """A cell whose lists were given."""

    own: dict[str, Array] = field(default_factory=dict)
    """The arrays by name, as `users.npz` holds them."""
    parts: dict[str, Csr] = field(default_factory=dict)
    ids: dict[str, Any] = field(default_factory=dict)

    def arrays(self, *names: str) -> dict[str, Array]:
        """The arrays of these names that it has."""
        return {name: self.own[name] for name in names if name in self.own}

    def epochs(self) -> list[dict[str, float]]:
        """None: nothing was trained."""
        return []


def with_lists(
    run: Run | None,
    name: str,
    users: Ints,
    tops: Ints,
    *,
    parts: dict[str, Csr],
    ids: dict[str, Any],
    notes: Sequence[str],
    metrics: Sequence[Metric],
    dataset: str = "",
    bands: str = "mass",
    alone: bool = False,
) -> Run:
    """The run with a row of these lists [n, K]; without a run, one that has this row alone.

    In a run they stand in every block of its one data set, on its bands, and `parts` and `ids` are
    its own; with `alone` they are rows of a block of lists. `metrics` are read off the lists, so
    their K is at most K; without test pairs they are unknown.
    """
    at = metrics[0]
    if run is None:
        like: Mapping[str, Any] = {}
        cut = Bands.of(parts["train"].counts, bands)
    else:
        cells = [cell for cell, _ in run.done]
        like = cells[0].record
        cut = cells[0].own_bands(cells[0].arrays("item_bands")["item_bands"])
    spec = _spec(
        dict(like.get("spec") or {}), dataset, LISTS if alone else REFERENCE, name, metrics
    )
    train, profiles, seen, test = (parts[name] for name in PARTS)
    audience = Audience(
        at, users, train, profiles, seen, test, cut, [], [], average=spec["average"]
    )
    values = _by_band(audience, tops, metrics)
    lines = [_line(n, k, band, mean_of_users(of)) for (n, k, band), of in values.items()]
    bias = audit(
        tops,
        users,
        train=train,
        profiles=profiles,
        seen=seen,
        test=test,
        bands=cut,
        ks=[tops.shape[1]],
    )
    lines += [_line(measure, k, band, value) for (measure, k, band), value in bias.items()]
    own = {
        "users": users.astype(np.int32),
        "top": tops,
        "activity": parts["profiles"].lengths[users].astype(np.int32),
        "item_counts": parts["train"].counts,
        "item_bands": cut.labels,
        **{f"{n}@{k}/{band}": of for (n, k, band), of in values.items()},
    }
    record = _record(dict(like), spec, parts, cut, lines, notes)
    cell = ListedCell(Path(name), record, own=own, parts=parts, ids=ids)
    if run is None:
        return Run((), (cell,), (name,), planned=1)
    return replace(run, cells=(*run.cells, cell), labels=(*run.labels, name), cache={})


def _by_band(audience: Audience, tops: Ints, metrics: Sequence[Metric]) -> dict[Any, Array]:
    rows, items, ranks = test_ranks(audience, tops)
    return dict(
        metric_values_by_band(
            rows,
            items,
            ranks,
            len(audience.users),
            bands=audience.bands.masks,
            metrics=metrics,
            average=audience.average,
        )
    )


def _line(metric: str, k: int, band: str, value: float) -> dict[str, Any]:
    return {"split": "test", "metric": metric, "k": k, "band": band, "value": value}


def _spec(
    like: dict[str, Any], dataset: str, backbone: str, name: str, metrics: Sequence[Metric]
) -> dict[str, Any]:
    """The settings of a run's cell with those of no training; of none, the least that is read."""
    kept = {key: like[key] for key in _OF_THE_DATA if key in like}
    own = {
        "backbone": backbone,
        "backbone_config": {},
        "method": name,
        "variant": "",
        "method_config": {},
        "seed": 0,
        "metrics": [str(metric) for metric in metrics],
        "train": {},
    }
    return {"dataset": dataset, "exclude": "train", "average": "users", **kept, **own}


_OF_THE_DATA = ("dataset", "data", "split", "exclude", "bands", "mask", "average", "users")


def _record(
    like: dict[str, Any],
    spec: dict[str, Any],
    parts: dict[str, Csr],
    bands: Bands,
    lines: list[dict[str, Any]],
    notes: Sequence[str],
) -> dict[str, Any]:
    train, test = parts["train"], parts["test"]
    data = {
        "n_users": train.n_rows,
        "n_items": train.n_columns,
        "n_interactions": len(train) + len(test),
        "checksum": "",
        "licence": "",
        "source": "",
        "notes": [],
    }
    split = {
        "rule": "files",
        "hash": "none",
        "order": "none",
        "train": len(train),
        "valid": 0,
        "test": len(test),
    }
    cut = {
        "rule": bands.rule,
        "names": list(bands.names),
        "items": list(bands.sizes.values()),
        "test_rows": list(bands.rows(test).values()),
    }
    same: dict[str, Any] = {key: like[key] for key in ("data", "split", "bands") if key in like}
    return {
        "status": "done",
        "reason": "",
        "data": data,
        "split": split,
        "bands": cut,
        **same,
        "spec": spec,
        "metrics": lines,
        "notes": list(notes),
        "fit": {"capped": False, "phase": None},
    }
