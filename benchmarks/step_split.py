"""Where the time of a training step goes, by either kind of row kernels, on one thread.

python benchmarks/step_split.py --data ml_1m,gowalla --methods "random;random(negatives=32)"

Torch's kernels and numba's take ten steps each in turn, each of a model of its own, so both meet
the same machine. A phase is the median of its CPU time over all steps, in microseconds: zeroing,
the view, sampling, scores of the positive and the negatives, the loss, its backward pass, the
backbone's, and the optimiser. Ratios hold for this run alone. Without numba only torch's are
taken.
"""

import argparse
import statistics
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import torch
from scenarios import scenario_of

from negbench.experiment.cell.run import prepare_fit
from negbench.experiment.cell.spec import CellSpec
from negbench.ops import row_kernels
from negbench.protocol.step import Batch, Step
from negbench.scenario.scenario import Scenario
from negbench.training.fit import Fit
from negbench.training.memory import keep_freed_memory
from negbench.training.optimisers import zero_gradients

PHASES = ("zeroing", "view", "sampling", "scores", "loss", "autograd", "backbone", "optimiser")
TURN = 10
"""Steps before the other kernels take over; the first ones of a turn are left out."""
LEFT_OUT = 2


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", default="ml_1m,gowalla")
    parser.add_argument("--data-dir", type=Path, help="where real data are; else of their shape")
    parser.add_argument("--backbones", default="mf")
    parser.add_argument("--methods", default="random;random(negatives=32)", help="apart by ;")
    parser.add_argument("--steps", type=int, default=400)
    args = parser.parse_args()
    torch.set_num_threads(1)
    keep_freed_memory()
    sys.stdout.write(f"{'':44}" + "".join(f"{name:>10}" for name in (*PHASES, "sum")) + "\n")
    for name in args.data.split(","):
        scenario = scenario_of(name, args.data_dir)
        for backbone in args.backbones.split(","):
            for method in args.methods.split(";"):
                spec = CellSpec(scenario.interactions.name, backbone, method, probe="off")
                for kind, phases in split(spec, scenario, args.steps).items():
                    case = f"{name} {backbone} {method}, {kind}"
                    values = (*phases, sum(phases))
                    sys.stdout.write(f"{case:44}" + "".join(f"{x:10.0f}" for x in values) + "\n")


def split(spec: CellSpec, scenario: Scenario, steps: int) -> dict[str, list[float]]:
    """The medians of each phase by kind of kernels, in microseconds."""
    loaded = row_kernels.load()
    kinds: dict[str, Callable[[], object]] = {"torch": lambda: ("torch", {})}
    if loaded[1]:
        kinds[loaded[0]] = lambda: loaded
    fits = {kind: prepare_fit(spec, scenario, torch.device("cpu")) for kind in kinds}
    batches = {kind: endless(fit) for kind, fit in fits.items()}
    times: dict[str, list[list[float]]] = {kind: [] for kind in kinds}
    for kind, fit in fits.items():
        row_kernels.load = kinds[kind]  # type: ignore[assignment]
        fit.backbone.train()
        fit.refresh(1)
    for number in range(1, steps + 1):
        kind = list(kinds)[number // TURN % len(kinds)]
        row_kernels.load = kinds[kind]  # type: ignore[assignment]
        phases = step(fits[kind], next(batches[kind]), number)
        if number >= 2 * TURN and number % TURN >= LEFT_OUT:
            times[kind].append(phases)
    row_kernels.load = lambda: loaded  # type: ignore[assignment]
    return {
        kind: [1e6 * statistics.median(phase) for phase in zip(*rows, strict=True)]
        for kind, rows in times.items()
    }


def endless(fit: Fit) -> Iterator[Batch]:
    while True:
        yield from fit.batches.epoch(fit.streams["batches"])


def step(fit: Fit, batch: Batch, number: int) -> list[float]:
    """Seconds of each phase of one step: `Fit.step` with a clock between its lines."""
    ticks = [time.process_time()]

    def tick() -> None:
        ticks.append(time.process_time())

    zero_gradients(fit.optimisers, fit.table)
    tick()
    view = fit.backbone.view(batch, fit.streams["backbone"])
    tick()
    here = Step(batch, view, fit.context, 1, number, fit.streams["negatives"])
    used = fit.method.sampler.sample(here)
    for stage in fit.method.stages:
        used = stage.apply(here, used)
    tick()
    s_pos, s_neg = here.score_all(used)
    tick()
    loss = fit.method.objective.rows(here, s_pos, s_neg, used).mean()
    tick()
    loss.backward()  # type: ignore[no-untyped-call]
    tick()
    fit.backbone.backward(batch, view, used)
    tick()
    for optimiser in fit.optimisers:
        optimiser.step()
    tick()
    return [after - before for before, after in zip(ticks, ticks[1:], strict=False)]


if __name__ == "__main__":
    main()
