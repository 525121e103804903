"""Estimates of a grid: of each pairing once, by its finished cells or by timing its parts."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch

from negbench.errors import UserError
from negbench.experiment.cell.spec import PlannedCell, ScenarioKey
from negbench.experiment.estimate.finished_cells import FREE, FinishedCells, Key, begins, key_of
from negbench.experiment.estimate.pairing import Costs, Pairing
from negbench.experiment.estimate.stopwatch import Deadline, OutOfTime, Stopwatch
from negbench.experiment.estimate.typical_epochs import epochs_until_patience, typical
from negbench.experiment.workers.error_place import place
from negbench.experiment.workers.error_reason import reason_of
from negbench.plugins.row_terms import method_term
from negbench.plugins.term_syntax import settings_apart, settings_text
from negbench.scenario.scenario import Scenario
from negbench.training.config import TrainConfig

RANKINGS = 4
"""A cell's last rankings, two parts with all metrics and bands, cost about so many validations."""
NAN = float("nan")


@dataclass(frozen=True)
class Estimate:
    """What a cell of one pairing of data, backbone and method takes."""

    dataset: str
    backbone: str
    method: str
    epochs: int
    """Epochs that it is likely to train."""
    epoch: float
    """Seconds of an epoch, validation and all."""
    likely: float
    """Seconds that a cell is likely to take."""
    bound: float
    """Seconds of a cell that does not stop early."""
    finished: int = 0
    """Finished cells that this was learnt from; 0 where it was timed."""
    steps: int = 0
    """Steps of an epoch, 0 where none was timed."""
    step: float = NAN
    """Seconds of a step in the method's own phase."""


@dataclass(frozen=True)
class GridEstimate:
    """The estimates of the pairings of a grid, perhaps not of all."""

    known: Mapping[Key, Estimate]
    pairings: int
    """How many pairings there are."""
    is_cut: bool = False
    """Whether time ran out before each was estimated."""
    failing: tuple[str, ...] = ()
    """Of each pairing whose step fails its names and the reason, in a line; it has no estimate."""

    def seconds(self, cells: Iterable[PlannedCell]) -> tuple[float, float]:
        """Likely seconds of these cells one after the other, and those if none stops early.

        Cells of pairings without an estimate are not in it.
        """
        keys = (key_of(each.resolved) for each in cells)
        known = [self.known[key] for key in keys if key in self.known]
        return sum(each.likely for each in known), sum(each.bound for each in known)

    def likely_of_all(self, cells: Sequence[PlannedCell]) -> float:
        """Likely seconds of all these cells, those without an estimate taken as the mean."""
        trained = [each for each in cells if not each.spec.is_reference]
        known = [each for each in trained if key_of(each.resolved) in self.known]
        return self.seconds(known)[0] * len(trained) / max(1, len(known))


def estimate(
    cells: Iterable[PlannedCell],
    scenarios: Mapping[ScenarioKey, Scenario],
    out: Path,
    *,
    device: str,
    threads: int = 1,
    budget: float = 0.0,
) -> GridEstimate:
    """Estimate each pairing once, in at most `budget` seconds (0 = no limit).

    These begin when the first pairing is prepared. A pairing whose step fails has a reason in place
    of an estimate.
    """
    trained = [each for each in cells if not each.spec.is_reference]
    pairings = {key_of(each.resolved): each for each in reversed(trained)}
    pairings = dict(reversed(pairings.items()))
    deadline = Deadline(budget)
    finished = FinishedCells.of(out, device, threads)
    learner = _Learner(finished, finished.pace(trained))
    known = {
        key: learned for key, each in pairings.items() if (learned := learner.learn(key, each))
    }
    torch.set_num_threads(threads)
    timer = _Timer(Stopwatch(torch.device(device), threads), deadline, learner)
    is_cut = False
    try:
        for key, planned in pairings.items():
            if key not in known:
                deadline.require()
                timed = timer.time(key, planned, scenarios[planned.spec.scenario_key])
                known |= {key: timed} if timed else {}
    except OutOfTime:
        is_cut = True
    in_order = {key: known[key] for key in pairings if key in known}
    return GridEstimate(in_order, len(pairings), is_cut, tuple(timer.failing))


