"""A method that names the items of its synthesised negatives is recorded under these ids."""

import pytest
import torch

from negbench.composition import recipe
from negbench.parts.selection.nearest_item import nearest_to_each
from negbench.probes.negative_ids import StepsToCount
from negbench.probes.watched_rows import WatchedRows
from negbench.testing.toy_data import TrainingHarness


def watched(method):
    outcome = TrainingHarness(recipe(method).build()).forward()
    rows = torch.arange(len(outcome.step.batch))
    return outcome, WatchedRows.of(
        outcome.step, outcome.drawn, outcome.used, outcome.feedback(), rows
    )


def test_the_ids_of_a_mixture_are_those_that_the_method_gives():
    outcome, seen = watched("mixgcf(candidates=3)")
    assert outcome.used.vectors is not None
    assert torch.equal(seen.ids, outcome.used.ids)
    items = outcome.step.view.items[seen.ids]
    expected = 1 - torch.cosine_similarity(outcome.used.vectors.detach(), items.detach(), dim=-1)
    torch.testing.assert_close(seen.distance, expected)
    assert float(seen.distance.max()) > 0.01  # it is no item, and that is still measured


def test_they_are_counted_in_every_step_as_drawn_ids_are():
    outcome, _ = watched("mixgcf(candidates=3)")
    steps = StepsToCount()
    steps.add(outcome.step, outcome.drawn, outcome.used, most=1000)
    (counted,) = steps.take()
    assert torch.equal(counted.ids, outcome.used.ids)


@pytest.mark.parametrize("method", ["dmns", "adar(warmup=0)"])
def test_ids_that_bear_the_penalty_alone_are_not_taken_for_the_vectors(method):
    outcome, seen = watched(method)
    assert outcome.used.vectors is not None and outcome.used.record_ids is None
    nearest, _ = nearest_to_each(outcome.step, outcome.used.vectors.detach(), seen.users)
    assert torch.equal(seen.ids, nearest)
