"""Waiting for cells that other processes work on in the same run folder."""

import logging
import time
from collections.abc import Sequence
from dataclasses import replace

from negbench.data.number_words import counted
from negbench.experiment.workers.local_pool import CellResult, OnCellDone, Task, done_elsewhere
from negbench.storage import claims
from negbench.storage.claims import HEARTBEAT, STALE, Claim

logger = logging.getLogger(__name__)
PAUSES = (0.2, 10.0)
"""Seconds between two looks: the first, and the longest, to which it grows."""


def wait_for(held: Sequence[CellResult], on_cell_done: OnCellDone) -> list[Task]:
    """Wait until one of these cells is free, because its worker gave it up or is gone.

    Cells that end are passed on. What is still to do is returned, the free cells first; nothing
    where all of them ended.
    """
    pause, named, free = PAUSES[0], list[str](), list[Task]()
    while held and not free:
        still: list[CellResult] = []
        for each in held:
            task = each.task
            holder = claims.holder(task.out, task.planned.digest)
            if result := done_elsewhere(task):
                on_cell_done(result)
            elif holder is None:
                free.append(task)
            else:
                still.append(replace(each, holder=holder))
        held = still
        if held and not free:
            lines = waiting_lines([each.holder for each in held if each.holder])
            for line in lines if lines != named else ():
                logger.info("%s", line)
            named = lines
            time.sleep(pause)
            pause = min(PAUSES[1], 2 * pause)
    return [*free, *(each.task for each in held)]


def waiting_lines(holders: Sequence[Claim]) -> list[str]:
    """Who is waited for: one line a host, with the processes that work there.

    Of a host without a sign of life the line tells when its cells are taken over.
    """
    hosts = dict.fromkeys(claim.host for claim in holders)
    return [_line(host, [claim for claim in holders if claim.host == host]) for host in hosts]


def _line(host: str, own: Sequence[Claim]) -> str:
    processes = ", ".join(dict.fromkeys(str(claim.process) for claim in own))
    line = f"waiting for {counted(len(own), 'cell')} that {host} pid {processes} trains"
    if all(claim.gone is None and claim.silent > 3 * HEARTBEAT for claim in own):
        line += f"; it may be gone: taken over after {STALE:.0f} s without a sign of life"
    return line
