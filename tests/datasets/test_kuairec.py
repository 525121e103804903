"""The embedded kuairec, exactly."""

import numpy as np

from negbench.data.load import load


def test_kuairec_is_what_its_notice_says() -> None:
    data = load("kuairec")
    assert (data.n_users, data.n_items, len(data)) == (1411, 3327, 70_355)
    assert data.truth is not None and data.judged is None
    assert (data.truth.n_rows, data.truth.n_columns, len(data.truth)) == (1411, 3327, 217_175)
    assert int((data.truth.counts > 0).sum()) == 3276  # 51 videos that nobody likes
    assert data.order == "none" and data.part is None


def test_what_was_observed_is_true_and_said_to_be_simulated() -> None:
    data = load("kuairec")
    assert data.truth is not None
    keys = data.users * data.n_items + data.items
    assert np.isin(keys, data.truth.keys).all() and len(np.unique(keys)) == len(keys)
    assert any("SIMULATED" in note and "not a log" in note for note in data.notes)


def test_identifiers_are_kuairecs_own() -> None:
    data = load("kuairec")
    assert data.user_ids is not None and data.user_ids[:3].tolist() == [14, 19, 21]
    assert data.item_ids is not None and data.item_ids[:3].tolist() == [103, 109, 120]
