"""No lists are more popular than those of `most_popular`: the audit must say so on every data."""

import numpy as np
import pytest
import torch

from negbench.data.interactions import Csr
from negbench.evaluation.full_ranking import evaluate
from negbench.evaluation.metric_names import Metric
from negbench.evaluation.popularity_bias import audit
from negbench.plugins import registry
from negbench.scenario.popularity_bands import Bands
from negbench.scenario.scenario import prepare

K = 10
OTHERS = ("item_knn", "ease")


class Random:
    """Scores that know nothing."""

    def __init__(self, n_items: int) -> None:
        self.n_items = n_items

    def scores(self, users):
        return torch.rand(len(users), self.n_items, generator=torch.Generator().manual_seed(0))


class Outer:
    """Scores by popularity, but the most popular items last."""

    def __init__(self, counts: np.ndarray) -> None:
        self.counts = torch.from_numpy(counts.astype(np.float32))

    def scores(self, users):
        return (-self.counts).expand(len(users), -1).clone()


def biases(train: Csr, test: Csr, seen: Csr) -> dict[str, float]:
    models = {
        name: registry.load("references", name).build(
            registry.load("references", name).Config(), train
        )
        for name in ("most_popular", *OTHERS)
    }
    models |= {"random": Random(train.n_columns), "least": Outer(train.counts)}
    bands, values = Bands.of(train.counts), {}
    for name, model in models.items():
        ranking = evaluate(model, test, seen, bands=bands, metrics=[Metric("ndcg", K)])
        each = audit(
            ranking.top,
            ranking.users,
            train=train,
            test=test,
            seen=seen,
            bands=bands,
            ks=[K],
        )
        values[name] = each["relative_arp", K, "all"]
    return values


@pytest.mark.parametrize("dataset", ["goodbooks", "kuairec", "synthetic"])
def test_most_popular_is_the_most_biased_on_every_data_set(dataset):
    scenario = prepare(dataset)
    values = biases(scenario.split.train, scenario.split.test, scenario.masked("test"))
    assert values["most_popular"] == pytest.approx(1, abs=1e-9)
    assert values["random"] == pytest.approx(0, abs=0.02) and values["least"] < 0
    assert max(values, key=values.__getitem__) == "most_popular"


@pytest.mark.parametrize("seed", range(5))
def test_and_where_few_items_or_many_ties_are(seed):
    rng = np.random.default_rng(seed)
    weights = 1 / (1 + np.arange(30)) ** rng.uniform(0.2, 2)
    cells = rng.random((40, 30)) < np.minimum(0.9, weights / weights.max())
    held = cells & (rng.random(cells.shape) < 0.3)
    train, test = (
        Csr.of(*np.nonzero(part), n_rows=40, n_columns=30) for part in (cells & ~held, held)
    )
    values = biases(train, test, train)
    assert values["most_popular"] == pytest.approx(1, abs=1e-9)
    assert all(value <= 1 + 1e-9 for value in values.values())
