"""Blocks of a run for an audit in words: lists, accuracy by user, histories, ids and titles.

Of a run that is repeated over splits the first split alone is read, for histories and popularity
differ from split to split; a note says so.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from negbench.errors import NothingToReport, UserError
from negbench.evaluation.metric_names import Metric
from negbench.storage.training_end import before_phase, capped

from ..number_format import counted
from ..runs import frames, recut
from ..runs.frames import REFERENCE, MetricLike, Run
from ..runs.over_seeds import rows_of_run
from ..runs.ranked_cells import RankedCell
from ..runs.tuned_rows import tuned_of
from ..tables import footnotes
from ..tables.audit import LISTS, notes_of
from ..tables.blocks import by_block
from .inputs import Audience, Block, Ints, System
from .item_groups import ItemGroups
from .listed_cell import ListedCell

IN_ORDER = ("ratio", "temporal", "leave_one_out", "users")
"""The split rules whose test pairs are later than what their users chose before; the others draw
test pairs, or take what they are given."""
Ids = dict[str, list[Any]]
Cells = list[RankedCell]


class ItemTable(Protocol):
    """Columns of items, by their ids in the data."""

    def column(self, name: str, item_ids: Sequence[Any]) -> list[str]:
        """The values of a column, one for each item."""

    def titles(self, item_ids: Sequence[Any]) -> list[str]:
        """The titles, one for each item; [] where the table has none."""


class ReadIds(Protocol):
    """Reads the ids and titles that a run keeps beside its cells."""

    def __call__(self, run: Path, dataset: str, checksum: str) -> Ids:
        """The ids of `users` and `items`, and the `names` of the items."""


def blocks_of_run(
    run: Run,
    read_ids: ReadIds,
    *,
    metric: MetricLike = None,
    items: ItemTable | None = None,
    group: str | None = None,
) -> list[Block]:
    """The blocks of a run, each with its systems by falling accuracy and references behind.

    Raises UserError if the run keeps no split, or lists shorter than K, and NothingToReport if no
    cell keeps its lists.
    """
    chosen = frames.choose_metric(run, metric)
    first = run.partitions[0] if run.partitions else 0
    by_row: dict[tuple[str, str, str], Cells] = {}
    for cell, row in run.done:
        if cell.partition == first:
            where = (str(cell.spec["dataset"]), cell.backbone, row)
            by_row.setdefault(where, []).append(cell)
    pairs = [((dataset, backbone), (row, c)) for (dataset, backbone, row), c in by_row.items()]
    expected = {
        (line["dataset"], line["backbone"], line["row"]): int(line["expected"])
        // max(len(run.partitions), 1)
        for line in rows_of_run(run).to_dict("records")
    }
    blocks: list[Block] = []
    splits: dict[Path, recut.Parts] = {}
    for (dataset, backbone), rows in by_block(pairs).items():
        cells = [cell for _, of_row in rows for cell in of_row]
        audience = _audience(cells[0], chosen, splits, read_ids, items, group)
        systems = [
            _system(
                audience, name, of_row, int(expected.get((dataset, of_row[0].backbone, name), 0))
            )
            for name, of_row in rows
            if all(c.arrays("users", "top") for c in of_row)
        ]
        if not systems:
            raise NothingToReport(
                "an audit in words needs cells that keep their lists; this run has none that can "
                "be read; run it again with --overwrite all"
            )
        own = notes_of(run, dataset, backbone)
        several = len(run.partitions) > 1  # of one split alone there are no means over splits
        own = (*footnotes.of_damage(run), *(n for n in own if n.kind != "seeds" or not several))
        notes = [note.text.removeprefix("^ ").removeprefix("~ ") for note in own]
        if several:
            notes.insert(0, f"This page is of split {first} of {len(run.partitions)} alone.")
        blocks.append(Block(dataset, backbone, audience, _ordered(systems), tuple(notes)))
    return blocks


def _ordered(systems: list[System]) -> tuple[System, ...]:
    """Methods and lists of others by falling accuracy, then references by theirs."""

    def place(system: System) -> tuple[bool, float, str]:
        known = system.accuracy[~np.isnan(system.accuracy)]
        return system.kind == "reference", -known.mean() if len(known) else 0.0, system.name

    return tuple(sorted(systems, key=place))


def _audience(
    cell: RankedCell,
    metric: Metric,
    splits: dict[Path, recut.Parts],
    read_ids: ReadIds,
    items: ItemTable | None,
    group: str | None,
) -> Audience:
    arrays = cell.arrays("users", "item_counts", "item_bands")
    n_items = int(cell.record["data"]["n_items"])
    if isinstance(cell, ListedCell):
        parts, ids = cell.parts, cell.ids
    else:
        parts = recut.split_parts(cell, n_items, splits)
        ids = read_ids(
            cell.folder.parent.parent, cell.spec["dataset"], cell.record["data"]["checksum"]
        )
    titles = list(ids["names"])
    if not titles and items is not None:
        titles = items.titles(ids["items"])
    groups = None
    if items is not None and group is not None:
        groups = ItemGroups.of(group, items.column(group, ids["items"]), parts["train"].counts)
    return Audience(
        metric=metric,
        users=arrays["users"].astype(np.int64),
        train=parts["train"],
        profiles=parts["profiles"],
        seen=parts["seen"],
        test=parts["test"],
        bands=cell.own_bands(arrays["item_bands"]),
        user_ids=ids["users"],
        item_ids=ids["items"],
        item_names=titles,
        average=str(cell.spec.get("average", "users")),
        groups=groups,
        in_order=str(cell.record["split"]["rule"]).partition("(")[0] in IN_ORDER,
    )


def _system(audience: Audience, name: str, cells: Cells, expected: int) -> System:
    """A row's lists and accuracy, in the order of the block's users."""
    tops, values = [], []
    for cell in sorted(cells, key=lambda each: int(each.spec["seed"])):
        arrays = cell.arrays("users", "top")
        at = _places(audience.users, arrays["users"].astype(np.int64))
        lists = _lists(cell, arrays["top"], audience.k, audience.n_items)
        tops.append(np.where(at[:, None] >= 0, lists[at], -1))
        of_user = frames.user_values(cell, audience.metric)
        values.append(of_user.reindex(audience.users).to_numpy(float))
    kind = "reference" if cells[0].spec["backbone"] == REFERENCE else "method"
    kind = LISTS if isinstance(cells[0], ListedCell) else kind
    return System(name, kind, np.stack(tops), np.stack(values), _caveats(cells, expected, kind))


def _places(users: Ints, of_cell: Ints) -> NDArray[np.int64]:
    """Where each of `users` stands in a cell, -1 for one who has no list there."""
    place = np.full(max(users.max(initial=-1), of_cell.max(initial=-1)) + 1, -1)
    place[of_cell] = np.arange(len(of_cell))
    places: NDArray[np.int64] = place[users]
    return places


def _lists(cell: RankedCell, top: NDArray[Any], k: int, n_items: int) -> NDArray[np.int64]:
    if top.shape[1] < min(k, n_items) and not isinstance(cell, ListedCell):
        raise UserError(
            f"the K of an audit can be at most {top.shape[1]}, the length of the lists that cells "
            f"keep; got {k}"
        )
    lists = np.full((len(top), k), -1, np.int64)
    lists[:, : top.shape[1]] = top[:, :k]
    return lists


def _caveats(cells: Cells, expected: int, kind: str) -> tuple[str, ...]:
    """What a reader of one sentence must know of a row."""
    if kind == LISTS:
        return ()
    caveats = []
    fits = [(cell.record.get("fit") or {}, cell.spec.get("train") or {}) for cell in cells]
    rising = sum(capped(fit, train) for fit, train in fits)
    if rising:
        caveats.append(f"training cut short in {rising} of {len(cells)}")
    if any(before_phase(fit) for fit, _ in fits):
        caveats.append("weights from its warm-up")
    if kind == "method" and not any(tuned_of(cell.spec) for cell in cells):
        caveats.append("not tuned")
    if len(cells) < expected:
        caveats.append(f"{len(cells)} of {counted(expected, 'seed')}")
    return tuple(caveats)
