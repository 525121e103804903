"""Several processes for one cell, as torchrun starts them: the first leads, the others follow.

The first process plans, claims, evaluates, writes and prints, as a single one does. Before it
trains a cell it hands it to the others, which prepare the same training and take its steps along.
"""

import signal
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import torch
from torch.distributed.rendezvous import rendezvous

from negbench.data.number_words import counted
from negbench.errors import UserError
from negbench.experiment.cell.run import prepare_fit, run_settings
from negbench.experiment.cell.spec import CellSpec, PlannedCell
from negbench.experiment.options.options import Options
from negbench.experiment.plan import Plan
from negbench.plugins import registry
from negbench.protocol.interfaces import HasState, Observes
from negbench.storage import run_file
from negbench.training.data_parallel import DataParallel, Parted, PeerGone, current, joined
from negbench.training.fit import Diverged

BACKBONES = ("mf", "two_tower")
"""Backbones that several processes can train."""
GRACE = 5
"""Seconds in which the first process writes down what failed, when torchrun ends it."""


@contextmanager
def leading() -> Iterator[None]:
    """Within, this is the first of torchrun's processes; afterwards the others end too."""
    signal.signal(signal.SIGTERM, lambda *_: signal.alarm(GRACE))
    with joined(*next(rendezvous("env://"))) as together:
        try:
            yield
        except KeyboardInterrupt:  # nobody waits for the end of a step
            raise
        except BaseException:
            _end(together)
            raise
        _end(together)


def _end(together: DataParallel) -> None:
    if not together.broken:
        with suppress(PeerGone):  # they have ended already
            together.from_first(None)


def follow() -> int:
    """Take the steps of every cell that the first process hands out; the exit code."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the first one's
    with joined(*next(rendezvous("env://"))) as together:
        try:
            while task := together.from_first(None):
                try:
                    _train(together, **task)
                except (Diverged, Parted):
                    pass  # in all processes; the first one writes it down
                except PeerGone:
                    raise
                except Exception:  # the first one tells why
                    if together.broken:
                        return 1
        except PeerGone:
            return 0
    return 0


def hand_out(planned: PlannedCell, data_dir: str | None, threads: int) -> None:
    """In the first process: let the others begin this cell too."""
    if planned.spec.processes > 1:
        task = {"planned": planned, "data_dir": data_dir, "threads": threads}
        with current().in_step():
            current().from_first({**task, "plugins": registry.plugins()})


def _train(
    together: DataParallel,
    planned: PlannedCell,
    data_dir: str | None,
    threads: int,
    plugins: tuple[registry.Plugin, ...],
) -> None:
    """Prepare a cell as the first process does, and take its steps along.

    Raises UserError where this machine has other data than the first one.
    """
    with together.ready():
        for path in plugins:
            registry.add_plugin(path)
        run_settings(threads)
        scenario = planned.spec.scenario_key.prepare(data_dir)
        if PlannedCell.of(planned.spec, scenario).digest != planned.digest:
            raise UserError(
                "every process must have the data and plug-ins of the first one; "
                f"{scenario.interactions.name} differs here; give all machines the same files"
            )
        fit = prepare_fit(planned.spec, scenario, torch.device("cpu"), together)
    with together.in_step(Diverged):
        fit.run()


def require_divisible(options: Options, plan: Plan, out: Path) -> None:
    """Check, before anything is written, that these processes can train the cells of a plan.

    Raises UserError where they cannot, and where a run folder was begun with more or fewer.
    """
    n = current().n
    before = _begun_with(out)
    if before not in (None, n):
        start = f"torchrun --nproc-per-node {before} -m negbench.cli" if before != 1 else "negbench"
        raise UserError(
            "a run folder is trained by as many processes as it was begun with; "
            f"{out} was by {counted(int(before or 1), 'process', 'processes')}, and now "
            f"there {'is' if n == 1 else 'are'} {n}; start it with {start}, or choose another "
            "folder with -o"
        )
    if n == 1:
        return
    if options.jobs != 1 or options.engine != "local":
        raise UserError(
            f"torchrun's {n} processes train one cell after the other; got --jobs {options.jobs} "
            f"and --engine {options.engine}; leave them out"
        )
    if options.device.startswith("cuda"):
        raise UserError(
            f"torchrun's processes train on CPUs; got --device {options.device}; use --device cpu"
        )
    for planned in plan.cells:
        if not planned.spec.is_reference and (why := _indivisible(planned.spec, n)):
            raise UserError(
                f"several processes cannot train {planned.label}: {why}; leave it out, or start "
                "it without torchrun"
            )


def refuse_torchrun(what: str) -> None:
    """Raises UserError for what several processes do not do."""
    if current().n > 1:
        raise UserError(f"torchrun is for `run` and its `resume`; got {what}; start it without")


def _begun_with(out: Path) -> int | None:
    try:
        info: Mapping[str, Any] = run_file.read(out)
    except UserError:  # a new folder
        return None
    return int(info.get("processes", 1))


def _indivisible(spec: CellSpec, n: int) -> str:
    """Why `n` processes cannot train a cell; empty where they can."""
    name, size = spec.backbone_term.name, spec.backbone_config().batch_size
    if name not in BACKBONES:
        return f"of backbones {' and '.join(BACKBONES)} alone; got {name}"
    for part in spec.recipe.build().parts:
        if isinstance(part, HasState | Observes):
            kind = type(part).__name__
            return f"its part {kind} learns from the steps, which each process takes for itself"
    if size < n:
        return f"a batch needs a row for each of {n} processes; got batch_size={size}"
    return ""
