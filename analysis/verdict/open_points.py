"""What a recommendation cannot conclude: too few blocks, seeds or users, and gaps in the run."""

from collections.abc import Iterator, Sequence

from negbench.storage.cell_store import Cell

from ..number_format import listed
from ..runs.frames import Run
from ..runs.notes import Note
from ..statistics.significance import significance
from ..tables import footnotes
from ..tables.baseline_phrases import finished_row
from ..tables.headline import NO_REFERENCE
from ..tables.main_table_values import MainTable
from ..tables.row_phrases import named
from .standings import BlockTests, common

FEW_USERS = 100
"""Below so many test users a mean hangs on a few of them, and only wide differences are told."""


def open_points(run: Run, table: MainTable, blocks: Sequence[BlockTests]) -> Iterator[str]:
    """One sentence each; `blocks` are those of all items."""
    datasets, backbones = (sorted({block.where[at] for block in blocks}) for at in (0, 1))
    few = [f"data sets than {datasets[0]}"] if len(datasets) == 1 else []
    few += [f"backbones than {backbones[0]}"] if len(backbones) == 1 else []
    if few:
        yield f"Nothing can be concluded for other {' or '.join(few)}."
    alone = [_name(block) for block in blocks if not block.covers_seeds]
    if alone:
        yield (
            f"One seed in {listed(alone)}: what is told apart there covers users alone, another "
            "training may turn it, and it counts for no choice (--seeds 5)."
        )
    tests = significance(run, table.metric, vs=table.vs)
    users = tests.groupby(["dataset", "backbone"])["n_users"].max()
    small = {_name(block): int(users[block.where]) for block in blocks}
    small = {name: n for name, n in small.items() if n < FEW_USERS}
    if small:
        counts = listed([f"{n} in {name}" for name, n in small.items()])
        yield (
            f"Few test users ({counts}): only wide differences are told apart, so little can be "
            "concluded from rows that are not."
        )
    yield from _gaps(table, blocks)
    if len({_machine(cell) for cell, _ in run.done}) > 1:
        yield "Cells ran on several machines or numbers of threads, so seconds do not compare."
    for dataset in datasets:
        yield from (f"{dataset}: {n.text}" for n in footnotes.of_data(run, dataset) if _oracle(n))
    yield from (note.text for note in footnotes.of_damage(run) if note.kind != "missing")


def _gaps(table: MainTable, blocks: Sequence[BlockTests]) -> Iterator[str]:
    """References, rows and blocks that are not there."""
    bare = [_name(block) for block in blocks if not block.best_reference]
    if len(bare) == len(blocks):
        yield NO_REFERENCE
    elif bare:
        yield f"No reference was run in {listed(bare)}, so no method is above one there."
    unbased = [_name(block) for block in blocks if not _has_baseline(block)]
    if unbased:
        missing = finished_row(table.vs, table.blocks)
        yield f"No {missing} in {listed(unbased)}, so no row is above it there."
    held, tested = set(common(blocks)), {block.where for block in blocks}
    labels = {row.label for block in table.blocks for row in block.rows}
    if left := sorted(labels - held):
        yield (
            f"Not a candidate: {named(left)}: absent, unfinished or never past the warm-up in some "
            "block."
        )
    absent = [each.title for each in table.blocks if (each.dataset, each.backbone) not in tested]
    if absent:
        yield f"Not counted: {listed(absent)}, where no method has every seed finished."


def _name(block: BlockTests) -> str:
    return " · ".join(block.where)


def _has_baseline(block: BlockTests) -> bool:
    return any(row.baseline in block.rows for row in block.rows.values())


def _machine(cell: Cell) -> tuple[str, ...]:
    environment = cell.record.get("environment") or {}
    return tuple(str(environment.get(name)) for name in ("processor", "device", "threads"))


def _oracle(note: Note) -> bool:
    return note.kind == "exclusion" and note.text.startswith("ORACLE")
