"""What a mask hides is written, and nothing beside it: against `masked_fill`."""

import pytest
import torch

from negbench.ops.masked_fill import WIDE, count_true, masked_fill_


@pytest.mark.parametrize("rows,n", [(0, 3), (4, 0), (1, 1), (5, 7), (3, WIDE)])
@pytest.mark.parametrize("share", [0.0, 0.3, 1.0])
@pytest.mark.parametrize("layout", ["own", "columns of a wider table", "turned"])
def test_it_is_masked_fill(rows: int, n: int, share: float, layout: str) -> None:
    generator = torch.Generator().manual_seed(rows)
    wide = torch.randn(rows, n + 3, generator=generator)
    values = {
        "own": wide[:, :n].clone(),
        "columns of a wider table": wide[:, 2 : 2 + n],
        "turned": wide[:, :n].T.clone(memory_format=torch.contiguous_format).T,
    }[layout]
    mask = torch.rand(rows, n, generator=generator) >= share
    beside, expected = wide.clone(), values.masked_fill(~mask, -5.0)
    assert masked_fill_(values, mask, -5.0) is values
    assert torch.equal(values, expected)
    assert torch.equal(wide[:, :2], beside[:, :2]) and torch.equal(
        wide[:, n + 2 :], beside[:, n + 2 :]
    )
    assert count_true(mask).tolist() == mask.sum(1).tolist()


def test_a_mask_may_be_one_row_for_all() -> None:
    mask = torch.tensor([True, False, True]).expand(4, 3)
    assert torch.equal(masked_fill_(torch.ones(4, 3), mask, 0.0), mask.float())
    assert count_true(mask).tolist() == [2] * 4


def test_autograd_does_not_see_it() -> None:
    """The gradient is what the same graph has without the write: for softmaxes it is 0 there."""
    z = torch.randn(3, 5, requires_grad=True)
    mask = torch.rand(3, 5, generator=torch.Generator().manual_seed(0)) > 0.4
    mask[:, 0] = True
    moved = z * 2
    masked_fill_(moved, mask, -1e30).log_softmax(1)[:, 0].sum().backward()
    again = z.detach().clone().requires_grad_()
    (again * 2).masked_fill(~mask, -1e30).log_softmax(1)[:, 0].sum().backward()
    assert z.grad is not None and torch.equal(z.grad, again.grad)
