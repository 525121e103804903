"""Products with shared items of which the last take no gradient: as one product with all."""

import torch

from negbench.ops.shared_dot import shared_dot


def test_products_and_gradients_are_those_of_one_matrix_product() -> None:
    generator = torch.Generator().manual_seed(0)
    query, learnt, fixed = (
        torch.randn(n, 4, generator=generator, dtype=torch.float64).requires_grad_()
        for n in (5, 3, 6)
    )
    weights = torch.randn(5, 9, generator=generator, dtype=torch.float64)
    got = shared_dot(query, learnt, fixed)
    want = query @ torch.cat([learnt, fixed.detach()]).T
    assert torch.allclose(got, want)
    for one, other in zip(
        torch.autograd.grad((weights * got).sum(), (query, learnt)),
        torch.autograd.grad((weights * want).sum(), (query, learnt)),
        strict=True,
    ):
        assert torch.allclose(one, other)
    (gradient,) = torch.autograd.grad(
        shared_dot(query, learnt, fixed).sum(), fixed, allow_unused=True
    )
    assert gradient is None
    inputs = (query, learnt, fixed.detach())
    assert torch.autograd.gradgradcheck(shared_dot, inputs)
    by_query = torch.autograd.grad(shared_dot(query, learnt.detach(), fixed).sum(), query)
    assert torch.allclose(by_query[0], torch.cat([learnt, fixed]).sum(0).expand(5, -1))
