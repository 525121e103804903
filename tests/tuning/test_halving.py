"""Successive halving: sizes that are equal for all rows, a default never cut, a rung's measure."""

import math
from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from negbench.tuning.halving import (
    Curve,
    Rung,
    best_that_are_cut,
    correlation_of_full,
    rank_correlation,
    rungs,
    survivors,
    trained_at,
)

SIZES = st.integers(1, 200)


def test_sixty_four_trials_end_as_four_beside_the_default():
    assert rungs(64, 200, 3) == (Rung(50, 16), Rung(100, 4), Rung(200, 3))
    assert rungs(16, 100, 3) == (Rung(25, 4), Rung(50, 3), Rung(100, 3))


def test_sizes_are_rounded_up():
    assert rungs(33, 30) == (Rung(8, 9), Rung(15, 3), Rung(30, 1))


@pytest.mark.parametrize(
    ("trials", "epochs", "finalists", "expected"),
    [
        (1, 200, 3, (Rung(200, 1),)),
        (4, 200, 3, (Rung(200, 3),)),  # three and the default are all
        (4, 200, 1, (Rung(50, 1), Rung(200, 1))),
        (6, 200, 3, (Rung(50, 3), Rung(200, 3))),
        (64, 1, 3, (Rung(1, 3),)),
        (64, 2, 3, (Rung(1, 16), Rung(2, 3))),
    ],
)
def test_a_rung_that_cuts_no_trial_or_saves_no_epoch_is_left_out(
    trials, epochs, finalists, expected
):
    assert rungs(trials, epochs, finalists) == expected


@given(SIZES, SIZES, SIZES)
def test_rungs_rise_in_epochs_and_fall_in_trials_and_leave_enough(trials, epochs, finalists):
    steps = rungs(trials, epochs, finalists)
    caps, kept = [step.epochs for step in steps], [step.keep for step in steps]
    assert caps == sorted(set(caps)) and caps[-1] == epochs and caps[0] >= 1
    assert kept == sorted(kept, reverse=True) and kept[-1] == min(finalists, trials)
    alive = [trials, *(keep + 1 for keep in kept[:-1])]
    assert alive == sorted(set(alive), reverse=True)
    curves = {trial: Curve({1: trial / 7}) for trial in range(trials)}
    assert [len(each) for each in trained_at(curves, steps)] == alive


def test_the_best_go_on_and_the_default_beside_them():
    valid = {0: 0.1, 1: 0.5, 2: 0.2, 3: 0.4, 4: 0.3}
    assert survivors(valid, 2) == (0, 1, 3)
    assert survivors({**valid, 0: 0.9}, 2) == (0, 1, 3), "its place is not one of the two"
    assert survivors({**valid, 0: None}, 2) == (0, 1, 3), "it is never cut"
    assert survivors({trial: valid[trial] for trial in (1, 2, 3)}, 2) == (1, 3)


def test_failed_trials_come_last_and_equal_ones_by_their_number():
    assert survivors({0: 0.1, 1: None, 2: math.nan, 3: 0.0, 4: math.inf}, 1) == (0, 3)
    assert survivors({0: 0.1, 3: 0.2, 2: 0.2, 1: 0.2}, 2) == (0, 1, 2)
    assert survivors({0: 0.1, 2: None, 1: None}, 1) == (0, 1)
    assert survivors({0: 0.1, 1: 0.3}, 5) == (0, 1)


@given(
    st.dictionaries(st.integers(0, 30), st.none() | st.floats(-1, 1), min_size=1), st.integers(0, 9)
)
def test_no_trial_that_is_cut_is_better_than_one_that_goes_on(valid, keep):
    alive = survivors(valid, keep)
    others = [trial for trial in valid if trial != 0]
    assert len(alive) == min(keep, len(others)) + (0 in valid) and (0 in alive) == (0 in valid)
    place = {t: (valid[t] is None, -(valid[t] or 0.0), t) for t in others}
    cut = [place[t] for t in others if t not in alive]
    assert all(place[t] < each for t in alive if t != 0 for each in cut)


