"""Scores of a user's train items, padded, against a loop; both slopes of the pinball loss."""

import pytest
import torch

from negbench.composition import recipe
from negbench.parts import user_quantiles
from negbench.parts.user_history import Liked
from negbench.parts.user_quantiles import pinball, scores_of_liked
from negbench.protocol.view import Similarity, View
from negbench.testing.toy_data import TrainingHarness, batch_of


def test_liked_items_are_scored_row_by_row_and_the_rest_is_minus_infinity():
    harness = TrainingHarness(recipe("random").build())
    train = harness.context.train
    step = harness.step(batch=batch_of(harness.context, rows=9))  # users 0 to 2: 3, 2, 4 items
    scores, sizes = scores_of_liked(step, Liked.of(train, torch.device("cpu")))
    assert scores.shape == (9, 4) and not scores.requires_grad
    for r, user in enumerate(step.batch.users.tolist()):
        own = train.row(user).tolist()
        want = (step.view.items[own] @ step.view.query[r]).detach()
        torch.testing.assert_close(scores[r, : len(own)], want)
        assert int(sizes[r]) == len(own) and (scores[r, len(own) :] == -torch.inf).all()


@pytest.mark.parametrize("kind", ["dot", "cosine"])
def test_blocks_of_rows_change_nothing_and_keep_no_gradient(monkeypatch, kind):
    harness = TrainingHarness(recipe("random").build())
    harness.tables.kind = Similarity(kind)
    step, liked = harness.step(), Liked.of(harness.context.train, torch.device("cpu"))
    scores, sizes = scores_of_liked(step, liked)
    read = []
    plain = View.score_rows

    def counted(view, what, **given):
        read.append(what.numel() * view.query.shape[1])
        return plain(view, what, **given)

    monkeypatch.setattr(user_quantiles, "BLOCK", 5 * scores.shape[1] * 8)
    monkeypatch.setattr(View, "score_rows", counted)
    blocked, again = scores_of_liked(step, liked)
    torch.testing.assert_close(blocked, scores)
    assert torch.equal(sizes, again) and len(read) == 6 and max(read) <= user_quantiles.BLOCK
    assert not blocked.requires_grad and not step.view.leaves.rows


def test_the_pinball_loss_has_a_slope_for_each_side():
    got = pinball(torch.tensor([-2.0, 0.0, 3.0]), 0.25)
    torch.testing.assert_close(got, torch.tensor([0.5, 0.0, 2.25]))
