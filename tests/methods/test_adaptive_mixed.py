import pytest
import torch

from negbench.composition import recipe
from negbench.errors import UserError
from negbench.methods import adaptive_mixed
from negbench.plugins.term_syntax import config_of
from negbench.protocol.step import Batch
from negbench.testing.toy_data import TrainingHarness, batch_of
from negbench.training.forward import Outcome


def outcome(method: str, objective: str | None = None) -> Outcome:
    return TrainingHarness(recipe(method, objective).build()).forward()


@pytest.mark.parametrize("faithful", ["true", "false"])
def test_without_uniform_items_it_is_adaptive(faithful: str) -> None:
    a = outcome(f"adaptive_mixed(pool=20,uniform=0,top=3,faithful={faithful})")
    b = outcome(f"adaptive(pool=20,top=3,faithful={faithful})")
    assert torch.equal(a.rows, b.rows)


def test_keeping_the_whole_pool_is_the_mixed_set() -> None:
    a = outcome("adaptive_mixed(pool=9,uniform=6,top=15)")
    b = outcome("mixed(pool=9,uniform=6)", "bce")
    assert a.drawn.ids is not None and b.drawn.ids is not None
    assert torch.equal(a.drawn.ids, b.drawn.ids)
    assert torch.allclose(a.rows, b.rows)


def test_without_in_batch_items_it_takes_the_best_of_uniform_items() -> None:
    result = outcome("adaptive_mixed(pool=0,uniform=30,top=1)")
    assert result.drawn.ids is not None and result.drawn.mask is not None
    scores = result.step.scores_no_grad(result.drawn)
    assert torch.allclose(result.step.scores_no_grad(result.used), scores.amax(1, keepdim=True))


def test_faithful_scales_the_negative_term_by_k_over_the_pool() -> None:
    result = outcome("adaptive_mixed(pool=8,uniform=12,top=4,faithful=true)")
    assert result.used.logw is not None and result.used.mask is not None
    kept = result.used.mask.sum(1, keepdim=True)
    assert torch.allclose(result.used.logw.exp(), kept.clamp(min=1) / 20 + torch.zeros(4))


def test_faithful_takes_the_pool_that_the_batch_can_give() -> None:
    """A batch of three rows: a pool of 3 + 12, whatever `pool` asks for."""
    harness = TrainingHarness(recipe("adaptive_mixed(pool=50,uniform=12,faithful=true)").build())
    whole = batch_of(harness.context)
    result = harness.forward(1, Batch(whole.users[:7:3], whole.items[:7:3]))
    assert result.used.logw is not None and result.used.mask is not None
    full = result.used.mask.all(1)
    assert bool(full.any())
    assert torch.allclose(result.used.logw[full].exp(), torch.tensor(5 / 15))


def test_a_top_beyond_the_pool_is_refused() -> None:
    with pytest.raises(UserError, match=r"got 5 of 2 \+ 2"):
        recipe("adaptive_mixed(pool=2,uniform=2,top=5)")


def test_the_preset_of_the_study() -> None:
    config = config_of(adaptive_mixed, {"preset": "apple"}, "adaptive_mixed")
    assert config == adaptive_mixed.Config(
        pool=10, uniform=100, top=5, faithful=True, pool_of="sequence"
    )