@dataclass(frozen=True)
class _Learner:
    finished: FinishedCells
    pace: Mapping[tuple[str, str], float]

    def best_epoch(self, key: Key, planned: PlannedCell) -> float:
        """The best epoch that a cell is likely to have: as its finished ones, else as is typical.

        The finished cells of other methods on the same data tell how much faster these are learnt.
        """
        known = self.finished.best_epoch(key)
        if known is not None:
            return known
        own = typical(planned.spec, key[0]) * self.pace.get((key[0], key[1]), 1.0)
        return begins(planned.spec) - 1 + own

    def learn(self, key: Key, planned: PlannedCell) -> Estimate | None:
        """The estimate of a pairing with finished cells on this machine; else None."""
        seconds, best = self.finished.seconds(key), self.finished.best_epoch(key)
        if seconds is None or best is None:
            return None
        budget = planned.spec.train
        known = self.finished.cells[key]
        validated = all(cell.record["fit"].get("best_valid") is not None for cell in known)
        epochs = epochs_until_patience(budget, best, validated=validated)
        return Estimate(
            *_names(planned),
            epochs=epochs,
            epoch=seconds,
            likely=_limited(budget, epochs * seconds, 0.0),
            bound=_limited(budget, budget.epochs * seconds, 0.0),
            finished=len(known),
        )


@dataclass
class _Timer:
    watch: Stopwatch
    deadline: Deadline
    learner: _Learner

    def __post_init__(self) -> None:
        self.validations: dict[tuple[str, str, str], float] = {}
        self.failing: list[str] = []

    def time(self, key: Key, planned: PlannedCell, scenario: Scenario) -> Estimate | None:
        try:
            pairing = Pairing(planned, scenario, self.watch, self.deadline)
            self.deadline.start()  # what the first one had to load, the first cell needs too
            costs = pairing.costs()
            where = key[0], key[1], key[-1]  # of one width and depth
            if where not in self.validations:
                self.validations[where] = pairing.validation()
        except Exception as error:  # the cell is recorded as failed when its turn comes
            at = "" if isinstance(error, UserError) else f" ({place(error)})"
            self.failing.append(f"{' '.join(_names(planned))}: {reason_of(error)}{at}")
            return None
        return self._estimate(planned, costs, self.validations[where], key)

    def _estimate(
        self, planned: PlannedCell, costs: Costs, validation: float, key: Key
    ) -> Estimate:
        budget = planned.spec.train
        epochs = epochs_until_patience(
            budget, self.learner.best_epoch(key, planned), validated=validation > 0
        )

        def cell(epochs: int) -> float:
            validations = -(-epochs // budget.eval_every) + RANKINGS
            seconds = costs.training(epochs) + validations * validation
            return _limited(budget, seconds, RANKINGS * validation)

        return Estimate(
            *_names(planned),
            epochs=epochs,
            epoch=costs.epoch + validation / budget.eval_every,
            likely=cell(epochs),
            bound=cell(budget.epochs),
            steps=costs.steps,
            step=costs.step,
        )


def _names(planned: PlannedCell) -> tuple[str, str, str]:
    """Data set, backbone and method, with those settings behind its `@` that part pairings."""
    spec, own = planned.spec, planned.resolved
    typed = settings_apart(f"{spec.method}{spec.settings}")[1]
    parting = {n: v for n, v in typed.items() if n in own["backbone_config"]}
    costly = settings_text({n: v for n, v in parting.items() if n not in FREE})
    return str(own["dataset"]), spec.backbone, f"{method_term(own)}{costly}"


def _limited(budget: TrainConfig, seconds: float, rankings: float) -> float:
    """A cell's seconds under its time limit, which is about training."""
    return min(seconds, budget.time_limit + rankings) if budget.time_limit else seconds
