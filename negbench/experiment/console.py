"""The lines that a run prints: its data and split, the grid, and the next commands."""

import os
from collections.abc import Iterable, Sequence
from itertools import chain
from math import prod
from pathlib import Path
from shlex import quote

import torch

from negbench.data.dataset_words import both_meanings
from negbench.data.number_words import counted, span
from negbench.experiment.cell.nothing_to_learn import notes_before
from negbench.experiment.cell.spec import PlannedCell
from negbench.experiment.changed_code import changes
from negbench.experiment.estimate.grid import Estimate, GridEstimate, estimate
from negbench.experiment.options.options import Options
from negbench.experiment.plan import Plan
from negbench.experiment.run_grid import Result, missing, shard_of, workers_of
from negbench.experiment.tuned_rows import summary
from negbench.scenario.item_distribution import distribution_line
from negbench.scenario.scenario import Scenario
from negbench.tracking.track import views
from negbench.version import __version__

PATIENCE = 5.0
"""Seconds that a run may spend on its own estimate; a dry run takes what it needs."""


def first_line(options: Options, device: str, tour: bool, plan: Plan | None = None) -> str:
    """Version and device, and how the rows of a plan are tuned.

    For a run without options also what it trains.
    """
    cuda = device.startswith("cuda")
    where = torch.cuda.get_device_name(device) if cuda else f"cpu ({os.cpu_count()} cores)"
    line = f"negbench {__version__} | {where}"
    if plan is not None and (tuned := summary(plan.cells, options.tuned)):
        line += f" | {tuned}"
    if tour:
        line += (
            f" | nothing asked for: a short tour ({', '.join(options.datasets)}; "
            f"{', '.join(options.methods)}; {', '.join(options.backbones)})"
        )
    return line


def scenario_lines(plan: Plan) -> list[str]:
    """Data, split and popularity bands of each data set: what a reviewer asks first."""
    return [line for scenario in plan.scenarios.values() for line in _scenario(scenario)]


def _scenario(scenario: Scenario) -> list[str]:
    data, parts, bands = scenario.interactions, scenario.split, scenario.bands
    licence = f"   licence {data.licence}" if data.licence else ""
    sizes, rows = bands.sizes, bands.rows(parts.test)
    items = ", ".join(f"{name} {sizes[name]:,}" for name in bands.names)
    tests = " / ".join(f"{rows[name]:,}" for name in bands.names)
    mark = "   ORACLE" if scenario.oracle else ""
    folded = "" if parts.fold_in is None else f"  fold-in {len(parts.fold_in):,}"
    return [
        f"data   {data.name}   {counted(data.n_users, 'user')}  "
        f"{counted(data.n_items, 'item')}  {counted(len(data), 'interaction')}{licence}",
        f"split  {parts.rule}   train {len(parts.train):,}  valid {len(parts.valid):,}  "
        f"test {len(parts.test):,}{folded}   hash {parts.hash}   "
        f"negatives exclude: {scenario.exclude}"
        f"{mark}",
        f"items  {distribution_line(parts)}",
        f"bands  {bands.rule} {bands.of_what}   items: {items}   test rows: {tests}",
        *(f"note   {note}" for note in scenario.notes),
    ]


def notes(options: Options, plan: Plan) -> list[str]:
    """Warnings: pairings skipped, words of two meanings, and a run with one seed only."""
    lines = [f"skip   {why}" for why in plan.skipped]
    lines += [f"note   {why}" for why in plan.notes]
    lines += [f"note   {why}" for why in both_meanings(options.datasets, options.data_dir)]
    lines += [f"note   {why}" for why in unread_features(options, plan)]
    planned = (notes_before(c.spec, plan.scenarios[c.spec.scenario_key]) for c in plan.cells)
    lines += [f"note   {note}" for note in dict.fromkeys(chain.from_iterable(planned))]
    if len(options.seeds) == 1:
        lines.append("note   1 seed: tests cover users alone; take 5")
    return lines


def unread_features(options: Options, plan: Plan) -> list[str]:
    """One sentence for each table of features that was given and no cell reads."""
    given = {
        name
        for columns in (options.columns, *dict(options.own).values())
        for name in ("user_features", "item_features")
        if getattr(columns, name)
    }
    read = {name for cell in plan.cells for name in cell.resolved.get("features", ())}
    return [
        f"--{name.replace('_', '-')} is read by no row of this run; "
        f"two_tower(features={'users' if name == 'user_features' else 'items'}) reads it"
        for name in sorted(given - read)
    ]


def grid_lines(
    options: Options, plan: Plan, out: Path, device: str, known: GridEstimate | None = None
) -> list[str]:
    """How many cells, how many of them are done already, how long it may take, and what will fail.

    `known` is an estimate that was made before, for the seeds; else it takes at most PATIENCE.
    """
    todo = missing(plan, out, options.overwrite)
    line = f"grid   {_shape(options, plan)}"
    if len(todo) < len(plan.cells):
        line += f", {len(plan.cells) - len(todo)} of them there already"
    shard = shard_of(options, plan)
    mine = missing(shard, out, options.overwrite)
    if len(shard.cells) < len(plan.cells):
        i, n = options.shard
        line += f"; shard {i}/{n} alone: {counted(len(shard.cells), 'cell')}, {len(mine)} to do"
    if known is None and mine:
        known = _estimate(options, plan, mine, out, device, PATIENCE)
    if known:
        line += f"; {_estimated(options, known, mine)}"
    return [f"{line}   in {out}", *failing(known)]


