"""Popularity bias and false negatives of a finished cell, recounted from its files alone.

The lists, the counts and the logged negatives are read as any reader would read them, and every
measure is written out once more in plain numpy, by its definition and not by our functions.
"""

from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from helpers.small_runs import DATA, go
from scipy.stats import spearmanr

from negbench.data.interactions import Csr
from negbench.ops.top_k import tie_places
from negbench.scenario.scenario import Scenario, prepare
from negbench.storage.cell_store import Cell, read_cells

K = 20


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("recounted") / "run"
    settings = {"probe": "full", "log_negatives": 1_000_000, "metrics": [f"ndcg@{K}"]}
    methods = ["random", "popularity", "dns(candidates=8)", "mixed(pool=16,uniform=16)"]
    assert not go(out, methods=methods, references=["most_popular"], seeds="1", **settings).failed
    return out


@pytest.fixture(scope="module")
def scenario() -> Scenario:
    return prepare(DATA)


def cells(run: Path) -> list[Cell]:
    whole, damaged = read_cells(run)
    assert len(whole) == 5 and not damaged
    return whole


def measured(cell: Cell, part: str = "test") -> dict[str, float]:
    return {
        line["metric"]: line["value"]
        for line in cell.record["metrics"]
        if line["split"] == part and line["band"] == "all" and line["k"] in (0, K)
    }


def sets(part: Csr) -> list[set[int]]:
    return [set(map(int, part.row(user))) for user in range(part.n_rows)]


def test_exposure_and_popularity_of_the_lists(run: Path, scenario: Scenario) -> None:
    n_items, train = scenario.split.n_items, scenario.split.train
    popularity = Counter(train.indices.tolist())
    tail = {i for i in range(n_items) if scenario.bands.labels[i] == len(scenario.bands.names) - 1}
    for cell in cells(run):
        arrays = cell.arrays("users", "top", "item_counts")
        assert arrays["item_counts"].tolist() == [popularity[i] for i in range(n_items)]
        lists = [[i for i in row if i >= 0] for row in arrays["top"][:, :K].tolist()]
        shown = Counter(i for each in lists for i in each)
        x = np.array([shown[i] for i in range(n_items)], float)
        share = x[x > 0] / x.sum()
        values = measured(cell)
        gaps = np.abs(x[:, None] - x[None, :]).sum()
        assert values["gini"] == pytest.approx(gaps / (2 * n_items * x.sum()), rel=1e-12)
        assert values["entropy"] == pytest.approx(-(share * np.log(share)).sum(), rel=1e-12)
        assert values["coverage"] == len(shown) / n_items
        arp = np.mean([np.mean([popularity[i] for i in each]) for each in lists])
        assert values["arp"] == pytest.approx(arp, rel=1e-12)
        aplt = np.mean([np.mean([i in tail for i in each]) for each in lists])
        assert values["aplt"] == pytest.approx(aplt, rel=1e-12)


def test_parity_of_the_bands(run: Path, scenario: Scenario) -> None:
    test, seen = sets(scenario.split.test), sets(scenario.masked("test"))
    bands = [set(np.flatnonzero(scenario.bands.labels == b)) for b in range(3)]
    for cell in cells(run):
        arrays = cell.arrays("users", "top")
        users = arrays["users"].tolist()
        lists = [{i for i in row if i >= 0} for row in arrays["top"][:, :K].tolist()]
        both = list(zip(users, lists, strict=True))
        hit = [
            sum(len(shown & test[u] & b) for u, shown in both)
            / sum(len(test[u] & b) for u in users)
            for b in bands
        ]
        chance = [
            sum(len(shown & b) for shown in lists) / sum(len(b - seen[u]) for u in users)
            for b in bands
        ]
        values = measured(cell)
        assert values["popreo"] == pytest.approx(np.std(hit) / np.mean(hit), rel=1e-12)
        assert values["poprsp"] == pytest.approx(np.std(chance) / np.mean(chance), rel=1e-12)


def test_rank_correlations_against_scipy(run: Path, scenario: Scenario) -> None:
    """From scores of our own: the ranks of all unseen items under the counts of train."""
    (cell,) = [cell for cell in cells(run) if cell.spec["method"] == "most_popular"]
    test, seen = scenario.split.test, sets(scenario.masked("test"))
    counts = cell.arrays("item_counts")["item_counts"]
    order = np.lexsort((tie_places(len(counts)).numpy(), -counts))
    by_user, of_item = [], {}
    for user in range(test.n_rows):
        unseen = [i for i in order.tolist() if i not in seen[user]]
        ranks = {i: unseen.index(i) + 1 for i in map(int, test.row(user))}
        for item, rank in ranks.items():
            of_item.setdefault(item, []).append(rank)
        popularity = [counts[i] for i in ranks]
        if len(set(popularity)) > 1:
            by_user.append(spearmanr(popularity, list(ranks.values())).statistic)
    means = [np.mean(ranks) for ranks in of_item.values()]
    values = measured(cell)
    assert values["pru"] == pytest.approx(-np.mean(by_user), abs=1e-12)
    expected = -spearmanr([counts[i] for i in of_item], means).statistic
    assert values["pri"] == pytest.approx(expected, abs=1e-12)


def test_false_negatives_recounted_from_the_log(run: Path, scenario: Scenario) -> None:
    truth, split = scenario.interactions.truth, scenario.split
    assert truth is not None
    train, valid, test, liked = map(sets, (split.train, split.valid, split.test, truth))
    held = [(valid[u] | test[u] | liked[u]) - train[u] for u in range(split.n_users)]
    trained = [cell for cell in cells(run) if cell.spec["backbone"] != "reference"]
    assert len(trained) == 4
    for cell in trained:
        with np.load(cell.folder / "negatives.npz") as log:
            users, items, epochs = (log[name].tolist() for name in ("user", "negative", "epoch"))
        best = cell.record["fit"]["best_epoch"]
        kept = [(u, j) for u, j, e in zip(users, items, epochs, strict=True) if e <= best]
        false = sum(j in held[u] for u, j in kept)
        assert not any(j in train[u] for u, j in kept)
        values: dict[str, Any] = measured(cell, "train")
        assert values["fn_total"] == len(kept) and values["fn_count"] == false
        assert values["fnr"] == pytest.approx(false / len(kept), rel=1e-12)
        rows = cell.epochs()
        assert sum(row["fn_total"] for row in rows) == len(users)
