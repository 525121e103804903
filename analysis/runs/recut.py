"""What a finished run says of other metrics, other K and other bands, without training again.

Accuracy comes from the ranks of the held-out pairs, so it knows every metric at every K. Measures
of popularity bias come from the lists, so K is at most their length, and set them against
histories, which the run keeps once beside its cells. Both are computed by the functions that
measured the rest, once a run.
"""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from negbench.errors import UserError
from negbench.evaluation.metric_names import Metric
from negbench.storage import split_store
from negbench.storage.cell_store import COLUMNS, Array

from . import frames
from .frames import Run
from .ranked_cells import RankedCell

if TYPE_CHECKING:
    from negbench.data.interactions import Csr

Line = dict[str, Any]
Parts = dict[str, "Csr"]


def metric_lines(run: Run, metric: Metric) -> pd.DataFrame:
    """The lines of `results` of one metric; computed in the cells that did not measure it."""
    key = ("metric", metric)
    if key not in run.cache:
        run.cache[key] = _frame(run, [_metric_of(cell, metric) for cell, _ in run.done])
    return run.cache[key].copy()


def bias_lines(run: Run, k: int) -> pd.DataFrame:
    """The lines of popularity bias at one K, and those without a K, which are at 0.

    Computed where the cells did not measure that K, or have other bands than they were run with.

    Raises UserError if K is longer than the lists that a cell keeps, or the run does not keep the
    split.
    """
    key = ("bias", k)
    if key not in run.cache:
        splits: dict[Path, Parts] = {}
        run.cache[key] = _frame(run, [_bias_of(cell, k, splits) for cell, _ in run.done])
    return run.cache[key].copy()


def bands_chosen_after(run: Run) -> str:
    """The bands as one sentence for captions if they were chosen after training, else empty."""
    rules = {c.record["bands"]["rule"] for c, _ in run.done if "of_run" in c.record["bands"]}
    return "".join(f"Bands {rule} of train, chosen after training." for rule in sorted(rules))


def _metric_of(cell: RankedCell, metric: Metric) -> list[Line]:
    lines = cell.record["metrics"]
    measured = [line for line in lines if (line["metric"], line["k"]) == metric]
    return measured or cell.lines([metric])


def _bias_of(cell: RankedCell, k: int, splits: dict[Path, Parts]) -> list[Line]:
    tested = [line for line in cell.record["metrics"] if line["split"] == "test"]
    lines = [line for line in tested if line["metric"] not in cell.accuracy]
    without_k = [line for line in lines if line["k"] == 0]
    at_k = [line for line in lines if line["k"] == k]
    if lines and cell.ranked and (cell.bands is not None or not at_k):
        at_k = _audited(cell, k, splits)
    return [*at_k, *without_k]


def _audited(cell: RankedCell, k: int, splits: dict[Path, Parts]) -> list[Line]:
    from negbench.evaluation.popularity_bias import audit  # with scipy, which a table needs not

    arrays = cell.arrays("users", "top", "item_bands", "item_counts")
    if len(arrays) < 4:
        return []  # damaged, and reported so
    top, n_items = arrays["top"], len(arrays["item_counts"])
    if k > top.shape[1] and top.shape[1] < n_items:
        raise UserError(
            f"the K of an audit can be at most {top.shape[1]}, the length of the lists that cells "
            f"keep; got {k}"
        )
    parts = split_parts(cell, n_items, splits)
    values = audit(
        top[:, :k],
        arrays["users"].astype(np.int64),
        train=parts["train"],
        profiles=parts["profiles"],
        test=parts["test"],
        seen=parts["seen"],
        bands=cell.own_bands(arrays["item_bands"]),
        ks=[k],
    )
    return [
        {"split": "test", "metric": name, "k": at, "band": band, "value": value}
        for (name, at, band), value in values.items()
    ]


def split_parts(cell: RankedCell, n_items: int, splits: dict[Path, Parts]) -> Parts:
    """The parts of a cell's split [U, I], with `profiles`, the users' own, and `seen`, not ranked.

    `splits` keeps what was read. Raises UserError if the run does not keep the split.
    """
    run, digest = cell.folder.parent.parent, str(cell.record["split"]["hash"])
    path = split_store.path_of(run, digest)
    if path not in splits:
        if not path.is_file():
            raise UserError(
                "an audit at another K, on other bands or in words needs the split that a run "
                f"keeps; {path} is missing; `negbench resume` on that folder writes it, without "
                "training again"
            )
        kept = split_store.read_split(run, digest)
        parts = {name: _csr(*rows, n_items) for name, rows in kept.items()}
        train = parts["train"]
        profiles = train.join(parts["fold_in"]) if "fold_in" in parts else train
        seen = _not_ranked(str(cell.spec.get("mask", "seen")), profiles, parts["valid"])
        seen = seen.join(parts["planted"]) if "planted" in parts else seen
        splits[path] = {**parts, "profiles": profiles, "seen": seen}
    return splits[path]


def _not_ranked(mask: str, profiles: "Csr", valid: "Csr") -> "Csr":
    """The history that is masked for the test part, as `Scenario.masked` has it."""
    if mask == "none":
        return _csr(np.zeros(profiles.n_rows, np.int64), np.empty(0, np.int32), profiles.n_columns)
    return profiles if mask == "train" else profiles.join(valid)


def _csr(lengths: Array, items: Array, n_items: int) -> "Csr":
    from negbench.data.interactions import Csr

    ends = np.cumsum(lengths, dtype=np.int64)
    return Csr(np.append(0, ends), items.astype(np.int32), n_items)


def _frame(run: Run, lines: list[list[Line]]) -> pd.DataFrame:
    """The lines of each finished cell in the form of `frames.results`."""
    names = COLUMNS[5:]
    flat = [line for part in lines for line in part]
    values = {name: [line[name] for line in flat] for name in names}
    frame = frames.repeated(run, [len(part) for part in lines]).assign(**values)
    return frame.astype({"value": float, "k": int, "seed": int})
