import pytest
import torch

from negbench.composition import recipe
from negbench.errors import UserError
from negbench.testing.toy_data import TrainingHarness


def test_the_gradient_is_softmax_less_one_hot() -> None:
    harness = TrainingHarness(recipe("all_items").build())
    outcome = harness.forward()
    outcome.rows.sum().backward()
    leaves, batch = outcome.step.view.leaves, outcome.step.batch
    assert leaves is not None and leaves.query is not None and leaves.query.grad is not None
    items = harness.tables.items.mean(1)
    scores = harness.tables.users.mean(1)[batch.users] @ items.T
    hidden = harness.context.excluded.contains_shared(batch.users, torch.arange(12))
    hidden.scatter_(1, batch.items.unsqueeze(1), False)
    p = scores.masked_fill(hidden, -torch.inf).softmax(1)
    assert torch.allclose(leaves.query.grad, p @ items - items[batch.items], atol=1e-5)


def test_no_row_is_scored_against_its_own_positives() -> None:
    outcome = TrainingHarness(recipe("all_items").build()).forward()
    assert outcome.used.mask is not None
    met = outcome.step.context.excluded.sizes[outcome.step.batch.users]
    assert torch.equal(outcome.used.mask.sum(1), 12 - met)


def test_a_step_too_large_is_refused_with_a_remedy() -> None:
    with pytest.raises(UserError, match="lower the batch size, raise `cells`"):
        TrainingHarness(recipe("all_items(cells=10)").build()).forward()


def test_cells_below_one_are_refused() -> None:
    with pytest.raises(UserError, match="`cells` must be at least 1; got 0"):
        recipe("all_items(cells=0)")
