"""Half-steps against their normal equations, a falling objective, and a brute-force minimum."""

import numpy as np
import pytest
import torch

from negbench.data.interactions import Csr
from negbench.errors import UserError
from negbench.references import ials
from negbench.references.ials import Config, build, objective, solve, transposed


def random_train(users: int = 40, items: int = 15, seed: int = 0) -> tuple[Csr, np.ndarray]:
    cells = np.random.default_rng(seed).random((users, items)) < 0.3
    cells[:, 4] = False  # an item nobody met
    cells[7] = False  # a user without pairs
    return Csr.of(*np.nonzero(cells), n_rows=users, n_columns=items), cells.astype(float)


def vectors(n: int, dim: int, seed: int = 0) -> torch.Tensor:
    return torch.from_numpy(np.random.default_rng(seed).standard_normal((n, dim)))


@pytest.mark.parametrize("nu", [0.0, 0.5, 1.0])
@pytest.mark.parametrize("gathered", [1, 1 << 23])
def test_a_half_step_solves_its_normal_equations(nu, gathered, monkeypatch):
    monkeypatch.setattr(ials, "GATHERED", gathered)
    train, x = random_train()
    config = Config(dim=5, alpha=0.2, l2=0.03, nu=nu)
    fixed = vectors(15, 5)
    solved, h = solve(fixed, train, config).numpy(), fixed.numpy()
    for u in range(40):
        penalty = 0.03 * (x[u].sum() + 0.2 * 15) ** nu
        normal = (h.T * x[u]) @ h + 0.2 * h.T @ h + penalty * np.eye(5)
        assert np.allclose(solved[u], np.linalg.solve(normal, h.T @ x[u]), atol=1e-12)
    assert not solved[7].any()


def test_a_half_step_is_the_minimum_of_the_objective():
    train, _ = random_train()
    config, items = Config(dim=3, alpha=0.3, l2=0.02), vectors(15, 3)
    users = solve(items, train, config).requires_grad_()
    rows, columns = torch.tensor(train.rows), torch.tensor(train.indices).long()
    loss = ((users[rows] * items[columns]).sum(1) - 1).square().sum()
    loss = loss + 0.3 * (users @ items.T).square().sum()
    weight = torch.from_numpy(train.lengths + 0.3 * 15)
    loss = loss + 0.02 * (weight * users.square().sum(1)).sum()
    (slope,) = torch.autograd.grad(loss, users)
    assert float(slope.abs().max()) < 1e-12
    own = 0.02 * float((torch.from_numpy(train.counts + 0.3 * 40) * items.square().sum(1)).sum())
    assert objective(users.detach(), items, train, config) == pytest.approx(
        float(loss.detach()) + own
    )


def test_the_objective_never_rises():
    train, _ = random_train()
    config = Config(dim=4)
    items, across = ials.first_vectors(config, 15).double(), transposed(train)
    users = solve(items, train, config)
    values = [objective(users, items, train, config)]
    for _ in range(12):
        items = solve(users, across, config)
        values.append(objective(users, items, train, config))
        users = solve(items, train, config)
        values.append(objective(users, items, train, config))
    assert all(after < before for before, after in zip(values[:-1], values[1:], strict=True))


def test_a_toy_ends_at_the_brute_force_minimum():
    train = Csr.of([0, 0, 1, 2, 2], [0, 1, 1, 2, 0], n_rows=3, n_columns=3)
    config = Config(dim=1, alpha=0.2, l2=0.05, sweeps=300)
    model = build(config, train)
    reached = objective(model.users.double(), model.items.double(), train, config)
    x = torch.from_numpy(train.matrix().toarray()).double()
    lengths = torch.from_numpy(train.lengths).double() + 0.6
    counts = torch.from_numpy(train.counts).double() + 0.6

    def loss(w, h):  # of 3 + 3 numbers
        scores = w.unsqueeze(-1) * h.unsqueeze(-2)
        fit = (x * (scores - 1).square()).sum((-1, -2)) + 0.2 * scores.square().sum((-1, -2))
        return fit + 0.05 * ((lengths * w.square()).sum(-1) + (counts * h.square()).sum(-1))

    # The best item vector of given users has a closed form; walk a grid of the users.
    grid = torch.cartesian_prod(*[torch.linspace(-1.5, 1.5, 61, dtype=torch.float64)] * 3)
    top = grid @ x
    bottom = grid.square() @ x + 0.2 * grid.square().sum(1, keepdim=True) + 0.05 * counts
    lowest = float(loss(grid, top / bottom).min())
    assert reached <= lowest + 1e-6 and reached == pytest.approx(lowest, abs=0.01)


def test_scores_and_users_who_are_folded_in():
    train, _ = random_train()
    model = build(Config(dim=6), train)
    whole = model.scores(torch.arange(40))
    assert whole.shape == (40, 15) and whole.dtype == torch.float32
    torch.testing.assert_close(model.scores(torch.tensor([9, 0])), whole[[9, 0]])
    torch.testing.assert_close(model.fold_in(train).scores(torch.arange(40)), whole)
    assert not whole[7].any() and not whole[:, 4].any()
    history = Csr.of([0], [3], n_rows=2, n_columns=15)
    assert bool(model.fold_in(history).scores(torch.tensor([0]))[0, 3] > 0)


def test_the_seed_decides_the_first_vectors_alone():
    train, _ = random_train()
    one, again, other = (build(Config(dim=6, seed=seed), train) for seed in (0, 0, 1))
    assert torch.equal(one.items, again.items) and not torch.equal(one.items, other.items)


@pytest.mark.parametrize("wrong", [{"l2": 0.0}, {"alpha": 0.0}, {"nu": 1.5}, {"dim": 0}])
def test_refused(wrong):
    with pytest.raises(ValueError, match=next(iter(wrong))):
        Config(**wrong)


def test_a_penalty_that_vanishes_in_float32_is_refused_in_one_sentence():
    train, _ = random_train()
    with pytest.raises(UserError, match=r"ials .* l2=1e-09 with alpha=1e-09 is too small here;"):
        build(Config(dim=24, l2=1e-9, alpha=1e-9, sweeps=3), train)
