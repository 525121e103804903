"""The lines that a run prints: its data and split, the grid, and the next commands."""

import os
from pathlib import Path
from shlex import quote

import torch

from negbench.data.dataset_words import both_meanings
from negbench.data.number_words import counted
from negbench.experiment.estimate import Estimate, estimates, total
from negbench.experiment.options.options import Options
from negbench.experiment.plan import Plan
from negbench.experiment.run_grid import Result, jobs_of, missing
from negbench.scenario.item_distribution import distribution_line
from negbench.scenario.scenario import Scenario
from negbench.version import __version__

PATIENCE = 5.0
"""Seconds that a run may spend on its own estimate; a dry run takes what it needs."""


def first_line(options: Options, device: str, tour: bool) -> str:
    """Version and device; for a run without options also what it trains."""
    cuda = device.startswith("cuda")
    where = torch.cuda.get_device_name(device) if cuda else f"cpu ({os.cpu_count()} cores)"
    line = f"negbench {__version__} | {where}"
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
        f"data   {data.name}   {data.n_users:,} users  {data.n_items:,} items  "
        f"{len(data):,} interactions{licence}",
        f"split  {parts.rule}   train {len(parts.train):,}  valid {len(parts.valid):,}  "
        f"test {len(parts.test):,}{folded}   hash {parts.hash}   "
        f"negatives exclude: {scenario.exclude}"
        f"{mark}",
        f"spread {distribution_line(parts)}",
        f"bands  {bands.rule}   items: {items}   test rows: {tests}",
        *(f"note   {note}" for note in scenario.notes),
    ]


def notes(options: Options, plan: Plan) -> list[str]:
    """Warnings: pairings skipped, words of two meanings, and a run with one seed only."""
    lines = [f"skip   {why}" for why in plan.skipped]
    lines += [f"note   {why}" for why in both_meanings(options.datasets, options.data_dir)]
    if len(options.seeds) == 1:
        lines.append("note   1 seed: differences between methods may be chance; take 3 or more")
    return lines


def grid_line(options: Options, plan: Plan, out: Path, device: str) -> str:
    """How many cells, how many of them are done already, and how long it may take."""
    todo = missing(plan, out, options.overwrite)
    known = estimates(todo, plan.scenarios, device=device, budget=PATIENCE) if todo else None
    line = f"grid   {_shape(options, plan)} = {counted(len(plan.cells), 'cell')}"
    if len(todo) < len(plan.cells):
        line += f", {len(plan.cells) - len(todo)} of them there already"
    if known:
        line += f"; at most {_span(total(todo, known) / min(jobs_of(options), len(todo)))}"
    return f"{line}   in {out}"


def dry_run(options: Options, plan: Plan, out: Path, device: str) -> list[str]:
    """The output of `--dry-run`: each pairing with one measured step; nothing is written."""
    todo = missing(plan, out, options.overwrite)
    known = estimates(plan.cells, plan.scenarios, device=device) or {}
    references = [each for each in plan.cells if each.spec.is_reference]
    width = max([len(each.method) for each in known.values()] + [len("method")])
    lines = [
        f"grid   {_shape(options, plan)} = {counted(len(plan.cells), 'cell')}, "
        f"{len(todo)} to do   in {out}",
        f"{'data set':16} {'backbone':12} {'method':{width}}  steps/epoch   ms/step   cell at most",
        *(_line(each, width) for each in known.values()),
        *(f"{r.resolved['dataset']:16} {'reference':12} {r.spec.method}" for r in references),
        f"at most {_span(total(todo, known) / min(jobs_of(options), max(1, len(todo))))} with "
        f"{jobs_of(options)} at a time, if no cell stops early; nothing was written",
    ]
    return lines


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
    size = sum(path.stat().st_size for path in result.out.rglob("*") if path.is_file())
    commands = [(command.format(quote(str(out))), purpose) for command, purpose in NEXT]
    width = max(len(command) for command, _ in commands)
    return [
        f"saved  {out}   ({counted(result.done, 'cell')}, {size / 1e6:.1f} MB; results.csv)",
        *(
            f"{'' if at else 'next':6} {command:{width}}   {purpose}"
            for at, (command, purpose) in enumerate(commands)
        ),
    ]


def _line(pairing: Estimate, width: int) -> str:
    return (
        f"{pairing.dataset:16} {pairing.backbone:12} {pairing.method:{width}}  {pairing.steps:11}"
        f"  {pairing.step * 1e3:8.1f}  {_span(pairing.cell):>15}"
    )


def _shape(options: Options, plan: Plan) -> str:
    parts = [
        counted(len(options.datasets), "data set"),
        counted(len(options.backbones), "backbone"),
        counted(len(options.methods), "method"),
        counted(len(options.seeds), "seed"),
    ]
    extra = f" + {counted(len(options.references), 'reference')}" if options.references else ""
    out = f" - {plan.left_out} left out" if plan.left_out else ""
    return " x ".join(parts) + extra + out


def _span(seconds: float) -> str:
    if seconds < 90:
        return f"{max(1, round(seconds))} s"
    if seconds < 5400:
        return f"{seconds / 60:.0f} min"
    return f"{seconds / 3600:.1f} h"
