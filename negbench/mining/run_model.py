"""The model of a cell of a finished run. Cells keep no weights, so it is trained again.

A training gives the same bits on the same machine, threads and versions. The lists of the test part
that the cell keeps show whether it did.
"""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from shlex import quote

import numpy as np
import torch
from numpy.typing import NDArray

from negbench.errors import UserError
from negbench.evaluation.full_ranking import Scorer
from negbench.evaluation.index_scorer import IndexScorer, scorer_of
from negbench.experiment.cell.run import prepare_fit, rank, reference
from negbench.experiment.cell.spec import PlannedCell
from negbench.experiment.finished.named_cells import CellAndRow, one_row
from negbench.experiment.finished.run import analysis
from negbench.experiment.options.options import Options, build
from negbench.experiment.options.value_parsers import PARSERS
from negbench.experiment.plan import plan
from negbench.experiment.run_grid import device_of
from negbench.mining.scores_of_lists import ScoresOfLists, scores_of_found_lists
from negbench.scenario.scenario import Scenario
from negbench.storage import run_file, split_folders
from negbench.storage.cell_store import Cell

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Which:
    """Which cell of a run; None takes any, where no two of them are left."""

    dataset: str | None = None
    backbone: str | None = None
    row: str | None = None
    """A row of the table, or the name of its method."""
    seed: int | None = None
    """None takes the first."""


@dataclass(frozen=True, eq=False)
class FinishedCell:
    """A finished cell of a run, planned again with the scenario that it was trained on."""

    cell: Cell
    planned: PlannedCell
    scenario: Scenario
    device: torch.device
    threads: int

    def train(self) -> tuple[Scorer, float]:
        """Train the model again: its scorer after the train part, and how far it is the run's.

        That is the share of the places of the cell's lists which hold the same item, 1 where the
        training gave the same bits.
        """
        with self._trained() as (valid, test):
            return valid, self._agreement(valid, test)

    def list_scores(self) -> NDArray[np.float32]:
        """Train the model again: its scores of the cell's lists, [n, K], as they were ranked by.

        Raises UserError where the model does not rank these lists: the scores would be others.
        """
        users, lists = self.cell.arrays("users")["users"], self.cell.arrays("top")["top"]
        with self._trained() as (valid, test):
            if isinstance(test, IndexScorer):
                agreement = self._agreement(valid, test)
                scores = scores_of_found_lists(test, users, lists, self.device)
            else:
                watched = ScoresOfLists(test, users, lists)
                agreement, scores = self._agreement(valid, watched), watched.kept
        if agreement < 1:
            raise UserError(
                f"scores must be those of the lists that a cell keeps; {self.planned.label}, "
                f"trained again, has the same item in {int(1000 * agreement) / 10}% of their "
                "places: another machine, device or version gives other bits; run it again here, "
                "or export without --scores"
            )
        return scores

    @contextmanager
    def _trained(self) -> Iterator[tuple[Scorer, Scorer]]:
        """The scorers of the model, trained again, on the threads of the run."""
        logger.info(
            "negbench: cells keep no weights: training %s again, which took %.0f s in the run",
            self.planned.label,
            self.cell.record["seconds"]["wall"]["total"],
        )
        with _threads(self.threads):
            yield self._scorers()

    def _agreement(self, valid: Scorer, test: Scorer) -> float:
        """The share of the places of the kept lists that hold the same item by these scorers."""
        again = rank(self.planned.spec, self.scenario, valid, test, self.device)["test"].top
        kept = self.cell.arrays("top")["top"]
        return float(np.mean(kept == again[:, : kept.shape[1]]))

    def _scorers(self) -> tuple[Scorer, Scorer]:
        """The scorers of the valid part, whose histories are the train part, and of the test."""
        if self.planned.spec.is_reference:
            scorer = reference(self.planned.spec, self.scenario)
            return scorer, scorer
        fit = prepare_fit(self.planned.spec, self.scenario, self.device)
        fit.run()
        ranking, transform = self.planned.spec.ranking, fit.method.transform
        model = partial(scorer_of, fit.backbone, fit.context, transform, ranking)
        valid = model(self.scenario.history("valid"))
        return valid, model(self.scenario.history("test"), like=valid)


def finished_cell(run: Path, which: Which, device: str | None = None) -> FinishedCell:
    """The cell that is meant, of several seeds the first, on the run's device or on another.

    Raises UserError if the words name no cell or several rows, or if the cell cannot be planned
    again: its data, settings or plug-ins have changed.
    """
    return trained_cell(run, _cell(run, which), device)


def trained_cell(run: Path, cell: Cell, device: str | None = None) -> FinishedCell:
    """A cell of a run, planned again. Raises UserError as `finished_cell` where it cannot be."""
    options, planned, scenario = _planned_again(run, cell)
    asked = options.device if device is None else PARSERS["device"](device, "device")
    where = "cpu" if planned.spec.is_reference else asked
    there = torch.device(device_of(replace(options, device=where)))
    return FinishedCell(cell, planned, scenario, there, options.threads)


def _planned_again(run: Path, cell: Cell) -> tuple[Options, PlannedCell, Scenario]:
    """The cell as its run plans it, and its scenario: its data set's plan alone is made."""
    for experiment in run_file.experiments(run_file.read(run)):
        options = build(experiment)
        named = [word for word in options.datasets if word == cell.spec["dataset"]]
        for word in named or options.datasets:
            one = plan(replace(options, datasets=(word,)))
            for planned in one.cells:
                if planned.digest == cell.folder.name:
                    return options, planned, one.scenarios[planned.spec.scenario_key]
    raise UserError(
        f"cells are trained again as planned; {quote(str(run / run_file.NAME))} plans no such cell "
        f"any more ({cell.folder.name}): its data, settings or plug-ins have changed; run it again"
    )


def _cell(run: Path, which: Which) -> Cell:
    """The one cell that the words name."""
    if splits := split_folders.split_folders(run):
        raise UserError(
            f"mine takes one split; {quote(str(run))} holds {len(splits)}; give one of them, "
            f"as {quote(str(splits[0]))}"
        )
    cells: list[CellAndRow] = list(analysis("runs.frames").open_run(run).done)
    cell, _ = one_row(
        cells,
        vars(which),
        must="data set, backbone, row and seed must name a finished cell",
        takes="mine takes one model",
        options="-d, -b and --row",
    )
    return cell


@contextmanager
def _threads(number: int) -> Iterator[None]:
    """The threads of the run while the block lasts: bits depend on them."""
    before = torch.get_num_threads()
    torch.set_num_threads(number)
    try:
        yield
    finally:
        torch.set_num_threads(before)
