import pytest
import torch
from torch.nn.functional import softplus

from negbench.composition import recipe
from negbench.errors import UserError
from negbench.testing.toy_data import Play, usual
from negbench.training.forward import Outcome


def outcome(method: str) -> Outcome:
    return Play(recipe(method).build(), usual()).forward()


def test_each_row_keeps_its_k_best_of_the_pool() -> None:
    made = outcome("adaptive(pool=20,top=3)")
    scores = made.step.scores_no_grad(made.drawn).sort(1, descending=True).values[:, :3]
    kept = made.step.scores_no_grad(made.used)
    assert torch.allclose(scores, kept)


def test_the_negative_term_is_a_mean_over_the_kept() -> None:
    made = outcome("adaptive(pool=20,top=3)")
    assert made.used.mask is not None
    for b in range(len(made.rows)):
        kept = made.s_neg[b][made.used.mask[b]]
        negative = softplus(kept).mean() if len(kept) else torch.zeros(())
        assert torch.allclose(made.rows[b], softplus(-made.s_pos[b]) + negative)


def test_faithful_is_the_mean_over_the_whole_pool_but_for_a_constant() -> None:
    """Top-k scores among zeros: mean over K of softplus, less the zeros' (K - k) / K log 2."""
    made = outcome("adaptive(pool=20,top=3,faithful=true)")
    assert made.used.mask is not None
    whole = made.used.mask.all(1)
    assert bool(whole.any())
    zeros = torch.zeros(len(made.rows), 17)
    scattered = softplus(torch.cat([made.s_neg, zeros], 1)).mean(1) - 17 / 20 * softplus(
        zeros[0, 0]
    )
    want = softplus(-made.s_pos) + scattered
    assert torch.allclose(made.rows[whole], want[whole], atol=1e-6)


def test_faithful_hides_the_users_positives_of_the_batch_alone() -> None:
    play = Play(recipe("adaptive(pool=20,top=20,faithful=true)").build(), usual())
    whole = play.step().batch
    few = type(whole)(whole.users[:5:2], whole.items[:5:2])  # (0, 0), (0, 2), (1, 3)
    drawn = play.method.sampler.sample(play.step(1, few))
    assert drawn.mask is not None
    assert drawn.mask.tolist() == [[False, False, True], [False, False, True], [True, True, False]]
    fixed = Play(recipe("adaptive(pool=20,top=20)").build(), usual())
    drawn = fixed.method.sampler.sample(fixed.step(1, few))
    assert drawn.mask is not None
    assert drawn.mask.tolist() == [[False, False, True], [False, False, True], [False, True, False]]


def test_a_top_beyond_the_pool_is_refused() -> None:
    with pytest.raises(UserError, match="`top` must be from 1 to `pool`; got 5 of 4"):
        recipe("adaptive(pool=4,top=5)")
