"""The note on how the rows of a block were tuned; a block that was not has none.

What the cells know is how many trials a row had and the hash of the protocol; the metric, the
finalists and their seeds are said where a search of it is at hand.
"""

from collections.abc import Iterator

from negbench.evaluation.metric_names import Metric
from negbench.storage.search_store import Search

from ..number_format import counted, listed, metric_label
from ..runs.frames import REFERENCE, Run
from ..runs.notes import Note
from ..runs.tuned_rows import protocols_in_words, search_at_hand, trials_in_words, tuned_rows


def of_tuning(run: Run, dataset: str, backbone: str) -> Iterator[Note]:
    """How many trials each row had, and by what its winner was chosen."""
    here = {k: v for k, v in tuned_rows(run).items() if k[0] == dataset}
    rows = {key[1:]: tuned for key, tuned in here.items() if key[1] in (backbone, REFERENCE)}
    searched = {row: tuned for row, tuned in rows.items() if tuned.trials > 1}
    if not searched:
        return
    each = trials_in_words([tuned.trials for tuned in searched.values()])
    alone = [row[1] for row in rows if row not in searched]
    nothing = f"; nothing to search in {listed(alone)}" if alone else ""
    protocols = list(dict.fromkeys(p for tuned in searched.values() for p in tuned.protocols))
    search = search_at_hand(run, dataset, protocols)
    how = _choice(search) if search else "chosen on the validation part alone"
    if search and any(row[0] == REFERENCE for row in searched):
        how += ", of references one training"
    text = f"Tuned: {each}{nothing}; {how} ({protocols_in_words(protocols)})."
    yield Note("tuning", f"{text}{_seeds_again(run, dataset, backbone, search)}")


def _seeds_again(run: Run, dataset: str, backbone: str, search: Search | None) -> str:
    """A sentence on the seeds that the choice saw too: their trainings are no fresh ones."""
    protocol = search["protocol"] if search else {}
    chose = {int(protocol.get("trial_seed", 0)), *map(int, protocol.get("final_seeds", ()))}
    here = {
        int(cell.spec["seed"])
        for cell, _ in run.done
        if (cell.spec["dataset"], cell.backbone) == (dataset, backbone)
    }
    again = sorted(chose & here) if search else []
    if not again:
        return ""
    which = f"Seeds {listed(list(map(str, again)))}" if len(again) > 1 else f"Seed {again[0]}"
    return f" {which} served the choice too (--seeds 100-104: fresh ones)."


def _choice(search: Search) -> str:
    """The steps of the choice: metric, finalists and seeds."""
    protocol = search["protocol"]
    metric = metric_label(Metric.recorded(str(protocol["select"])))
    finalists, seeds = int(protocol["finalists"]), len(protocol["final_seeds"])
    points = f"the published default and {protocol['search']} points"
    rungs = ", by successive halving" if protocol.get("fidelity") == "halving" else ""
    return (
        f"{points}{rungs}; validation {metric} of one seed chose {counted(finalists, 'finalist')}, "
        f"its mean over {counted(seeds, 'other seed')} the winner"
    )
