"""A run folder as a Python object: results as a data frame, tables, plots and report."""

import importlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from types import ModuleType
from typing import Any

from negbench.errors import UserError, did_you_mean
from negbench.ops.file_stamp import stamp
from negbench.storage import split_folders


def analysis(name: str) -> ModuleType:
    """A module of `negbench.analysis`, imported when it is needed: a short start of commands."""
    return importlib.import_module(f"negbench.analysis.{name}")


@dataclass(frozen=True, eq=False)
class Run:
    """One run folder, or several read as one; files are read when they are needed.

    What was not measured is computed from what the cells keep: `metric` may be any metric at any K,
    as recall@50, and `bands` any rule of popularity bands, as count:5,50.
    """

    folders: tuple[Path, ...]
    bands: str | None = None
    """The rule of popularity bands; None for that of the run."""

    @property
    def records(self) -> Any:
        """The folders' records, as the functions of `negbench.analysis` take them.

        They are read again after cells were added or replaced.
        """
        folders = split_folders.expanded(self.folders)
        state = [stamp(path) for folder in folders for path in _record_files(folder)]
        if self._read.get("state") != state:
            records = analysis("runs.frames").open_run(list(self.folders), bands=self.bands)
            self._read.update(state=state, records=records)
        return self._read["records"]

    @cached_property
    def _read(self) -> dict[str, Any]:
        """The records that were read last, and the stamps of their files."""
        return {}

    @property
    def folder(self) -> Path:
        """The first folder: where plots and the report go by default."""
        return self.folders[0]

    @property
    def frame(self) -> Any:
        """Every result in long form, a pandas DataFrame; over several splits with `partition`."""
        frame = analysis("runs.frames").results(self.records)
        several = len(self.records.partitions) > 1
        return frame if several else frame.drop(columns="partition")

    @property
    def failed(self) -> dict[str, str]:
        """The reason of every failed cell, by its name."""
        cells = [cell for cell in self.records.cells if not cell.done]
        return {cell.folder.name: str(cell.record["reason"]) for cell in cells}

    @property
    def unfinished(self) -> str:
        """How many of the planned cells are pending, in one sentence; empty if none is."""
        sentence: str = analysis("tables.pending_notes").pending(self.records)
        return sentence

    def table(
        self, format: str = "text", *, metric: str | None = None, vs: str | None = None
    ) -> str:
        """The main table as text, md, csv, latex or html, tested against the row `vs`.

        Rows that differ in settings, as dns@lr=0.01, are tested against `vs` of the same settings.
        """
        text: str = analysis("tables.main_table").render(
            self.records, format=format, metric=metric, vs=self._row(vs)
        )
        return text

    def paper(
        self,
        *,
        rows: Sequence[str] = (),
        columns: Sequence[str] = (),
        names: Path | None = None,
        spread: bool = False,
        label: str = "tab:negbench",
        width: float = 345.0,
        metric: str | None = None,
        vs: str | None = None,
    ) -> str:
        """One LaTeX table of rows x (data sets x backbones x metrics), for a paper.

        `rows` and `columns` choose and order, `names` is a file of names to print, `width` the
        line in points.
        """
        text: str = analysis("tables.paper_latex").render(
            self.records,
            rows=rows,
            columns=columns,
            names=names,
            spread=spread,
            label=label,
            line_width=width,
            metric=metric,
            vs=self._row(vs),
        )
        return text

    def appendix(self) -> str:
        """The protocol and the settings of every row in LaTeX, for the appendix of a paper."""
        text: str = analysis("report.appendix").appendix(self.records)
        return text

    def cite(self) -> str:
        """BibTeX of the methods, backbones and data sets of the run, and of negbench."""
        text: str = analysis("report.citations").bibliography(self.records)
        return text

    @property
    def settings(self) -> Any:
        """Every setting of every row as it was resolved, one line a row, a pandas DataFrame."""
        return analysis("report.settings").settings(self.records)

    def bundle(
        self, path: str | Path | None = None, *, vs: str | None = None
    ) -> tuple[Path, list[str]]:
        """Write one zip with all that a paper's claims rest on, beside the run's folder.

        Gives its path, and a sentence for each thing that it does not hold.
        """
        from negbench.experiment.finished.bundle import write_bundle

        return write_bundle(self, None if path is None else Path(path), vs)

    def compare(
        self,
        format: str = "text",
        *,
        metric: str | None = None,
        vs: str | None = None,
        test: str = "crossed",
        correction: str = "holm",
        margin: str | float | None = None,
    ) -> str:
        """Every row against `vs`, with tests and ranks, as text, md, latex, csv or json.

        Rows that differ in settings are compared with `vs` of the same, as in `table`.
        `margin` is a difference that counts as none: "2%" of the mean of `vs`, or 0.002.
        """
        text: str = analysis("tables.comparison_text").render(
            self.records,
            format=format,
            metric=metric,
            vs=self._row(vs),
            test=test,
            correction=correction,
            margin=margin,
        )
        return text

    def recommend(
        self,
        format: str = "text",
        *,
        metric: str | None = None,
        vs: str | None = None,
        brief: bool = False,
    ) -> str:
        """Which row to choose over all data sets and backbones, as text, md, csv or json.

        `brief` is the choice on all items alone, as text or md.
        """
        page = analysis("verdict.recommendation_text")
        write = page.summary if brief else page.render
        text: str = write(self.records, format=format, metric=metric, vs=self._row(vs))
        return text

    def audit(self, format: str = "text", *, metric: str | None = None) -> str:
        """Popularity bias, accuracy by band, false negatives, as text, md, latex, csv or json."""
        text: str = analysis("tables.audit_text").render(self.records, format=format, metric=metric)
        return text

    def tuning(self, format: str = "text") -> str:
        """What the searches of the run gave and cost, as text, md, csv, latex or json.

        It needs no finished cell: trials are enough.
        """
        text: str = analysis("tuning.layouts").render(self.folders, format=format)
        return text

    def plot(
        self,
        *kinds: str,
        folder: str | Path | None = None,
        formats: Sequence[str] = ("pdf", "png"),
        metric: str | None = None,
        show: Sequence[str] = (),
        width: str | None = None,
    ) -> list[Path]:
        """Write these kinds of plot beside the run (without any all it can fill); their paths.

        Of more than twelve rows the best, `random`, references and those of `show` are named.
        `width` is "column" (3.33 inches) or "page" (7 inches), or that of each kind.
        """
        where = Path(folder) if folder else self.folder / "plots"
        written = analysis("report.write").write_plots(
            self.records, where, list(kinds), list(formats), metric, show=show, width=width
        )
        return [Path(path) for path in written]

    def report(self, path: str | Path | None = None, *, metric: str | None = None) -> Path:
        """Write the report, one HTML page that needs no other file."""
        target = Path(path) if path else self.folder / "report.html"
        analysis("report.write").write_report(self.records, target, metric)
        return target

    def __str__(self) -> str:
        """The main table."""
        return self.table()

    def _row(self, vs: str | None) -> str:
        """The row to compare with: `vs`, a reference too, else random, else the first method.

        A word alone, as random, stands for its row of the same settings as each row.
        """
        cells, parts = list(self.records.done), analysis("runs.baselines").word_and_settings
        rows = list(dict.fromkeys(row for cell, row in cells if _trained(cell)))
        if vs is None:
            words = list(dict.fromkeys(str(parts(row)[0]) for row in rows))
            if "random" in words or not rows:
                return "random"
            return words[0] if len(words) > 1 else rows[0]
        rows = list(dict.fromkeys(row for _, row in cells))
        if vs not in rows and vs not in {parts(row)[0] for row in rows}:
            raise UserError(
                f"--vs must be a row of the table; got {vs!r}; {did_you_mean(vs, rows)}"
            )
        return vs


def open_run(path: str | Path | Sequence[str | Path], *, bands: str | None = None) -> Run:
    """Open a run folder, or several as one; `bands` takes the place of the run's own.

    The split folders of a run repeated over splits (RUN/split-1, ...) are opened as one run too.
    """
    paths = [path] if isinstance(path, str | Path) else list(path)
    return Run(tuple(Path(each).expanduser() for each in paths), bands)


def _record_files(folder: Path) -> list[Path]:
    return [folder / "run.json", *sorted(folder.glob("cells/*/cell.json"))]


def _trained(cell: Any) -> bool:
    return bool(cell.spec["backbone"] != "reference")
