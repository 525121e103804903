"""What makes a value Shapley's, and estimators that are unbiased with errors that are right."""

import math

import pytest
import torch

from negbench.methods.shapley.games import Quadratic, exact
from negbench.methods.shapley.permutation_estimator import (
    ESTIMATORS,
    estimate,
    marginals,
    orders_of,
)
from negbench.ops import rng

G = rng.stream(0, "games")


class Table:
    """A game given by the worth of every set."""

    def __init__(self, worth):
        self.values, self.n = worth, int(math.log2(len(worth)))

    def worth(self, members):
        return self.values[(members.long() * 2 ** torch.arange(self.n)).sum(1)]


class Curved:
    """A quadratic game with a little of the third order: tanh of it."""

    def __init__(self, n, bend):
        pairs = torch.randn(n, n, generator=G, dtype=torch.float64) / n
        pairs = pairs + pairs.T
        self.quadratic = Quadratic(
            torch.randn(n, generator=G, dtype=torch.float64) / n, pairs - pairs.diagonal().diag()
        )
        self.n, self.bend = n, bend

    def worth(self, members):
        u = self.quadratic.worth(members)
        return torch.tanh(self.bend * u) / self.bend if self.bend else u


def table(n=6):
    return Table(torch.randn(2**n, generator=G, dtype=torch.float64))


def ends(game):
    every = torch.ones(1, game.n, dtype=torch.bool)
    return (game.worth(every) - game.worth(~every)).squeeze()


def test_two_players_by_hand():
    game = Table(torch.tensor([0.0, 1.0, 3.0, 10.0], dtype=torch.float64))
    assert exact(game).tolist() == [4.0, 6.0]


def test_exact_values_are_the_mean_over_all_orders():
    game = table(4)
    orders = torch.cartesian_prod(*[torch.arange(4)] * 4)
    orders = orders[[len(set(row.tolist())) == 4 for row in orders]]
    torch.testing.assert_close(marginals(game, orders).mean(0), exact(game))


def test_values_sum_to_what_all_are_worth():
    game = table()
    torch.testing.assert_close(exact(game).sum(), ends(game), rtol=0, atol=1e-12)
    walked = marginals(game, orders_of(6, 20, G))
    torch.testing.assert_close(walked.sum(1), ends(game).expand(20), rtol=0, atol=1e-12)


def test_equal_players_have_equal_values_and_a_dummy_has_none():
    base = table(3)
    code = torch.arange(2**5)
    # Players 1 and 3 count by their number alone; player 4 never counts.
    both = ((code >> 1) & 1) + ((code >> 3) & 1)
    worth = base.values[code & 1] + both**2 * 0.7 + both * base.values[(code >> 2) & 1]
    values = exact(Table(worth))
    torch.testing.assert_close(values[1], values[3])
    assert abs(float(values[4])) < 1e-12


def test_values_are_linear_in_the_game():
    one, two = table(), table()
    both = Table(2 * one.values - 3 * two.values)
    torch.testing.assert_close(exact(both), 2 * exact(one) - 3 * exact(two))


def test_a_quadratic_game_has_its_values_in_closed_form():
    game = Curved(9, 0).quadratic
    torch.testing.assert_close(game.values(), exact(game))
    orders = orders_of(9, 5, G)
    torch.testing.assert_close(game.marginals(orders), marginals(game, orders))


def test_an_antithetic_pair_is_exact_in_a_quadratic_game():
    game = Curved(9, 0).quadratic
    found = estimate(game, 4, G)
    torch.testing.assert_close(found.samples, game.values().expand(2, -1), rtol=0, atol=1e-12)
    plain = estimate(game, 4, G, estimator="plain")
    assert float((plain.samples - game.values()).abs().max()) > 0.1


@pytest.mark.parametrize("estimator", ESTIMATORS)
@pytest.mark.parametrize("n", [8, 10])
def test_every_estimator_is_unbiased_and_its_errors_cover(estimator, n):
    game = Curved(n, 0.8)
    surrogate = game.quadratic.additive() if estimator == "first_order" else game.quadratic
    want, off, inside = exact(game), [], []
    for _ in range(60):
        found = estimate(game, 64, G, estimator=estimator, surrogate=surrogate)
        off.append(found.value - want)
        inside.append((found.value - want).abs() <= 1.96 * found.error)
    gaps = torch.stack(off)
    z = gaps.mean(0) / (gaps.std(0) / 60**0.5)
    assert float(z.abs().max()) < 4.0
    assert 0.90 <= float(torch.stack(inside).double().mean()) <= 0.99


def test_variance_ratios():
    game = Curved(10, 0.5)
    plain = estimate(game, 400, rng.stream(1, "m"), estimator="plain")

    def ratio(estimator, surrogate=None):
        found = estimate(game, 400, rng.stream(1, "m"), estimator=estimator, surrogate=surrogate)
        return float(plain.error.square().sum() / found.error.square().sum())

    assert ratio("first_order", game.quadratic.additive()) == 1.0
    quadratic, antithetic = ratio("quadratic", game.quadratic), ratio("antithetic")
    assert quadratic > 3 and antithetic > 3
    # As theory has it: 1 / (1 - rho^2) of marginals and surrogate, pooled over players.
    orders = orders_of(10, 4000, G)
    walked, beside = marginals(game, orders), game.quadratic.marginals(orders)
    walked, beside = walked - walked.mean(0), beside - beside.mean(0)
    rho = (walked * beside).sum() ** 2 / walked.square().sum() / beside.square().sum()
    assert quadratic == pytest.approx(float(1 / (1 - rho)), rel=0.3)


@pytest.mark.parametrize("estimator", ESTIMATORS)
def test_values_still_sum_under_a_common_coefficient(estimator):
    game = Curved(8, 1.0)
    found = estimate(game, 8, G, estimator=estimator, surrogate=game.quadratic)
    torch.testing.assert_close(found.value.sum(), ends(game), rtol=0, atol=1e-12)


def test_truncation_saves_sets_and_costs_little():
    game = Curved(10, 0)
    game.quadratic = Quadratic(
        torch.full((10,), 1.0, dtype=torch.float64), torch.zeros(10, 10, dtype=torch.float64)
    )
    asked = []
    worth = game.worth
    game.worth = lambda members: (asked.append(len(members)), worth(members))[1]
    full = estimate(game, 40, G, estimator="plain").value
    whole = sum(asked)
    asked.clear()
    short = estimate(game, 40, G, estimator="plain", tolerance=0.35).value
    assert sum(asked) < 0.8 * whole
    assert 0 <= float(full.sum() - short.sum()) <= 0.35 * 10 + 1e-9


def test_what_cannot_be_estimated_is_refused():
    game = Curved(4, 0)
    with pytest.raises(ValueError, match="one of plain, antithetic"):
        estimate(game, 8, G, estimator="magic")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="at least 4, and even"):
        estimate(game, 7, G)
    with pytest.raises(ValueError, match="needs a surrogate"):
        estimate(game, 8, G, estimator="quadratic")
    with pytest.raises(ValueError, match="at most 16 players; got 17"):
        exact(Curved(17, 0))
