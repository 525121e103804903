"""The hard loss as a method; its maths is tested with its part."""

import pytest
import torch

from negbench.composition import recipe
from negbench.errors import UserError
from negbench.testing import CHECKS, conforms
from negbench.testing.toy_data import TrainingHarness


@pytest.mark.parametrize("check", CHECKS)
@pytest.mark.parametrize("method", ["hcl", "hcl(beta=2,tau_plus=0,similarity=backbone)"])
def test_it_conforms(method, check):
    conforms(method, check)


@pytest.mark.parametrize(
    "hard,limit",
    [
        ("hcl(beta=0,tau_plus=0)", "info_nce"),
        ("hcl(beta=0,tau_plus=0.2)", "dcl(tau_plus=0.2)"),
    ],
)
def test_its_limits(hard: str, limit: str) -> None:
    got, plain = (TrainingHarness(recipe(m).build()).forward() for m in (hard, limit))
    assert torch.equal(got.used.ids, plain.used.ids)
    torch.testing.assert_close(got.rows, plain.rows)


def test_a_larger_lean_is_a_larger_loss() -> None:
    """The weighed mean of e^z grows with beta, row by row."""
    rows = [
        TrainingHarness(recipe(f"hcl(tau_plus=0,beta={beta})").build()).forward().rows
        for beta in (0.0, 0.5, 1.0, 4.0)
    ]
    assert all(
        bool((harder >= easier - 1e-5).all())
        for easier, harder in zip(rows, rows[1:], strict=False)
    )
    assert float(rows[-1].detach().sum()) > float(rows[0].detach().sum())


@pytest.mark.parametrize("wrong", ["tau=0", "tau_plus=-0.1", "beta=-1", "negatives=0"])
def test_what_is_no_loss_is_refused(wrong: str) -> None:
    with pytest.raises(UserError, match=f"{wrong.partition('=')[0]}.* must be"):
        recipe(f"hcl({wrong})")
