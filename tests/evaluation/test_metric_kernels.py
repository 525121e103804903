"""Ranking against naive loops and against trec_eval, ties included."""

import math
from collections.abc import Sequence

import numpy as np
import pytest
import pytrec_eval
import torch
from helpers.naive_metrics import naive_metrics
from torch import Tensor

import negbench.ops.top_k as top_k_module
from negbench.data.interactions import Csr
from negbench.evaluation.full_ranking import row_pairs
from negbench.evaluation.metric_kernels import metric_values
from negbench.evaluation.metric_names import METRICS, Metric
from negbench.ops.top_k import at_rank, tie_places, top_k, top_unordered

FLOATS = [torch.float64, torch.float32, torch.bfloat16, torch.float16]


def naive_top(row: Sequence[float], k: int, places: Sequence[int]) -> list[int]:
    order = sorted(range(len(row)), key=lambda i: (-row[i], places[i]))
    shown = [i for i in order if row[i] > -math.inf][:k]
    return shown + [-1] * (k - len(shown))


def coarse_scores(rows: int, items: int, levels: int, seed: int) -> Tensor:
    """Few different values, so ties are everywhere, some of them at the k-th place."""
    generator = torch.Generator().manual_seed(seed)
    scores = torch.randint(levels, (rows, items), generator=generator).double()
    return scores.masked_fill(torch.rand(rows, items, generator=generator) < 0.2, -torch.inf)


@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize("levels", [1, 2, 5, 1000])
@pytest.mark.parametrize("k", [1, 4, 29, 30, 31, 40])
def test_top_k_against_a_full_sort_in_plain_python(dtype: torch.dtype, levels: int, k: int) -> None:
    scores = coarse_scores(20, 30, levels, seed=k).to(dtype)
    places = tie_places(30)
    before = scores.clone()
    expected = [naive_top(row, k, places.tolist()) for row in scores.double().tolist()]
    assert top_k(scores, k, places).tolist() == expected
    assert torch.equal(scores, before)


@pytest.mark.parametrize("items", [3000, 16384, 20011])
@pytest.mark.parametrize("grain", [1, 10, 1000])
def test_top_k_of_a_wide_block(items: int, grain: int) -> None:
    generator = torch.Generator().manual_seed(grain)
    scores = (torch.randn(12, items, generator=generator) * grain).round() / grain
    scores[:3, 15:] = -torch.inf  # fewer than asked for
    scores[3:6] = scores[3:6].sort().values  # all of the best side by side, at the end
    places = tie_places(items)
    expected = [naive_top(row, 20, places.tolist()) for row in scores.tolist()]
    assert top_k(scores, 20, places).tolist() == expected


