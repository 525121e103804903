"""Rankings by another protocol: what is masked, who is ranked, and means over test events."""

import numpy as np
import pytest

from negbench.data.interactions import Csr, Interactions, Split
from negbench.errors import UserError
from negbench.evaluation.metric_kernels import mean_of_users, metric_values_by_band
from negbench.evaluation.metric_names import parse_metrics
from negbench.scenario.popularity_bands import Bands
from negbench.scenario.ranking_protocol import of_users_with_history
from negbench.scenario.scenario import Scenario

N_USERS, N_ITEMS = 4, 6


def csr(*rows):
    users = [u for u, row in enumerate(rows) for _ in row]
    items = [i for row in rows for i in row]
    return Csr.of(users, items, n_rows=N_USERS, n_columns=N_ITEMS)


PARTS = Split(
    csr([0, 1], [2], [], []), csr([2], [], [3], [1]), csr([3, 4], [5], [1], []), "temporal", "time"
)
"""User 2 has no train pair but a valid one, user 3 is in valid alone."""


def scenario(mask):
    data = Interactions("toy", np.zeros(1, int), np.zeros(1, int), N_USERS, N_ITEMS)
    return Scenario(data, PARTS, Bands.of(PARTS.train.counts, "mass"), "train", mask=mask)


def rows(pairs):
    return [sorted(pairs.row(u).tolist()) for u in range(N_USERS)]


@pytest.mark.parametrize(
    ("mask", "valid", "test"),
    [
        ("seen", [[0, 1], [2], [], []], [[0, 1, 2], [2], [3], [1]]),
        ("train", [[0, 1], [2], [], []], [[0, 1], [2], [], []]),
        ("none", [[], [], [], []], [[], [], [], []]),
    ],
)
def test_the_mask_says_what_is_left_out_of_the_lists(mask, valid, test):
    here = scenario(mask)
    assert rows(here.masked("valid")) == valid and rows(here.masked("test")) == test
    assert any("RANKING" in note for note in here.notes) == (mask != "seen")


def test_users_without_history_are_left_out_and_counted():
    parts = Split(PARTS.train, PARTS.valid, csr([3], [5], [1], [4, 0]), "temporal", "time")
    empty = Split(csr([0]), csr(), csr([], [1], [2], [3, 4]), "temporal", "time")
    kept = of_users_with_history(parts)
    assert rows(kept.valid) == [[2], [], [], []]
    assert rows(kept.test) == [[3], [5], [1], [0, 4]]  # a valid pair is a history before the test
    with pytest.raises(UserError, match="--users with-history ranks test users who are in train"):
        of_users_with_history(empty)
    some = of_users_with_history(Split(parts.train, csr(), parts.test, "temporal", "time"))
    assert rows(some.test) == [[3], [5], [], []] and some.hash != parts.hash
    assert "2 of 4 test users have no history" in some.notes[-1]
    assert "(3 of 5 test pairs)" in some.notes[-1]


def test_means_over_events_are_those_of_a_loop():
    generator = np.random.default_rng(0)
    n, lengths = 40, generator.integers(1, 9, 40)
    users = np.repeat(np.arange(n), lengths)
    items = generator.integers(0, 3, len(users))
    ranks = generator.integers(0, 30, len(users))  # 0 is a pair that was not ranked
    bands = {"even": np.array([True, False, True])}
    metrics = parse_metrics("recall,ndcg,hit,mrr,map,precision@5,20")
    values = metric_values_by_band(
        users, items, ranks, n, bands=bands, metrics=metrics, average="events"
    )
    for band, here in (("all", np.full(len(items), True)), ("even", bands["even"][items])):
        for name, k in metrics:
            hits = [(r if 0 < r <= k else 0) for r in ranks[here]]
            gain = {
                "ndcg": lambda r: 1 / np.log2(r + 1),
                "mrr": lambda r: 1 / r,
                "map": lambda r: 1 / r,
                "precision": lambda r, k=k: 1 / k,
            }.get(name, lambda r: 1.0)
            want = np.mean([gain(r) if r else 0.0 for r in hits])
            assert mean_of_users(values[name, k, band]) == pytest.approx(want, rel=1e-5)


def test_one_event_a_user_is_the_mean_over_users():
    ranks, users = np.array([1, 7, 0, 21, 3]), np.arange(5)
    metrics = parse_metrics("recall,ndcg,hit,mrr,map,precision@5,20")
    both = [
        metric_values_by_band(users, users, ranks, 5, bands={}, metrics=metrics, average=average)
        for average in ("users", "events")
    ]
    for key, value in both[0].items():
        np.testing.assert_allclose(value, both[1][key])
