"""Searches of made-up rows: what `negbench tune` writes, without a training."""

from negbench.storage.search_store import protocol_hash, write_search

PROTOCOL = {
    "trials": 4,
    "search": "sobol",
    "points_seed": 0,
    "fidelity": "full",
    "finalists": 2,
    "trial_seed": 0,
    "final_seeds": [1, 2],
    "select": "ndcg@20",
    "budget": {"epochs": 100, "patience": 10, "eval_every": 1, "dim": None, "time_limit": 0.0},
    "data": "08234362a9da60349bfa8f28162543e01e3963008e5d7f267dc2900ba440e854",
    "k_core": 0,
    "split": "ratio(0.8,0.1,0.1)",
    "split_hash": "acaba2f11571",
    "exclude": "train",
}
LR = {"owner": "training", "name": "lr", "kind": "log", "values": [1e-4, 1e-1], "zero": 0.0}
L2 = {"owner": "training", "name": "l2", "kind": "log", "values": [1e-8, 1e-2], "zero": 0.1}
M = {"owner": "method", "name": "candidates", "kind": "of", "values": [2, 4, 8, 16], "zero": 0.0}
RANGES = {"lr": "log [0.0001, 0.1]", "l2": "log [1e-08, 0.01], or 0 (10%)"}
SETTINGS = [
    {"lr": 1e-3, "l2": 0.0},
    {"lr": 3e-3, "l2": 1e-6},
    {"lr": 1e-2, "l2": 1e-5},
    {"lr": 9e-2, "l2": 1e-4},
]


def trial(at, valid, test, settings=None, row="dns", **changes):
    """A finished trial; `valid` None is one that failed."""
    settings = SETTINGS[at % len(SETTINGS)] if settings is None else settings
    inside = ",".join(f"{name}={value}" for name, value in settings.items())
    return {
        "word": row if at == 0 else f"{row}@({inside})",
        "settings": settings,
        "cell": f"{at:012x}",
        "status": "failed" if valid is None else "done",
        "reason": "diverged" if valid is None else "",
        "valid": valid,
        "test": test,
        "best_epoch": 12,
        "epochs": 22,
        "cpu_seconds": 60.0,
        "seconds": 30.0,
        "dots": 1000.0,
    } | changes


def pending(at, row="dns"):
    """A trial that is still to be run."""
    nothing = dict.fromkeys(("best_epoch", "epochs", "cpu_seconds", "seconds", "dots"))
    return (
        trial(at, 0.0, 0.0, row=row)
        | nothing
        | {
            "status": "pending",
            "valid": None,
            "test": None,
        }
    )


def search(row, values, *, backbone="mf", space=(LR, L2), winner=None, protocol=None, **changes):
    """A search with these (valid, test) values, one pair a trial, or with trials in full."""
    protocol = PROTOCOL | (protocol or {})
    trials = [
        each if isinstance(each, dict) else trial(at, *each, row=row)
        for at, each in enumerate(values)
    ]
    return {
        "dataset": "books",
        "backbone": backbone,
        "row": row,
        "protocol": protocol,
        "hash": protocol_hash(protocol),
        "ranges": {} if backbone == "reference" else RANGES,
        "ranges_hash": "" if backbone == "reference" else protocol_hash(RANGES),
        "test_seeds": [100, 101, 102],
        "space": list(space),
        "trials": trials,
        "rungs": [],
        "finalists": [],
        "winner": None if winner is None else decided(trials[winner], winner),
    } | changes


def decided(entry, at):
    """The winner's entry."""
    return {"trial": at, "word": entry["word"], "settings": entry["settings"], "valid": 0.4}


def three_rows():
    """random, dns with a failed trial and a winner at an edge, and a reference, all decided."""
    finalists = [{"trial": 3, "valid": [0.4, 0.6]}, {"trial": 1, "valid": [0.3, 0.3]}]
    return [
        search("random", [(0.1, 0.2), (0.2, 0.2), (0.3, 0.25), (0.25, 0.3)], winner=2),
        search(
            "dns",
            [(0.2, 0.25), (0.3, 0.5), (None, None), (0.6, 0.4)],
            winner=3,
            finalists=finalists,
        ),
        search(
            "ease",
            [
                trial(0, 0.2, 0.2, {"l2": 500.0}, row="ease"),
                *(trial(at, 0.3, 0.1 * at, {"l2": 10.0**at}, row="ease") for at in (1, 2, 3)),
            ],
            backbone="reference",
            space=({**L2, "owner": "reference", "values": [1.0, 1e4], "zero": 0.0},),
            winner=3,
        ),
    ]


def write(run, searches):
    """A run folder with these searches."""
    for each in searches:
        write_search(run, each)
    return run
