"""The README of a run's archive: what is in it, how to check it, and how to run it again."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from negbench.experiment.finished.split_files import SplitOfRun, data_lines
from negbench.storage import run_file, split_folders
from negbench.storage.archive import SUMS
from negbench.storage.without_paths import paths_of

if TYPE_CHECKING:
    from negbench.experiment.finished.run import Run

WHAT = {
    "README.md": "this page",
    SUMS: "the hash of every other file",
    "experiment": "the experiment with every default (run.json), and the settings of every row",
    "figures": "figures, each with the numbers that it shows",
    "licences": "the licences of negbench and of the data that are packed",
    "references.bib": "the papers of methods, backbones and data sets, and negbench",
    "report.html": "one page with tables, figures and settings; it needs no network",
    "results.csv": "every result, one a line: training, metric, K, band, value",
    "splits": "rule, hash and sizes of each split, and its pairs where they may be passed on",
    "tables": "main table, tests and audit as text and csv, and the LaTeX for a paper",
}


def readme(
    run: "Run", files: Sequence[str], splits: Sequence[SplitOfRun], left_out: Sequence[str]
) -> str:
    """The page; `files` are the names of all others, `left_out` says what is not there and why."""
    again = [name for name in files if name.endswith("/run.json")]
    lines = [
        f"# Artefacts of the run {run.folder.resolve().name}",
        "",
        f"Made by negbench. {_cells(run)} The main table is tables/main.txt; its notes say the "
        "protocol, what was tested, and what was not.",
        "",
        "## Contents",
        "",
        *_contents(files),
        "",
        "## Check",
        "",
        f"    sha256sum -c {SUMS}          (macOS: shasum -a 256 -c {SUMS})",
        "",
        "## Run again",
        "",
        f"Install {_versions(run)}. Then, in this folder:",
        "",
        *(f"    negbench run {name} -o again/{Path(name).parent.name}" for name in again),
        *(["    (no run.json was kept, so nothing can be run again)"] if not again else []),
        f"    negbench table {' '.join(f'again/{Path(name).parent.name}' for name in again)}"
        if again
        else "",
        "",
        *_own_files(run),
        "The splits are the same if their hashes are: splits/index.csv has those of this run, and "
        "the notes of the table those of the new one. Data that are not packed are fetched anew, "
        "or have to be put into this folder. Numbers may differ in their last digits on another "
        "machine or with other versions.",
        "",
        "## Data",
        "",
        *(f"- {line}" for line in data_lines(splits)),
        "",
        "Pairs that are packed are the data as this run used them: selected, and parted into "
        "train, valid and test. They stay under the licence of their data set.",
        "",
        *_left_out(left_out),
        "Paths of the machine that made this archive are shortened to their last name.",
    ]
    return "\n".join(lines) + "\n"


def _contents(files: Sequence[str]) -> Iterator[str]:
    folders = {name.partition("/")[0] for name in files if "/" in name}
    for head in sorted({"README.md", SUMS, *(name.partition("/")[0] for name in files)}):
        yield f"- {head}{'/' if head in folders else ''}: {WHAT[head]}"


def _cells(run: "Run") -> str:
    records = run.records
    done = sum(1 for _ in records.done)
    failed = len(records.cells) - done
    text = f"{done} trainings finished" + (f", {failed} failed" if failed else "")
    return f"{text}; {run.unfinished}." if run.unfinished else f"{text}."


def _own_files(run: "Run") -> list[str]:
    """What the experiment reads beside data that can be fetched: plug-ins, searches, own files."""
    names = set()
    for folder in split_folders.expanded(run.folders):
        info = run_file.read(folder) if (folder / run_file.NAME).is_file() else {"options": {}}
        for asked in run_file.experiments(info):
            read = {name: value for name, value in asked.items() if name not in ("out", "data_dir")}
            names |= {Path(path).name for path in paths_of(read)}
    if not names:
        return []
    return [
        "The experiment reads files and folders that are not packed and have to be put into this "
        f"folder first: {', '.join(sorted(names))}.",
        "",
    ]


def _versions(run: "Run") -> str:
    """The versions that the records name."""
    environments = [cell.record.get("environment") or {} for cell, _ in run.records.done]
    words = []
    for name in ("negbench", "torch", "python"):
        known = sorted({str(each[name]) for each in environments if each.get(name)})
        words += [f"{name} {' or '.join(known)}"] if known else []
    return ", ".join(words) or "negbench (its version was not recorded)"


def _left_out(sentences: Sequence[str]) -> list[str]:
    if not sentences:
        return []
    return ["## Not in this archive", "", *(f"- {each}" for each in sentences), ""]
