"""Mined hard targets against loops over a small scenario."""

import numpy as np
import torch
from torch.nn.functional import cosine_similarity, normalize

from negbench.methods.hnlmrec.likely_positives import likely_positives
from negbench.methods.hnlmrec.target_mining import (
    FrozenVectors,
    mine_targets,
    standardise,
    upper_quantile,
)
from negbench.methods.hnlmrec.text_space import TextSpace, table_of
from negbench.ops import rng
from negbench.testing.toy_data import EmbeddingTables, default_context

WORLD = default_context()
TABLES = EmbeddingTables(WORLD)
ITEMS, USERS = TABLES.items.mean(1), TABLES.users.mean(1)
SPACE = TextSpace.of(WORLD, table_of(WORLD))
FROZEN = FrozenVectors.of(ITEMS, USERS, WORLD, SPACE)
ROWS = torch.tensor(WORLD.train.rows)
LIKED = torch.tensor(WORLD.train.indices).long()


def mined(w=0.5, m=40, seed=0):
    return mine_targets(FROZEN, ROWS, LIKED, m, w, rng.stream(seed, "mine"))


def test_standard_scores_and_quantiles_by_a_loop():
    values = torch.randn(6, 9, generator=rng.stream(0, "v"))
    mask = torch.rand(6, 9, generator=rng.stream(0, "m")) < 0.6
    mask[0] = False
    z, spread = standardise(values, mask)
    high = upper_quantile(values, mask, 0.8)
    for row in range(6):
        own = values[row][mask[row]]
        if not len(own):
            assert not z[row].any() and high[row] == -torch.inf
            continue
        torch.testing.assert_close(spread[row], own.std(correction=0).clamp(min=1e-6))
        torch.testing.assert_close(z[row][mask[row]], (own - own.mean()) / spread[row])
        assert not z[row][~mask[row]].any()
        assert high[row] == own.sort(descending=True).values[int(0.2 * len(own))]


def test_a_target_is_a_candidate_that_the_user_has_not_had():
    targets = mined()
    had = {(u, i) for u, i in zip(ROWS.tolist(), LIKED.tolist(), strict=True)}
    for user, target, there in zip(ROWS, targets.target, targets.has_target, strict=True):
        assert not there or (int(user), int(target)) not in had
    full = ROWS == 5
    assert targets.has_target[~full].all()
    assert int(targets.target[full & targets.has_target].unique().numel()) <= 1, "one item is left"


def test_by_score_alone_it_is_the_best_scored_one_that_is_not_false():
    targets = mined(w=1.0)
    for row, (user, liked) in enumerate(zip(ROWS.tolist(), LIKED.tolist(), strict=True)):
        own = [int(i) for i in WORLD.train.row(user)]
        left = [j for j in targets.ids.tolist() if j not in own]
        if not left or not targets.has_target[row]:
            continue
        scores = {j: float(USERS[user] @ ITEMS[j]) for j in left}
        better = [j for j in left if scores[j] > scores[int(targets.target[row])] + 1e-6]
        topic = {j: float(SPACE.items[j] @ SPACE.users[user]) for j in left}
        most = sorted((topic[j] for j in left), reverse=True)[: 1 + int(0.05 * len(left))]
        assert all(topic[j] >= most[-1] - 1e-6 for j in better), "only what is in line was dropped"
        assert liked not in better


def test_by_words_alone_it_is_alike_in_words():
    targets = mined(w=0.0)
    near = (SPACE.items[targets.target] * SPACE.items[LIKED]).sum(1)
    mean = (SPACE.items[targets.ids] @ SPACE.items[LIKED].T).mean(0)
    kept = targets.has_target & (ROWS != 5)
    assert float((near - mean)[kept].mean()) > 0.3


def test_the_median_topic_of_own_items_by_a_loop():
    for user in range(WORLD.n_users):
        near = sorted(
            float(cosine_similarity(FROZEN.readout.texts(ITEMS[i]), SPACE.users[user], 0))
            for i in WORLD.train.row(user)
        )
        assert abs(float(FROZEN.topic[user]) - near[int(0.5 * (len(near) - 1))]) < 1e-5
    assert torch.allclose(FROZEN.directions, normalize(ITEMS, dim=1))


def test_some_of_a_users_items_are_the_users():
    some = FROZEN.sample_train_items(torch.arange(7), rng.stream(0, "some"))
    for user in range(7):
        assert set(some[user].tolist()) <= set(WORLD.train.row(user).tolist())


def test_likely_positives_by_paths_of_two_hops():
    ids, there = likely_positives(WORLD, 4)
    matrix = WORLD.train.matrix().toarray()
    paths = matrix @ matrix.T @ matrix
    for user in range(WORLD.n_users):
        own = set(WORLD.train.row(user).tolist())
        likely = ids[user][there[user]].tolist()
        assert not own & set(likely)
        counts = np.sort([paths[user, j] for j in range(12) if j not in own])[::-1]
        expected = counts[counts > 0][:4]
        assert np.array_equal(np.sort(paths[user, likely])[::-1], expected)
