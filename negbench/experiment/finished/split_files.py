"""The splits of a run for its archive: pairs where they may be passed on, else rule and hash."""

import csv
import io
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from negbench.errors import UserError
from negbench.experiment.export.part_files import write_parts
from negbench.experiment.export.split import kept_split
from negbench.plugins import registry
from negbench.plugins.redistribution import refusal
from negbench.storage.cell_store import Cell
from negbench.storage.integrity import Damaged
from negbench.storage.without_paths import without_paths

OF_SPLIT = ("rule", "order", "hash", "train", "valid", "test")
OF_DATA = ("users", "items", "interactions")
COLUMNS = ("dataset", *OF_SPLIT, *OF_DATA, "checksum", "pairs")


@dataclass(frozen=True)
class SplitOfRun:
    """A split of a data set in a run, and why its pairs are not packed."""

    cell: Cell
    """A cell that was trained on it."""
    dataset: str
    """Its name without folders."""
    licence: str
    terms: str
    source: str
    refusal: str
    line: dict[str, Any]
    """The line of the index."""

    @property
    def folder(self) -> Path:
        """The run folder that keeps it."""
        return self.cell.folder.parent.parent

    @property
    def name(self) -> str:
        """The folder of its pairs in the archive."""
        word = "".join(letter if letter.isalnum() else "-" for letter in self.dataset).strip("-")
        return f"splits/{word}-{self.line['hash'][:12]}"


def splits_of(records: Any) -> list[SplitOfRun]:
    """Each split of the run once, by data set and hash."""
    splits: dict[tuple[str, str], SplitOfRun] = {}
    for cell, _ in records.done:
        data, split = cell.record["data"], cell.record["split"]
        word = str(cell.spec["dataset"])
        dataset = without_paths(Path(word).name if "(" not in word else word)
        licence, terms, source = _terms(word, data)
        line = {"dataset": dataset, **{name: split[name] for name in OF_SPLIT}}
        line |= {name: data[f"n_{name}"] for name in OF_DATA}
        line |= {"checksum": data["checksum"]}
        why = refusal(licence, terms)
        key = (word, str(split["hash"]))
        splits.setdefault(key, SplitOfRun(cell, dataset, licence, terms, source, why, line))
    return [splits[key] for key in sorted(splits)]


def files_of(split: SplitOfRun) -> dict[str, bytes]:
    """The pairs of a split as csv, by the ids of the data; none where they may not be passed on.

    Raises UserError if the run does not keep the split or the ids.
    """
    if split.refusal:
        return {}
    try:
        kept = kept_split(split.folder, [split.cell])
    except Damaged as damage:
        raise UserError(f"{split.dataset}: {damage}") from None
    with tempfile.TemporaryDirectory() as folder:
        write_parts(kept, Path(folder), "csv", split.name)
        paths = sorted(Path(folder).iterdir())
        return {f"{split.name}/{path.name}": path.read_bytes() for path in paths}


def index(splits: Sequence[SplitOfRun], packed: set[str]) -> bytes:
    """A csv of all splits; its last column says where the pairs are, or why they are not there."""
    text = io.StringIO()
    write = csv.DictWriter(text, COLUMNS, lineterminator="\n")
    write.writeheader()
    for split in splits:
        where = split.name if split.name in packed else f"not packed: {split.refusal or 'not kept'}"
        write.writerow({**split.line, "pairs": where})
    return text.getvalue().encode()


def data_lines(splits: Sequence[SplitOfRun]) -> Iterator[str]:
    """A line a data set on its source, its licence and its terms."""
    for split in {each.dataset: each for each in splits}.values():
        facts = [
            split.source and f"source {split.source}",
            f"licence {split.licence or 'not known'}",
        ]
        facts += [split.terms and f"terms: {split.terms}"]
        facts += [f"pairs not packed: {split.refusal}" if split.refusal else "pairs packed"]
        yield f"{split.dataset}: {'; '.join(filter(None, facts))}"


def _terms(dataset: str, data: dict[str, Any]) -> tuple[str, str, str]:
    """Licence, terms and source: of the record, else of the card."""
    try:
        card = registry.card("datasets", dataset.partition("(")[0])
        licence, terms, link = card.licence, card.terms, card.link
    except UserError:
        licence, terms, link = "", "", ""
    recorded = str(data.get("licence") or "")
    source = str(data.get("source") or "")
    source = source if source.startswith("https://") else link
    return recorded or licence, terms, source
