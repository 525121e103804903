"""This machine and its processes, told apart from those of others that share a folder."""

import hashlib
import os
import socket
from collections.abc import Callable
from functools import cache
from pathlib import Path


@cache
def machine() -> str:
    """Names what process numbers belong to: host, start of the system, and its process namespace.

    Containers of one host name, each with a process 7, are so told apart where the system has
    /proc; elsewhere it is the host name alone.
    """
    return " ".join(
        [
            socket.gethostname(),
            _read(lambda: Path("/proc/sys/kernel/random/boot_id").read_text("utf-8").strip()),
            _read(lambda: os.readlink("/proc/self/ns/pid")),
        ]
    ).strip()


@cache
def machine_mark() -> str:
    """Eight hex digits of `machine`, for names of files."""
    return hashlib.sha256(machine().encode()).hexdigest()[:8]


def born(process: int) -> str:
    """When a process of this machine started, in ticks of the system; empty where unknown."""
    return _state_and_start(process)[1]


def lives(process: int, start: str = "") -> bool | None:
    """Whether a process of this machine lives; None where perhaps another has its number by now.

    `start` is what `born` gave of it.
    """
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except (PermissionError, OverflowError):
        pass
    state, now = _state_and_start(process)
    if state in ("Z", "X", "x"):  # it has ended, and its parent has not asked how
        return False
    return now == start if now and start else None


def _state_and_start(process: int) -> tuple[str, str]:
    text = _read(lambda: Path(f"/proc/{process}/stat").read_text("utf-8", "replace"))
    after_name = text.rpartition(")")[2].split()
    return (after_name[0], after_name[19]) if len(after_name) > 19 else ("", "")


def _read(source: Callable[[], str]) -> str:
    """What the system tells; empty where it does not."""
    try:
        return source()
    except OSError:
        return ""
