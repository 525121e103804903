"""Searches of a few small cells."""

from helpers.small_runs import SMALL

from negbench.experiment.options.options import build, flatten
from negbench.tuning.protocol import Protocol
from negbench.tuning.run_search import prepare, run_search

QUICK = Protocol(trials=4, finalists=2, final_seeds=2, test_seeds=2)
ROWS = {"methods": "random,dns", "references": "most_popular,ease", "epochs": 3}


def tune(out, protocol=QUICK, own=None, **raw):
    raw = {**SMALL, "overwrite": "missing", "out": str(out), **ROWS, **raw}
    search = prepare(build(flatten(raw)), protocol, own or {})
    return run_search(search, out, bar=False)
