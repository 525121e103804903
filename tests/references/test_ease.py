"""The closed form against what it solves."""

import numpy as np
import pytest
import torch

from negbench.data.interactions import Csr
from negbench.errors import UserError
from negbench.references.ease import Config, build


def random_train() -> tuple[Csr, np.ndarray]:
    cells = np.random.default_rng(0).random((40, 15)) < 0.3
    return Csr.of(*np.nonzero(cells), n_rows=40, n_columns=15), cells.astype(float)


def test_each_column_is_the_ridge_regression_on_all_other_items() -> None:
    train, x = random_train()
    scores = build(Config(l2=3.0), train).scores(torch.arange(40)).numpy()
    for i in range(15):
        others = np.delete(x, i, axis=1)
        weights = np.linalg.solve(others.T @ others + 3.0 * np.eye(14), others.T @ x[:, i])
        assert np.allclose(scores[:, i], others @ weights, atol=1e-5)


def test_some_users_in_any_order() -> None:
    train, _ = random_train()
    scorer = build(Config(), train)
    whole = scorer.scores(torch.arange(40))
    assert torch.equal(scorer.scores(torch.tensor([7, 0, 39])), whole[[7, 0, 39]])


def test_a_catalogue_above_the_limit_is_refused_in_one_sentence() -> None:
    train, _ = random_train()
    with pytest.raises(UserError, match="refuses more than 14 items; the data have 15"):
        build(Config(limit=14), train)


def test_no_ridge_is_refused() -> None:
    with pytest.raises(ValueError, match="l2"):
        Config(l2=0)


def test_a_ridge_that_vanishes_beside_the_counts_is_refused_in_one_sentence() -> None:
    pairs = np.argwhere(np.ones((3000, 3)))
    train = Csr.of(*pairs.T, n_rows=3000, n_columns=3)
    with pytest.raises(UserError, match="l2=1e-13 is too small for items that the same users have"):
        build(Config(l2=1e-13), train)
