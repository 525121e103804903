import pytest
import torch
from scipy import stats

from negbench.composition import recipe
from negbench.errors import UserError
from negbench.methods import random
from negbench.plugins.term_syntax import config_of
from negbench.testing.toy_data import TrainingHarness, saturated_context


@pytest.mark.parametrize("user", [0, 1, 2])
def test_frequencies_are_the_declared_ones(user: int) -> None:
    harness = TrainingHarness(recipe("random(negatives=4000)").build(), saturated_context())
    here = harness.step()
    drawn = harness.method.sampler.sample(here)
    assert drawn.ids is not None and drawn.logq is not None
    row = here.batch.users.tolist().index(user)
    seen = torch.bincount(drawn.ids[row], minlength=6).numpy()
    allowed = [i for i in range(6) if i not in harness.context.train.row(user)]
    p = drawn.logq[row, 0].exp().item()
    assert p == pytest.approx(1 / len(allowed)) and seen[allowed].sum() == 4000
    assert stats.chisquare(seen[allowed]).pvalue > 1e-3


def test_a_user_without_any_item_left_is_masked() -> None:
    harness = TrainingHarness(recipe("random(negatives=3)").build(), saturated_context())
    outcome = harness.forward()
    assert outcome.used.mask is not None
    full = outcome.step.batch.users == 3
    assert torch.equal(outcome.used.mask, (~full).unsqueeze(1).expand(-1, 3))
    assert not outcome.rows[full].any() and bool(outcome.rows[~full].all())


def test_zero_negatives_are_refused() -> None:
    with pytest.raises(UserError, match="`negatives` must be at least 1; got 0"):
        recipe("random(negatives=0)")


def test_the_preset_of_the_study_of_sequential_models() -> None:
    config = config_of(random, {"preset": "apple"}, "random")
    assert config == random.Config(negatives=5, shared="sequence")
