"""Upper bounds of the machine on one thread: products, gathers, draws, a softmax."""

from dataclasses import dataclass

import torch
from timing import rate

D = 64


@dataclass(frozen=True)
class Bounds:
    """Rates per CPU-second."""

    gemm: float
    """Multiply-adds in a 2048 x 64 x 4096 product."""
    gather: float
    """Rows of 64 floats read at random from a table of the data's size."""
    draw: float
    """Uniform ids, each looked up in a table of bits of the data's size."""
    softmax: float
    """Scores that go through a softmax of 64, there and back."""


def bounds(users: int, items: int, repeats: int = 5) -> Bounds:
    """Measure the bounds on this machine, now."""
    a, b = torch.randn(2048, D), torch.randn(4096, D)
    table, ids = torch.randn(users + items, D), torch.randint(users + items, (200_000,))
    out = torch.empty(len(ids), D)
    bits = torch.zeros(users * items // 8 + 1, dtype=torch.uint8)
    base = torch.randint(users, (len(ids),)) * items
    scores = torch.randn(2048, 64, requires_grad=True)
    slopes = torch.randn(2048, 64)

    def product() -> int:
        torch.mm(a, b.T)
        return 2048 * 4096 * D

    def gathered() -> int:
        torch.index_select(table, 0, ids, out=out)
        return len(ids)

    def drawn() -> int:
        at = torch.randint(items, (len(base),)).add_(base)
        bits.index_select(0, at >> 3)
        return len(base)

    def softened() -> int:
        scores.grad = None
        torch.autograd.backward(torch.log_softmax(scores, 1), slopes)
        return scores.numel()

    return Bounds(*(rate(work, repeats).cpu for work in (product, gathered, drawn, softened)))
