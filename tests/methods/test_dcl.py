"""The debiased loss as a method; its maths is tested with its part."""

import pytest
import torch

from negbench.composition import recipe
from negbench.errors import UserError
from negbench.testing import CHECKS, conforms
from negbench.testing.toy_data import TrainingHarness, default_context


@pytest.mark.parametrize("check", CHECKS)
@pytest.mark.parametrize("method", ["dcl", "dcl(tau_plus=0.3,similarity=backbone)"])
def test_it_conforms(method, check):
    conforms(method, check)


@pytest.mark.parametrize("similarity", ["cosine", "backbone"])
def test_no_share_is_info_nce(similarity: str) -> None:
    debiased, plain = (
        TrainingHarness(recipe(f"{m}similarity={similarity})").build(), default_context()).forward()
        for m in ("dcl(tau_plus=0,", "info_nce(")
    )
    assert torch.equal(debiased.used.ids, plain.used.ids)
    torch.testing.assert_close(debiased.rows, plain.rows)


def test_a_share_is_taken_off_where_the_positive_is_above_the_mean_and_added_elsewhere() -> None:
    debiased, plain = (
        TrainingHarness(recipe(m).build()).forward() for m in ("dcl(tau_plus=0.01)", "info_nce")
    )
    y = plain.rows.detach().expm1()
    some = y > 0
    up = (debiased.rows > plain.rows)[some]
    assert torch.equal(up, (y > 64)[some])
    assert up.any() and not up.all()


@pytest.mark.parametrize("wrong", ["tau=0", "tau_plus=1", "negatives=0"])
def test_what_is_no_loss_is_refused(wrong: str) -> None:
    with pytest.raises(UserError, match=f"{wrong.partition('=')[0]}.* must be"):
        recipe(f"dcl({wrong})")
