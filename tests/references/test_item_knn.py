"""Shrunk cosine neighbours against plain loops."""

import math

import numpy as np
import pytest
import torch

from negbench.data.interactions import Csr
from negbench.evaluation.full_ranking import metric_at
from negbench.evaluation.metric_names import Metric
from negbench.ops.top_k import tie_places
from negbench.references.item_knn import Config, build


def random_train(users: int = 30, items: int = 25, seed: int = 0) -> Csr:
    cells = np.random.default_rng(seed).random((users, items)) < 0.2
    cells[:, 4] = False  # an item nobody met
    return Csr.of(*np.nonzero(cells), n_rows=users, n_columns=items)


def naive_scores(train: Csr, k: int, h: float) -> np.ndarray:
    met = [set(np.flatnonzero([i in train.row(u) for u in range(train.n_rows)])) for i in range(25)]
    places = tie_places(25).tolist()
    scores = np.zeros((train.n_rows, 25))
    for i in range(25):
        alike = {
            j: len(met[i] & met[j]) / (math.sqrt(len(met[i]) * len(met[j])) + h)
            for j in range(25)
            if j != i and met[i] & met[j]
        }
        nearest = sorted(alike, key=lambda j: (-alike[j], places[j]))[:k]
        for u in range(train.n_rows):
            scores[u, i] = sum(alike[j] for j in nearest if j in train.row(u))
    return scores


@pytest.mark.parametrize(("k", "h"), [(3, 0.0), (5, 2.5), (1, 10.0), (100, 1.0)])
def test_against_naive_loops(k: int, h: float) -> None:
    train = random_train()
    scores = build(Config(neighbours=k, shrinkage=h), train).scores(torch.arange(30))
    assert scores.dtype == torch.float32
    assert np.allclose(scores.numpy(), naive_scores(train, k, h), atol=1e-6)


def test_a_catalogue_of_many_blocks_is_built_the_same() -> None:
    train = random_train()
    wide = Csr(train.indptr.copy(), train.indices.copy(), 700)
    scores = build(Config(shrinkage=1.0), wide).scores(torch.arange(30))
    few = build(Config(shrinkage=1.0), train).scores(torch.arange(30))
    assert torch.equal(scores[:, :25], few) and not scores[:, 25:].any()


def test_a_checkerboard_is_continued() -> None:
    users, items = np.nonzero(np.add.outer(np.arange(8), np.arange(12)) % 2 == 0)
    held = (items + users) // 2 % 6 == 0
    cells = (users, items)
    train, test = (
        Csr.of(users[which], items[which], n_rows=8, n_columns=12) for which in (~held, held)
    )
    assert len(cells[0]) == len(train) + len(test)
    assert metric_at(
        build(Config(shrinkage=0.0), train), test, train, Metric("ndcg", 5)
    ) == pytest.approx(1)


@pytest.mark.parametrize("wrong", [{"neighbours": 0}, {"shrinkage": -1.0}])
def test_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(ValueError, match=next(iter(wrong))):
        Config(**wrong)  # type: ignore[arg-type]
