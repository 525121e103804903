"""What the machine can do at best, on one thread: products, gathers, random numbers."""

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


def bounds(rows: int, repeats: int = 5) -> Bounds:
    """Measured beside the work that is held against them."""
    a, b = torch.randn(2048, D), torch.randn(4096, D)
    table, ids = torch.randn(rows, D), torch.randint(rows, (200_000,))
    out = torch.empty(len(ids), D)

    def product() -> int:
        torch.mm(a, b.T)
        return 2048 * 4096 * D

    def gathered() -> int:
        torch.index_select(table, 0, ids, out=out)
        return len(ids)

    return Bounds(rate(product, repeats).cpu, rate(gathered, repeats).cpu)
