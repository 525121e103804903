"""Scores of a user's train items, padded, against a loop; both slopes of the pinball loss."""

import torch

from negbench.composition import recipe
from negbench.parts.user_history import Liked
from negbench.parts.user_quantiles import pinball, scores_of_liked
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


def test_the_pinball_loss_has_a_slope_for_each_side():
    got = pinball(torch.tensor([-2.0, 0.0, 3.0]), 0.25)
    torch.testing.assert_close(got, torch.tensor([0.5, 0.0, 2.25]))
