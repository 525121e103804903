"""Notes under a tuning table: the protocol in words, what is missing, what its figures are not."""

from collections.abc import Iterator, Mapping, Sequence
from math import isnan
from statistics import fmean
from typing import Any

from negbench.evaluation.metric_names import Metric
from negbench.storage.search_store import TRUSTED

from ..number_format import counted, listed, metric_label
from ..runs.notes import Note
from ..tables.column_formats import signed_percent
from . import expected_score
from .anova import FEWEST
from .lines import Line
from .searches import Searched

POINTS = {
    "sobol": "points of one scrambled Sobol sequence (seed {seed})",
    "random": "independent random points (seed {seed})",
    "grid": "a grid over learning rate and L2 with Sobol points for the rest (seed {seed})",
}
UNREAD = Note(
    "test",
    "No test score of a trial was read to choose a setting: expected scores and oracles alone use "
    "them.",
)
ONE_SEED = Note(
    "seeds",
    "Default, E_N and the oracle of the setting are test scores of one training each; `negbench "
    "table` shows the winners over fresh seeds, and its figures differ.",
)
EDGE = Note(
    "legend",
    "!: this value of the winner lies in the outer tenth of its range or beyond it, or at an end "
    "of its list; better ones may lie outside.",
)
ANOVA = Note(
    "legend",
    "Parameter: the one with the greatest share in the variance of the validation value over the "
    f"trials, by an additive model. R2: of its predictions of trials left out. {FEWEST} trials or "
    "more are needed; without any R2 above 0 no share is shown.",
)


def label(searched: Searched) -> str:
    """The metric of selection as papers write it."""
    return metric_label(Metric.recorded(searched.metric))


def of_protocol(searched: Searched) -> Iterator[Note]:
    """The protocol in words, with its hash."""
    protocol = searched.protocol
    seed, trials = protocol.get("points_seed", 0), int(protocol["trials"])
    points = POINTS.get(str(protocol.get("search")), "points").format(seed=seed)
    others = f", the others {points}, the same shared coordinates for all" if trials > 1 else ""
    yield Note(
        "settings",
        f"Protocol {searched.hash}: {counted(trials, 'trial')} a row that has anything to search, "
        f"the first the row as typed, all else as published{others}; one seed a trial.",
    )
    yield Note("budget", f"{_fidelity(protocol)}: {_budget(protocol.get('budget') or {})}.")
    yield _selection(searched)
    yield Note(
        "split",
        f"Split {protocol.get('split')} ({protocol.get('split_hash')}), data "
        f"{str(protocol.get('data'))[:12]}, exclusion {protocol.get('exclude')}.",
    )


def _fidelity(protocol: Mapping[str, Any]) -> str:
    if protocol.get("fidelity") == "halving":
        return (
            "Successive halving, at rungs that are the same for every row; the published default "
            "is never cut; the budget of a trial that is not cut"
        )
    return "Every trial of every row has the whole budget"


def _budget(budget: Mapping[str, Any]) -> str:
    """What a budget sets; None and 0 leave a default as it is."""
    words = {"epochs": "at most {} epochs", "eval_every": "epochs between evaluations {}"}
    usual = {"eval_every": 1}
    pieces = [
        words.get(name, f"{name.replace('_', ' ')} {{}}").format(value)
        for name, value in budget.items()
        if value and value != usual.get(name)
    ]
    return ", ".join(pieces) or "that of the defaults"


def _selection(searched: Searched) -> Note:
    protocol, metric = searched.protocol, label(searched)
    seeds = [str(seed) for seed in protocol.get("final_seeds") or ()]
    finalists = counted(int(protocol.get("finalists") or 1), "finalist")
    chosen = "picks the winner"
    if seeds:
        again = f"the mean over seeds {listed(seeds)}" if seeds[1:] else f"seed {seeds[0]}"
        chosen = f"picks {finalists}, {again} the winner"
    fresh = searched.test_seeds
    tested = f", which is tested on {_span(fresh)}" if fresh else ""
    return Note(
        "seeds",
        f"Selection: validation {metric} of seed {protocol.get('trial_seed', 0)} {chosen}{tested}; "
        "a reference has no seed, so the best on validation wins.",
    )


