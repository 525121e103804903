"""The axioms of Shapley values, and estimators that are unbiased with correct errors."""

import math

import pytest
import torch

from negbench.methods.shapley.games import QuadraticGame, exact_values
from negbench.methods.shapley.permutation_estimator import (
    ESTIMATORS,
    estimate,
    marginals,
    random_orders,
)
from negbench.ops import rng

G = rng.stream(0, "games")


class Table:
    """A game given by the utility of every set."""

    def __init__(self, utilities):
        self.values, self.n = utilities, int(math.log2(len(utilities)))

    def utility_of(self, members):
        return self.values[(members.long() * 2 ** torch.arange(self.n)).sum(1)]


class Curved:
    """A quadratic game with a little of the third order: tanh of it."""

    def __init__(self, n, bend):
        pairs = torch.randn(n, n, generator=G, dtype=torch.float64) / n
        pairs = pairs + pairs.T
        self.quadratic = QuadraticGame(
            torch.randn(n, generator=G, dtype=torch.float64) / n, pairs - pairs.diagonal().diag()
        )
        self.n, self.bend = n, bend

    def utility_of(self, members):
        u = self.quadratic.utility_of(members)
        return torch.tanh(self.bend * u) / self.bend if self.bend else u


def table(n=6):
    return Table(torch.randn(2**n, generator=G, dtype=torch.float64))


def ends(game):
    every = torch.ones(1, game.n, dtype=torch.bool)
    return (game.utility_of(every) - game.utility_of(~every)).squeeze()


def test_two_players_by_hand():
    game = Table(torch.tensor([0.0, 1.0, 3.0, 10.0], dtype=torch.float64))
    assert exact_values(game).tolist() == [4.0, 6.0]


def test_exact_values_are_the_mean_over_all_orders():
    game = table(4)
    orders = torch.cartesian_prod(*[torch.arange(4)] * 4)
    orders = orders[[len(set(row.tolist())) == 4 for row in orders]]
    torch.testing.assert_close(marginals(game, orders).mean(0), exact_values(game))


def test_values_sum_to_the_utility_of_all():
    game = table()
    torch.testing.assert_close(exact_values(game).sum(), ends(game), rtol=0, atol=1e-12)
    walked = marginals(game, random_orders(6, 20, G))
    torch.testing.assert_close(walked.sum(1), ends(game).expand(20), rtol=0, atol=1e-12)


def test_equal_players_have_equal_values_and_a_dummy_has_none():
    base = table(3)
    code = torch.arange(2**5)
    # Players 1 and 3 count by their number alone; player 4 never counts.
    both = ((code >> 1) & 1) + ((code >> 3) & 1)
    utilities = base.values[code & 1] + both**2 * 0.7 + both * base.values[(code >> 2) & 1]
    values = exact_values(Table(utilities))
    torch.testing.assert_close(values[1], values[3])
    assert abs(float(values[4])) < 1e-12


def test_values_are_linear_in_the_game():
    one, two = table(), table()
    both = Table(2 * one.values - 3 * two.values)
    torch.testing.assert_close(exact_values(both), 2 * exact_values(one) - 3 * exact_values(two))


def test_a_quadratic_game_has_its_values_in_closed_form():
    game = Curved(9, 0).quadratic
    torch.testing.assert_close(game.values(), exact_values(game))
    orders = random_orders(9, 5, G)
    torch.testing.assert_close(game.marginals(orders), marginals(game, orders))


def test_an_antithetic_pair_is_exact_in_a_quadratic_game():
    game = Curved(9, 0).quadratic
    estimated = estimate(game, 4, G)
    torch.testing.assert_close(estimated.samples, game.values().expand(2, -1), rtol=0, atol=1e-12)
    plain = estimate(game, 4, G, estimator="plain")
    assert float((plain.samples - game.values()).abs().max()) > 0.1


@pytest.mark.parametrize("estimator", ESTIMATORS)
@pytest.mark.parametrize("n", [8, 10])
def test_every_estimator_is_unbiased_and_its_errors_cover(estimator, n):
    game = Curved(n, 0.8)
    surrogate = game.quadratic.additive() if estimator == "first_order" else game.quadratic
    want, off, inside = exact_values(game), [], []
    for _ in range(60):
        estimated = estimate(game, 64, G, estimator=estimator, surrogate=surrogate)
        off.append(estimated.value - want)
        inside.append((estimated.value - want).abs() <= 1.96 * estimated.error)
    gaps = torch.stack(off)
    z = gaps.mean(0) / (gaps.std(0) / 60**0.5)
    assert float(z.abs().max()) < 4.0
    assert 0.90 <= float(torch.stack(inside).double().mean()) <= 0.99


def test_variance_ratios():
    game = Curved(10, 0.5)
    plain = estimate(game, 400, rng.stream(1, "m"), estimator="plain")

    def ratio(estimator, surrogate=None):
        estimated = estimate(
            game, 400, rng.stream(1, "m"), estimator=estimator, surrogate=surrogate
        )
        return float(plain.error.square().sum() / estimated.error.square().sum())

    assert ratio("first_order", game.quadratic.additive()) == 1.0
    quadratic, antithetic = ratio("quadratic", game.quadratic), ratio("antithetic")
    assert quadratic > 3 and antithetic > 3
    # As theory has it: 1 / (1 - rho^2) of marginals and surrogate, pooled over players.
    orders = random_orders(10, 4000, G)
    walked, beside = marginals(game, orders), game.quadratic.marginals(orders)
    walked, beside = walked - walked.mean(0), beside - beside.mean(0)
    rho = (walked * beside).sum() ** 2 / walked.square().sum() / beside.square().sum()
    assert quadratic == pytest.approx(float(1 / (1 - rho)), rel=0.3)


@pytest.mark.parametrize("estimator", ESTIMATORS)
def test_values_still_sum_under_a_common_coefficient(estimator):
    game = Curved(8, 1.0)
    estimated = estimate(game, 8, G, estimator=estimator, surrogate=game.quadratic)
    torch.testing.assert_close(estimated.value.sum(), ends(game), rtol=0, atol=1e-12)


def test_truncation_saves_sets_and_costs_little():
    game = Curved(10, 0)
    game.quadratic = QuadraticGame(
        torch.full((10,), 1.0, dtype=torch.float64), torch.zeros(10, 10, dtype=torch.float64)
    )
    evaluated = []
    utility_of = game.utility_of
    game.utility_of = lambda members: (evaluated.append(len(members)), utility_of(members))[1]
    full = estimate(game, 40, G, estimator="plain").value
    whole = sum(evaluated)
    evaluated.clear()
    short = estimate(game, 40, G, estimator="plain", tolerance=0.35).value
    assert sum(evaluated) < 0.8 * whole
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
        exact_values(Curved(17, 0))
