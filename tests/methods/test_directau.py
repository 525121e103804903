"""DirectAU: its formula in loops, what it does not depend on, and its ends."""

import importlib
import math
from dataclasses import replace

import pytest
import torch
import torch.nn.functional as F

import negbench
from negbench.composition import recipe
from negbench.errors import UserError
from negbench.parts.losses import uniformity as module
from negbench.parts.losses.uniformity import uniformity
from negbench.plugins.term_syntax import config_of
from negbench.testing import CHECKS, conforms
from negbench.testing.toy_data import TrainingHarness

directau = importlib.import_module("negbench.methods.directau")
G = torch.Generator().manual_seed(3)
X = torch.randn(9, 4, generator=G, dtype=torch.float64)
Y = torch.randn(9, 4, generator=G, dtype=torch.float64)

STEP = TrainingHarness(recipe("directau").build()).step()


def by_loops(vectors):
    """lu by the distances of pairs."""
    unit = F.normalize(vectors, dim=1)
    terms = [
        math.exp(-2 * float((unit[a] - unit[b]).square().sum()))
        for a in range(len(unit))
        for b in range(a)
    ]
    return math.log(sum(terms) / len(terms))


def loss_of(query, positive, gamma=1.0):
    """The loss of a batch from raw vectors, with gradient."""
    step = replace(STEP, view=replace(STEP.view, query=query, positive=positive))
    objective = directau.Alignment(gamma)
    rows = objective.rows(step, None, None, None)
    return rows.mean() + sum(objective.losses(step, None, None, None).values())


@pytest.mark.parametrize("check", CHECKS)
def test_cosine_ranking_conforms(check):
    conforms("directau(rank=cosine)", check)


@pytest.mark.parametrize("cells", [1, 20, 1 << 22])
def test_uniformity_is_the_log_mean_over_pairs_whatever_the_blocks(cells, monkeypatch):
    monkeypatch.setattr(module, "CELLS", cells)
    assert float(uniformity(X)) == pytest.approx(by_loops(X))


@pytest.mark.parametrize("over", ["pairs", "entries"])
@pytest.mark.parametrize("cells", [1, 25, 1 << 22])
def test_its_gradient_is_that_of_numbers(over, cells, monkeypatch):
    monkeypatch.setattr(module, "CELLS", cells)
    x = X[:6].clone().requires_grad_()
    assert torch.autograd.gradcheck(lambda v: uniformity(v, over), (x,))


def test_antipodal_pairs_give_minus_8_and_equal_rows_0():
    pair = torch.tensor([[2.0, 0.0], [-0.5, 0.0]], dtype=torch.float64)
    assert float(uniformity(pair)) == pytest.approx(-8)
    assert float(uniformity(pair[:1].expand(7, -1))) == pytest.approx(0)
    # A user who comes twice is a pair at distance 0, which raises the mean.
    assert float(uniformity(torch.cat([X, X[:1]]))) > float(uniformity(X))


def test_one_row_has_no_pair_and_no_gradient():
    one = X[:1].clone().requires_grad_()
    value = uniformity(one)
    value.backward()
    assert value.item() == 0 and not one.grad.any()


@pytest.mark.parametrize("gamma", [0.0, 0.5, 5.0])
def test_the_loss_of_a_batch_is_its_formula(gamma):
    expected = 0.0
    for x, y in zip(F.normalize(X, dim=1), F.normalize(Y, dim=1), strict=True):
        expected += float((x - y).square().sum()) / len(X)
    expected += gamma * (by_loops(X) + by_loops(Y)) / 2
    assert float(loss_of(X, Y, gamma)) == pytest.approx(expected)


def test_alignment_is_twice_the_distance_of_cosines_and_uniformity_adds_to_the_loss():
    outcome = TrainingHarness(recipe("directau(gamma=3)").build()).forward()
    view = outcome.step.view
    cosine = F.cosine_similarity(view.query, view.positive)
    torch.testing.assert_close(outcome.rows, 2 - 2 * cosine)
    both = (uniformity(view.query) + uniformity(view.positive)) / 2
    torch.testing.assert_close(outcome.loss, outcome.rows.mean() + 3 * both)


