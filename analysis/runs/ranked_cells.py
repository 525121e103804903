"""Cells that give any metric at any K, on other popularity bands too, from the ranks they keep.

A cell records some metrics on the bands of its run, and keeps the rank of every held-out pair: what
was not measured is computed from these, by the function that measured the rest. Cells of older
versions keep no ranks; they give what they recorded.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from negbench.errors import UserError
from negbench.evaluation.metric_kernels import mean_of_users, metric_values_by_band
from negbench.evaluation.metric_names import METRICS, Metric
from negbench.scenario.popularity_bands import NAMES, WEAK, Bands
from negbench.storage.integrity import Damaged, intact_file

from .damaged_cells import Array, TolerantCell

RANKS = "ranks.npz"
PARTS = ("valid", "test")
_FIELDS = ("users", "lengths", "items", "ranks")
_MAKE_UP = {"neg_divergence", *(f"neg_{name}" for name in NAMES)}
"""Measures of an epoch that count negatives by band, as they were drawn: not to be cut again."""
_OF_ANY_BANDS = ("users", "item_counts", "test pairs", "valid pairs")
"""What was read of a cell and stays as it is on other bands."""
ByBand = Mapping[str, NDArray[np.float32]]


@dataclass(frozen=True, eq=False)
class RankedCell(TolerantCell):
    """A cell of a run that reads off its ranks what was not measured when it was trained."""

    bands: Bands | None = None
    """The bands chosen after training; None for those of the run."""
    partition: int = 0
    """The number of its split in a run that is repeated over splits; 0 in other runs."""

    @property
    def ranked(self) -> bool:
        """Whether it keeps the ranks of its held-out pairs."""
        return (self.folder / RANKS).is_file()

    @property
    def accuracy(self) -> set[str]:
        """Names of its metrics of accuracy: ours, and those of plug-ins that it was run with."""
        return {*METRICS, *(Metric.recorded(each).name for each in self.spec.get("metrics", ()))}

    def arrays(self, *names: str) -> dict[str, Array]:
        """The arrays of these names, kept or computed; "ndcg@50/tail" is the value of each user."""
        kept = super().arrays(*(name for name in names if not self._outdated(name)))
        for name in set(names) - set(kept):
            if (computed := self._computed(name)) is not None:
                kept[name] = computed
        return {name: kept[name] for name in names if name in kept}

    def epochs(self) -> list[dict[str, float]]:
        """The metrics of each epoch; under other bands without the make-up of the negatives."""
        rows = super().epochs()
        if self.bands is None:
            return rows
        return [{name: row[name] for name in row if name not in _MAKE_UP} for row in rows]

    def lists(self) -> Array | None:
        """The recommended lists [n, K], as long as the longest metric that was measured."""
        top = self.arrays("top").get("top")
        return None if top is None else top[:, : self.list_length or None]

    def own_bands(self, labels: Array) -> Bands:
        """The bands of the cell, whose labels [I] are given."""
        bands = self.record["bands"]
        return Bands(labels, tuple(bands["names"]), bands["rule"])

    def by_band(self, part: str, metric: Metric) -> ByBand:
        """The metric of each user of a part, on all items and on each band; {} without ranks.

        Raises UserError for a K beyond the lists of an index.
        """
        key = f"{part} {metric}"
        if key not in self.cache:
            self._measure(part, [metric])
        values: ByBand = self.cache.get(key, {})
        return values

    def lines(self, metrics: Sequence[Metric]) -> list[dict[str, Any]]:
        """The metrics as a record has them, a line a part, metric and band."""
        for part in PARTS:
            self._measure(part, metrics)
        return [
            {"split": part, "metric": name, "k": k, "band": band, "value": mean_of_users(values)}
            for part in PARTS
            for name, k in metrics
            for band, values in self.by_band(part, Metric(name, k)).items()
        ]

    def held_out(self, part: str) -> dict[str, Array]:
        """The held-out pairs of a part: `users` [n]; `rows`, `items` and `ranks` [pairs].

        A row is a place in `users`. Empty if the cell keeps no ranks or they cannot be read.
        """
        key = f"{part} pairs"
        if key not in self.cache:
            self.cache[key] = self._read_pairs(part)
        pairs: dict[str, Array] = self.cache[key]
        return pairs

    def _measure(self, part: str, metrics: Sequence[Metric]) -> None:
        """Compute metrics of a part at once, for the pairs are sorted anew on each band."""
        pairs, labels = self.held_out(part), self.arrays("item_bands").get("item_bands")
        if not pairs or labels is None or not metrics:
            return
        self._require_ranks(max(k for _, k in metrics))
        values = metric_values_by_band(
            pairs["rows"],
            pairs["items"],
            pairs["ranks"],
            len(pairs["users"]),
            bands=self.own_bands(labels).masks,
            metrics=metrics,
            average=str(self.spec.get("average", "users")),
        )
        for (name, k, band), of_users in values.items():
            self.cache.setdefault(f"{part} {Metric(name, k)}", {})[band] = of_users

    def _require_ranks(self, k: int) -> None:
        """Raises UserError if lists found by an index are shorter than K: no ranks below them."""
        depth = (self.record.get("ranking") or {}).get("depth")
        if depth is not None and depth < min(k, int(self.record["data"]["n_items"])):
            raise UserError(
                f"the K of a metric can be at most {depth} where an index found the lists "
                f"(--ranking {self.spec.get('ranking')}); got {k}; choose another, or run it again "
                "with --ranking exact"
            )

    def _outdated(self, name: str) -> bool:
        """Whether what was kept under this name is of other bands."""
        band = name.rpartition("/")[2] if "/" in name else ""
        return self.bands is not None and (name == "item_bands" or band not in ("", "all"))

    def _computed(self, name: str) -> Array | None:
        if name == "item_bands" and self.bands is not None:
            return self.bands.labels
        metric, slash, band = name.rpartition("/")
        return self.by_band("test", Metric.recorded(metric)).get(band) if slash else None

    def _read_pairs(self, part: str) -> dict[str, Array]:
        if not self.ranked:
            return {}
        path = self.folder / RANKS
        try:
            with intact_file(path), np.load(path, allow_pickle=False) as arrays:
                if f"{part}_ranks" not in arrays.files:
                    return {}
                pairs = {name: arrays[f"{part}_{name}"] for name in _FIELDS}
                return _checked(pairs, int(self.record["data"]["n_items"]))
        except Damaged as error:
            self._report(error, "ranks")
            return {}


def with_bands(cell: RankedCell, rule: str) -> RankedCell:
    """The same cell on other popularity bands, cut by the train counts that it keeps.

    What belongs to the bands of the run goes: values by band, the make-up of the negatives by band,
    notes on weak bands. Measures of popularity bias are computed when they are asked for.

    Raises UserError if the rule is unknown, or the cell keeps no ranks.
    """
    counts, test = cell.arrays("item_counts").get("item_counts"), cell.held_out("test")
    if counts is None or not test:
        why = f"its {RANKS} is damaged" if cell.ranked else "an older negbench wrote it without"
        raise UserError(
            f"bands can be chosen after training where cells keep the ranks of their held-out "
            f"pairs; {cell.folder} has none to read ({why}); run it again, with --bands {rule}"
        )
    bands, own = Bands.of(counts, rule), cell.record["bands"]
    rows = np.bincount(bands.labels[test["items"]], minlength=len(bands.names)).tolist()
    notes = [note for note in cell.record.get("notes") or () if not str(note).startswith(WEAK)]
    record = cell.record | {
        "bands": {
            "rule": bands.rule,
            "names": list(bands.names),
            "items": list(bands.sizes.values()),
            "test_rows": rows,
            "of_run": own.get("of_run", own["rule"]),
        },
        "notes": [*notes, *bands.notes],
    }
    same = {name: cell.cache[name] for name in _OF_ANY_BANDS if name in cell.cache}
    cut = replace(cell, record=record, cache=same, bands=bands)
    measured = [line for line in cell.record["metrics"] if line["metric"] in cell.accuracy]
    metrics = dict.fromkeys(Metric(line["metric"], line["k"]) for line in measured)
    others = [line for line in cell.record["metrics"] if line["metric"] not in cell.accuracy]
    record["metrics"] = [*cut.lines(list(metrics)), *others]
    return cut


def _checked(pairs: dict[str, Array], n_items: int) -> dict[str, Array]:
    """The pairs with their rows, if the arrays fit together."""
    users, lengths, items, ranks = (pairs[name] for name in _FIELDS)
    if any(array.dtype.kind not in "iu" or array.ndim != 1 for array in pairs.values()):
        raise ValueError("it holds no rows of whole numbers")
    total = int(lengths.sum(dtype=np.int64))
    if len(users) != len(lengths) or not total == len(items) == len(ranks):
        raise ValueError("its arrays are of different lengths")
    if len(items) and max(int(items.max()), int(ranks.max()) - 1) >= n_items:
        raise ValueError(f"it names an item or a rank beyond its {n_items} items")
    rows = np.repeat(np.arange(len(users)), lengths)
    return {"users": users, "rows": rows, "items": items, "ranks": ranks}
