"""Lists by an index: those of exact ranking where its recall is 1, and never a seen item."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from helpers.toy_data import context_of

from negbench.data.interactions import Csr
from negbench.errors import UserError
from negbench.evaluation import index_scorer, item_index
from negbench.evaluation.full_ranking import evaluate, metric_at
from negbench.evaluation.index_scorer import IndexScorer, indexed_items
from negbench.evaluation.metric_names import METRICS, Metric, parse_metrics
from negbench.evaluation.model_scorer import ModelScorer
from negbench.parts.cosine_scores import Angular
from negbench.protocol.step import RankingVectors
from negbench.protocol.view import Similarity
from negbench.scenario.popularity_bands import Bands

USERS, ITEMS = 40, 300


def parts(seed=0, share=0.3):
    generator = np.random.default_rng(seed)
    draw = generator.random((USERS, ITEMS))
    shares = generator.random((USERS, 1)) * share  # histories of unlike lengths
    cells = draw > 1 - shares, draw < 0.02
    return [Csr.of(*np.nonzero(each), n_rows=USERS, n_columns=ITEMS) for each in cells]


SEEN, TARGET = parts()
DOT, CONTEXT = Similarity(), context_of(SEEN)


def model(similarity=DOT, transform=None, score=None):
    generator = torch.Generator().manual_seed(0)
    users, items = (torch.randn(n, 8, generator=generator) for n in (USERS, ITEMS))
    items[5:9] = items[4]  # equal scores
    vectors = RankingVectors(items, similarity, lambda at: users[at], users, score=score)
    prepared = items if similarity.kind == "own" else similarity.prepare(items)
    return ModelScorer(vectors, prepared, CONTEXT, transform)


@pytest.mark.parametrize("average", ["users", "events"])
@pytest.mark.parametrize(
    ("similarity", "transform"),
    [
        (Similarity(), None),
        (Similarity("cosine", 0.1), None),
        (Similarity(), Angular()),
    ],
)
def test_with_a_recall_of_1_everything_is_as_by_exact_ranks(similarity, transform, average):
    exact, bands = model(similarity, transform), Bands.of(SEEN.counts)
    metrics = parse_metrics([f"{name}@5,20" for name in METRICS])
    asked = {"bands": bands, "metrics": metrics, "average": average, "depth": 50}
    first = evaluate(exact, TARGET, SEEN, **asked)
    index = IndexScorer.of(exact)
    second = evaluate(index, TARGET, SEEN, **asked)
    assert second.index_recall == {5: 1, 20: 1, 50: 1} and first.index_recall == {}
    assert np.array_equal(first.top, second.top) and np.array_equal(first.users, second.users)
    inside = np.where(first.ranks <= 50, first.ranks, 0)
    assert np.array_equal(inside, second.ranks) and (first.ranks > 50).any()
    for key, values in first.values.items():
        assert np.array_equal(values, second.values[key], equal_nan=True), key
    ndcg = Metric("ndcg", 20)
    assert metric_at(index, TARGET, SEEN, ndcg, average=average) == pytest.approx(
        metric_at(exact, TARGET, SEEN, ndcg, average=average)
    )


@pytest.mark.parametrize("cells", [1, 500, 2**22])
def test_seen_items_are_never_listed_and_lists_are_full(monkeypatch, cells):
    monkeypatch.setattr(index_scorer, "MOST_CELLS", cells)
    seen, _ = parts(1, share=1.0)  # up to nearly all items of a user
    assert seen.lengths.max() > 250
    scorer = IndexScorer.of(model())
    top = scorer.lists(torch.arange(USERS), seen, 60)
    for user, items in enumerate(top.tolist()):
        listed = [item for item in items if item >= 0]
        assert not set(listed) & set(seen.row(user).tolist())
        assert len(listed) == len(set(listed)) == min(60, ITEMS - seen.lengths[user])


def test_a_list_that_the_walk_cannot_fill_is_ranked_exactly(monkeypatch):
    exact = model()
    scorer = IndexScorer.of(exact)
    whole = scorer.lists(torch.arange(USERS), SEEN, 30)
    search = item_index.ItemIndex.search

    def poor(self, queries, n, width=0):
        scores, ids = search(self, queries, n, width)
        return scores, ids.masked_fill(torch.arange(n) >= 10, -1)

    monkeypatch.setattr(item_index.ItemIndex, "search", poor)
    assert torch.equal(scorer.lists(torch.arange(USERS), SEEN, 30), whole)


def test_a_poor_index_lowers_recall_and_metrics_say_what_its_lists_hold(monkeypatch):
    scorer = IndexScorer.of(model())
    search = item_index.ItemIndex.search

    def blind(self, queries, n, width=0):
        scores, ids = search(self, queries, ITEMS, width)
        return scores[:, 1::2], ids[:, 1::2]  # every second item is never met

    monkeypatch.setattr(item_index.ItemIndex, "search", blind)
    ranking = evaluate(
        scorer, TARGET, SEEN, bands=Bands.of(SEEN.counts), metrics=parse_metrics("recall@20")
    )
    assert 0.3 < ranking.index_recall[20] < 0.9
    hits = [
        np.isin(TARGET.row(u), top).mean()
        for u, top in zip(ranking.users, ranking.top, strict=True)
    ]
    assert ranking.values["recall", 20, "all"] == pytest.approx(np.array(hits), abs=1e-6)


def test_an_index_is_shared_by_scorers_of_the_same_vectors():
    first = IndexScorer.of(model())
    assert IndexScorer.of(model(), first).index is first.index
    assert IndexScorer.of(model(Similarity("cosine")), first).index is not first.index


class MovesItems:
    """A transform with item vectors of its own."""

    def view(self, step):
        return replace(step.view, items=step.view.items * 2)


class MapsItems:
    """A transform that maps the items that are scored."""

    def view(self, step):
        return replace(step.view, through=torch.tanh)


OWN = Similarity("own", score=lambda query, items: -(query - items).square().sum(-1))


@pytest.mark.parametrize(
    ("refused", "match"),
    [
        ({"similarity": OWN}, "scores by a function of its own; use --ranking exact"),
        ({"score": lambda users: users[:, None] * torch.ones(ITEMS)}, "function of its own"),
        ({"transform": MovesItems()}, "ranks by other ones; use --ranking exact"),
        ({"transform": MapsItems()}, "ranks by other ones; use --ranking exact"),
    ],
)
def test_scores_that_are_no_products_with_the_items_are_refused(refused, match):
    with pytest.raises(UserError, match=match):
        indexed_items(model(**refused))


def test_nobody_to_rank():
    empty = Csr.of([], [], n_rows=USERS, n_columns=ITEMS)
    scorer, bands = IndexScorer.of(model()), Bands.of(SEEN.counts)
    ranking = evaluate(scorer, empty, SEEN, bands=bands, metrics=parse_metrics("ndcg@5"))
    assert ranking.top.shape == (0, 5) and ranking.ranks.shape == (0,)
    assert np.isnan(metric_at(scorer, empty, SEEN))
