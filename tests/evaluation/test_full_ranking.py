"""Evaluation: who is ranked, what is masked, and what bands add up to."""

from dataclasses import dataclass

import numpy as np
import pytest
import torch
from helpers.naive_metrics import naive_metrics
from torch import Tensor

from negbench.data.interactions import Csr
from negbench.data.load import load
from negbench.evaluation import full_ranking
from negbench.evaluation.full_ranking import Ranking, evaluate, metric_at
from negbench.evaluation.metric_kernels import metric_values
from negbench.evaluation.metric_names import METRICS, Metric, parse_metrics
from negbench.ops.top_k import tie_places
from negbench.references import most_popular
from negbench.scenario.popularity_bands import Bands
from negbench.scenario.splits import split


@dataclass(frozen=True)
class Table:
    """Scores written down."""

    table: Tensor

    def scores(self, users: Tensor) -> Tensor:
        return self.table[users]


@dataclass(frozen=True)
class Filled(Table):
    """The same, reusing a buffer where one is given."""

    def scores_into(self, users: Tensor, into: Tensor | None) -> Tensor:
        rows = self.scores(users)
        return rows if into is None else into.copy_(rows)


def random_case(seed: int = 0) -> tuple[Table, Csr, Csr]:
    generator = np.random.default_rng(seed)
    draw = generator.random((40, 50))
    table = torch.from_numpy(generator.integers(0, 12, (40, 50)).astype(np.float32))
    target, seen = draw < 0.1, draw > 0.8
    target[[3, 7]] = False
    parts = [Csr.of(*np.nonzero(cells), n_rows=40, n_columns=50) for cells in (target, seen)]
    return Table(table), parts[0], parts[1]


def case_ranking(
    block: int | None = None, kind: type[Table] = Table
) -> tuple[Ranking, Csr, Csr, Bands]:
    scorer, target, seen = random_case()
    bands = Bands.of(seen.counts)
    metrics = parse_metrics([f"{name}@5,20" for name in METRICS])
    ranking = evaluate(kind(scorer.table), target, seen, bands=bands, metrics=metrics, block=block)
    return ranking, target, seen, bands


def test_only_users_with_something_to_find_are_ranked() -> None:
    ranking, target, _, _ = case_ranking()
    assert ranking.users.tolist() == [u for u in range(40) if len(target.row(u))]
    assert 3 not in ranking.users and 7 not in ranking.users
    assert all(len(value) == len(ranking.users) for value in ranking.values.values())
    assert all(value.dtype == np.float32 for value in ranking.values.values())


def test_the_list_is_the_best_of_the_unseen_items() -> None:
    ranking, _, seen, _ = case_ranking()
    scorer, _, _ = random_case()
    places = tie_places(50).tolist()
    assert ranking.top.dtype == np.int32
    for user, top in zip(ranking.users, ranking.top.tolist(), strict=True):
        left = [i for i in range(50) if i not in seen.row(user)]
        left.sort(key=lambda i: (-scorer.table[user, i].item(), places[i]))
        assert top == left[:20]


@pytest.mark.parametrize("kind", [Table, Filled])
@pytest.mark.parametrize("block", [1, 7, 40, 1000])
def test_the_block_size_changes_nothing(block: int, kind: type[Table]) -> None:
    (whole, target, seen, _), (scorer, _, _) = case_ranking(), random_case()
    ndcg = metric_at(scorer, target, seen, Metric("ndcg", 5))
    other = case_ranking(block, kind)[0]
    assert metric_at(kind(scorer.table), target, seen, Metric("ndcg", 5), block=block) == ndcg
    assert np.array_equal(whole.top, other.top)
    for cell, value in whole.values.items():
        assert np.array_equal(value, other.values[cell], equal_nan=True)


@pytest.mark.parametrize(
    ("n_items", "users"), [(50, 256), (41_000, 127), (10_000_000, 6), (2**27, 1)]
)
def test_a_block_of_scores_has_a_most(n_items: int, users: int) -> None:
    assert full_ranking.block_size(n_items) == users
    assert users == 1 or users * n_items <= full_ranking.MOST_SCORES


def test_a_ranking_never_holds_the_scores_of_all_users(monkeypatch) -> None:
    scorer, target, seen = random_case()
    monkeypatch.setattr(full_ranking, "MOST_SCORES", 3 * target.n_columns)
    blocks = []

    class Noting(Table):
        def scores(self, users):
            blocks.append(len(users))
            return super().scores(users)

    small = metric_at(Noting(scorer.table), target, seen, Metric("ndcg", 5))
    monkeypatch.undo()
    assert (max(blocks), len(blocks) > 1) == (3, True)
    assert small == metric_at(scorer, target, seen, Metric("ndcg", 5))


