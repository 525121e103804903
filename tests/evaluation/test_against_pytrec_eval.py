"""What finished cells say of each user, against trec_eval: trained, ranked, stored and read again.

trec_eval gets the stored lists and the test pairs; that the lists are the unseen items by score is
tested apart. Its `recip_rank` looks at the whole list, so there the list is cut at K.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import pytrec_eval
import torch
from helpers.small_runs import DATA, go

from negbench.analysis.runs.frames import open_run, user_values
from negbench.evaluation.metric_names import METRICS, Metric
from negbench.experiment.cell.run import reference
from negbench.experiment.cell.spec import CellSpec
from negbench.ops.top_k import tie_places
from negbench.scenario.scenario import Scenario, prepare

TREC = {"ndcg": "ndcg_cut", "recall": "recall", "hit": "success", "map": "map_cut"} | {
    "precision": "P"
}
CUTS = (1, 5, 20, 50)
EXACT = 3e-8  # half a unit in the last place of the single precision that values are stored in


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("trec") / "run"
    metrics = [f"{','.join(METRICS)}@{','.join(map(str, CUTS))}"]
    result = go(
        out, methods=["random"], references=["most_popular", "ease"], seeds="1", metrics=metrics
    )
    assert not result.failed
    return out


@pytest.fixture(scope="module")
def scenario() -> Scenario:
    return prepare(DATA)


def judged_by_trec(
    lists: dict[int, list[int]], wanted: dict[int, set[int]], k: int
) -> Iterator[tuple[str, int, float]]:
    """Each metric at k of each user, by trec_eval."""
    qrels = {str(u): {str(i): 1 for i in items} for u, items in wanted.items()}
    full = {str(u): {str(i): -float(r) for r, i in enumerate(lists[u])} for u in wanted}
    cut = {u: dict(list(of.items())[:k]) for u, of in full.items()}
    asked = {f"{trec}.{k}" for trec in TREC.values()}
    values = pytrec_eval.RelevanceEvaluator(qrels, asked).evaluate(full)
    first = pytrec_eval.RelevanceEvaluator(qrels, {"recip_rank"}).evaluate(cut)
    for user, value in values.items():
        for name, trec in TREC.items():
            yield name, int(user), value[f"{trec}_{k}"]
        yield "mrr", int(user), first[user]["recip_rank"]


def items_of(part: Any, users: Any) -> dict[int, set[int]]:
    return {int(u): set(map(int, part.row(u))) for u in users if len(part.row(u))}


@pytest.mark.parametrize("k", CUTS)
def test_every_value_of_every_user_on_every_band(run: Path, scenario: Scenario, k: int) -> None:
    opened = open_run(run)
    assert {row for _, row in opened.done} == {"random", "most_popular", "ease"}
    for cell, row in opened.done:
        arrays = cell.arrays("users", "top")
        shown = [[item for item in row if item >= 0] for row in arrays["top"].tolist()]
        lists = dict(zip(arrays["users"].tolist(), shown, strict=True))
        assert all(len(set(each)) == len(each) >= k for each in lists.values())
        wanted = items_of(scenario.split.test, arrays["users"])
        for band in ("all", *scenario.bands.names):
            inside = wanted
            if band != "all":
                place = scenario.bands.names.index(band)
                of_band = set(np.flatnonzero(scenario.bands.labels == place).tolist())
                inside = {u: items & of_band for u, items in wanted.items() if items & of_band}
            mine = {name: user_values(cell, Metric(name, k), band) for name in METRICS}
            for name, user, theirs in judged_by_trec(lists, inside, k):
                assert mine[name][user] == pytest.approx(theirs, abs=EXACT), (row, band, name, user)
            assert {len(values) for values in mine.values()} == {len(inside)}


@pytest.mark.parametrize("name", ["most_popular", "ease"])
def test_the_lists_are_the_first_unseen_items_by_score(
    run: Path, scenario: Scenario, name: str
) -> None:
    scorer = reference(CellSpec(DATA, "reference", name), scenario)
    (cell,) = [cell for cell, row in open_run(run).done if row == name]
    arrays, places = cell.arrays("users", "top"), tie_places(scenario.split.n_items).numpy()
    for user, shown in zip(arrays["users"], arrays["top"], strict=True):
        scores = scorer.scores(torch.tensor([int(user)]))[0].double().numpy().copy()
        scores[scenario.masked("test").row(user)] = -np.inf
        order = [int(i) for i in np.lexsort((places, -scores)) if scores[i] > -np.inf]
        assert [i for i in shown.tolist() if i >= 0] == order[: len(shown)]
