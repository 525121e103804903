"""Runs of a few small cells, and plug-ins that misbehave."""

import os
import signal
import threading
import time
from pathlib import Path

from negbench.experiment.cell.run import run_cell
from negbench.experiment.cell.spec import PlannedCell
from negbench.experiment.options.options import build, flatten
from negbench.experiment.plan import plan
from negbench.experiment.run_grid import carry_out

DATA = "synthetic(users=60,items=100,interactions=1200,relevant=0.4)"
NAME = "synthetic(interactions=1200,items=100,relevant=0.4,users=60)"
SMALL = {"datasets": [DATA], "epochs": 2, "dim": 8}
BREAKS = """
from negbench.parts import BPR, Uniform
from negbench.protocol import Card, Method
CARD = Card(title="Raises")
class Broken(Uniform):
    def sample(self, step):
        raise RuntimeError("no draw today")
def build(config):
    return Method(sampler=Broken(1), objective=BPR())
"""
SLOW = """
import time
from negbench.parts import BPR, Uniform
from negbench.protocol import Card, Method
CARD = Card(title="Takes its time")
class Slow(Uniform):
    def sample(self, step):
        time.sleep(0.15)
        return super().sample(step)
def build(config):
    return Method(sampler=Slow(1), objective=BPR())
"""
LOGS = """
import os, time
from negbench.parts import BPR, Uniform
from negbench.protocol import Card, Method
CARD = Card(title="Logs which process begins which epoch")
class Logging(Uniform):
    def refresh(self, epoch):
        with open(__file__ + ".log", "a") as log:
            log.write(f"{os.getpid()} {epoch.number}\\n")
        time.sleep(0.4)
def build(config):
    return Method(sampler=Logging(1), objective=BPR())
"""
DIES = SLOW.replace("time.sleep(0.15)", "__import__('os')._exit(9)")


def go(out, **raw):
    options = build(flatten({**SMALL, "out": str(out), **raw}))
    return carry_out(options, plan(options), Path(out), bar=False)


def trained_cell(spec, scenario, out, **settings):
    """The folder of one cell, trained in this process."""
    return run_cell(PlannedCell.of(spec, scenario), scenario, out, **settings)


def names(out):
    return sorted(path.name for path in (out / "cells").iterdir())


def stamps(out):
    return {path: path.stat().st_mtime_ns for path in (out / "cells").glob("*/cell.json")}


def logged(plugin):
    """Processes and epochs that a LOGS plug-in has logged so far."""
    log = Path(f"{plugin}.log")
    return [tuple(map(int, line.split())) for line in log.read_text().splitlines()]


def killing(plugin, epochs):
    """A thread that sends SIGKILL to the process that begins each of these epochs, in turn."""

    def kill():
        killed, end = set(), time.monotonic() + 120
        for wanted in epochs:
            hit = None
            while hit is None:
                assert time.monotonic() < end, "no process to kill"
                time.sleep(0.02)
                there = logged(plugin) if Path(f"{plugin}.log").exists() else []
                hit = next((p for p, e in there if e == wanted and p not in killed), None)
            os.kill(hit, signal.SIGKILL)
            killed.add(hit)

    thread = threading.Thread(target=kill)
    thread.start()
    return thread
