"""The diffusion over interaction vectors: it learns tastes, from the seed alone."""

import torch
from helpers.toy_data import small_context

from negbench.data.interactions import Csr
from negbench.methods.pdrec_band.diffrec import (
    DiffRec,
    DiffRecTraining,
    interaction_vectors,
    predict,
    preferences_of,
)
from negbench.parts.diffusion.process import linear_var


def training(epochs: int) -> DiffRecTraining:
    return DiffRecTraining(epochs, 16, 0.02, linear_var(5, 0.01, 5e-4, 5e-3))


def other_taste(scores: torch.Tensor) -> float:
    """How much lower a user's mean score is for the items of the other taste."""
    half = scores.shape[1] // 2
    first, second = scores[:, :half].mean(1), scores[:, half:].mean(1)
    gap = torch.where(torch.arange(len(scores)) % 2 == 0, first - second, second - first)
    return float((gap > 0).float().mean())


def test_it_learns_the_taste_of_users():
    context = small_context()
    every = torch.arange(context.n_users)
    assert other_taste(preferences_of(context, training(30)).all_scores(every)) > 0.95
    assert 0.2 < other_taste(preferences_of(context, training(0)).all_scores(every)) < 0.8


def test_the_seed_alone_decides():
    first, again, other = (preferences_of(small_context(s), training(2)) for s in (0, 0, 1))
    assert torch.equal(first.users, again.users) and torch.equal(first.items, again.items)
    assert not torch.equal(first.items, other.items)


def test_predictions_are_the_last_step_of_the_reverse_process():
    context, schedule = small_context(), linear_var(3, 0.1, 0.1, 0.5)
    net = DiffRec(context.n_items, 8, torch.Generator().manual_seed(0))
    every = torch.arange(context.n_users)
    with torch.no_grad():
        got = predict(net, context, schedule).all_scores(every)
        x = interaction_vectors(context.train, every)
        for t in (3, 2, 1):
            at = torch.full((len(x),), t)
            x = schedule.back(x, net(x, at), at)
    assert torch.allclose(got, x, atol=1e-5)


def test_vectors_are_ones_at_the_items():
    train = Csr.of([0, 0, 2], [3, 1, 0], n_rows=3, n_columns=4)
    want = torch.tensor([[1.0, 0, 0, 0], [0, 0, 0, 0], [0, 1, 0, 1]])
    assert torch.equal(interaction_vectors(train, torch.tensor([2, 1, 0])), want)
