"""Vectors of another precision than the networks and tables that a method has of its own."""

import numpy as np
import pytest
import torch

import negbench

USERS = np.repeat(np.arange(6), 3)
ITEMS = (2 * USERS + np.tile(np.arange(3), 6)) % 12
EITHER = ["ccdrec_cf", "dens", "dmns", "adv_infonce(variant=mlp)", "slatk(period=1)"]
DOUBLE = [*EITHER, "til", "ddrm_sampler(warmup=0)", "adar(warmup=0,mode=reverse)"]
HALF = [*EITHER, "softmax_rho", "dns_mn(keep=all)"]
CASES = [(method, torch.float64, "dot") for method in DOUBLE]
CASES += [(method, torch.bfloat16, "own") for method in HALF]
CASES += [("softmax_rho", torch.float16, "own")]


@pytest.mark.parametrize(("method", "dtype", "similarity"), CASES)
def test_a_loop_of_any_precision_has_a_finite_loss_and_gradients(method, dtype, similarity):
    """Scores by a function of the user's own are taken in the precision that they have."""
    score = (lambda q, i: (q * i).sum(-1)) if similarity == "own" else similarity
    loss = negbench.attach(method, USERS, ITEMS, n_items=12, dim=8, similarity=score)
    generator = torch.Generator().manual_seed(0)
    users, items = (
        torch.randn(n, 8, generator=generator).to(dtype).requires_grad_() for n in (6, 12)
    )
    ids = torch.as_tensor(USERS), torch.as_tensor(ITEMS)
    for _ in range(2):
        value = loss(users[ids[0]], items, *ids)
        value.backward()
    assert bool(value.isfinite()) and bool(users.grad.isfinite().all())
    assert all(p.grad is None or bool(p.grad.isfinite().all()) for p in loss.parameters())
