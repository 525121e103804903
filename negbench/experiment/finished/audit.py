"""The audit of a run, of lists of others beside it, or of such lists alone with their train pairs.

What the command `audit` does, for Python: tables, the page in words, conditions for a pipeline.
"""

from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from negbench.data.readers.column_roles import Columns
from negbench.errors import UserError
from negbench.evaluation.metric_names import Metric, parse_metric
from negbench.experiment.finished import other_lists
from negbench.experiment.finished.kept_ids import read_ids
from negbench.experiment.finished.run import Run, analysis

PAGES = ("text", "md", "html", "pdf", "json")
"""Formats of the tables, and of the page in words."""
K = 20
"""The length of lists that are read alone, where they are as long."""


@dataclass(frozen=True)
class Lists:
    """Files of lists, and of the train and test pairs that they were made with."""

    recs: tuple[Path, ...]
    train: Path | None = None
    test: Path | None = None
    columns: Columns = field(default_factory=Columns)


@dataclass(frozen=True, eq=False)
class Audit:
    """An audit: of a run, of lists, or of both."""

    run: Run | None
    lists: Lists | None = None
    metric: str | None = None
    bands: str | None = None
    methods: tuple[str, ...] = ()
    """The rows to look at; all if none is named."""
    items: Path | None = None
    group: str | None = None
    """A column of the table of items."""

    def __post_init__(self) -> None:
        """Raises UserError for inputs that do not go together."""
        recs = self.lists is not None and bool(self.lists.recs)
        train = self.lists is not None and self.lists.train is not None
        test = self.lists is not None and self.lists.test is not None
        if self.run is None and not recs:
            raise UserError("audit needs a run's folder, or --recs LISTS --train PAIRS")
        if self.run is None and not train:
            raise UserError(
                "--recs needs the train pairs that the lists were made with: add --train FILE, or "
                "a run's folder to stand beside its rows"
            )
        if self.run is not None and (train or test):
            raise UserError(
                "--train and --test are for lists without a run; beside a run its own pairs are "
                "read; leave them out"
            )
        if self.group is not None and self.items is None:
            raise UserError("--group needs the table with that column: add --items FILE")

    @cached_property
    def records(self) -> Any:
        """The records, with a row for each file of lists."""
        recs = () if self.lists is None else self.lists.recs
        if self.run is None:
            return self._of_lists_alone()
        records = self.run.records
        for path in recs:
            records = self._beside(records, path)
        return records

    def tables(self, form: str = "text") -> str:
        """The tables as text, md, csv or json."""
        layouts = analysis("tables.audit_text")
        layouts.require_audit_format(form)
        text: str = layouts.lay_out(self._tables, form)
        return text

    def page(self, form: str = "text") -> str | bytes:
        """The page in words as text, md, html, pdf (bytes) or json.

        Raises UserError if the format is unknown, or no browser is there to print a PDF.
        """
        analysis("tables.render").require_format("a format of the page", form, PAGES)
        layouts, pages = analysis("audit.layouts"), self._pages
        if form in ("html", "pdf"):
            html: str = layouts.as_html(pages, self._names)
            return html if form == "html" else analysis("audit.pdf").pdf_bytes(html)
        write = {"text": layouts.as_text, "md": layouts.as_markdown, "json": layouts.tree}
        text: str = write[form](pages)
        return text

    def failures(self, text: str) -> tuple[list[str], int]:
        """One line for each row that fails one of these conditions, and the rows checked.

        Raises UserError for conditions that cannot be read.
        """
        checks, audit = analysis("audit.fail_on"), self._tables
        lists = [row for cell, row in self.records.done if hasattr(cell, "parts")]
        failed: tuple[list[str], int] = checks.failures(
            checks.conditions(text, audit), audit, self._rows, lists
        )
        return failed

    @property
    def unfinished(self) -> str:
        """How many cells of the run are pending, in one sentence; empty if none is."""
        return "" if self.run is None else self.run.unfinished

    @cached_property
    def _rows(self) -> tuple[str, ...]:
        analysis("tables.audit").require_rows(self.records, self.methods)
        return self.methods

    @property
    def _names(self) -> list[str]:
        folders = [] if self.run is None else [folder.name for folder in self.run.folders]
        return [*folders, *(path.name for path in (self.lists.recs if self.lists else ()))]

    @cached_property
    def _tables(self) -> Any:
        return analysis("tables.audit").audit_page(self.records, self._metric, self._rows)

    @cached_property
    def _pages(self) -> list[Any]:
        items = None
        if self.items is not None:
            from negbench.data.readers.item_table import read_item_table

            items = read_item_table(self.items)
        blocks = analysis("audit.from_run").blocks_of_run(
            self.records, read_ids, metric=self._metric, items=items, group=self.group
        )
        return [analysis("audit.page").block_page(block, self._rows) for block in blocks]

    @property
    def _metric(self) -> Any:
        """The metric that was asked for; of lists alone the one that they were read for."""
        return self._asked if self.run is None else self.metric

    @cached_property
    def _asked(self) -> Metric:
        assert self.lists is not None
        if self.metric is not None:
            return parse_metric(self.metric)
        length = max(other_lists.longest(path, self.lists.columns) for path in self.lists.recs)
        return Metric("ndcg", min(K, length))

    def _of_lists_alone(self) -> Any:
        assert self.lists is not None and self.lists.train is not None
        data = other_lists.read_data(self.lists.train, self.lists.test, self.lists.columns)
        users = data.parts["profiles"].lengths.nonzero()[0]
        records = None
        for path in self.lists.recs:
            lists = other_lists.match(
                path, data.ids, data.parts["seen"], users, self._asked.k, self.lists.columns
            )
            records = analysis("audit.listed_cell").with_lists(
                records,
                self._named(records, lists.name),
                lists.users,
                lists.tops,
                parts=dict(data.parts),
                ids=data.ids,
                notes=(*data.notes, *lists.notes),
                metrics=[self._asked],
                dataset=data.name,
                bands=self.bands or "mass",
                alone=True,
            )
        return records

    def _beside(self, records: Any, path: Path) -> Any:
        """The records with the lists of a file, on the pairs and ids of their one data set."""
        frames, recut = analysis("runs.frames"), analysis("runs.recut")
        cells = [cell for cell, _ in records.done]
        datasets = sorted({str(cell.spec["dataset"]) for cell in cells})
        if len(datasets) > 1 or len(records.partitions) > 1:
            several = ", ".join(datasets) if len(datasets) > 1 else "several splits of one data set"
            raise UserError(
                f"--recs beside a run needs a run of one data set and split; this one has {several}"
            )
        cell = next(each for each in cells if not hasattr(each, "parts"))
        metric = frames.choose_metric(records, self.metric)
        parts = recut.split_parts(cell, int(cell.record["data"]["n_items"]), {})
        folder = cell.folder.parent.parent
        ids = read_ids(folder, datasets[0], cell.record["data"]["checksum"])
        users = cell.arrays("users")["users"].astype("int64")
        columns = Columns() if self.lists is None else self.lists.columns
        lists = other_lists.match(path, ids, parts["seen"], users, metric.k, columns)
        four = {name: parts[name] for name in ("train", "profiles", "seen", "test")}
        return analysis("audit.listed_cell").with_lists(
            records,
            self._named(records, lists.name),
            lists.users,
            lists.tops,
            parts=four,
            ids=ids,
            notes=lists.notes,
            metrics=[metric],
        )

    @staticmethod
    def _named(records: Any, name: str) -> str:
        """The name of a row of lists; another where a row has it already."""
        taken = set() if records is None else set(records.labels)
        return name if name not in taken else f"{name} (lists)"