def _span(seeds: Sequence[int]) -> str:
    if len(seeds) > 2 and list(seeds) == list(range(seeds[0], seeds[-1] + 1)):
        return f"seeds {seeds[0]} to {seeds[-1]}"
    return f"seed{'s' if len(seeds) > 1 else ''} {listed([str(seed) for seed in seeds])}"


def of_lines(lines: Sequence[Line]) -> Iterator[Note]:
    """What these rows lack, and how their winners and rungs turned out."""
    rows = [line.searched for line in lines]
    if waiting := [row for row in rows if row.pending]:
        verb = "has" if len(waiting) == 1 else "have"
        yield Note(
            "pending",
            f"WARNING: {len(waiting)} of {counted(len(rows), 'row')} {verb} trials pending: the "
            "figures are of those that are over and may change.",
        )
    if any(trial.failed for row in rows for trial in row.trials):
        yield Note("missing", f"(n): failed trials. {expected_score.FAILED_LAST}")
    if halved := [row.row for row in rows if row.halved]:
        verb = "has" if len(halved) == 1 else "have"
        yield Note(
            "missing",
            f"{counted(len(halved), 'row')} {verb} no expected score below E_N: "
            f"{expected_score.CUT}.",
        )
    yield from _correlations(rows)
    yield from _curse(lines)


def _curse(lines: Sequence[Line]) -> Iterator[Note]:
    """The winner's curse: the value that picked a winner, against its mean on more seeds."""
    known = [line for line in lines if not line.reference and not isnan(line.curse)]
    if not known:
        return
    greatest = max(known, key=lambda line: line.curse)
    mean = signed_percent(fmean(line.curse for line in known))
    most = f"{signed_percent(greatest.curse)} for {greatest.searched.row}"
    outcome = f"{mean} in the mean over {len(known)} rows, at most {most}"
    yield Note(
        "gap",
        f"Winner's curse: validation {label(known[0].searched)} of a winner on the seed that made "
        f"it a finalist, against its mean on the seeds after: "
        f"{outcome if len(known) > 1 else most}.",
    )


def _correlations(rows: Sequence[Searched]) -> Iterator[Note]:
    """How the order of the trials at a rung agrees with that at the end."""
    rungs = [(row.row, rung) for row in rows for rung in row.search.get("rungs") or ()]
    if not rungs:
        return
    known = [
        (float(rung["correlation"]), name, int(rung["epochs"]))
        for name, rung in rungs
        if rung.get("correlation") is not None
    ]
    text = "not known"
    if known:
        least, name, epochs = min(known)
        text = (
            f"{fmean(each[0] for each in known):.2f} in the mean, least {least:.2f} "
            f"({name} at {counted(epochs, 'epoch')})"
        )
    low = [name for value, name, _ in known if round(value, 2) < TRUSTED]
    unknown = [name for name, rung in rungs if rung.get("correlation") is None]
    doubts = [
        f"{words} in {listed(list(dict.fromkeys(names)))}"
        for words, names in ((f"below {TRUSTED}", low), ("not known", unknown))
        if names
    ]
    warning = f"; {' and '.join(doubts)}: not to be trusted there" if doubts else ""
    yield Note(
        "gap",
        "Halving: rank correlation of validation at a rung with the end, over the trials that "
        f"reached it: {text}{warning}.",
    )


def difference(one: Searched, others: Sequence[Searched]) -> Note | None:
    """Why a table's rows do not stand with others of its data set; None where none are apart."""
    apart = [other for other in others if _apart(one, other)]
    if not apart:
        return None
    reasons = list(dict.fromkeys(f"{other.hash} ({_differs(one, other)})" for other in apart))
    return Note(
        "settings",
        f"Not compared with the rows of {one.dataset} under protocol {listed(reasons)}: they "
        "stand in a table of their own.",
    )


def _apart(one: Searched, other: Searched) -> bool:
    if one.dataset != other.dataset:
        return False
    ranges = other.backbone == one.backbone and other.ranges_hash != one.ranges_hash
    return other.hash != one.hash or ranges


def _differs(one: Searched, other: Searched) -> str:
    names = [
        name.replace("_", " ")
        for name in sorted({*one.protocol, *other.protocol})
        if one.protocol.get(name) != other.protocol.get(name)
    ]
    if "split" in names and "split hash" in names:
        names.remove("split hash")
    if one.backbone == other.backbone and one.ranges_hash != other.ranges_hash:
        names.append("shared ranges")
    return f"another {listed(names)}" if names else "another hash"
