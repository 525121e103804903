"""InfoNCE as a method: what it ranks by, its ablation, its place in a recipe."""

import pytest
import torch

from negbench.composition import recipe
from negbench.errors import UserError
from negbench.parts.cosine_scores import Angular
from negbench.testing import CHECKS, conforms
from negbench.testing.toy_data import TrainingHarness


@pytest.mark.parametrize("check", CHECKS)
@pytest.mark.parametrize(
    "method", ["info_nce", "info_nce(weight=64,correct=true)", "info_nce(similarity=backbone)"]
)
def test_it_conforms(method, check):
    conforms(method, check)


def test_rows_are_a_softmax_over_cosines() -> None:
    outcome = TrainingHarness(recipe("info_nce(tau=0.3,negatives=6,weight=5)").build()).forward()
    query = torch.nn.functional.normalize(outcome.step.view.query, dim=1)
    items = torch.nn.functional.normalize(outcome.step.view.items, dim=1)
    every = (query @ items.T).detach() / 0.3
    pos = every[range(len(query)), outcome.step.batch.items]
    neg = every.gather(1, outcome.used.ids)
    if outcome.used.mask is not None:
        neg = neg.masked_fill(~outcome.used.mask, -torch.inf)
    expected = torch.log(1 + 5 * (neg - pos.unsqueeze(1)).exp().sum(1))
    torch.testing.assert_close(outcome.rows.detach(), expected)


def test_one_negative_at_tau_1_on_the_backbones_scores_is_bpr() -> None:
    same = "info_nce(negatives=1,tau=1,similarity=backbone)"
    soft, bpr = (TrainingHarness(recipe(m).build()).forward() for m in (same, "random"))
    torch.testing.assert_close(soft.rows, bpr.rows)


def test_a_recipe_keeps_the_loss_and_the_angle_and_moves_the_draws() -> None:
    for text, n in (("popularity(negatives=9)+info_nce", 9), ("info_nce+dns(candidates=5)", 1)):
        method = recipe(text).build()
        assert isinstance(method.transform, Angular) and method.objective.tau == 0.2
        assert TrainingHarness(method).forward().used.n == n


@pytest.mark.parametrize("wrong", ["tau=0", "weight=0", "negatives=0", "similarity=l2"])
def test_what_is_no_softmax_is_refused(wrong: str) -> None:
    with pytest.raises(UserError, match=f"{wrong.partition('=')[0]}.* must be"):
        recipe(f"info_nce({wrong})")
