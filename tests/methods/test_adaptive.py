import pytest
import torch
from torch.nn.functional import softplus

from negbench.composition import recipe
from negbench.errors import UserError
from negbench.methods import adaptive
from negbench.plugins.term_syntax import config_of
from negbench.testing.toy_data import TrainingHarness
from negbench.training.forward import Outcome


def outcome(method: str) -> Outcome:
    return TrainingHarness(recipe(method).build()).forward()


def test_each_row_keeps_its_k_best_of_the_pool() -> None:
    result = outcome("adaptive(pool=20,top=3)")
    scores = result.step.scores_no_grad(result.drawn).sort(1, descending=True).values[:, :3]
    kept = result.step.scores_no_grad(result.used)
    assert torch.allclose(scores, kept)


def test_the_negative_term_is_a_mean_over_the_kept() -> None:
    result = outcome("adaptive(pool=20,top=3)")
    assert result.used.mask is not None
    for b in range(len(result.rows)):
        kept = result.s_neg[b][result.used.mask[b]]
        negative = softplus(kept).mean() if len(kept) else torch.zeros(())
        assert torch.allclose(result.rows[b], softplus(-result.s_pos[b]) + negative)


def test_faithful_is_the_mean_over_the_whole_pool_but_for_a_constant() -> None:
    """Top-k scores among zeros: mean over K of softplus, less the zeros' (K - k) / K log 2."""
    result = outcome("adaptive(pool=20,top=3,faithful=true)")
    assert result.used.mask is not None
    whole = result.used.mask.all(1)
    assert bool(whole.any())
    zeros = torch.zeros(len(result.rows), 17)
    scattered = softplus(torch.cat([result.s_neg, zeros], 1)).mean(1) - 17 / 20 * softplus(
        zeros[0, 0]
    )
    want = softplus(-result.s_pos) + scattered
    assert torch.allclose(result.rows[whole], want[whole], atol=1e-6)


def test_faithful_gives_each_negative_one_kth_of_the_pool_where_few_are_left() -> None:
    """Rows with 0 < n < k usable negatives: the mean over K of softplus, each 1 / K."""
    harness = TrainingHarness(recipe("adaptive(pool=100,top=20,faithful=true)").build())
    result = harness.forward()
    assert result.used.mask is not None
    width, n = result.drawn.n, result.used.mask.sum(1)
    assert width == len(result.rows) < 100 and bool(((n > 0) & (n < 20)).any())
    negative = (softplus(result.s_neg) * result.used.mask).sum(1) / width
    assert torch.allclose(result.rows, softplus(-result.s_pos) + negative)


def test_a_pool_of_each_sequence_hides_its_own_positives_alone() -> None:
    """Without histories every row is a sequence: draws of its own, none of them its user's."""
    harness = TrainingHarness(
        recipe("adaptive(pool=6,top=6,faithful=true,pool_of=sequence)").build()
    )
    drawn = harness.method.sampler.sample(harness.step())
    assert drawn.ids is not None and drawn.mask is not None
    users = harness.step().batch.users
    assert not (harness.context.excluded.contains(users, drawn.ids) & drawn.mask).any()
    assert len({tuple(row) for row in drawn.ids.tolist()}) > 10


def test_faithful_hides_the_users_positives_of_the_batch_alone() -> None:
    harness = TrainingHarness(recipe("adaptive(pool=20,top=20,faithful=true)").build())
    whole = harness.step().batch
    few = type(whole)(whole.users[:5:2], whole.items[:5:2])  # (0, 0), (0, 2), (1, 3)
    drawn = harness.method.sampler.sample(harness.step(1, few))
    assert drawn.mask is not None
    assert drawn.mask.tolist() == [[False, False, True], [False, False, True], [True, True, False]]
    fixed = TrainingHarness(recipe("adaptive(pool=20,top=20)").build())
    drawn = fixed.method.sampler.sample(fixed.step(1, few))
    assert drawn.mask is not None
    assert drawn.mask.tolist() == [[False, False, True], [False, False, True], [False, True, False]]


def test_a_top_beyond_the_pool_is_refused() -> None:
    with pytest.raises(UserError, match="`top` must be from 1 to `pool`; got 5 of 4"):
        recipe("adaptive(pool=4,top=5)")


def test_the_preset_of_the_study() -> None:
    config = config_of(adaptive, {"preset": "apple"}, "adaptive")
    assert config == adaptive.Config(pool=100, top=25, faithful=True, pool_of="sequence")
