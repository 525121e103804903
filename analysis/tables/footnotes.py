"""Footnotes: what a reader must know beside the numbers, as sentences made from the records.

Every output carries them: split, exclusion (ORACLE where training looks at held-out pairs), bands,
seeds, test and correction, what is missing and why, and what the data are.
"""

from collections.abc import Iterable
from typing import Any

from negbench.evaluation.metric_names import Metric
from negbench.storage.cell_store import Cell

from ..measures.false_negatives import EXACT, false_negatives
from ..number_format import counted, spelled
from ..runs import frames
from ..runs.damaged_cells import LOST
from ..runs.frames import REFERENCE, Run
from ..runs.over_seeds import roster
from ..statistics.test_procedure import DEFAULT, Procedure

SHOWN = 3
"""How many damaged files are named one by one."""
HONEST = ("train", "none")
"""Exclusions that look at no held-out pair; any other is an oracle."""


def of_data(run: Run, dataset: str) -> list[str]:
    """The protocol of one data set: size, split, ranking, exclusion, bands."""
    cell = _cells(run, dataset)[0]
    data, parts = cell.record["data"], cell.record["split"]
    told = [
        f"{data['n_users']:,} users, {data['n_items']:,} items, "
        f"{data['n_interactions']:,} interactions; full ranking over {data['n_items']:,} items.",
        f"Split {parts['rule']}, order: {parts['order']}, hash {parts['hash'][:12]}; "
        f"{parts['train']:,} train, {parts['valid']:,} valid, {parts['test']:,} test pairs.",
        _exclusion(cell.spec["exclude"]),
        _bands(cell.record["bands"]),
    ]
    return told


def notes_of_data(run: Run, dataset: str) -> list[str]:
    """What the records say of the data and of the cells, each sentence once."""
    cells = _cells(run, dataset)
    kept: Iterable[str] = (
        note
        for cell in cells
        for note in (*cell.record["data"].get("notes", ()), *cell.record.get("notes", ()))
        if not note.startswith("ORACLE")  # said once already, by the exclusion
    )
    return list(dict.fromkeys(_sentence(note) for note in kept))


def of_seeds(
    run: Run, dataset: str, backbone: str, means: str = "Mean ± standard deviation"
) -> list[str]:
    """Which seeds, and a warning where there is one only; `means` says what is shown of them."""
    found = {
        int(cell.spec["seed"]): None
        for cell, _ in run.done
        if (cell.spec["dataset"], cell.spec["backbone"]) == (dataset, backbone)
    }
    seeds = sorted(found)
    told = ", ".join(map(str, seeds))
    if len(seeds) == 1:
        return [f"WARNING: one seed ({told}): the spread over seeds is unknown; use 3 or more."]
    return [f"{means} over {len(seeds)} seeds ({told})."]


def of_gaps(run: Run, dataset: str, backbone: str) -> list[str]:
    """Rows that lack a seed and so have no mean, each with its count and reason."""
    rows = roster(run)
    rows = rows[(rows["dataset"] == dataset) & (rows["backbone"].isin([backbone, REFERENCE]))]
    told = []
    for row in rows[rows["seeds"] < rows["expected"]].to_dict("records"):
        why = f" ({row['reason'].rstrip('.')})" if row["reason"] else ""
        of = counted(int(row["expected"]), "seed")
        told.append(f'"-": {row["row"]} has {row["seeds"]} of {of}{why}.')
    return told


def of_settings(run: Run, dataset: str, backbone: str) -> list[str]:
    """A warning where rows that stand side by side were trained on different terms."""
    cells = [c for c in _cells(run, dataset) if c.spec["backbone"] == backbone]
    told = []
    objectives = sorted({str(c.spec.get("objective") or "its own") for c in cells})
    if objectives != ["its own"]:
        told.append(f"Objective of each method: {', '.join(objectives)}.")
    for part in ("train", "backbone_config"):
        settings: list[dict[str, Any]] = [c.spec.get(part) or {} for c in cells]
        names = dict.fromkeys(name for found in settings for name in found)
        for name in names:
            if len({repr(found.get(name)) for found in settings}) > 1:
                told.append(f"WARNING: rows differ in {name}; they do not compare like with like.")
    return told


def of_test(
    vs: str, metric: Metric, tested: bool, procedure: Procedure = DEFAULT, compared: str = ""
) -> list[str]:
    """What the marks mean; without the baseline there is no test. `compared` counts comparisons."""
    name, alpha = spelled(*metric), procedure.alpha
    how = f"{procedure.tested}, {procedure.pooled}, {procedure.corrected}"
    ties = f"= best, or tied with the best ({how}, p >= {alpha})."
    if not tested:
        return [f"No test against {vs}: it has no finished row here.", ties]
    return [
        f"* better, v worse than {vs} in {name}: {how} within data set and backbone{compared}, "
        f"p < {alpha}; {ties}"
    ]


def of_columns(metric: Metric, bands: list[str]) -> list[str]:
    """What the columns hold."""
    name = spelled(*metric)
    return [
        f"Test part, K = {metric[1]}. {', '.join(bands)}: {name} on the items of that band alone; "
        "s/epoch: wall seconds of sampling, scoring and update."
    ]


def of_rates(run: Run) -> list[str]:
    """What the rates of false negatives count, and where they are no more than a lower bound."""
    told = false_negatives(run)
    if not len(told):
        return []
    kinds = told.groupby("dataset", sort=True)["knowledge"].first()
    said = "; ".join(
        f"{data}: {'exact' if kind == EXACT else 'a lower bound'}" for data, kind in kinds.items()
    )
    return [
        "FN rate: share of the negatives used in training that are held-out positives of their "
        f"user ({said})."
    ]


def of_damage(run: Run) -> list[str]:
    """What could not be read: cells left out, with the first reason; files, each by itself."""
    told = []
    damaged = frames.inspect(run)
    cells = [sentence for sentence in damaged if sentence.startswith(LOST)]
    if cells:
        was = counted(len(cells), "damaged cell was", "damaged cells were")
        told.append(f"WARNING: {was} left out; the first: {cells[0]}.")
    files = [sentence for sentence in damaged if not sentence.startswith(LOST)]
    told += [f"WARNING: {sentence}." for sentence in files[:SHOWN]]
    if len(files) > SHOWN:
        told.append(f"WARNING: {counted(len(files) - SHOWN, 'more file')} could not be read.")
    return told + [f"Note: {sentence}." for sentence in run.remarks]


def _cells(run: Run, dataset: str) -> list[Cell]:
    return [cell for cell, _ in run.done if cell.spec["dataset"] == dataset]


def _sentence(note: str) -> str:
    return f"{note[:1].upper()}{note[1:].rstrip('.')}."


def _exclusion(exclude: str) -> str:
    if exclude == "none":
        return "Negatives exclude nothing: a train item of the user may be drawn."
    if exclude in HONEST:
        return f"Negatives exclude the user's {exclude} items."
    return f"ORACLE: negatives exclude {exclude}, so training looks at held-out positives."


def _bands(bands: dict[str, Any]) -> str:
    parts = zip(bands["names"], bands["items"], bands["test_rows"], strict=True)
    said = "; ".join(f"{name} {items:,} items, {rows:,} test pairs" for name, items, rows in parts)
    return f"Bands {bands['rule']} of train: {said}."
