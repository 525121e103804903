import pytest
import torch

from negbench.composition import recipe
from negbench.errors import UserError
from negbench.methods import in_batch
from negbench.ops import rng
from negbench.plugins.term_syntax import config_of
from negbench.protocol.context import TrainContext
from negbench.protocol.step import Batch
from negbench.testing.toy_data import TrainingHarness, batch_of, toy_context
from negbench.training.forward import forward

FEW = [[0, 1], [0, 2], [0, 3, 1], [0, 4], [0, 1, 5], [0, 2], [6, 0, 1], [7, 2], [0]]


def skewed() -> TrainContext:
    return toy_context(FEW, n_items=8)


def gradients(
    method: str, rows: int, seed: int = 0, where: TrainContext | None = None
) -> torch.Tensor:
    """The gradient of the mean loss to the query, over all users, with a batch of `rows` pairs."""
    harness = TrainingHarness(recipe(method).build(), where or skewed())
    whole = batch_of(harness.context)
    more = torch.randint(len(whole), (rows,), generator=rng.stream(seed, "rows"))
    order = torch.cat([torch.arange(len(whole)), more])
    batch = Batch(whole.users[order], whole.items[order])
    outcome = forward(harness.method, harness.step(seed, batch))
    (gradient,) = torch.autograd.grad(outcome.rows[: len(whole)].sum(), outcome.step.view.query)
    return gradient[: len(whole)]


def distance(method: str, rows: int) -> float:
    """How far a sampled softmax's gradient is from the full softmax's, relatively."""
    full = gradients("all_items", 0)
    near = torch.stack([gradients(method, rows, seed) for seed in range(8)]).mean(0)
    return ((near - full).norm() / full.norm()).item()


def test_the_corrected_softmax_converges_to_the_full_one() -> None:
    method = "in_batch(pool=100000)"
    far, near, nearest = (distance(method, rows) for rows in (30, 300, 2000))
    assert nearest < near < far and nearest < 0.05


def test_the_uncorrected_softmax_does_not() -> None:
    assert distance("in_batch(pool=100000,correct=false)", 1000) > 0.2


def test_the_pool_is_bounded() -> None:
    harness = TrainingHarness(recipe("in_batch(pool=5)").build(), skewed())
    assert harness.forward().s_neg.shape == (len(batch_of(harness.context)), 5)


def test_a_pool_of_nothing_is_refused() -> None:
    with pytest.raises(UserError, match="`pool` must be at least 1; got 0"):
        recipe("in_batch(pool=0)")


def test_the_exact_form_has_the_default_gradient_and_marginal_has_not() -> None:
    default, exact, marginal = (
        gradients(f"in_batch(pool=64,correction={word})", 100)
        for word in ("standard", "exact", "marginal")
    )
    assert torch.allclose(default, exact, atol=1e-6)
    assert not torch.allclose(default, marginal, atol=1e-2)
    assert distance("in_batch(pool=100000,correction=exact)", 2000) < 0.05
    assert distance("in_batch(pool=100000,correction=marginal)", 2000) > 0.08


@pytest.mark.parametrize(("old", "new"), [("true", "standard"), ("false", "none")])
def test_the_older_word_trains_bit_for_bit_the_same(old: str, new: str) -> None:
    """Searches of earlier versions hold `correct`; a winner of one is typed as it was."""
    typed = f"in_batch(correct={old},pool=512)"
    assert str(recipe(typed)) == f"in_batch(correct={old.title()},pool=512)"
    assert torch.equal(gradients(typed, 50), gradients(f"in_batch(pool=512,correction={new})", 50))
    assert torch.equal(gradients("in_batch", 50), gradients("in_batch(correct=true)", 50))


def test_two_corrections_are_refused() -> None:
    with pytest.raises(UserError, match="`correct` and `correction` must agree .*; leave"):
        recipe("in_batch(correct=false,correction=exact)")


def test_the_preset_of_the_study_of_sequential_models() -> None:
    config = config_of(in_batch, {"preset": "apple"}, "in_batch")
    assert config == in_batch.Config(pool=50, pool_of="sequence", hide="batch", correction=None)
