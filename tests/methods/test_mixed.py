import pytest
import torch

from negbench.composition import recipe
from negbench.errors import UserError
from negbench.methods import mixed
from negbench.ops import rng
from negbench.plugins.term_syntax import config_of
from negbench.protocol.step import Batch
from negbench.testing.toy_data import TrainingHarness, batch_of
from negbench.training.forward import forward


def gradients(method: str, rows: int = 0, seed: int = 0) -> torch.Tensor:
    """The gradient to the query of every train pair, in a batch with `rows` further pairs."""
    harness = TrainingHarness(recipe(method).build())
    whole = batch_of(harness.context)
    more = torch.randint(len(whole), (rows,), generator=rng.stream(seed, "rows"))
    order = torch.cat([torch.arange(len(whole)), more])
    batch = Batch(whole.users[order], whole.items[order])
    outcome = forward(harness.method, harness.step(seed, batch))
    (gradient,) = torch.autograd.grad(outcome.rows[: len(whole)].sum(), outcome.step.view.query)
    return gradient[: len(whole)]


def distance(method: str, rows: int) -> float:
    full = gradients("all_items")
    near = torch.stack([gradients(method, rows, seed) for seed in range(8)]).mean(0)
    return ((near - full).norm() / full.norm()).item()


@pytest.mark.parametrize("inside", [0.2, 0.5])
def test_the_corrected_softmax_converges_to_the_full_one(inside: float) -> None:
    """Cold items too, which no batch holds: the uniform part reaches them."""
    distances = []
    for n in (40, 400, 3000):
        pool, uniform = int(inside * n), int((1 - inside) * n)
        distances.append(distance(f"mixed(pool={pool},uniform={uniform})", pool))
    assert distances[2] < distances[1] < distances[0] and distances[2] < 0.05


def test_the_uncorrected_softmax_does_not() -> None:
    assert distance("mixed(pool=800,uniform=800,correct=false)", 800) > 0.1


def test_without_a_uniform_part_it_is_in_batch() -> None:
    assert torch.equal(
        gradients("mixed(uniform=0,pool=64)", 100), gradients("in_batch(pool=64)", 100)
    )


def test_a_pool_of_nothing_is_refused() -> None:
    with pytest.raises(UserError, match="not both 0; got 0 and 0"):
        recipe("mixed(pool=0,uniform=0)")


def test_the_exact_form_has_the_default_gradient_and_marginal_has_not() -> None:
    default, exact, marginal = (
        gradients(f"mixed(pool=64,uniform=64,correction={word})", 100)
        for word in ("standard", "exact", "marginal")
    )
    assert torch.allclose(default, exact, atol=1e-6)
    assert not torch.allclose(default, marginal, atol=1e-2)


def test_a_mixture_of_each_sequence_has_the_declared_law() -> None:
    """Without histories each row draws for itself: importance weights 1 / q sum to the allowed."""
    harness = TrainingHarness(
        recipe("mixed(pool=10,uniform=10,pool_of=sequence,hide=batch)").build()
    )
    counts, allowed = torch.zeros(12), torch.zeros(12)
    for number in range(60):
        drawn = harness.method.sampler.sample(harness.step(number))
        assert drawn.ids is not None and drawn.logq is not None and drawn.mask is not None
        row = 3  # of user 1, who has 0 and 3
        assert int(harness.step().batch.users[row]) == 1
        ids = drawn.ids[row][drawn.mask[row]]
        counts.index_add_(0, ids, torch.ones(len(ids)))
        allowed[ids] = drawn.logq[row][drawn.mask[row]].exp()
    assert counts[[0, 3]].sum() == 0 and allowed[11] > 0
    assert allowed.sum().item() == pytest.approx(1, abs=1e-5)
    # The batch is the whole train part: each draw takes its items without replacement.
    assert (counts / counts.sum() - allowed).abs().max() < 0.04


def test_the_preset_of_the_study_of_sequential_models() -> None:
    config = config_of(mixed, {"preset": "apple"}, "mixed")
    assert (config.pool, config.uniform, config.correction) == (5, 5, None)
    assert (config.pool_of, config.hide) == ("sequence", "batch")
