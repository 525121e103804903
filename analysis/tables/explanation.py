"""An explanation of a training: its most helpful and most harmful triplets, by their values.

Of one user, or of all of them with averages by band of the negative and by its truth. Helpful are
values above zero, harmful those below. The interval of a triplet covers its own value only: the
extremes of many values lie farther out than they would if they were valued again.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from negbench.storage.cell_store import Cell
from negbench.storage.training_end import STILL_RISING, WARM_UP_ONLY, capped

from ..measures.false_negatives import knows_every_pair
from ..measures.triplet_values import auc, averages

SHOWN = ("user", "positive", "negative", "value", "low", "high", "hardness", "epoch", "false")
Line = dict[str, Any]


@dataclass(frozen=True)
class Explanation:
    """The highest and lowest valued triplets of a cell, or of one user of it."""

    where: Mapping[str, Any]
    """The data set, the backbone, the row and the seed."""
    user: Any
    """The user's id in the data, or None for all."""
    n: int
    epochs: tuple[int, int]
    helpful: tuple[Line, ...]
    harmful: tuple[Line, ...]
    averages: tuple[Line, ...]
    auc: float
    exact: bool
    """Whether every false negative is known to be one."""
    caveats: tuple[str, ...] = ()
    """What the training of this cell lacks: an end, or the method's own phase."""


def explanation(
    cell: Cell,
    row: str,
    values: pd.DataFrame,
    ids: Mapping[str, Sequence[Any]],
    *,
    user: int | None = None,
    top: int = 10,
) -> Explanation:
    """Explain a cell by its triplets' values; `user` is a number, `ids` holds the data's ids."""
    chosen = values if user is None else values[values["user"] == user]
    helped = chosen[chosen["value"] > 0].sort_values("value", ascending=False, kind="stable")
    harmed = chosen[chosen["value"] < 0].sort_values("value", kind="stable")
    spec = cell.spec
    return Explanation(
        where={
            "dataset": spec["dataset"],
            "backbone": cell.backbone,
            "method": row,
            "seed": spec["seed"],
        },
        user=None if user is None else ids["users"][user],
        n=len(chosen),
        epochs=(int(chosen["epoch"].min()), int(chosen["epoch"].max())),
        helpful=_named(helped.head(top), ids),
        harmful=_named(harmed.head(top), ids),
        averages=_averages(cell, chosen) if user is None else (),
        auc=auc(chosen),
        exact=knows_every_pair(cell),
        caveats=tuple(_caveats(cell)),
    )


def _caveats(cell: Cell) -> Iterator[str]:
    fit = cell.record.get("fit") or {}
    if capped(fit, cell.spec.get("train") or {}):
        yield f"This training was {STILL_RISING}."
    phase = fit.get("phase") or {}
    if phase and not phase["kept"]:
        yield (
            f"{WARM_UP_ONLY.capitalize()}: the weights kept are from before {phase['name']} began "
            f"(epoch {phase['begins']})."
        )


def _named(lines: pd.DataFrame, ids: Mapping[str, Sequence[Any]]) -> tuple[Line, ...]:
    """The lines with the ids and the titles of the data."""
    records = []
    for line in lines[list(SHOWN)].to_dict("records"):
        named: Line = {"user": ids["users"][line["user"]]}
        for what in ("positive", "negative"):
            item = line[what]
            named[what] = ids["items"][item]
            named[f"{what}_name"] = ids["names"][item] if ids["names"] else ""
        records.append(named | {str(name): line[name] for name in SHOWN[3:]})
    return tuple(records)


def _averages(cell: Cell, values: pd.DataFrame) -> tuple[Line, ...]:
    """All triplets, those of each band of the negative, and the false and the other ones."""
    parts = [("all", values.assign(group="all"))]
    if (values["band"] != "").any():
        parts.append(("band", values.assign(group=values["band"])))
    words = values["false"].map({True: "false", False: "other"})
    parts.append(("truth", values.assign(group=words)))
    order = {"false": 0, "other": 1} | {n: at for at, n in enumerate(cell.record["bands"]["names"])}
    records: list[Line] = []
    for by, part in parts:
        lines = averages(part, ["group"]).to_dict("records")
        lines.sort(key=lambda line: order.get(line["group"], 0))
        records += [{"by": by, **{str(k): v for k, v in line.items()}} for line in lines]
    return tuple(records)
