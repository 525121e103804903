"""The view: scores against loops, and which rows become leaves."""

import pytest
import torch

from negbench.protocol.gradient_leaves import Leaves
from negbench.protocol.view import Similarity, View

G = torch.Generator().manual_seed(0)
QUERY, ITEMS = torch.randn(4, 3, generator=G), torch.randn(6, 3, generator=G)
POSITIVE = torch.tensor([0, 1, 2, 3])
KINDS = [Similarity(), Similarity("dot", 0.5), Similarity("cosine"), Similarity("cosine", 0.1)]


def view_of(similarity=KINDS[0], leaves=None, **more):
    return View(QUERY, ITEMS, ITEMS[POSITIVE], similarity, leaves=leaves, **more)


def by_hand(similarity, q, v):
    value = float(q @ v)
    if similarity.kind == "cosine":
        value /= float(q.norm() * v.norm())
    return value / similarity.temperature


@pytest.mark.parametrize("similarity", KINDS)
@pytest.mark.parametrize("n", [1, 3])
def test_scores_equal_the_loop(similarity, n):
    view, ids = view_of(similarity), torch.randint(6, (4, n), generator=G)
    rows = [[by_hand(similarity, QUERY[b], ITEMS[j]) for j in ids[b]] for b in range(4)]
    shared = [[by_hand(similarity, QUERY[b], ITEMS[j]) for j in ids[0]] for b in range(4)]
    pairs = [by_hand(similarity, QUERY[b], ITEMS[j]) for b, j in enumerate(POSITIVE)]
    for what in (ids, ITEMS[ids]):
        torch.testing.assert_close(view.score_rows(what), torch.tensor(rows))
    for what in (ids[0], ITEMS[ids[0]]):
        torch.testing.assert_close(view.score_shared(what), torch.tensor(shared))
    torch.testing.assert_close(view.score_pair(view.positive), torch.tensor(pairs))


def test_rows_taken_with_gradient_are_listed_and_others_are_not():
    view = view_of(leaves=Leaves(), item_layers=torch.stack([ITEMS, ITEMS], 1))
    ids = torch.tensor([[5, 0]])
    with torch.no_grad():
        view.score_rows(ids.expand(4, 2))
        view.layer_rows(ids)
    assert not view.leaves.rows and not view.leaves.layers
    rows, layers = view.rows(ids), view.layer_rows(ids)
    assert [listed is ids for listed, _ in view.leaves.rows] == [True]
    assert view.leaves.rows[0][1] is rows and rows.is_leaf and rows.requires_grad
    assert view.leaves.layers[0][1] is layers and layers.shape == (1, 2, 2, 3)
    assert torch.equal(rows, ITEMS[ids])


def test_a_transform_stands_between_the_leaf_and_the_score():
    view = view_of(leaves=Leaves(), through=lambda vectors: 2 * vectors)
    view.score_rows(torch.tensor([[1], [2], [3], [4]])).sum().backward()
    (_, leaf), *_ = view.leaves.rows
    torch.testing.assert_close(leaf.grad.squeeze(1), 2 * QUERY)


def test_layers_that_are_not_there_are_refused():
    with pytest.raises(ValueError, match="no layers"):
        view_of().layer_rows(torch.tensor([0]))


@pytest.mark.parametrize("wrong", [{"kind": "euclid"}, {"temperature": 0.0}])
def test_a_similarity_that_cannot_score_is_refused(wrong):
    with pytest.raises(ValueError, match="must be"):
        Similarity(**wrong)
