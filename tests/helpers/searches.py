"""Searches of a few small cells."""

from helpers.small_runs import SMALL

from negbench.experiment.options.options import build, flatten
from negbench.tuning.protocol import Protocol
from negbench.tuning.run_search import prepare, run_search

QUICK = Protocol(trials=4, finalists=2, final_seeds=2, test_seeds=2)
ROWS = {"methods": "random,dns", "references": "most_popular,ease", "epochs": 3}


def asked(out, protocol=QUICK, own=None, **raw):
    """The search as it is planned; nothing is written."""
    raw = {**SMALL, "overwrite": "missing", "out": str(out), **ROWS, **raw}
    return prepare(build(flatten(raw)), protocol, own or {})


def tune(out, protocol=QUICK, own=None, **raw):
    return run_search(asked(out, protocol, own, **raw), out, bar=False)