def failing(known: GridEstimate | None) -> list[str]:
    """The pairings that will fail, a line each, as far as they were timed."""
    return [f"fails  {each}" for each in known.failing] if known else []


def dry_run(
    options: Options, plan: Plan, out: Path, device: str, known: GridEstimate | None = None
) -> tuple[list[str], bool]:
    """The output of `--dry-run`, and whether a pairing will fail; nothing is written."""
    todo = missing(shard_of(options, plan), out, options.overwrite)
    if known is None:
        known = _estimate(options, plan, plan.cells, out, device, 0.0)
    references = [each for each in plan.cells if each.spec.is_reference]
    pairings = known.known.values()
    width = max([len(each.method) for each in pairings] + [len("method")])
    heads = "steps/epoch   ms/step   s/epoch  epochs     likely  all epochs"
    lines = [
        f"grid   {_shape(options, plan)}, {len(todo)} to do   in {out}",
        f"{'data set':16} {'backbone':12} {'method':{width}}  {heads}",
        *(_line(each, width) for each in pairings),
        *(f"{r.resolved['dataset']:16} {'reference':12} {r.spec.method}" for r in references),
        *failing(known),
        *(f"note   {change}" for change in changes(plan, out)),
        f"{_estimated(options, known, todo)}; nothing was written",
    ]
    return lines, bool(known.failing)


def _estimate(
    options: Options,
    plan: Plan,
    cells: Iterable[PlannedCell],
    out: Path,
    device: str,
    budget: float,
) -> GridEstimate:
    return estimate(
        cells, plan.scenarios, out, device=device, threads=options.threads, budget=budget
    )


def _estimated(options: Options, known: GridEstimate, todo: Sequence[PlannedCell]) -> str:
    """Both figures in words, and how many pairings they are about where that is not all."""
    if not any(not each.spec.is_reference for each in todo):
        return "nothing to train"
    if not known.known:
        return f"no estimate of its {counted(known.pairings, 'pairing')}"
    at_once = workers_of(options, len(todo))
    likely, bound = (seconds / at_once for seconds in known.seconds(todo))
    line = f"about {span(likely)} ({span(bound)} if no cell stops early)"
    if len(known.known) < known.pairings:
        line = f"estimate of {len(known.known)} of {known.pairings} pairings: {line}"
    return f"{line}, {counted(at_once, 'cell')} at a time"


NEXT = (
    ("negbench report {}", "everything on one page"),
    ("negbench compare {}", "is it real: tests, effects, ranks"),
    ("negbench audit {}", "popularity bias and false negatives"),
    ("negbench plot {} --all", "every figure, with the numbers it shows"),
    ("negbench table {} --format latex", "for a paper"),
)
"""Commands for a finished run, and what each is for."""


def next_lines(result: Result) -> list[str]:
    """Where the results are, and the commands that show them."""
    try:
        out = result.out.relative_to(Path.cwd())
    except ValueError:
        out = result.out
    walked = os.walk(result.out)  # which passes over folders that another process removes meanwhile
    size = sum(_size(Path(folder, name)) for folder, _, names in walked for name in names)
    commands = [(command.format(quote(str(out))), purpose) for command, purpose in NEXT]
    commands += views(out)
    width = max(len(command) for command, _ in commands)
    return [
        f"saved  {out}   ({counted(result.done, 'cell')}, {size / 1e6:.1f} MB; results.csv)",
        *(
            f"{'' if at else 'next':6} {command:{width}}   {purpose}"
            for at, (command, purpose) in enumerate(commands)
        ),
    ]


def _size(path: Path) -> int:
    """Bytes of a file; 0 of one that another process has just removed."""
    try:
        return path.stat().st_size
    except OSError:
        return 0


def _line(pairing: Estimate, width: int) -> str:
    step = f"{pairing.step * 1e3:.1f}" if pairing.steps else "-"
    learnt = f"   by {counted(pairing.finished, 'finished cell')}" if pairing.finished else ""
    return (
        f"{pairing.dataset:16} {pairing.backbone:12} {pairing.method:{width}}  "
        f"{pairing.steps or '-':>11}  {step:>8}  {pairing.epoch:8.2f}  {pairing.epochs:6}  "
        f"{span(pairing.likely):>9}  {span(pairing.bound):>10}{learnt}"
    )


def _shape(options: Options, plan: Plan) -> str:
    """The number of cells, as a product where it is one: several experiments have none."""
    cells = counted(len(plan.cells), "cell")
    data, references = len(options.datasets), len(options.references)
    counts = (data, len(options.backbones), len(options.methods), len(options.seeds))
    if prod(counts) + data * references - plan.left_out != len(plan.cells):
        return cells
    words = ("data set", "backbone", "method", "seed")
    product = " x ".join(map(counted, counts, words))
    extra = f" + {counted(references, 'reference')}" if references else ""
    extra += " on each data set" if references and data > 1 else ""
    out = f" - {plan.left_out} left out" if plan.left_out else ""
    return f"{product}{extra}{out} = {cells}"
