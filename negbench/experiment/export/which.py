"""Which finished cells of a run are meant: by data set, backbone, row and seed."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from shlex import quote

from negbench.errors import NothingToReport, UserError, did_you_mean
from negbench.experiment.finished.named_cells import LISTED, CellAndRow, Name, called, names_of
from negbench.experiment.finished.run import analysis
from negbench.storage import cell_store
from negbench.storage.cell_store import Cell
from negbench.storage.split_folders import split_folders

logger = logging.getLogger(__name__)
FIELDS = {"-d": "dataset", "-b": "backbone", "-m": "row", "--seed": "seed"}


@dataclass(frozen=True)
class Which:
    """Which cells are meant; an empty field takes all, several words take each of them."""

    datasets: tuple[str, ...] = ()
    backbones: tuple[str, ...] = ()
    methods: tuple[str, ...] = ()
    """Rows of the table, or names of methods."""
    seeds: tuple[int, ...] = ()

    @property
    def words(self) -> dict[str, tuple[Name, ...]]:
        """The words that were given, by their option."""
        by_option: dict[str, tuple[Name, ...]] = {
            "-d": self.datasets,
            "-b": self.backbones,
            "-m": self.methods,
            "--seed": self.seeds,
        }
        return {option: words for option, words in by_option.items() if words}


ALL = Which()


def finished_cells(run: Path, which: Which = ALL) -> list[Cell]:
    """The finished cells of a run that are meant; damaged ones are logged and left out.

    Raises NothingToReport if there is no folder or no cell finished, UserError if a word names
    none, if all words together do, or if the folder holds a run repeated over splits.
    """
    if not run.is_dir():
        raise NothingToReport(
            f"a run folder must exist; {quote(str(run))} does not; give one of `run`"
        )
    if several := split_folders(run):
        raise UserError(
            f"an export is of one split; {quote(str(run))} holds {len(several)}; give one of them, "
            f"as {quote(str(several[0]))}"
        )
    readable, damaged = cell_store.read_cells(run)
    for sentence in damaged:
        log_damage(sentence)
    cells = [cell for cell in readable if cell.done]
    if not cells:
        raise NothingToReport(f"an export needs finished cells; {run} has none; run it first")
    return _chosen(cells, which) if which.words else cells


def log_damage(damage: object) -> None:
    """Log that something damaged was left out of an export."""
    logger.warning("negbench: left out: %s", damage)


def _chosen(cells: Sequence[Cell], which: Which) -> list[Cell]:
    rows = analysis("runs.row_labels").row_labels(cells)
    named: list[CellAndRow] = list(zip(cells, rows, strict=True))
    meant = {cell.folder for cell in cells}
    for option, words in which.words.items():
        meant &= {cell.folder for word in words for cell, _ in _called(option, word, named)}
    if not meant:
        given = [f"{option} {word}" for option, words in which.words.items() for word in words]
        raise UserError(
            f"-d, -b, -m and --seed must name a finished cell together; {' '.join(given)} name "
            f"none; this run has {_listed(named)}"
        )
    return [cell for cell in cells if cell.folder in meant]


def _called(option: str, word: Name, cells: Sequence[CellAndRow]) -> list[CellAndRow]:
    field = FIELDS[option]
    meant = called(cells, field, word)
    if not meant:
        known = sorted({str(names_of(*each)[field][0]) for each in cells})
        near = did_you_mean(str(word), known)
        raise UserError(f"{option} must name a finished cell of the run; got {word!r}; {near}")
    return meant


def _listed(cells: Sequence[CellAndRow]) -> str:
    names = [names_of(*each) for each in cells[:LISTED]]
    words = [" ".join(str(each[field][0]) for field in FIELDS.values()) for each in names]
    return "; ".join([*words, *(["..."] if len(cells) > LISTED else [])])
