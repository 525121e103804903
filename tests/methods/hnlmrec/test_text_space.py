"""Text profiles of users by a loop; the two controls; and which items are on a user's topic."""

import numpy as np
import pytest
import torch
from torch.nn.functional import cosine_similarity

from negbench.errors import UserError
from negbench.methods.hnlmrec.text_controls import control, permuted, random_like
from negbench.methods.hnlmrec.text_space import TextSpace, table_of
from negbench.ops import rng
from negbench.protocol import TextTable
from negbench.testing.toy_data import default_context

WORLD = default_context()
TABLE = table_of(WORLD)


def by_hand(user):
    items = [int(i) for i in WORLD.train.row(user)]
    mean = TABLE.vectors[items].mean(0)
    near = []
    for i in items:
        rest = [j for j in items if j != i]
        if rest:
            near.append(float(cosine_similarity(TABLE.vectors[i], TABLE.vectors[rest].mean(0), 0)))
    near = sorted(near)
    return mean / mean.norm(), near[int(0.5 * (len(near) - 1))] if near else None


def test_profiles_and_levels_by_a_loop():
    space = TextSpace.of(WORLD, TABLE)
    for user in range(WORLD.n_users):
        mean, level = by_hand(user)
        torch.testing.assert_close(space.users[user], mean)
        if level is not None:
            assert float(space.level[user]) == pytest.approx(level, abs=1e-5)
    assert space.known_users.all() and not space.known[11]


def test_on_topic_is_at_least_the_level_and_unknown_without_words():
    space = TextSpace.of(WORLD, TABLE)
    users = torch.arange(7).repeat_interleave(12)
    ids = torch.arange(12).repeat(7)
    near, known = space.on_topic(users, ids)
    for n, (u, i) in enumerate(zip(users.tolist(), ids.tolist(), strict=True)):
        assert bool(known[n]) == (i != 11)
        if i != 11:
            cosine = float(space.items[i] @ space.users[u])
            assert bool(near[n]) == (cosine >= float(space.level[u]))


def test_without_any_words_nothing_is_known():
    nothing = TextTable.of(np.zeros((12, 3), np.float32))
    space = TextSpace.of(WORLD, nothing)
    assert not space.known_users.any() and not space.users.any()
    assert not space.on_topic(torch.zeros(3).long(), torch.arange(3))[1].any()


def big():
    vectors = rng.numpy_stream(1, "words").normal(size=(300, 6)) * [5, 3, 1, 1, 0.5, 0.1] + 0.5
    vectors[::7] = 0
    return TextTable.of(vectors.astype(np.float32))


@pytest.mark.parametrize("make", [permuted, random_like])
def test_controls_keep_the_mask_and_the_geometry(make):
    table = big()
    changed = make(table, rng.stream(0, "control"))
    again = make(table, rng.stream(0, "control"))
    assert torch.equal(changed.vectors, again.vectors) and torch.equal(changed.known, table.known)
    assert not changed.vectors[~table.known].any()
    own, new = table.vectors[table.known], changed.vectors[table.known]
    assert torch.allclose(new.norm(dim=1), torch.ones(len(new)), atol=1e-5)
    assert torch.allclose(new.mean(0), own.mean(0), atol=0.1)
    assert torch.allclose(new.T.cov(), own.T.cov(), atol=0.15)
    same = (new * own).sum(1)
    assert float(same.mean()) < 0.6, "the words of an item must be another's"


def test_permuted_vectors_are_the_same_ones():
    table = big()
    changed = permuted(table, rng.stream(0, "control"))
    rows = {tuple(row) for row in table.vectors.tolist()}
    assert {tuple(row) for row in changed.vectors.tolist()} == rows
    assert control(WORLD, table, "own") is table


def test_data_without_texts_are_refused():
    from dataclasses import replace

    with pytest.raises(UserError, match="whose items have them"):
        table_of(replace(WORLD, texts=None))
