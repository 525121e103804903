"""Shares of parameters: known functions, irrelevant parameters, noise."""

import numpy as np
import pytest
from helpers.search_files import L2, LR, M, pending, search, trial
from scipy.stats import qmc

from negbench.analysis.tuning import anova
from negbench.analysis.tuning.anova import FEWEST, shares, shares_of
from negbench.analysis.tuning.searches import Searched

MOMENTUM = {"owner": "method", "name": "m", "kind": "float", "values": [0.0, 1.0], "zero": 0.0}
SPACE = (LR, MOMENTUM, {**MOMENTUM, "name": "q"})


def searched(function, n=32, seed=0, space=SPACE):
    """A search whose validation values are a function of the places of its settings."""
    trials = []
    for at, point in enumerate(qmc.Sobol(3, seed=seed).random(64)[:n]):
        settings = {"lr": 10 ** (3 * point[0] - 4), "m": point[1], "q": point[2]}
        trials.append(trial(at, float(function(*point)), 0.1, settings))
    return Searched(search("dns", trials, space=space))


def test_shares_of_an_additive_function_are_its_variances():
    result = shares(searched(lambda a, b, c: np.sin(3 * a) + 0.5 * b, n=64))
    a, b = np.sin(3 * np.linspace(0, 1, 10001)).var(), 0.25 / 12
    assert result.shares["lr"] == pytest.approx(a / (a + b), abs=0.03)
    assert result.shares["m"] == pytest.approx(b / (a + b), abs=0.03)
    assert result.shares["q"] < 0.01
    assert result.first == "lr" and result.r2 > 0.98 and result.trials == 64


def test_few_trials_still_find_the_one_that_matters():
    for seed in range(5):
        result = shares(searched(lambda a, b, c: -((a - 0.6) ** 2), n=16, seed=seed))
        assert result.first == "lr" and result.shares["lr"] > 0.8


def test_shares_add_up_to_r2_and_the_rest_is_interactions_and_noise():
    rng = np.random.default_rng(0)
    result = shares(searched(lambda a, b, c: a + 0.3 * rng.standard_normal(), n=64))
    assert sum(result.shares.values()) == pytest.approx(result.r2)
    assert 0.2 < result.r2 < 0.8 and result.rest == pytest.approx(1 - result.r2)
    assert list(result.shares.values()) == sorted(result.shares.values(), reverse=True)


def test_noise_mostly_gives_no_share():
    rng = np.random.default_rng(0)
    none = sum(
        shares(searched(lambda *_: rng.standard_normal(), n=32, seed=seed)) is None
        for seed in range(20)
    )
    assert none >= 16


def test_a_pure_interaction_is_no_main_effect():
    result = shares(searched(lambda a, b, c: (a - 0.5) * (b - 0.5), n=64))
    assert result is None or result.r2 < 0.1


def test_leaving_one_out_in_closed_form_is_leaving_one_out():
    """The errors, and those of pairs left out, against models fitted again."""
    rng = np.random.default_rng(2)
    x, y = rng.random((9, 2)), rng.standard_normal(9)
    kernel = np.exp(-((x[:, None] - x[None]) ** 2).sum(-1)) + anova.LEVEL
    left, inner = anova._errors(kernel, 0.1, y)

    def error(j, without):
        kept = [i for i in range(9) if i not in (j, *without)]
        weights = np.linalg.solve(kernel[np.ix_(kept, kept)] + 0.1 * np.eye(len(kept)), y[kept])
        return y[j] - kernel[j, kept] @ weights

    assert left == pytest.approx([error(j, ()) for j in range(9)], rel=1e-6)
    pairs = [sum(error(k, (j,)) ** 2 for k in range(9) if k != j) for j in range(9)]
    assert inner == pytest.approx(pairs, rel=1e-6)


def test_failed_trials_count_as_the_lowest_and_pending_ones_not():
    rng = np.random.default_rng(1)
    trials = []
    for at, u in enumerate(qmc.Sobol(2, seed=1).random(32)):
        settings = {"lr": 10 ** (3 * u[0] - 4), "l2": 10 ** (6 * u[1] - 8)}
        valid = None if u[0] > 0.8 else 0.05 + 0.001 * rng.random()
        trials.append(trial(at, valid, 0.1, settings))
    result = shares(Searched(search("dns", [*trials, pending(32)])))
    assert result.first == "lr" and result.trials == 32


def test_lists_and_words_are_parameters_too():
    words = {"owner": "method", "name": "w", "kind": "of", "values": ["a", "b"], "zero": 0.0}
    trials = [
        trial(at, float(at % 2) + 0.1 * (at // 2 % 4), 0.1, {"w": "ab"[at % 2], "candidates": c})
        for at, c in enumerate(np.repeat([2, 4, 8, 16] * 2, 2).tolist())
    ]
    result = shares(Searched(search("dns", trials, space=(words, M))))
    assert result.first == "w" and 0.9 < result.r2 <= 1
    assert 0.02 < result.shares["candidates"] < 0.1


def test_zero_lies_below_a_range_that_has_it_as_a_point_of_its_own():
    trials = [
        trial(at, 1.0 if at % 3 else 0.0, 0.1, {"lr": 1e-3, "l2": 1e-4 if at % 3 else 0.0})
        for at in range(12)
    ]
    assert shares(Searched(search("dns", trials, space=(LR, L2)))).first == "l2"


@pytest.mark.parametrize(
    "given",
    [
        searched(lambda a, b, c: a, n=FEWEST - 1),
        searched(lambda a, b, c: 0.5),
        searched(lambda a, b, c: a, space=()),
        Searched(search("dns", [pending(at) for at in range(16)])),
    ],
)
def test_too_few_trials_one_value_and_an_empty_space_have_none(given):
    assert shares(given) is None


def test_values_of_any_scale_have_the_same_shares():
    u = qmc.Sobol(2, seed=0).random(16)
    kernels = {
        name: np.exp(-0.5 * ((u[:, at, None] - u[None, :, at]) / anova.WIDTH) ** 2)
        for at, name in enumerate("ab")
    }
    y = u[:, 0] + 0.2 * u[:, 1]
    one, other = shares_of(kernels, y), shares_of(kernels, 1e-6 * y + 7e-4)
    assert other.shares == pytest.approx(dict(one.shares), rel=1e-6)
