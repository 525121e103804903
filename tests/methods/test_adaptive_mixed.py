import pytest
import torch

from negbench.composition import recipe
from negbench.errors import UserError
from negbench.testing.toy_data import TrainingHarness
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
    assert result.used.logw is not None
    assert torch.allclose(result.used.logw.exp(), torch.tensor(0.2))


def test_a_top_beyond_the_pool_is_refused() -> None:
    with pytest.raises(UserError, match=r"got 5 of 2 \+ 2"):
        recipe("adaptive_mixed(pool=2,uniform=2,top=5)")
