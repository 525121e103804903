"""How many cells the rows of a search take, and how many of them are still to be trained."""

from pathlib import Path

from negbench.storage import cell_store
from negbench.tuning.final_cells import final_cells
from negbench.tuning.protocol import Protocol
from negbench.tuning.rows import Row
from negbench.tuning.search_state import SearchState, read_state


def cells_in_all(row: Row, protocol: Protocol) -> int:
    """The cells of a row: trials, those of halving counted in full, finalists and winner."""
    return len(row.trials) + _of_finalists(row, protocol) + _of_winner(row, protocol)


def cells_left(row: Row, protocol: Protocol, out: Path) -> int:
    """Those of its cells that a search in this folder has not trained yet.

    Raises UserError if its search file is damaged.
    """
    state = read_state(row, protocol, out)
    return _left_of_search(state, protocol) + _left_of_winner(state, protocol, out)


def _of_finalists(row: Row, protocol: Protocol) -> int:
    n = len(row.trials)
    alone = row.is_reference or n == 1  # no seed, or no choice
    return 0 if alone else min(protocol.finalists, n) * protocol.final_seeds


def _of_winner(row: Row, protocol: Protocol) -> int:
    return 1 if row.is_reference else protocol.test_seeds


def _left_of_search(state: SearchState, protocol: Protocol) -> int:
    finalists = 0 if state.finals is not None else _of_finalists(state.row, protocol)
    return len(state.next_cells) + finalists


def _left_of_winner(state: SearchState, protocol: Protocol, out: Path) -> int:
    if state.winner is None:
        return 0 if state.decided else _of_winner(state.row, protocol)
    planned = final_cells(state.row, state.winner, protocol)
    return sum(cell_store.find_cell(out, each.resolved) is None for each in planned)
