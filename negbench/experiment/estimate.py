"""Estimates the run time of a grid: times one step of every pairing, on the real data."""

import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from itertools import islice

import torch

from negbench.experiment.cell.run import prepare_fit
from negbench.experiment.cell.spec import PlannedCell, ScenarioKey
from negbench.ops import rng
from negbench.scenario.scenario import Scenario


@dataclass(frozen=True)
class Estimate:
    """Time of one pairing of data, backbone and method: a step, and a cell that uses all epochs."""

    dataset: str
    backbone: str
    method: str
    steps: int
    step: float
    """Seconds of one step."""
    evaluation: float
    """Seconds of one validation."""
    cell: float
    """Seconds of a cell at most."""


def estimates(
    cells: Iterable[PlannedCell],
    scenarios: Mapping[ScenarioKey, Scenario],
    *,
    device: str,
    budget: float = 0.0,
) -> dict[tuple[str, str, str], Estimate] | None:
    """Time each pairing once; None if that took more than `budget` seconds (0 = no limit).

    A pairing whose step fails has no estimate; the run records its reason.
    """
    known: dict[tuple[str, str, str], Estimate] = {}
    validations: dict[tuple[str, str], float] = {}
    started = time.monotonic()
    for planned in cells:
        spec = planned.spec
        key = (spec.dataset, spec.backbone, spec.method)
        if spec.is_reference or key in known:
            continue
        if budget and time.monotonic() - started > budget:
            return None
        try:
            known[key] = _measure(planned, scenarios[spec.scenario_key], device, validations)
        except Exception:  # a cell that cannot be trained is recorded when its turn comes
            continue
    return known


def total(cells: Iterable[PlannedCell], known: dict[tuple[str, str, str], Estimate]) -> float:
    """Upper bound in seconds of all cells, one after the other."""
    keys = ((each.spec.dataset, each.spec.backbone, each.spec.method) for each in cells)
    return sum(known[key].cell for key in keys if key in known)


def _measure(
    planned: PlannedCell, scenario: Scenario, device: str, validations: dict[tuple[str, str], float]
) -> Estimate:
    """Time a step, the best of three after one to warm up; the fit is thrown away.

    It has its own random streams, so that measuring changes no cell.
    """
    spec = planned.spec
    torch.set_num_threads(1)
    where = torch.device(device)
    fit = prepare_fit(spec, scenario, where)
    fit.backbone.train()
    fit.refresh(1)
    batches = list(islice(fit.batches.epoch(rng.stream(spec.seed, "estimate", device=where)), 2))
    fit.step(batches[0], 1, 1)
    step = min(_timed(lambda: fit.step(batches[-1], 1, 2), where) for _ in range(3))
    fit.backbone.train(False)
    pair = (spec.dataset, spec.backbone)
    validate = fit.stopping.validate
    if pair not in validations and validate is not None:
        validations[pair] = _timed(lambda: validate(fit.backbone), where)
    budget, evaluation = spec.train, validations.get(pair, 0.0)
    steps = len(fit.batches)
    evaluations = -(-budget.epochs // budget.eval_every) + 2
    seconds = budget.epochs * steps * step + evaluations * evaluation
    if budget.time_limit:
        seconds = min(seconds, budget.time_limit + 3 * evaluation)
    return Estimate(
        str(planned.resolved["dataset"]),
        spec.backbone,
        spec.method,
        steps,
        step,
        evaluation,
        seconds,
    )


def _timed(work: Callable[[], object], device: torch.device) -> float:
    started = time.perf_counter()
    work()
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    return time.perf_counter() - started
