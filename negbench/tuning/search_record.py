"""The search file of a row: its state in plain values, with what curves and tables need.

Test values, seconds and dot products of the trials are added here, after every choice is made.
"""

from collections.abc import Collection, Sequence
from dataclasses import asdict
from typing import Any

from negbench.storage.cell_code import CODE
from negbench.storage.search_store import protocol_hash
from negbench.tuning.halving import rank_correlation
from negbench.tuning.outcomes import PENDING
from negbench.tuning.protocol import Protocol
from negbench.tuning.rows import Trial
from negbench.tuning.search_state import Round, SearchState
from negbench.tuning.space import Space

COSTS = ("cpu_seconds", "seconds", "dots")
"""What a trial cost; under halving its trainings at earlier rungs cost too."""


def search_record(state: SearchState, protocol: Protocol) -> dict[str, Any]:
    """What `search_store.write_search` writes for a row."""
    row = state.row
    trials = [_trial(each, state) for each in row.trials]
    shared = protocol.record(row.options, row.scenario)
    winner = None if state.winner is None else row.trials[state.winner]
    code = row.cell(row.trials[0]).resolved.get(CODE)  # of plug-ins alone
    return {
        "dataset": row.scenario.interactions.name,
        "backbone": row.backbone,
        "row": row.typed,
        "protocol": shared,
        "hash": protocol_hash(shared),
        "ranges": dict(row.ranges),
        "ranges_hash": row.ranges_hash,
        **({CODE: code} if code else {}),
        "test_seeds": list(protocol.seeds_of_test),
        "space": plain_space(row.space),
        "trials": trials,
        "rungs": [_rung(each, state.rounds[-1]) for each in state.rounds if each.epochs],
        "finalists": [
            {"trial": trial, "valid": list((state.finals or {}).get(trial, ()))}
            for trial in state.finalists or ()
        ],
        "winner": winner and _winner(winner, state),
        "outcomes": _others(state, {each["cell"] for each in trials}),
    }


def plain_space(space: Space) -> list[dict[str, Any]]:
    """The searched parameters of a row with their ranges, in plain values."""
    return [{**asdict(each), "values": list(each.values)} for _, each in space.parameters]


def _winner(trial: Trial, state: SearchState) -> dict[str, Any]:
    finals = (state.finals or {}).get(trial.number)
    values = [v for v in finals or [state.rounds[-1].valid[trial.number]] if v is not None]
    chosen = {"trial": trial.number, "word": trial.word, "settings": dict(trial.settings)}
    return {**chosen, "valid": sum(values) / len(values)}


def _trial(trial: Trial, state: SearchState) -> dict[str, Any]:
    """A trial in the last round that it took part in."""
    *before, last = [each for each in state.rounds if trial.number in each.trials]
    cell = state.row.cell(trial, epochs=last.epochs).digest
    entry = {"word": trial.word, "settings": dict(trial.settings), "cell": cell}
    outcome = {k: v for k, v in state.outcomes.get(cell, PENDING).items() if k != "ended"}
    earlier = {"earlier": _cost(trial, before, state)} if before else {}
    return {**entry, "status": _status(trial, last, state), **outcome, **earlier}


def _cost(trial: Trial, rungs: Sequence[Round], state: SearchState) -> dict[str, float]:
    """What the trainings of a trial at these rungs cost, as far as known."""
    cells = [state.row.cell(trial, epochs=each.epochs).digest for each in rungs]
    known = [state.outcomes.get(each, PENDING) for each in cells]
    return {name: sum(each[name] or 0 for each in known) for name in COSTS}


def _others(state: SearchState, cells: Collection[str]) -> dict[str, Any]:
    """The outcomes of the cells that no trial's entry is of: earlier rungs, seeds of finalists."""
    return {name: dict(each) for name, each in state.outcomes.items() if name not in cells}


def _status(trial: Trial, last: Round, state: SearchState) -> str:
    if trial.number not in last.valid:
        return "pending"
    if last.valid[trial.number] is None:
        return "failed"
    return "cut" if last is not state.rounds[-1] else "done"


def _rung(rung: Round, end: Round) -> dict[str, Any]:
    """A rung of halving, and how its order agrees with the end's over the trials in both."""
    values = [rung.valid.get(trial) for trial in rung.trials]
    correlation = rank_correlation(
        [rung.valid.get(trial) for trial in end.trials],
        [end.valid.get(trial) for trial in end.trials],
    )
    return {
        "epochs": rung.epochs,
        "trials": list(rung.trials),
        "valid": values,
        "correlation": correlation,
    }
