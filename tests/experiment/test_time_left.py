"""The time left, from figures made up so that the answer is known."""

import pytest

from negbench.experiment.finished.time_left import Ended, time_left
from negbench.storage.claims import Claim
from negbench.storage.training_progress import TrainingProgress


def cell(name, method="a", backbone="mf"):
    return {"cell": name, "dataset": "d", "backbone": backbone, "method": method}


def at_work(name, seconds, progress=None):
    return Claim(name, 0, "host", 7, name, seconds, 1.0, None, "t", progress)


def left(pending, ended=(), working=(), at_a_time=1):
    return time_left(pending, ended, {each.cell: each for each in working}, at_a_time)


A, B = ("d", "mf", "a"), ("d", "mf", "b")
REFERENCE = ("d", "reference", "ease")


def test_a_cell_at_work_counts_by_its_own_pace_and_the_epochs_of_its_kind():
    ended = [Ended(A, 50.0, 20), Ended(A, 70.0, 30), Ended(B, 500.0, 100)]
    progress = TrainingProgress(epoch=5, epochs=200, seconds=40.0, metric="ndcg@20", age=3.0)
    now = left([cell("x")], ended, [at_work("x", 40.0, progress)])
    assert now.seconds == pytest.approx((25 - 5) * 8 - 3) and not now.no_early_stop


def test_before_any_cell_has_ended_the_whole_budget_counts_and_that_is_told():
    progress = TrainingProgress(epoch=5, epochs=20, seconds=10.0, metric="ndcg@20")
    now = left([cell("x"), cell("y")], working=[at_work("x", 10.0, progress)])
    assert now.seconds == pytest.approx(15 * 2 + 20 * 2) and now.no_early_stop


def test_a_cell_past_the_epochs_of_its_kind_has_nothing_left_rather_than_less():
    progress = TrainingProgress(epoch=30, epochs=200, seconds=10.0, metric="ndcg@20", age=9.0)
    assert left([cell("x")], [Ended(A, 5.0, 10)], [at_work("x", 10.0, progress)]).seconds == 0


def test_references_tell_nothing_about_trained_cells():
    ended = [Ended(REFERENCE, 0.1, 0)]
    assert left([cell("x")], ended).seconds is None
    assert left([cell("x")], [*ended, Ended(B, 9.0, 3)]).seconds == 9
    both = [cell("x"), cell("y", "slim", "reference")]
    assert left(both, [*ended, Ended(B, 9.0, 3)]).seconds == pytest.approx(9.1)


def test_nothing_ended_and_no_epoch_tells_nothing_and_nothing_pending_none():
    assert left([cell("x")], working=[at_work("x", 3.0)]).seconds is None
    assert left([]).seconds == 0


def test_a_cell_before_its_first_epoch_takes_the_mean_less_what_it_had():
    assert left([cell("x")], [Ended(A, 12.0, 4)], [at_work("x", 5.0)]).seconds == 7


@pytest.mark.parametrize(
    ("at_a_time", "seconds"), [(1, 50), (2, 30), (3, 20), (4, 20), (5, 10), (9, 10)]
)
def test_whole_cells_are_dealt_out_to_those_who_work(at_a_time, seconds):
    """Five cells of ten seconds; brute force: ceil(5 / workers) rounds."""
    assert left([cell(str(at)) for at in range(5)], [Ended(A, 10.0, 1)], (), at_a_time).seconds == (
        seconds
    )


def test_cells_that_count_as_the_mean_of_other_rows_are_told():
    pending = [cell("x"), cell("y", "b"), cell("z", "c")]
    now = left(pending, [Ended(A, 12.0, 4), Ended(A, 8.0, 4)])
    assert now.seconds == 30 and now.unlike == 2
    assert left([cell("x")], [Ended(A, 12.0, 4)]).unlike == 0
    assert left([cell("y", "slim", "reference")], [Ended(A, 12.0, 4)]).unlike == 1
    progress = TrainingProgress(epoch=2, epochs=20, seconds=10.0, metric="ndcg@20")
    assert left([cell("y", "b")], [Ended(A, 12.0, 4)], [at_work("y", 10.0, progress)]).unlike == 1
