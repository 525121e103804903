"""Claims: who trains which cell of a run folder, so that two processes never train one twice.

    RUN/claims/<cell>.json      the claim of a cell: its worker's host, process, start and label
    RUN/claims/<cell>.1.json    the claim of whoever took the cell over from a worker that is gone
    RUN/claims/run-<hex>.json   a process that carries out the run, also between two cells

A claim is written aside and made by a hard link: whole, at once, and by one process only, also on
network file systems. Its worker touches it every `HEARTBEAT` seconds. It is stale when its process
is gone, which the same machine knows at once, or else when it was not touched for `STALE` seconds
by the file system's own clock; clocks of machines do not matter.

A stale claim is never replaced: the next number is claimed, which one of several takers can. So
nobody can remove a claim that somebody has just made. Whoever wins looks at the neighbouring
numbers once more and gives way to a live one.
"""

import json
import os
import re
import socket
import threading
import time
import uuid
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any

from negbench.storage import training_progress
from negbench.storage.atomic_write import aside, link_new
from negbench.storage.machine import born, lives, machine
from negbench.storage.training_progress import TrainingProgress

FOLDER = "claims"
HEARTBEAT = 30.0
"""Seconds between the touches of a claim."""
STALE = 300.0
"""Seconds without a touch after which the worker on another machine counts as gone."""
RUNNER = "run-"
"""Starts the name of the claim of a process that carries out a run."""
_NAME = re.compile(rf"((?:{RUNNER})?[0-9a-f]+)(?:\.(\d+))?\.json")


@dataclass(frozen=True)
class Claim:
    """A claim as it was read; one that is no JSON is of nobody known, and only its age counts."""

    cell: str
    """The name of the cell's folder."""
    number: int
    """How often the cell was taken over."""
    host: str
    process: int
    label: str
    seconds: float
    """Since it was made."""
    silent: float
    """Seconds since it was last touched."""
    gone: bool | None
    """Whether its process has ended; None where that cannot be told from here."""
    token: str
    """Tells it from every other claim."""
    progress: TrainingProgress | None = None
    """How far its training has come; None before the first epoch has ended."""

    @property
    def stale(self) -> bool:
        """Whether the cell may be taken over."""
        return self.silent > STALE if self.gone is None else self.gone


class Held:
    """A claim of this process, a context: touched by a thread of its own until it is released."""

    def __init__(self, run: Path, cell: str, number: int, token: str, below: list[Claim]) -> None:
        """`below` are the stale claims that it takes over from."""
        self.run, self.cell, self.number, self.token, self.below = run, cell, number, token, below
        self._end = threading.Event()
        threading.Thread(target=self._touch, daemon=True).start()

    def __enter__(self) -> "Held":
        """Nothing more to do: it is held since it was taken."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Release it, however the block ended."""
        self.release()

    def release(self) -> None:
        """Give the cell up; where another took it over meanwhile, that claim stays as it is."""
        self._end.set()
        above = _read(self.run, self.cell, self.number + 1)
        if above is None or above.stale:
            for claim in self.below:
                _remove(self.run, claim.cell, claim.number, claim.token)
            self.give_way()

    def give_way(self) -> None:
        """Remove this claim alone, before anything was done under it."""
        self._end.set()
        _remove(self.run, self.cell, self.number, self.token)

    def _touch(self) -> None:
        path = _path(self.run, self.cell, self.number)
        while not self._end.wait(HEARTBEAT):
            with suppress(OSError):  # the next one may do
                if _content(path).get("token") == self.token:
                    os.utime(path)  # without times: the file system's clock


def take(run: Path, cell: str, label: str) -> Held | Claim:
    """Claim a cell; where a live worker has it, its claim is returned instead.

    Raises OSError where the folder cannot be written to.
    """
    number, below, token = 0, list[Claim](), ""
    while not token:
        token = _make(_path(run, cell, number), label)
        if not token:
            other = _read(run, cell, number)
            if other is not None and not other.stale:
                return other
            if other is not None:
                number, below = number + 1, [*below, other]
    held = Held(run, cell, number, token, below)
    numbers = [each for each in range(number + 2) if each != number]
    rival = _first_live(run, cell, numbers)
    if rival is not None:
        held.give_way()
        return rival
    return held


def attend(run: Path, label: str) -> Held:
    """Tell that this process carries out the run, until it is released: other processes may too.

    Raises OSError where the folder cannot be written to.
    """
    name = f"{RUNNER}{uuid.uuid4().hex[:12]}"
    return Held(run, name, 0, _make(_path(run, name, 0), label), [])


def runners(run: Path) -> list[Claim]:
    """The live processes that carry out a run, whether they work on a cell now or not."""
    return [each for each in _last(run) if each.cell.startswith(RUNNER) and not each.stale]


def holder(run: Path, cell: str) -> Claim | None:
    """The live claim of a cell; None where it is free or its worker is gone."""
    number = 0
    while (claim := _read(run, cell, number)) is not None and claim.stale:
        number += 1
    return claim


