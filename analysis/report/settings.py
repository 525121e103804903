"""Settings of a run for the report: every row's as resolved, the machine, the time, the commands.

All is read from the records of the finished cells, so it is what ran and not what was asked for.
What a record of an older version does not hold is called "not recorded".
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import pandas as pd

from negbench.storage import run_file
from negbench.storage.cell_store import Cell

from ..number_format import counted, listed, seconds
from ..runs.frames import REFERENCE, Run
from ..tables.pending_notes import pending
from ..tables.table import Column, Table, table_of

UNKNOWN = "not recorded"
COLUMNS = (
    Column("Method", "row"),
    *(Column(name, name) for name in ("lr", "l2", "dim")),
    Column("batch", "batch_size", description="training rows in a step"),
    Column("epochs", "epochs", description="the most that are allowed"),
    Column("patience", "patience", description="evaluations without gain before a stop"),
    Column("trained", "trained", description="epochs that the seeds trained, least to most"),
    Column("objective", "objective"),
    Column("parameters", "parameters", description="of the method, then of the backbone, in full"),
)
_BUDGET = ("epochs", "patience", "eval_every", "select", "time_limit")
_SHOWN = ("lr", "l2", "dim", "batch_size")


def settings(run: Run) -> pd.DataFrame:
    """One line a row: data set, backbone, row, seeds and every setting, as text."""
    cells: dict[tuple[str, str, str], list[Cell]] = {}
    for cell, row in run.done:
        cells.setdefault((cell.spec["dataset"], cell.backbone, row), []).append(cell)
    return pd.DataFrame([_line(key, group) for key, group in sorted(cells.items())])


def tables(frame: pd.DataFrame) -> list[Table]:
    """One table a data set and backbone, as in the frame; its caption says how the rows differ."""
    page = []
    for (dataset, backbone), lines in frame.groupby(["dataset", "backbone"], sort=False):
        records = [{str(k): v for k, v in line.items()} for line in lines.to_dict("records")]
        trained = backbone != REFERENCE
        columns = COLUMNS if trained else (COLUMNS[0], COLUMNS[-1])
        alike = f" {_differences(lines)}" if trained else ""
        captioned = table_of(f"{dataset} · {backbone}.{alike}", columns, records)
        page += [captioned] if captioned else []
    return page


def facts(run: Run) -> list[tuple[str, str]]:
    """The commands, the time and the machine, as pairs of a name and what is known of it."""
    done = [cell for cell, _ in run.done]
    known = (*_commands(run), ("cells", _cells(run)), *_times(run, done), *_machine(done))
    return [pair for pair in known if pair[1]]


def stopping(run: Run) -> list[str]:
    """How trainings ended; early stopping is claimed only where there is a validation part."""
    sizes = {c.spec["dataset"]: c.record["split"]["valid"] for c, _ in run.done}
    without = sorted(name for name, size in sizes.items() if not size)
    texts = []
    if len(without) < len(sizes):
        where = "" if not without else f" on {listed(sorted(set(sizes) - set(without)))}"
        texts.append(f"Early stopping looks at the validation part alone{where}.")
    if without:
        texts.append(
            f"No validation part on {listed(without)}: nothing stopped early, and the weights of "
            "the last epoch were tested."
        )
    ranked = "Every item the user has not had is ranked."
    if any(c.record.get("ranking") for c, _ in run.done):
        ranked = (
            "Lists are found by an approximate index, which misses some items of the exact ones."
        )
    return [*texts, ranked]


def _line(key: tuple[str, str, str], cells: Sequence[Cell]) -> dict[str, str]:
    dataset, backbone, row = key
    specs = [cell.spec for cell in cells]
    line = {"dataset": dataset, "backbone": backbone, "row": row}
    line["seeds"] = " ".join(str(s) for s in sorted({spec["seed"] for spec in specs}))
    own = _of_all(_parameters(spec.get("method_config")) for spec in specs)
    if backbone == REFERENCE:
        return line | {"parameters": own}
    configs = [dict(spec.get("backbone_config") or {}) for spec in specs]
    line |= {name: _of_all(_text(c.pop(name, None)) for c in configs) for name in _SHOWN}
    budgets = [spec.get("train") or {} for spec in specs]
    line |= {name: _of_all(_text(budget.get(name)) for budget in budgets) for name in _BUDGET}
    epochs = [(cell.record.get("fit") or {}).get("epochs") for cell in cells]
    counts = sorted(n for n in epochs if isinstance(n, int))
    line["trained"] = _range(counts) if len(counts) == len(epochs) else UNKNOWN
    line["objective"] = _of_all(str(spec.get("objective") or "its own") for spec in specs)
    rest = _of_all(map(_parameters, configs))
    return line | {"parameters": "; ".join(filter(None, (own, rest and f"backbone: {rest}")))}


def _of_all(texts: Iterable[str]) -> str:
    """A setting of all cells of a row; of a run over splits each may have chosen its own."""
    return " or ".join(dict.fromkeys(texts))


def _differences(lines: pd.DataFrame) -> str:
    names = [*_SHOWN, *_BUDGET, "objective"]
    differ = [name for name in names if lines[name].nunique() > 1]
    every, by = (" or ".join(lines[name].unique()) for name in ("eval_every", "select"))
    evaluated = f"Validated by {by} every {'epoch' if every == '1' else f'{every} epochs'}."
    if not differ:
        return f"Rows differ in their parameters alone. {evaluated}"
    return f"Rows differ in {listed(differ)}. {evaluated}"


def _parameters(config: Any) -> str:
    """A method's settings, each method's in turn for a composition."""
    if not isinstance(config, Mapping):
        return UNKNOWN
    if not config or not all(isinstance(each, Mapping) for each in config.values()):
        return ", ".join(f"{name}={_text(value)}" for name, value in config.items())
    named = {name: _parameters(each) for name, each in config.items()}
    if len(named) == 1:
        return next(iter(named.values()))
    return "; ".join(f"{name}: {each or 'none'}" for name, each in named.items())


def _text(value: Any) -> str:
    if value is None:
        return "none"
    if not isinstance(value, float):
        return str(value)
    short = f"{value:g}"  # six digits: 1, 0.001
    return short if float(short) == value else repr(value)


def _range(counts: Sequence[int]) -> str:
    return str(counts[0]) if counts[0] == counts[-1] else f"{counts[0]}-{counts[-1]}"


def _commands(run: Run) -> Iterator[tuple[str, str]]:
    for start in run.starts:
        for at, each in enumerate(run_file.commands(start)):
            if each.get("command"):
                when = f"   ({each['started']})" if each.get("started") else ""
                yield "gone on with" if at else "command", f"{each['command']}{when}"


def _cells(run: Run) -> str:
    done = sum(1 for _ in run.done)
    failed = len(run.cells) - done
    text = f"{done} finished" + (f", {failed} failed" if failed else "")
    return f"{text}; {pending(run)}" if run.pending else text


def _times(run: Run, done: Sequence[Cell]) -> Iterator[tuple[str, str]]:
    started = [str(start["started"]) for start in run.starts if start.get("started")]
    finished = [str(each.record.get("finished") or "") for each in done]
    yield "started", min(started, default=UNKNOWN)
    yield "last cell finished", max(finished) if all(finished) else UNKNOWN
    for clock, name in (("cpu", "total CPU time"), ("wall", "wall time, cell after cell")):
        totals = [_total(cell, clock) for cell in done]
        known = [value for value in totals if value is not None]
        lost = len(totals) - len(known)
        missing = f"; {UNKNOWN} in {counted(lost, 'cell')}" if lost else ""
        yield name, f"{_hours(sum(known))} in {counted(len(known), 'cell')}{missing}"


def _total(cell: Cell, clock: str) -> float | None:
    times = (cell.record.get("seconds") or {}).get(clock)
    value = times.get("total") if isinstance(times, Mapping) else None
    return float(value) if isinstance(value, int | float) else None


def _hours(value: float) -> str:
    return f"{value / 3600:.3g} hours ({seconds(value)} s)"


def _machine(done: Sequence[Cell]) -> Iterator[tuple[str, str]]:
    """Each thing that a record says of its machine; several values with the cells of each."""
    values: dict[str, Counter[str]] = {}
    for cell in done:
        for name, value in (cell.record.get("environment") or {}).items():
            values.setdefault(str(name), Counter())[str(value)] += 1
    for name, counts in values.items():
        if len(counts) == 1 and counts.total() == len(done):
            yield name, next(iter(counts))
            continue
        if lost := len(done) - counts.total():
            counts[UNKNOWN] = lost
        yield name, "; ".join(f"{v} ({counted(n, 'cell')})" for v, n in counts.items())
