"""The choice of finalists and winner from validation values."""

from negbench.tuning.selection import finalists, ranked, winner


def test_trials_are_ranked_by_validation_and_failed_ones_are_last():
    assert ranked({0: 0.1, 1: None, 2: 0.3, 3: 0.3, 4: 0.0}) == [2, 3, 0, 4, 1]


def test_finalists_are_the_best_that_did_not_fail():
    assert finalists({0: 0.1, 1: None, 2: 0.3}, 3) == [2, 0]
    assert finalists({0: None}, 3) == []


def test_the_best_mean_wins_and_not_the_best_seed():
    assert winner({2: [0.9, 0.1], 0: [0.6, 0.6]}) == 0


def test_a_finalist_that_fails_once_cannot_win():
    assert winner({2: [0.9, None], 0: [0.1, 0.1]}) == 0
    assert winner({2: [None]}) is None
    assert winner({}) is None


def test_equal_means_go_to_the_better_trial():
    assert winner({5: [0.2, 0.2], 1: [0.2, 0.2]}) == 5