@pytest.mark.parametrize("shift", [-5.0, 0.0, 5.0])
@pytest.mark.parametrize("items,k", [(1, 3), (63, 20), (64, 64), (700, 20), (1025, 100), (9000, 1)])
def test_what_reaches_the_bound_holds_the_first(
    items: int, k: int, shift: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Scores with few ties never need torch's `topk`: rows of one item, masked rows, any width."""
    monkeypatch.delattr(top_k_module, "_by_topk")
    scores = torch.randn(9, items, generator=torch.Generator().manual_seed(items)) + shift
    scores[:, ::7] = scores[:, :1].clone()  # a tie in each row, at the bound of some
    scores[0], scores[1, 1:], scores[2, ::2] = -torch.inf, -torch.inf, -torch.inf
    scores[3, -1] = torch.inf
    places = tie_places(items)
    expected = [naive_top(row, k, places.tolist()) for row in scores.tolist()]
    assert top_k(scores, k, places).tolist() == expected


@pytest.mark.parametrize("around", [-1e5, -1e-30, 0.0, 1e-30, 3.0])
def test_neighbours_among_floats_are_no_tie(around: float) -> None:
    line = [np.float32(around)]
    for _ in range(9):
        line.append(np.nextafter(line[-1], np.float32(np.inf)))
    scores = torch.tensor(np.array(line))[torch.tensor([3, 9, 0, 5, 1, 7, 2, 8, 6, 4])]
    ids = top_k(scores.unsqueeze(0), 10, tie_places(10))[0]
    assert torch.equal(scores[ids], scores.sort(descending=True).values)


@pytest.mark.parametrize("m", [1, 3, 8, 9])
def test_the_greatest_in_no_order(m: int) -> None:
    scores = torch.randn(50, 9, generator=torch.Generator().manual_seed(m))
    scores[:10, :4] = -torch.inf
    ids = top_unordered(scores, m)
    assert ids.shape == (50, m) and ids.dtype == torch.int64
    assert torch.equal(scores.gather(1, ids).sort(1).values, scores.topk(m, 1).values.flip(1))


@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize("k", [1, 4, 9])
@pytest.mark.parametrize("levels", [2, 5, 1000])
def test_the_column_at_a_rank(k: int, levels: int, dtype: torch.dtype) -> None:
    """What `topk` has there; ranks of equal scores go to different columns."""
    scores = coarse_scores(60, 9, levels, seed=k).to(dtype)
    before, best = scores.clone(), scores.topk(k, 1)
    columns = []
    for rank in range(k):
        column = at_rank(scores, torch.full((60,), rank), k)
        assert torch.equal(scores.gather(1, column), best.values[:, rank : rank + 1])
        columns.append(column)
    assert torch.equal(torch.cat(columns, 1), best.indices) and torch.equal(scores, before)


def test_zero_and_minus_zero_are_equal() -> None:
    places = tie_places(6)
    zeros = torch.tensor([[0.0, -0.0, 0.0, -0.0, -0.0, 0.0]])
    assert top_k(zeros, 3, places).tolist() == [places.argsort()[:3].tolist()]


def test_nothing_to_show() -> None:
    assert top_k(torch.full((2, 5), -torch.inf), 3, tie_places(5)).tolist() == [[-1] * 3] * 2


@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize("place", [0, 17, 29])
def test_nan_is_refused_wherever_it_is(dtype: torch.dtype, place: int) -> None:
    scores = torch.rand(4, 30).to(dtype)
    scores[2, place] = torch.nan
    with pytest.raises(ValueError, match="NaN"):
        top_k(scores, 5, tie_places(30))
    with pytest.raises(ValueError, match="NaN"):
        top_k(scores.repeat(1, 1000), 5, tie_places(30_000))


def test_the_tie_order_is_a_fixed_shuffle() -> None:
    places = tie_places(1000)
    assert sorted(places.tolist()) == list(range(1000))
    torch.manual_seed(3)
    tie_places.cache_clear()
    assert torch.equal(places, tie_places(1000))
    ids = torch.arange(1000)
    assert abs(np.corrcoef(ids, places)[0, 1]) < 0.1
    assert tie_places(8).tolist() == [5, 3, 2, 7, 6, 4, 1, 0]  # the same on every machine


def test_row_pairs_against_a_loop() -> None:
    part = Csr.of([0, 0, 2, 4, 4, 4], [3, 1, 0, 2, 9, 5], n_rows=6, n_columns=10)
    users = [4, 1, 0, 5, 2]
    rows, columns = row_pairs(
        torch.tensor(part.indptr), torch.tensor(part.indices), torch.tensor(users)
    )
    expected = [(r, int(c)) for r, u in enumerate(users) for c in part.row(u)]
    assert list(zip(rows.tolist(), columns.tolist(), strict=True)) == expected


def values_at(hits: Tensor, relevant: Tensor, cuts: Sequence[int]) -> dict[Metric, np.ndarray]:
    """Every metric at every cut, of lists [n, K] that say whether each place is a hit."""
    rows, at = hits.numpy().nonzero()
    metrics = [Metric(name, k) for name in METRICS for k in cuts]
    return metric_values(rows, at + 1, relevant.numpy(), metrics)


def test_metrics_against_naive_loops() -> None:
    generator = torch.Generator().manual_seed(0)
    hits = torch.rand(200, 12, generator=generator) < torch.rand(200, 1, generator=generator)
    relevant = hits.sum(1) + torch.randint(0, 9, (200,), generator=generator)
    values = values_at(hits, relevant, (1, 5, 12, 40))
    assert (relevant == 0).any() and (relevant > 12).any()
    for k in (1, 5, 12, 40):
        for row, r, b in zip(hits.tolist(), relevant.tolist(), range(200), strict=True):
            for name, value in naive_metrics(row, r, k).items():
                assert values[name, k][b] == pytest.approx(value, nan_ok=True), name


def test_the_order_of_the_pairs_and_what_was_not_ranked_change_nothing() -> None:
    rows, ranks = np.array([0, 0, 0, 2, 2]), np.array([2, 3, 9, 1, 5])
    metrics = [Metric(name, k) for name in METRICS for k in (3, 6)]
    relevant = np.array([4, 1, 3])
    expected = metric_values(rows, ranks, relevant, metrics)
    turned = np.array([4, 1, 0, 3, 2])
    rows, ranks = np.append(rows[turned], [0, 2, 1]), np.append(ranks[turned], [0, 0, 0])
    for metric, values in metric_values(rows.astype(np.uint8), ranks, relevant, metrics).items():
        assert np.array_equal(values, expected[metric]), metric


def test_metrics_by_hand() -> None:
    values = values_at(torch.tensor([[False, True, True]]), torch.tensor([4]), [3])
    last = {name: value[0] for (name, _), value in values.items()}
    assert last["recall"] == 0.5 and last["mrr"] == 0.5 and last["hit"] == 1
    assert last["precision"] == pytest.approx(2 / 3)
    assert last["map"] == pytest.approx((1 / 2 + 2 / 3) / 4)
    ideal = 1 + 1 / math.log2(3) + 1 / 2
    assert last["ndcg"] == pytest.approx((1 / math.log2(3) + 1 / 2) / ideal)


TREC = {"ndcg": "ndcg_cut", "recall": "recall", "hit": "success", "map": "map_cut"} | {
    "precision": "P"
}


@pytest.mark.parametrize("levels", [2, 6, 10_000])
def test_every_metric_equals_trec_eval_with_ties(levels: int) -> None:
    users, items, cuts = 60, 80, (1, 5, 10, 20)
    scores = coarse_scores(users, items, levels, seed=levels).float()
    generator = np.random.default_rng(levels)
    relevant = generator.random((users, items)) < generator.random((users, 1)) * 0.5
    relevant[:, 0] = True  # trec_eval leaves out who has nothing to find
    places = tie_places(items)
    # trec_eval ranks equal scores by falling document name: give early places the late names.
    docs = [f"d{items - place:04d}" for place in places.tolist()]
    run = {
        f"u{u}": {d: s for d, s in zip(docs, row, strict=True) if s > -math.inf}
        for u, row in enumerate(scores.tolist())
    }
    qrel = {
        f"u{u}": {d: int(r) for d, r in zip(docs, row, strict=True)}
        for u, row in enumerate(relevant)
    }
    asked = {f"{name}.{','.join(map(str, cuts))}" for name in TREC.values()} | {"recip_rank"}
    trec = pytrec_eval.RelevanceEvaluator(qrel, asked).evaluate(run)
    best = top_k(scores, max(cuts), places)
    hits = torch.from_numpy(relevant).gather(1, best.clamp(min=0)) & (best >= 0)
    values = values_at(hits, torch.from_numpy(relevant.sum(1)), cuts)
    for u in range(users):
        theirs = trec[f"u{u}"]
        for k in cuts:
            for ours, name in TREC.items():
                assert values[ours, k][u] == pytest.approx(theirs[f"{name}_{k}"], abs=1e-6)
            first = theirs["recip_rank"]
            within = first if first >= 1 / k - 1e-9 else 0.0
            assert values["mrr", k][u] == pytest.approx(within, abs=1e-6)
