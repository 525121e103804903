"""Search files as `negbench tune` writes them, for runs with `--tuned`; nothing is trained."""

from helpers.small_runs import DATA, NAME

from negbench.experiment.options.options import build, flatten
from negbench.experiment.plan import plan
from negbench.storage.search_store import protocol_hash, write_search

BUDGET = {"epochs": 2, "patience": 10, "eval_every": 1, "dim": 8, "batch_size": None}
BUDGET |= {"time_limit": 0.0}
PROTOCOL = {"trials": 3, "search": "sobol", "points_seed": 0, "fidelity": "full", "finalists": 2}
PROTOCOL |= {"trial_seed": 0, "final_seeds": [1, 2], "select": "ndcg@20", "budget": BUDGET}
LR = {"owner": "training", "name": "lr", "kind": "log", "values": [1e-4, 0.1], "zero": 0.0}


def protocol_of(scenario, **changes):
    """The protocol of a search on this scenario."""
    here = {"data": scenario.interactions.checksum, "split": scenario.split.rule}
    here |= {"split_hash": scenario.split.hash, "exclude": scenario.exclude}
    return {**PROTOCOL, **here, **changes}


def scenario_of(**raw):
    """The scenario of a small run with these options."""
    options = build(flatten({"datasets": [DATA], "methods": "random", "seeds": 1, **raw}))
    (scenario,) = plan(options).scenarios.values()
    return scenario


def write_row(
    folder, row, word, *, backbone="mf", scenario=None, ranges="", n=3, decided=True, **changes
):
    """Write the search of a row whose winner is `word`; `n` trials, 1 where nothing is searched."""
    protocol = protocol_of(scenario or scenario_of(), **changes)
    names = [row, word, *(f"{row}@lr={0.001 * at}" for at in range(1, n - 1))][: max(n, 2)]
    trials = [
        {"word": each, "settings": {}, "cell": "", "status": "done", "reason": "", "valid": 0.1}
        for each in (names if n > 1 else [word])
    ]
    winner = {"trial": len(trials) - 1, "word": word, "settings": {}, "valid": 0.1}
    search = {"dataset": (scenario.interactions.name if scenario else NAME), "row": row}
    search |= {"backbone": backbone, "protocol": protocol, "hash": protocol_hash(protocol)}
    search |= {"ranges": {}, "ranges_hash": ranges, "test_seeds": [100], "rungs": []}
    search |= {"space": [LR] if n > 1 else [], "trials": trials, "finalists": []}
    search |= {"winner": winner if decided else None}
    write_search(folder, search)
    return protocol_hash(protocol)
