"""The lines that a search prints: rows, trials, cells, time, and the spaces."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from negbench.data.number_words import counted, span
from negbench.experiment import console, run_grid
from negbench.experiment.estimate.grid import estimate
from negbench.storage.search_store import TRIALS, protocol_hash
from negbench.tuning.cells_to_train import cells_in_all, cells_left
from negbench.tuning.rows import Row
from negbench.tuning.run_search import Search


def search_lines(search: Search) -> Iterator[str]:
    """What is searched, and how winners are chosen."""
    protocol, rows = search.protocol, search.mine
    tuned = [row for row in rows if len(row.trials) > 1]
    yield (
        f"search {counted(len(rows), 'row')}, {len(tuned)} of them with parameters to tune: "
        f"{protocol.trials} trials each ({protocol.search}, {protocol.fidelity}), "
        f"{counted(protocol.finalists, 'finalist')} x {counted(protocol.final_seeds, 'seed')}, "
        f"the winner tested on {counted(protocol.test_seeds, 'fresh seed')}"
    )
    yield from _hashes(search)


def grid_lines(search: Search, device: str, out: Path, patience: float) -> tuple[list[str], bool]:
    """How many cells, about how long they take and what will fail, and whether a row will.

    `patience` are the seconds that the estimate may take, 0 for as long as it needs.
    """
    protocol, rows = search.protocol, search.mine
    cells = sum(cells_in_all(row, protocol) for row in rows)
    left = {row.name: cells_left(row, protocol, out) for row in rows}
    there = cells - sum(left.values())
    known = f", {there:,} of them there already" if there else ""
    time, failing = _time(search, device, out, patience, left)
    return [f"grid   {counted(cells, 'cell')}{known}; {time}   in {out}", *failing], bool(failing)


def space_lines(search: Search) -> Iterator[str]:
    """The space of each row, once for all data sets."""
    seen = dict.fromkeys((row.backbone, row.typed, _words(row)) for row in search.mine)
    width = max((len(f"{backbone} {typed}") for backbone, typed, _ in seen), default=0)
    for backbone, typed, words in seen:
        yield f"space  {f'{backbone} {typed}':{width}}  {words}"


def _words(row: Row) -> str:
    parts = [f"{each.name} {each.text}" for _, each in row.space.parameters]
    return "; ".join(parts) or "nothing to tune: its one setting is its winner"


def _hashes(search: Search) -> Iterator[str]:
    for name, digest in dict.fromkeys(
        (
            row.scenario.interactions.name,
            protocol_hash(search.protocol.record(row.options, row.scenario)),
        )
        for row in search.rows
    ):
        yield f"tuning {name}   protocol {digest}: rows of another one are not compared with these"


def _time(
    search: Search, device: str, out: Path, patience: float, left: Mapping[str, int]
) -> tuple[str, Sequence[str]]:
    """The likely time of the cells `left` of each row, by its default, and lines on what fails.

    Other settings may take more or less.
    """
    options = search.options
    rows = [row for row in search.mine if left[row.name] and not row.is_reference]
    defaults = [row.cell(row.trials[0]) for row in rows]
    if not defaults:
        return "nothing to train", ()
    known = estimate(
        defaults,
        search.grid.scenarios,
        out / TRIALS,
        device=device,
        threads=options.threads,
        budget=patience,
    )
    if not known.known:
        return f"no estimate of its {counted(known.pairings, 'pairing')}", console.failing(known)
    every = [cell for row, cell in zip(rows, defaults, strict=True) for _ in range(left[row.name])]
    workers = run_grid.workers_of(options, len(every))
    return (
        f"about {span(known.likely_of_all(every) / workers)} if every setting takes as long as the "
        f"default, {counted(workers, 'cell')} at a time"
    ), console.failing(known)


def notes(search: Search) -> list[str]:
    """The warnings of the grid of defaults; that a trial has one seed is meant."""
    lines = console.notes(search.options, search.grid)
    return [line for line in lines if not line.startswith("note   1 seed")]
