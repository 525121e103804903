"""One export of a finished run: what, in which form, of which cells; to text, file or folder."""

import logging
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from itertools import chain
from pathlib import Path
from typing import TextIO

from negbench.errors import UserError, did_you_mean
from negbench.experiment.export import lines, part_files, split, tables, trec
from negbench.experiment.export.lines import ROW, ScoresOf
from negbench.experiment.export.new_output import new_file, new_folder
from negbench.experiment.export.tables import Line
from negbench.experiment.export.which import ALL, Which, finished_cells
from negbench.storage.cell_store import CELL, Cell

FORMATS: Mapping[str, tuple[str, ...]] = {
    "recs": ("csv", "parquet", "trec"),
    "negatives": ("csv", "parquet"),
    "qrels": ("trec", "csv", "parquet"),
    "split": ("csv", "parquet", "recbole"),
}
"""What can be exported, and the forms of each; the first is the usual one."""
COLUMNS: Mapping[str, tuple[str, ...]] = {
    "recs": (*ROW, "user", "rank", "item", "name"),
    "negatives": (*ROW, "epoch", "user", "positive", "negative", "s_positive", "s_negative"),
    "qrels": split.QRELS,
    "split": split.PAIRS,
}
"""Columns of each in csv and parquet."""
NO_FOLDER = "a split is several files; got no folder; add -o FOLDER"
logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Export:
    """What of a run is exported, and in which form."""

    run: Path
    what: str = "recs"
    """recs: recommended lists; negatives: those logged; qrels: the test pairs; split."""
    form: str = ""
    """One of FORMATS; empty for the usual one."""
    k: int | None = None
    """The length of lists; None for the greatest K of the cell's metrics."""
    which: Which = ALL
    scores_of: ScoresOf | None = None
    """What gives the scores of a cell's lists; None writes none."""

    def __post_init__(self) -> None:
        """Raises UserError for a form that this kind has not, and k or scores without lists."""
        known = FORMATS[self.what]
        if self.form and self.form not in known:
            names = f"{', '.join(known[:-1])} or {known[-1]}"
            near = did_you_mean(self.form, list(known))
            raise UserError(f"--format of --{self.what} must be {names}; got {self.form!r}; {near}")
        if self.k is not None and self.what != "recs":
            raise UserError(
                f"--k is the length of lists, which --{self.what} has none of; got --k {self.k}; "
                "drop it"
            )
        if self.scores_of is not None and self.what != "recs":
            raise UserError(
                f"--scores are those of lists, which --{self.what} has none of; drop it"
            )
        object.__setattr__(self, "form", self.form or known[0])

    @cached_property
    def cells(self) -> list[Cell]:
        """The finished cells that are meant. Raises UserError or NothingToReport without any."""
        cells = finished_cells(self.run, self.which)
        lines.warn_of_shared_ids(self.run, cells)
        lines.require_depth(cells, self.k)
        return cells

    @property
    def columns(self) -> tuple[str, ...]:
        """Those of csv and parquet; as in results.csv the last one tells cells of one name."""
        apart = self.what in ("recs", "negatives") and lines.are_alike(self.cells)
        return COLUMNS[self.what] + ("score",) * (self.scores_of is not None) + (CELL,) * apart

    @property
    def several_files(self) -> bool:
        """Whether it is several files: a split, or the TREC runs of several systems."""
        return self.what == "split" or (self._is_trec_run and len(self.cells) > 1)

    @property
    def _is_trec_run(self) -> bool:
        """Whether it is lists in TREC's form, of which a file holds those of one system."""
        return self.what == "recs" and self.form == "trec"

    def lines(self) -> Iterator[Line]:
        """What is exported, a line by its columns; cells that are damaged are logged.

        Raises UserError for a split, which is several tables.
        """
        if self.what == "recs":
            return chain.from_iterable(
                lines.lists(self.run, cell, self.k, self.scores_of) for cell in self.cells
            )
        if self.what == "negatives":
            return lines.negatives(self.run, self.cells)
        if self.what == "qrels":
            return split.kept_split(self.run, self.cells).relevant()
        raise UserError(NO_FOLDER)

    def write(self, into: TextIO) -> int:
        """Write everything as one text; the number of lines below the header.

        Raises UserError for a split, for parquet, and for TREC runs of several systems.
        """
        if self.what == "split":
            raise UserError(NO_FOLDER)
        if self.form == "parquet":
            raise UserError("parquet is no text for a screen; got no file; add -o FILE")
        if self.form != "trec":
            return tables.write_csv(self._noted(), self.columns, into)
        n = 0
        for n, piece in enumerate(self._trec_lines(), 1):  # noqa: B007 - the last is their number
            into.write(piece)
        return n

    def write_file(self, path: Path) -> int:
        """Write everything as one new file; the number of rows.

        Raises UserError as `write` does, and if the file is there or cannot be written.
        """
        with new_file(path) as file:
            if self.form == "parquet":
                content, rows = tables.parquet(self._noted(), self.columns)
                file.write(content)
                return rows
            with tables.as_text(file) as text:
                return self.write(text)

    def write_folder(self, folder: Path) -> dict[Path, int]:
        """Write a split or TREC runs as a new folder; the number of rows of each file.

        Raises UserError if it is there or cannot be written, or if one file holds the export.
        """
        if self.what != "split" and not self._is_trec_run:
            raise UserError(f"--{self.what} in {self.form} is one file; got the folder {folder}/")
        with new_folder(folder) as temporary:
            if self.what == "split":
                kept = split.kept_split(self.run, self.cells)
                rows = part_files.write_parts(kept, temporary, self.form, folder.name)
            else:
                rows = self._write_runs(temporary)
        return {folder / name: n for name, n in rows.items()}

    def _write_runs(self, folder: Path) -> dict[str, int]:
        """A TREC run a system, and a README that says which is which."""
        systems, rows, of_file = trec.systems(self.cells), {}, {}
        names = trec.file_names(systems)
        for tag, cell in systems.items():
            written = trec.run_lines(self.run, tag, cell, self.k, self.scores_of)
            if pieces := list(written):  # none of a damaged one
                (folder / names[tag]).write_bytes("".join(pieces).encode())
                rows[names[tag]], of_file[names[tag]] = len(pieces), cell
        (folder / "README.txt").write_text(trec.readme(of_file, self._log_notes()), "utf-8")
        return rows

    def _trec_lines(self) -> Iterator[str]:
        if self.what == "qrels":
            return trec.qrels_lines(self._noted())
        tag, cell = trec.the_system(self.run, self.cells)
        self._log_notes()
        return trec.run_lines(self.run, tag, cell, self.k, self.scores_of)

    def _noted(self) -> Iterator[Line]:
        """The lines, with what a reader has to know of them logged."""
        every = self.lines()
        self._log_notes()
        return every

    def _log_notes(self) -> tuple[str, ...]:
        kind = trec.SCORES if self.scores_of is None else trec.OWN_SCORES
        scores = (kind,) if self._is_trec_run else ()
        judged = self.form == "trec" or self.what == "qrels"
        notes = (*scores, *(split.caveats(self.cells) if judged else ()))
        for note in notes:
            logger.info("negbench: %s", note)
        return notes
