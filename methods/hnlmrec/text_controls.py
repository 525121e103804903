"""Control conditions for methods that read texts: permuted texts and random text vectors."""

from typing import Literal

import torch
from torch import Tensor

from negbench.ops import rng
from negbench.protocol import TextTable, TrainContext

Texts = Literal["own", "permuted", "random"]


def control(context: TrainContext, table: TextTable, texts: Texts) -> TextTable:
    """The text table itself, or one of its controls, drawn from the run's seed."""
    generator = rng.stream(context.seed, "texts", texts, device=context.device)
    if texts == "permuted":
        return permuted(table, generator)
    return table if texts == "own" else random_like(table, generator)


def permuted(table: TextTable, generator: torch.Generator) -> TextTable:
    """The same vectors and words, permuted over the items that have words."""
    worded = table.known.nonzero().squeeze(1)
    order = torch.randperm(len(worded), generator=generator, device=worded.device)
    vectors = table.vectors.clone()
    vectors[worded] = table.vectors[worded[order]]
    words = None
    if table.words is not None:
        source = dict(zip(worded.tolist(), worded[order].tolist(), strict=True))
        words = tuple(table.words[source.get(at, at)] for at in range(len(table.words)))
    return TextTable(vectors, table.known, words)


def random_like(table: TextTable, generator: torch.Generator) -> TextTable:
    """Random vectors of the same geometry: mean and covariance, then length 1 again.

    Of X - mean = U S V' only U is replaced, by random orthonormal columns. They have no words.
    """
    own = table.vectors[table.known]
    mean = own.mean(0) if len(own) else own.sum(0)
    _, size, right = torch.linalg.svd(own - mean, full_matrices=False)
    drawn = mean + _orthonormal_columns(own, len(size), generator) * size @ right
    vectors = table.vectors.clone()
    vectors[table.known] = torch.nn.functional.normalize(drawn, dim=1)
    return TextTable(vectors, table.known)


def _orthonormal_columns(like: Tensor, n: int, generator: torch.Generator) -> Tensor:
    """Random orthonormal columns [I, n] with mean 0."""
    draws = torch.randn(len(like), n, generator=generator, device=like.device, dtype=like.dtype)
    return torch.linalg.qr(draws - draws.mean(0))[0] if len(like) else draws