def claims(run: Path) -> list[Claim]:
    """The claims of a run's cells, stale ones too, by label; of each cell the last one."""
    return [each for each in _last(run) if not each.cell.startswith(RUNNER)]


def _last(run: Path) -> list[Claim]:
    last: dict[str, int] = {}
    for cell, number in _names(run):
        last[cell] = max(number, last.get(cell, 0))
    clock = _now(run / FOLDER) if last else 0.0
    now = [_read(run, cell, number, clock) for cell, number in last.items()]
    return sorted((claim for claim in now if claim), key=lambda each: (each.label, each.cell))


def clear(run: Path) -> None:
    """Remove the claims of processes of this machine that have ended, and an empty folder."""
    written = training_progress.names(run / FOLDER)  # listed first: each had its claim by then
    tokens = {each.token for each in _last(run)}
    for cell, token in written:
        if token not in tokens:
            training_progress.path_of(run / FOLDER, cell, token).unlink(missing_ok=True)
    for cell, number in _names(run):
        claim = _read(run, cell, number)
        if claim is not None and claim.gone:
            _remove(run, cell, number, claim.token)
    with suppress(OSError):  # not empty, or not there
        (run / FOLDER).rmdir()


def _first_live(run: Path, cell: str, numbers: list[int]) -> Claim | None:
    each = (_read(run, cell, number) for number in numbers)
    return next((claim for claim in each if claim is not None and not claim.stale), None)


def _path(run: Path, cell: str, number: int) -> Path:
    return run / FOLDER / (f"{cell}.{number}.json" if number else f"{cell}.json")


def _names(run: Path) -> list[tuple[str, int]]:
    """Cell and number of every claim that lies in the folder."""
    try:
        names = os.listdir(run / FOLDER)
    except OSError:
        return []
    matches = (_NAME.fullmatch(name) for name in names)
    return [(match[1], int(match[2] or 0)) for match in matches if match]


def _make(path: Path, label: str, *, tries: int = 3) -> str:
    """Make a claim of this process and return its token; empty where the file is there already."""
    temporary, token, process = aside(path), uuid.uuid4().hex, os.getpid()
    owner = {"machine": machine(), "process": process, "born": born(process), "token": token}
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        temporary.touch()
        start = temporary.stat().st_mtime
        content = {"label": label, "host": socket.gethostname(), "started": start, **owner}
        temporary.write_text(json.dumps(content, ensure_ascii=False), encoding="utf-8")
        return token if link_new(temporary, path) else ""
    except FileNotFoundError:  # the folder was empty, and another process removed it
        if not tries:
            raise
    finally:
        temporary.unlink(missing_ok=True)
    return _make(path, label, tries=tries - 1)


def _read(run: Path, cell: str, number: int, clock: float | None = None) -> Claim | None:
    """A claim, None where there is none; `clock` is the file system's time where it is known."""
    path = _path(run, cell, number)
    try:
        content, touched = _content(path), path.stat().st_mtime
    except FileNotFoundError:
        return None
    except OSError:  # unreadable, or it went while it was read: its age counts, if it has one
        try:
            content, touched = {}, path.stat().st_mtime
        except OSError:
            return None
    process = content.get("process")
    process = process if isinstance(process, int) else 0
    here = process > 0 and content.get("machine") == machine()
    living = lives(process, str(content.get("born", ""))) if here else None
    now, started = clock or _now(path.parent), content.get("started")
    token = str(content.get("token", ""))
    return Claim(
        cell=cell,
        number=number,
        host=str(content.get("host", "an unknown host")),
        process=process,
        label=str(content.get("label", cell)),
        seconds=max(0.0, now - (started if isinstance(started, float) else touched)),
        silent=max(0.0, now - touched),
        gone=None if living is None else not living,
        token=token,
        progress=training_progress.read(path.parent, cell, token, now),
    )


def _content(path: Path) -> Mapping[str, Any]:
    """What a claim holds; it is opened, which makes a network file system ask its server."""
    with path.open("rb") as file:
        text = file.read()
    try:
        content = json.loads(text)
    except ValueError:
        return {}
    return content if isinstance(content, dict) else {}


def _now(folder: Path) -> float:
    """The time by the clock of the file system; this machine's where it cannot be written to."""
    probe = aside(folder / "clock")
    try:
        probe.touch()
        return probe.stat().st_mtime
    except OSError:
        return time.time()
    finally:
        with suppress(OSError):
            probe.unlink(missing_ok=True)


def _remove(run: Path, cell: str, number: int, token: str) -> None:
    """Remove a claim if it is still that one."""
    path = _path(run, cell, number)
    with suppress(OSError):
        if _content(path).get("token", "") == token:
            path.unlink()
            training_progress.path_of(path.parent, cell, token).unlink(missing_ok=True)
