"""The archive of a run for those who review its artefacts: one zip that any machine opens.

It holds what a paper's claims rest on, with hashes, and no path of the machine that made it. Pairs
of the data are in it only where their licence allows to pass them on (`redistribution.py`). The
same run gives the same archive, bit for bit.
"""

import importlib.metadata
import json
import tempfile
from collections.abc import Callable, Iterator
from functools import partial
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from negbench.errors import NothingToReport, UserError
from negbench.experiment.export.new_output import new_file, require_new
from negbench.experiment.finished.bundle_readme import readme
from negbench.experiment.finished.split_files import files_of, index, splits_of
from negbench.storage import run_file, split_folders
from negbench.storage.archive import archive
from negbench.storage.without_paths import (
    paths_of,
    values_without_paths,
    without_paths,
    without_prefixes,
)

if TYPE_CHECKING:
    from negbench.experiment.finished.run import Run

Files = dict[str, bytes]
T = TypeVar("T")
PLAIN = (".txt", ".md", ".csv", ".json", ".tex", ".bib")
"""Texts in which every path is shortened; in a page only folders that are known."""


def write_bundle(run: "Run", out: Path | None, vs: str | None) -> tuple[Path, list[str]]:
    """Write the archive; its path, and a sentence for each thing that it does not hold.

    Raises UserError if the file is there already, or cannot be written.
    """
    name = run.folder.resolve().name
    path = out or run.folder.resolve().with_name(f"{name}-bundle.zip")
    require_new(path)
    files, left_out = contents(run, vs)
    with new_file(path) as into:
        into.write(archive(files, f"{name}-bundle"))
    return path, left_out


def contents(run: "Run", vs: str | None = None) -> tuple[Files, list[str]]:
    """The files of the archive by name, and a sentence for each thing that it does not hold."""
    records, left_out = run.records, list[str]()
    splits = splits_of(records)
    files: Files = {"results.csv": run.frame.to_csv(index=False, lineterminator="\n").encode()}
    files |= _experiment(run)
    packed = set()
    for split in splits:
        if split.refusal:
            left_out.append(f"pairs of {split.dataset}: {split.refusal}")
            continue
        if pairs := _tried(partial(files_of, split), f"pairs of {split.dataset}", left_out):
            files |= pairs
            packed.add(split.name)
    files["splits/index.csv"] = index(splits, packed)
    for file, write in _texts(run, vs).items():
        if text := _tried(write, file, left_out):
            files[file] = text.encode()
    files |= _searches(run)
    files |= dict(_drawn(run))
    files |= dict(_licences(any(packed)))
    left_out += [f"damaged: {sentence}" for sentence in records.damaged]
    left_out += [run.unfinished] if run.unfinished else []
    files["README.md"] = readme(run, sorted(files), splits, left_out).encode()
    return _without_paths(run, files), [without_paths(sentence) for sentence in left_out]


def _texts(run: "Run", vs: str | None) -> dict[str, Callable[[], str]]:
    """Tables and bibliography: what writes each."""
    return {
        "tables/main.txt": lambda: run.table(vs=vs),
        "tables/main.csv": lambda: run.table("csv", vs=vs),
        "tables/paper.tex": lambda: run.paper(vs=vs),
        "tables/appendix.tex": run.appendix,
        "tables/compare.txt": lambda: run.compare(vs=vs),
        "tables/compare.csv": lambda: run.compare("csv", vs=vs),
        "tables/audit.txt": run.audit,
        "tables/audit.csv": lambda: run.audit("csv"),
        "references.bib": run.cite,
    }


def _searches(run: "Run") -> Files:
    """What the searches of a tuned run gave and cost; nothing where there is none."""
    try:
        texts = {"tuning.txt": run.tuning(), "tuning.tex": run.tuning("latex")}
    except NothingToReport:
        return {}
    return {f"tables/{name}": text.encode() for name, text in texts.items()}


def _tried(write: Callable[[], T], what: str, left_out: list[str]) -> T | None:
    """What a function writes; None where the run does not hold it, with the reason."""
    try:
        return write()
    except UserError as error:
        left_out.append(f"{what}: {error}")
        return None


def _experiment(run: "Run") -> Iterator[tuple[str, bytes]]:
    """Each folder's run.json, which runs again, and the settings of every row."""
    folders = split_folders.expanded(run.folders)
    for at, folder in enumerate(folders, 1):
        info = run_file.read(folder) if (folder / run_file.NAME).is_file() else None
        if info is not None:
            where = "experiment" if len(folders) == 1 else f"experiment/{at}"
            text = json.dumps(values_without_paths(info), indent=1, ensure_ascii=False) + "\n"
            yield f"{where}/{run_file.NAME}", text.encode()
    settings = run.settings.to_csv(index=False, lineterminator="\n")
    yield "experiment/settings.csv", settings.encode()


def _drawn(run: "Run") -> Iterator[tuple[str, bytes]]:
    """The figures, each with its csv, and the report."""
    with tempfile.TemporaryDirectory() as folder:
        for path in run.plot(folder=folder, formats=("pdf",)):
            yield f"figures/{path.name}", path.read_bytes()
        yield "report.html", run.report(Path(folder) / "report.html").read_bytes()


def _licences(data: bool) -> Iterator[tuple[str, bytes]]:
    """The licence of negbench, and what stands beside the data that come with it."""
    for file in importlib.metadata.files("negbench") or ():
        path = Path(str(file.locate()))
        if file.name in ("LICENSE", "NOTICE") and path.is_file():
            yield f"licences/negbench-{file.name}.txt", path.read_bytes()
    for each in resources.files("negbench.datasets").iterdir() if data else ():
        if each.name.startswith(("LICENSE", "NOTICE")):
            yield f"licences/data-{each.name}", each.read_bytes()


def _without_paths(run: "Run", files: Files) -> Files:
    """The files without the paths of this machine."""
    folders = split_folders.expanded(run.folders)
    known = {Path.home(), Path.cwd(), *(folder.absolute() for folder in folders)}
    known |= {folder.resolve() for folder in folders}
    for folder in folders:
        if (folder / run_file.NAME).is_file():
            known |= {Path(path) for path in paths_of(run_file.read(folder))}
    clean: Files = {}
    for name, content in files.items():
        ending = Path(name).suffix
        if ending == ".html":
            content = without_prefixes(content.decode(), known).encode()
        elif ending in PLAIN and not (name.startswith("licences/") or _pairs(name)):
            content = without_paths(content.decode()).encode()
        clean[name] = content
    return clean


def _pairs(name: str) -> bool:
    """Whether a file holds pairs of the data, whose ids stay as they are."""
    return name.startswith("splits/") and name.endswith(".csv") and name != "splits/index.csv"
