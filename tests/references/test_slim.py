"""Optimality conditions of every column, a plain descent, and the closed form without l1."""

import numpy as np
import pytest
import torch

from negbench.data.interactions import Csr
from negbench.errors import UserError
from negbench.references import ease, slim
from negbench.references.slim import Config, build, descend


def random_train() -> tuple[Csr, np.ndarray]:
    cells = np.random.default_rng(0).random((40, 15)) < 0.3
    cells[:, 4] = False  # an item nobody met
    return Csr.of(*np.nonzero(cells), n_rows=40, n_columns=15), cells.astype(float)


def weights(x: np.ndarray, config: Config) -> np.ndarray:
    return descend(torch.from_numpy(x.T @ x).float(), config).double().numpy()


@pytest.mark.parametrize("block", [1, 4, 64])
@pytest.mark.parametrize(("l1", "l2"), [(0.5, 1.0), (2.0, 0.3), (0.0, 5.0)])
def test_every_column_meets_the_optimality_conditions(block, l1, l2, monkeypatch):
    monkeypatch.setattr(slim, "BLOCK", block)
    _, x = random_train()
    w = weights(x, Config(l1=l1, l2=l2, tolerance=1e-6))
    slope = x.T @ x @ w - x.T @ x + l2 * w  # of the smooth part
    off = ~np.eye(15, dtype=bool)
    inside = off & (w > 0)
    assert inside.sum() > 20 and (off & (w == 0)).sum() > 20
    assert np.abs(slope + l1)[inside].max() < 1e-4
    assert (slope + l1)[off & (w == 0)].min() > -1e-4
    assert (w >= 0).all() and not w.diagonal().any()


def test_weights_of_any_sign_meet_theirs():
    _, x = random_train()
    w = weights(x, Config(l1=0.7, l2=1.0, positive=False, tolerance=1e-6))
    slope = x.T @ x @ w - x.T @ x + w
    off = ~np.eye(15, dtype=bool)
    moved = off & (w != 0)
    assert (w < 0).any() and (off & (w == 0)).any()
    assert np.abs(slope + 0.7 * np.sign(w))[moved].max() < 1e-4
    assert np.abs(slope)[off & (w == 0)].max() < 0.7 + 1e-4


def test_the_descent_is_the_cyclic_one():
    _, x = random_train()
    gram, want = x.T @ x, np.zeros((15, 15))
    for _ in range(3):
        for i in range(15):
            for j in range(15):
                if i != j:
                    rest = gram[i, j] - gram[i] @ want[:, j] + gram[i, i] * want[i, j]
                    want[i, j] = max(0.0, rest - 0.5) / (gram[i, i] + 2.0)
    few = Config(l1=0.5, l2=2.0, sweeps=3, tolerance=1e-9)
    assert np.allclose(weights(x, few), want, atol=1e-6)


def test_without_l1_and_signs_it_is_ease():
    train, _ = random_train()
    linear = build(Config(l1=0.0, l2=3.0, positive=False, tolerance=1e-6, sweeps=500), train)
    closed = ease.build(ease.Config(l2=3.0), train)
    users = torch.arange(40)
    torch.testing.assert_close(linear.scores(users), closed.scores(users), rtol=0, atol=1e-4)


def test_a_large_l1_leaves_nothing_and_a_larger_one_is_sparser():
    _, x = random_train()
    sizes = [int((weights(x, Config(l1=l1, l2=1.0)) > 0).sum()) for l1 in (0.1, 1.0, 3.0, 40.0)]
    assert sizes == sorted(sizes, reverse=True) and sizes[-1] == 0 < sizes[-2] < sizes[0]


def test_some_users_in_any_order_and_histories_that_are_folded_in():
    train, _ = random_train()
    model = build(Config(l2=2.0, l1=0.1), train)
    whole = model.scores(torch.arange(40))
    assert whole.dtype == torch.float32
    assert torch.equal(model.scores(torch.tensor([7, 0, 39])), whole[[7, 0, 39]])
    assert torch.equal(model.fold_in(train).scores(torch.arange(40)), whole)


def test_a_catalogue_above_the_limit_is_refused_in_one_sentence():
    train, _ = random_train()
    with pytest.raises(UserError, match="refuses more than 14 items; the data have 15"):
        build(Config(limit=14), train)


@pytest.mark.parametrize("wrong", [{"l2": 0.0}, {"l1": -1.0}, {"tolerance": 0.0}])
def test_refused(wrong):
    with pytest.raises(ValueError, match=next(iter(wrong))):
        Config(**wrong)
