"""Rows in rising order: as sorted, the input as it was, no gradient, ties and infinities."""

import torch

from negbench.ops.sorted_rows import sorted_rows


def test_each_row_is_in_rising_order_and_the_input_stays():
    scores = torch.tensor([[0.5, -torch.inf, 0.5, -2.0], [torch.inf, 3.0, -1.0, 0.0]])
    before, learnt = scores.clone(), scores.clone().requires_grad_()
    got = sorted_rows(scores)
    assert got.tolist() == [sorted(row) for row in scores.tolist()]
    assert torch.equal(scores, before)
    assert torch.equal(sorted_rows(learnt), got) and not sorted_rows(learnt).requires_grad
    assert sorted_rows(scores[:, 1::2]).tolist() == [[-torch.inf, -2.0], [0.0, 3.0]]
