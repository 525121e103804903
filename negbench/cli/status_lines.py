"""The status of a run or a search in words: a screen of lines, and one line for a log."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from negbench.data.number_words import counted, span

if TYPE_CHECKING:
    from negbench.experiment.finished.status import Status, Working
    from negbench.tuning.status import SearchStatus

NAMED = 2
"""At most so many cells at work are named in the one line."""


@dataclass(frozen=True)
class Look:
    """One look at a run or a search."""

    lines: list[str]
    line: str
    """The same in one line."""
    alive: bool
    """Whether a process carries it out."""
    over: bool
    """Whether nothing is left to do, and nobody does anything again."""
    failed: int
    """Cells, or trials, that failed."""


def look_at_run(now: "Status") -> Look:
    """The status of a run in words."""
    return Look(
        lines=list(_lines(now, now.go_on)),
        line=_line(now, now.go_on),
        alive=bool(now.alive),
        over=not now.pending and not now.alive,  # done cells may be at work: --overwrite all
        failed=len(now.failed),
    )


def look_at_search(states: Sequence["SearchStatus"]) -> Look:
    """The status of a search, or of its splits, in words."""
    alive = any(each.alive for each in states)
    return Look(
        lines=[line for each in states for line in _lines_of_search(each)],
        line="; ".join(map(_line_of_search, states)),
        alive=alive,
        over=not alive and all(each.over for each in states),
        failed=sum(len(each.final.failed) for each in states if each.final is not None),
    )


def _lines(now: "Status", go_on: str) -> Iterator[str]:
    """Counts, the time left, and what ended badly or took long."""
    from negbench.storage.training_end import STILL_RISING, WARM_UP_ONLY

    line = f"{now.done} done, {len(now.failed)} failed, {len(now.pending)} pending"
    yield line + (f"; {now.other} of earlier commands" if now.other else "")
    if now.pending:
        yield f"left     {_left(now)}"
    if now.alive:
        yield f"alive    {'; '.join(now.alive)}"
    elif now.pending and go_on:
        yield f"go on    {go_on}"
    for each in now.working:
        yield _worker(each)
    for words, count in ((STILL_RISING, now.capped), (WARM_UP_ONLY, now.warm_up_only)):
        if count:
            yield f"budget   {words}: {count} of {now.trained}"
    for label, reason in now.failed.items():
        yield f"failed   {label}: {reason}"
    for sentence in now.damaged:
        yield f"damaged  {sentence}"
    for label, seconds in now.slowest:
        yield f"slowest  {label}  {seconds:.1f} s"


def _left(now: "Status") -> str:
    if now.seconds_left is None:
        return "not known yet: no cell has ended, and none at work has ended an epoch"
    conditions = ["no cell stops early"] if now.no_early_stop else []
    if now.unlike:
        others = f"{counted(now.unlike, 'cell')} of other rows"
        conditions.append(f"the mean of those that ended holds for {others}")
    about = f"about {span(now.seconds_left)}"
    return f"{about}, if {' and '.join(conditions)}" if conditions else about


def _worker(each: "Working") -> str:
    """Who works on a cell, how far it is, since when, and the last sign of life."""
    far = f": {each.progress}" if each.progress is not None else ""
    line = f"{each.host} pid {each.process}  {each.label}  since {span(each.seconds)}{far}"
    line += f" (heartbeat {span(each.heartbeat)} ago)"
    return f"stale    {line}; the next run takes it over" if each.stale else f"working  {line}"


def _line(now: "Status", go_on: str) -> str:
    failed = f", {len(now.failed)} failed" if now.failed else ""
    line = f"{now.done} of {now.done + len(now.failed) + len(now.pending)} cells done{failed}"
    if not now.pending:
        return line
    line += f"; left {_left(now)}"
    live = [each for each in now.working if not each.stale]
    named = [f"{each.label}: {each.progress or 'no epoch yet'}" for each in live[:NAMED]]
    if len(live) > NAMED:
        named.append(f"and {counted(len(live) - NAMED, 'cell')} more")
    if not now.alive and go_on:
        named = [f"nobody works on it; go on with: {go_on}"]
    return "; ".join([line, *named])


def _lines_of_search(now: "SearchStatus") -> Iterator[str]:
    count = f"{now.winners} of {now.rows} rows have a winner"
    failed = f"; {now.failed_trials} trials failed" if now.failed_trials else ""
    yield f"search   {count}{failed}   {now.name}"
    for name, part in (("trials", now.trials), ("winners", now.final)):
        for at, line in enumerate(_lines(part, now.go_on) if part else ()):
            yield f"{name if at == 0 else '':8} {line}"
    if _between_rounds(now):
        yield f"{'':8} go on    {now.go_on}"


def _line_of_search(now: "SearchStatus") -> str:
    parts = (("trials", now.trials), ("winners", now.final))
    lines = [f"{name}: {_line(part, now.go_on)}" for name, part in parts if part is not None]
    lines += [f"nobody works on it; go on with: {now.go_on}"] if _between_rounds(now) else []
    return "; ".join([f"{now.winners} of {now.rows} rows have a winner", *lines])


def _between_rounds(now: "SearchStatus") -> bool:
    """Whether a search was left with no planned cell pending and more rounds, or tests, to come."""
    parts = [part for part in (now.trials, now.final) if part is not None]
    return bool(now.go_on) and not now.over and not any(part.pending for part in parts)
