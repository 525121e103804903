"""The final cells of a row: its winner on fresh seeds, tested once."""

from dataclasses import replace

from negbench.experiment.cell.spec import PlannedCell, Tuned
from negbench.storage.search_store import protocol_hash
from negbench.tuning.protocol import TRIAL_SEED, Protocol
from negbench.tuning.rows import Row


def final_cells(row: Row, winner: int, protocol: Protocol) -> list[PlannedCell]:
    """The cells that train trial `winner` anew, one a seed; a reference has no seed."""
    seeds = (TRIAL_SEED,) if row.is_reference else protocol.seeds_of_test
    mark = mark_of(row, protocol)
    specs = (row.spec(row.trials[winner].word, seed) for seed in seeds)
    return [
        PlannedCell.of(replace(each, tuned=mark, watch_test=not row.is_reference), row.scenario)
        for each in specs
    ]


def mark_of(row: Row, protocol: Protocol) -> Tuned:
    """What the final cells of a row keep of its search: as `search_mark` has it of the file."""
    shared = protocol_hash(protocol.record(row.options, row.scenario))
    return Tuned(row.typed, shared, len(row.trials), row.ranges_hash)