def test_rotation_and_lengths_change_nothing_and_the_gradient_is_orthogonal():
    turn = torch.linalg.qr(torch.randn(4, 4, generator=G, dtype=torch.float64))[0]
    lengths = torch.rand(9, 1, generator=G, dtype=torch.float64) + 0.1
    assert float(loss_of(X @ turn, Y @ turn)) == pytest.approx(float(loss_of(X, Y)))
    raw, longer = X.clone().requires_grad_(), (X * lengths).requires_grad_()
    loss_of(raw, Y).backward()
    loss_of(longer, Y).backward()
    assert torch.allclose((raw.grad * raw).sum(1), torch.zeros(9, dtype=torch.float64), atol=1e-12)
    torch.testing.assert_close(longer.grad * lengths, raw.grad)


def test_the_gradient_goes_to_query_and_positive_alone():
    outcome = TrainingHarness(recipe("directau").build()).train()
    leaves = outcome.step.view.leaves
    assert leaves.query.grad.any() and leaves.positive.grad.any()
    assert not any(rows.numel() for _, rows in leaves.rows) and outcome.used.n == 0
    b = len(outcome.rows)
    assert outcome.step.view.dots.total == b + 2 * b * b


def test_without_uniformity_all_vectors_collapse():
    x, y = (v.clone().requires_grad_() for v in (X, Y))
    optimiser = torch.optim.Adam([x, y], lr=0.1)
    spread = {}
    for gamma in (0.0, 2.0):
        with torch.no_grad():
            x.copy_(X), y.copy_(Y)
        for _ in range(80):
            optimiser.zero_grad()
            # One item for all users: alignment alone draws everybody to it.
            loss_of(x, y[:1].expand(9, -1), gamma).backward()
            optimiser.step()
        spread[gamma] = float(uniformity(x.detach()))
    assert spread[0.0] > -0.01 and spread[2.0] < -0.5


def test_rank_cosine_changes_the_ranking_and_not_the_loss():
    dot, cosine = (recipe(f"directau(rank={kind})").build() for kind in ("dot", "cosine"))
    first, second = TrainingHarness(dot).forward(), TrainingHarness(cosine).forward()
    assert torch.equal(first.loss, second.loss)
    assert first.step.view.similarity.kind == "dot" and second.s_pos.abs().max() <= 1 + 1e-5
    longer = first.step.view.score_pair(first.step.view.positive)
    assert not torch.allclose(longer, second.s_pos)


def test_released_settings_by_name():
    values = {
        name: config_of(directau, {"preset": name}, "directau")
        for name in ("released", "beauty", "gowalla", "yelp")
    }
    assert {name: config.gamma for name, config in values.items()} == {
        "released": 1.0,
        "beauty": 0.5,
        "gowalla": 5.0,
        "yelp": 1.0,
    }
    assert {config.rank for config in values.values()} == {"dot"}


def test_in_a_loop_of_ones_own_it_trains_without_negatives():
    users, items = [0, 0, 1, 2], [0, 1, 2, 0]
    loss = negbench.attach("directau(gamma=0.5)", users, items)
    query, table = torch.randn(4, 8, generator=G), torch.randn(3, 8, generator=G)
    query.requires_grad_(), table.requires_grad_()
    rows = torch.tensor(users), torch.tensor(items)
    value = loss(query, table, *rows)
    value.backward()
    both = (uniformity(query) + uniformity(table[rows[1]])) / 2
    alignment = 2 - 2 * F.cosine_similarity(query, table[rows[1]]).mean()
    torch.testing.assert_close(value, alignment + 0.5 * both)
    assert query.grad.any() and table.grad.any() and loss.outcome.used.n == 0


@pytest.mark.parametrize("wrong", ["gamma=-1", "rank=l2", "gamma=none"])
def test_what_is_no_setting_is_refused(wrong):
    with pytest.raises(UserError, match=f"{wrong.partition('=')[0]}.* must be"):
        recipe(f"directau({wrong})")
