"""Negatives of weight 0: a row that has no other one is a row without negatives."""

import pytest

from negbench.composition import recipe
from negbench.testing.toy_data import TrainingHarness

LOSSES = [f"{name}(negatives=2)" for name in ("hcl", "info_nce", "bsl", "psl", "talos", "ccl")]
LOSSES += ["dcl(negatives=2,tau_plus=0)", "dcl(negatives=2,tau_plus=0.1)", "slatk(negatives=2,k=1)"]
LOSSES += ["napo(loss=softmax,negatives=2,sft_epochs=0)"]


@pytest.mark.parametrize("method", LOSSES)
def test_a_row_whose_negatives_all_weigh_0_has_a_finite_loss_and_gradient(method: str) -> None:
    """Both items of a pair are below the first rank of all, so that a swap gains nothing."""
    harness = TrainingHarness(recipe(f"lambda_loss(k=1)+{method}").build())
    harness.refresh(1)
    outcome = harness.forward()
    assert outcome.used.logw is not None
    assert bool(outcome.used.logw.isneginf().all(1).any())
    assert float(outcome.rows.detach().abs().max()) < 1e3
    outcome.loss.backward()
    grad = outcome.step.view.query.grad
    assert grad is not None and bool(grad.isfinite().all())