def test_an_evaluation_holds_one_block_of_scores_at_a_time(monkeypatch) -> None:
    """The memory of scores is that of a block, which later blocks write over."""
    scorer, target, seen = random_case()
    monkeypatch.setattr(full_ranking, "MOST_SCORES", 3 * target.n_columns)
    blocks = set()

    class Noting(Table):
        def scores_into(self, users, into):
            rows = super().scores(users)
            rows = rows if into is None else into.copy_(rows)
            blocks.add((rows.data_ptr(), rows.untyped_storage().nbytes()))
            return rows

    evaluate(
        Noting(scorer.table), target, seen, bands=Bands.of(seen.counts), metrics=[Metric("ndcg", 5)]
    )
    assert blocks == {(blocks.copy().pop()[0], 3 * target.n_columns * 4)}


def test_band_values_count_only_their_own_targets() -> None:
    ranking, target, _, bands = case_ranking()
    for n, (user, top) in enumerate(zip(ranking.users, ranking.top, strict=True)):
        for label, band in enumerate(bands.names):
            wanted = [i for i in target.row(user) if bands.labels[i] == label]
            ranks = np.flatnonzero([i in wanted for i in top]) + 1
            metrics = parse_metrics([f"{name}@5,20" for name in METRICS])
            alone = metric_values(0 * ranks, ranks, np.array([len(wanted)]), metrics)
            for (metric, k), value in alone.items():
                ours = ranking.values[metric, k, band][n]
                assert ours == np.float32(value[0]) or np.isnan(ours) and np.isnan(value[0])


def test_bands_add_up_where_they_must() -> None:
    ranking, target, _, bands = case_ranking()
    ones = [bands.labels == label for label in range(len(bands.names))]
    sizes = np.array([[o[target.row(u)].sum() for o in ones] for u in ranking.users])
    assert (sizes == 0).any()
    for k in (5, 20):
        values = {
            m: np.nan_to_num([ranking.values[m, k, b] for b in bands.names]).T
            for m in ("recall", "precision", "ndcg", "mrr")
        }
        best = np.concatenate([[0], np.cumsum(1 / np.log2(np.arange(2, k + 2)))])
        ideal = best[np.minimum(sizes, k)]
        total = sizes.sum(1)
        whole = {m: ranking.values[m, k, "all"] for m in values}
        assert np.allclose(whole["recall"], (values["recall"] * sizes).sum(1) / total)
        assert np.allclose(whole["precision"], values["precision"].sum(1))
        gain = (values["ndcg"] * ideal).sum(1)
        assert np.allclose(whole["ndcg"], gain / best[np.minimum(total, k)])
        assert np.allclose(whole["mrr"], values["mrr"].max(1))


@pytest.mark.parametrize(("block", "kind"), [(None, Table), (7, Table), (7, Filled)])
def test_the_rank_of_every_target_is_its_place_among_the_unseen(
    block: int | None, kind: type[Table]
) -> None:
    scorer, target, seen = random_case()
    ranking = evaluate(
        kind(scorer.table),
        target,
        seen,
        bands=Bands.of(seen.counts),
        metrics=parse_metrics("ndcg@5"),
        block=block,
    )
    places = tie_places(50).tolist()
    expected = []
    for user in range(40):
        left = [i for i in range(50) if i not in seen.row(user)]
        left.sort(key=lambda i: (-scorer.table[user, i].item(), places[i]))
        expected += [left.index(i) + 1 if i in left else 0 for i in target.row(user)]
    assert ranking.ranks.dtype == np.int32
    assert ranking.ranks.tolist() == expected


def test_lists_are_as_deep_as_asked_and_no_value_depends_on_it() -> None:
    (scorer, target, seen), (short, _, _, bands) = random_case(), case_ranking()
    metrics = parse_metrics([f"{name}@5,20" for name in METRICS])
    deep = evaluate(scorer, target, seen, bands=bands, metrics=metrics, depth=45)
    assert short.top.shape[1] == 20 and deep.top.shape[1] == 45
    assert np.array_equal(deep.top[:, :20], short.top)
    for key, values in short.values.items():
        assert np.array_equal(values, deep.values[key], equal_nan=True), key