def test_the_rank_correlation_is_spearmans():
    # Ranks 1 2 3 4 5 and 2 1 4 3 5: 1 - 6 (1 + 1 + 1 + 1) / (5 * 24) = 0.8.
    assert rank_correlation([1, 2, 3, 4, 5], [20, 10, 40, 30, 50]) == pytest.approx(0.8)
    assert rank_correlation([1, 2, 3], [3, 2, 1]) == pytest.approx(-1)


def test_only_trials_with_a_value_in_both_count():
    rung = [1, None, 2, math.nan, 3, 9, math.inf]
    end = [10, 5, 20, 5, 30, None, 1]
    assert rank_correlation(rung, end) == pytest.approx(1)


@pytest.mark.parametrize(
    ("rung", "end"),
    [([], []), ([1, 2], [1, 2]), ([1, 2, None], [1, 2, 3]), ([1, 1, 1], [1, 2, 3])],
)
def test_too_few_or_equal_values_have_no_correlation(rung, end):
    assert rank_correlation(rung, end) is None


RISING = Curve({1: 0.1, 2: 0.2, 3: 0.9})
EARLY = Curve({1: 0.5, 2: 0.6, 3: 0.6})
FALLING = Curve({1: 0.4, 2: 0.1})


def test_a_curve_gives_the_best_value_so_far():
    assert [RISING.best(until) for until in (1, 2, 3, 9)] == [0.1, 0.2, 0.9, 0.9]
    assert FALLING.best(2) == FALLING.best() == 0.4
    assert Curve({}).best() is None and Curve({2: 0.3}).best(1) is None
    assert Curve({1: math.nan, 2: 0.3}).best() == 0.3


def test_a_warm_up_counts_for_none():
    curve = Curve({1: 0.9, 2: 0.8, 3: 0.4, 4: 0.5}, begins=3)
    assert [curve.best(until) for until in (2, 3, 4)] == [None, 0.4, 0.5]


def test_the_correlation_of_a_full_search_is_over_all_trials_that_finished():
    curves = [RISING, EARLY, FALLING, Curve({})]
    assert correlation_of_full(curves, 3) == pytest.approx(1)
    # At epoch 1 the order is early, falling, rising; at the end rising, early, falling.
    assert correlation_of_full(curves, 1) == pytest.approx(-0.5)


def test_late_risers_that_halving_would_have_cut_are_counted():
    curves = {0: FALLING, 1: RISING, 2: EARLY, 3: Curve({}), 4: Curve({1: 0.3, 2: 0.3})}
    steps = (Rung(1, 2), Rung(2, 1), Rung(4, 1))
    assert trained_at(curves, steps) == [(0, 1, 2, 3, 4), (0, 2, 4), (0, 2)]
    assert best_that_are_cut(curves, steps, 1) == (1,)
    assert best_that_are_cut(curves, steps, 9) == (1, 4)
    assert best_that_are_cut(curves, [Rung(4, 1)], 9) == ()
    assert best_that_are_cut({**curves, 0: RISING, 1: FALLING}, steps, 1) == ()


def cell(rows, fit, status="done"):
    record = {"status": status, "fit": fit, "metrics": []}
    spec = {"train": {"select": "ndcg@5"}}
    return SimpleNamespace(record=record, spec=spec, done=status == "done", epochs=lambda: rows)


def test_a_curve_is_read_from_a_cell():
    rows = [
        {"epoch": 1.0, "valid_ndcg@5": 0.1, "test_ndcg@5": 0.9, "valid_ndcg@20": 0.8},
        {"epoch": 2.0, "loss": 0.5},
        {"epoch": 3.0, "valid_ndcg@5": 0.2},
    ]
    assert Curve.of(cell(rows, {})) == Curve({1: 0.1, 3: 0.2})
    phase = {"name": "own", "begins": 3, "reached": True, "kept": True}
    assert Curve.of(cell(rows, {"phase": phase})) == Curve({1: 0.1, 3: 0.2}, begins=3)
    never = {**phase, "kept": False}
    assert Curve.of(cell(rows, {"phase": never})) == Curve({}), "a warm-up alone is a failed trial"
    assert Curve.of(cell(rows, {}, "failed")) == Curve({})
