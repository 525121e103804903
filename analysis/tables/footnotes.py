"""Footnotes of a table: what a reader must know beside the numbers, from the records.

Every output carries them: split, exclusion (ORACLE where training looks at held-out pairs), bands,
seeds, test and correction, what is missing and why, and what the data are.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import pandas as pd

from negbench.evaluation.metric_names import Metric
from negbench.storage.cell_store import Cell

from ..measures.false_negatives import EXACT, false_negatives
from ..number_format import counted, listed, metric_label
from ..runs import frames
from ..runs.frames import REFERENCE, Run
from ..runs.notes import Note, note_of_record
from ..runs.over_seeds import rows_of_run
from ..runs.ranked_cells import RankedCell
from ..runs.tuned_rows import tuned_of
from ..statistics.test_procedure import DEFAULT, design
from . import split_notes
from .baseline_phrases import MISSING, against_in, untested
from .budget_notes import of_budget
from .code_notes import of_code
from .index_notes import of_index
from .pending_notes import of_pending
from .rate_text import margin_note
from .training_notes import of_training
from .tuning_notes import of_tuning

SHOWN = 3
"""How many damaged files are named one by one."""
ONE_USER = (
    "No test: one test user does not show how much users differ, so no order of the rows is shown "
    "(= at every finished row)."
)
BUDGET = ("epochs", "patience", "eval_every", "select", "time_limit", "dim", "batch_size")
"""Settings of training and backbone that no search chooses."""
HONEST = ("train", "none")
"""Exclusions that look at no held-out pair; any other is an oracle."""


def of_block(
    run: Run, dataset: str, backbone: str, means: str = "Mean ± standard deviation"
) -> tuple[Note, ...]:
    """All notes of one data set and backbone; `means` names the statistic over seeds."""
    return (
        *of_data(run, dataset),
        *of_seeds(run, dataset, backbone, means),
        *of_tuning(run, dataset, backbone),
        *of_settings(run, dataset, backbone),
        *of_budget(run, dataset, backbone),
        *of_code(run, dataset, backbone),
        *of_gaps(run, dataset, backbone),
        *notes_of_data(run, dataset),
    )


def of_data(run: Run, dataset: str) -> list[Note]:
    """The protocol of one data set: size, split, ranking, exclusion, bands."""
    cells = _cells(run, dataset)
    data, exact = cells[0].record["data"], not cells[0].record.get("ranking")
    ranking = "full" if exact else "approximate"
    size = (
        f"{counted(data['n_users'], 'user')}, {counted(data['n_items'], 'item')}, "
        f"{counted(data['n_interactions'], 'interaction')}; {ranking} ranking over "
        f"{counted(data['n_items'], 'item')}."
    )
    return [
        Note("size", size),
        split_notes.of_split(cells),
        Note("exclusion", _exclusion(cells[0].spec["exclude"])),
        split_notes.of_bands(cells, _bands),
    ]


def notes_of_data(run: Run, dataset: str) -> list[Note]:
    """The notes in the records of a data set and its cells, each once, and on their training."""
    cells = _cells(run, dataset)
    texts = split_notes.of_records(cells, _record_notes)
    data = (Note("data", text) for text in texts)
    return [*of_index(cells), *data, *of_training(run, dataset)]


def _record_notes(cell: Cell) -> Iterator[str]:
    for text in (*cell.record["data"].get("notes", ()), *cell.record.get("notes", ())):
        note = note_of_record(text)
        if note.kind != "oracle":  # the note on the exclusion warns of an oracle already
            yield _sentence(note.text)


def of_seeds(
    run: Run, dataset: str, backbone: str, means: str = "Mean ± standard deviation"
) -> list[Note]:
    """Which seeds, or a warning if there is one only; `means` names the statistic over them."""
    here = [cell for cell in _cells(run, dataset) if cell.backbone == backbone]
    seeds = {int(cell.spec["seed"]) for cell in here}
    if not seeds:  # every cell of the block failed
        return []
    names, splits = ", ".join(map(str, sorted(seeds))), len(split_notes.by_split(here))
    text = f"{means} over {len(seeds)} seeds ({names})."
    if splits > 1:
        trainings = len({(cell.partition, int(cell.spec["seed"])) for cell in here})
        text = f"{means} over {design(len(seeds), splits)} ({names}): each split trains each seed."
        if trainings < splits * len(seeds):
            text = f"{means} over {trainings} trainings: {splits} splits, not each with each of "
            text += f"{counted(len(seeds), 'seed')} ({names})."
    elif len(seeds) == 1:
        text = (
            f"WARNING: one seed ({names}): the spread over seeds is unknown and every test covers "
            "users alone; use 5."
        )
    return [Note("seeds", text), *_of_drawing_references(run, dataset)]


def _of_drawing_references(run: Run, dataset: str) -> list[Note]:
    """That references which draw at random count with one training, as no test says of itself."""
    references = [pair for pair in run.done if pair[0].backbone == REFERENCE]
    drawing = {
        row
        for cell, row in references
        if cell.spec["dataset"] == dataset and "seed" in (cell.spec.get("method_config") or {})
    }
    if not drawing:
        return []
    verb, each = ("draws", "") if len(drawing) == 1 else ("draw", " of each")
    text = (
        f"{listed(sorted(drawing))} {verb} at random: one training{each} counts, and no test "
        "covers how another would differ."
    )
    return [Note("seeds", text)]


def of_gaps(run: Run, dataset: str, backbone: str) -> list[Note]:
    """Rows that lack a seed and so have no mean, each with its count and reason."""
    rows = rows_of_run(run)
    rows = rows[(rows["dataset"] == dataset) & (rows["backbone"].isin([backbone, REFERENCE]))]
    notes = []
    for row in rows[rows["seeds"] < rows["expected"]].to_dict("records"):
        why = f" ({row['reason'].rstrip('.')})" if row["reason"] else ""
        several = len(split_notes.by_split(_cells(run, dataset))) > 1
        of = counted(int(row["expected"]), "training" if several else "seed")
        of += " (a split and seed each)" if several else ""
        notes.append(Note("gap", f'"-": {row["row"]} has {row["seeds"]} of {of}{why}.'))
    return notes


def of_settings(run: Run, dataset: str, backbone: str) -> list[Note]:
    """The objectives, and a warning for each setting in which the rows of a block differ."""
    cells = [c for c in _cells(run, dataset) if c.backbone == backbone]
    notes = []
    objectives = sorted({str(c.spec.get("objective") or "its own") for c in cells})
    if objectives and objectives != ["its own"]:
        notes.append(Note("settings", f"Objective of each method: {', '.join(objectives)}."))
    differ = _differing(cells)
    if any(tuned_of(c.spec) for c in cells):  # what a search chose may differ; its budget may not
        differ = [name for name in differ if name in BUDGET]
    if differ:
        text = f"WARNING: rows differ in {listed(differ)}; they do not compare like with like."
        notes.append(Note("settings", text))
    return notes


def _differing(cells: Sequence[Cell]) -> list[str]:
    """The settings of training and backbone that are not the same in all cells."""
    names: dict[str, None] = {}
    for part in ("train", "backbone_config"):
        settings: list[dict[str, Any]] = [c.spec.get(part) or {} for c in cells]
        every = dict.fromkeys(name for setting in settings for name in setting)
        names |= {n: None for n in every if len({repr(s.get(n)) for s in settings}) > 1}
    return list(names)


def of_test(vs: str, metric: Metric, tests: pd.DataFrame) -> list[Note]:
    """What the marks mean, and what the test covers, from the lines of `significance`.

    Without the baseline there is no test against it.
    """
    name, alpha = metric_label(metric), DEFAULT.alpha
    how = "; elsewhere ".join(DEFAULT.words_for(tests)) or DEFAULT.tested
    ties = (
        f"= best of its data set and backbone, or not told apart from it ({how}; Holm-corrected "
        f"over all pairs of rows, p >= {alpha}); references count."
    )
    if len(tests) and (tests["n_users"] < 2).all():
        return [Note("test", ONE_USER)]
    if not (tests["verdict"] != "").any():
        return [Note("test", f"No test against {vs}: {MISSING}."), Note("test", ties)]
    marks = (
        f"* better, v worse than {against_in(vs, tests)} in {name}: {how}, {DEFAULT.corrected} "
        f"within data set and backbone, p < {alpha}{untested(vs, tests)}"
    )
    same = ties.replace(f"({how}; ", "(the same test, ")
    return [Note("test", f"{marks}; {same}")]


def of_metric(run: Run, metric: Metric) -> list[Note]:
    """That a metric was chosen when the run was over, where it was: its table can be picked."""
    asked = [metric_label(known) for known in frames.measured(run)]
    if metric in frames.measured(run):
        return []
    text = f"{metric_label(metric)} was chosen after training: the run measured {', '.join(asked)}."
    return [Note("columns", text)]


def of_columns(metric: Metric, bands: list[str]) -> list[Note]:
    """What the columns hold."""
    text = (
        f"Test part, K = {metric.k}. {', '.join(bands)}: {metric_label(metric)} on the items of "
        "that band alone."
    )
    return [Note("columns", text)]


def of_rates(run: Run) -> list[Note]:
    """What false-negative rates count, and on which data they are a lower bound only."""
    rates = false_negatives(run)
    rates = rates[rates["fnr"].notna()]
    if not len(rates):
        return []
    kinds = rates.groupby("dataset", sort=True)["knowledge"].first()
    known = "; ".join(
        f"{data}: {'exact' if kind == EXACT else 'a lower bound'}" for data, kind in kinds.items()
    )
    text = (
        "FN rate: share of the negatives used in training that are held-out positives of their "
        f"user ({known})."
    )
    lines = [{str(name): value for name, value in x.items()} for x in rates.to_dict("records")]
    return [Note("rates", text), *margin_note(lines, ["fnr"])]


def of_damage(run: Run) -> list[Note]:
    """What is missing: cells not trained yet, cells left out with the first reason, lost files."""
    frames.inspect(run)
    problems = list(dict.fromkeys(run.problems))
    cells = [problem.text for problem in problems if problem.kind == "cell"]
    files = [problem.text for problem in problems if problem.kind == "file"]
    texts = []
    if cells:
        count = counted(len(cells), "damaged cell was", "damaged cells were")
        texts.append(f"WARNING: {count} left out; the first: {cells[0]}.")
    texts += [f"WARNING: {text}." for text in files[:SHOWN]]
    if len(files) > SHOWN:
        texts.append(f"WARNING: {counted(len(files) - SHOWN, 'more file')} could not be read.")
    missing = [Note("missing", f"Note: {remark}.") for remark in run.remarks]
    return [*of_pending(run), *(Note("damage", text) for text in texts), *missing]


def _cells(run: Run, dataset: str) -> list[RankedCell]:
    return [cell for cell, _ in run.done if cell.spec["dataset"] == dataset]


def _sentence(note: str) -> str:
    return f"{note[:1].upper()}{note[1:].rstrip('.')}."


def _exclusion(exclude: str) -> str:
    if exclude == "none":
        return "Negatives exclude nothing: a train item of the user may be drawn."
    if exclude in HONEST:
        return f"Negatives exclude the user's {exclude} items."
    return f"ORACLE: negatives exclude {exclude}, so training looks at held-out positives."


def _bands(bands: Mapping[str, Any]) -> str:
    parts = zip(bands["names"], bands["items"], bands["test_rows"], strict=True)
    text = "; ".join(f"{name} {items:,} items, {rows:,} test pairs" for name, items, rows in parts)
    after = f", chosen after training (the run had {own})" if (own := bands.get("of_run")) else ""
    return f"Bands {bands['rule']} of train{after}: {text}."