@pytest.mark.parametrize("n_items", [50, 8])
def test_ranks_give_every_metric_that_the_lists_give(n_items: int) -> None:
    """With ties, seen targets, users with more targets than K, and a catalogue shorter than K."""
    generator = np.random.default_rng(n_items)
    table = torch.from_numpy(generator.integers(0, 5, (60, n_items)).astype(np.float32))
    target, seen = (generator.random((60, n_items)) < share for share in (0.3, 0.25))
    parts = [Csr.of(*np.nonzero(cells), n_rows=60, n_columns=n_items) for cells in (target, seen)]
    bands = Bands.of(parts[1].counts, "items:0.4,0.7")
    metrics = parse_metrics([f"{name}@1,3,20" for name in METRICS])
    ranking = evaluate(Table(table), *parts, bands=bands, metrics=metrics)
    assert (target & seen).any() and (target.sum(1) > 3).any()
    for band, mask in {"all": np.full(n_items, True), **bands.masks}.items():
        for n, (user, top) in enumerate(zip(ranking.users, ranking.top.tolist(), strict=True)):
            wanted = set(np.flatnonzero(target[user] & mask).tolist())
            hits = [item in wanted for item in top]
            for name, k in metrics:
                expected = naive_metrics(hits, len(wanted), k)[name]
                ours = ranking.values[name, k, band][n]
                assert ours == pytest.approx(expected, abs=1e-7, nan_ok=True), (name, k, band)


def test_means_leave_out_who_has_no_value() -> None:
    ranking, _, _, _ = case_ranking()
    tail = ranking.values["recall", 5, "tail"]
    assert np.isnan(tail).any()
    assert ranking.means()["recall", 5, "tail"] == pytest.approx(np.nanmean(tail))


def test_ndcg_at_is_the_mean_that_evaluate_gives() -> None:
    scorer, target, seen = random_case()
    ranking, _, _, _ = case_ranking()
    for k in (5, 20):
        assert metric_at(scorer, target, seen, Metric("ndcg", k)) == pytest.approx(
            ranking.means()["ndcg", k, "all"]
        )


def test_nobody_to_rank() -> None:
    scorer, target, seen = random_case()
    empty = Csr.of([], [], n_rows=40, n_columns=50)
    assert np.isnan(metric_at(scorer, empty, seen))
    ranking = evaluate(
        scorer,
        empty,
        seen,
        bands=Bands.of(seen.counts),
        metrics=parse_metrics("ndcg@5"),
    )
    assert ranking.top.shape == (0, 5) and np.isnan(ranking.means()["ndcg", 5, "all"])
    assert ranking.ranks.shape == (0,)


def test_a_user_who_has_seen_all_but_one_item_and_a_short_catalogue() -> None:
    seen = Csr.of([0, 0], [0, 1], n_rows=1, n_columns=3)
    target = Csr.of([0], [2], n_rows=1, n_columns=3)
    scorer = Table(torch.tensor([[9.0, 8.0, -5.0]]))
    metrics = parse_metrics("precision,recall,ndcg@10")
    ranking = evaluate(scorer, target, seen, bands=Bands.of([2, 1, 1]), metrics=metrics)
    assert ranking.top.tolist() == [[2] + [-1] * 9]
    means = ranking.means()
    assert means["recall", 10, "all"] == means["ndcg", 10, "all"] == 1
    assert means["precision", 10, "all"] == pytest.approx(0.1)


def test_a_target_that_was_seen_is_never_found() -> None:
    both = Csr.of([0], [1], n_rows=1, n_columns=4)
    scorer = Table(torch.tensor([[0.0, 9.0, 1.0, 2.0]]))
    assert metric_at(scorer, both, both, Metric("ndcg", 4)) == 0


def test_a_diverged_model_is_told() -> None:
    scorer, target, seen = random_case()
    with pytest.raises(ArithmeticError, match="NaN"):
        metric_at(Table(scorer.table * torch.nan), target, seen)


@pytest.mark.parametrize(("name", "expected"), [("goodbooks", 0.016), ("kuairec", 0.43)])
def test_real_data_gives_most_popular_its_known_value(name: str, expected: float) -> None:
    parts = split(load(name))
    scorer = most_popular.build(most_popular.Config(), parts.train)
    seen = parts.train.join(parts.valid)
    assert metric_at(scorer, parts.test, seen) == pytest.approx(expected, rel=0.06)
    ranking = evaluate(
        scorer,
        parts.test,
        seen,
        bands=Bands.of(parts.train.counts),
        metrics=parse_metrics("ndcg@20"),
    )
    keys = ranking.users[:, None] * parts.n_items + ranking.top
    assert not np.isin(keys, seen.keys).any()
