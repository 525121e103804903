"""Mix two kinds of negatives in one step, weighed as a mixture of two losses."""

import math
from dataclasses import replace

import torch
from torch import Tensor

from negbench.protocol import Mask, Negatives, Scores, Step


def join(step: Step, real: Negatives, extra: Negatives, w: float) -> Negatives:
    """Join two kinds of negatives: (1 - w) loss(real) + w loss(extra), for losses that average.

    `extra` is [B, m], with vectors or without; `real` may be shared. The loss of a kind is the mean
    over those that the row may use; a row that may use none of one kind has the other alone. With
    w = m / (n + m) all of them weigh alike. A softmax takes the weights into its sum instead. An
    extra negative without a `logq` counts as the row's mean real one.
    """
    rows, n, m = len(step.batch), real.n, extra.n
    losses = {**real.losses, **extra.losses}
    if w >= 1 or not n:
        return replace(extra, row_weight=real.row_weight, losses=losses)
    parts = real.per_row(rows), extra.per_row(rows)
    ids, vectors = None, None
    if parts[0].ids is not None and parts[1].ids is not None:
        ids = torch.cat([parts[0].ids, parts[1].ids], 1)
    if real.vectors is not None or extra.vectors is not None:
        vectors = _vectors(step, (real, extra), ids)
    mask = None
    if any(part.mask is not None for part in parts):
        mask = torch.cat([_usable(step, part) for part in parts], 1)
    logw = None
    if not math.isclose(w * (n + m), m):  # else all weigh 1
        logw = _log_shares(step, n, m, mask, w)
    if any(part.logw is not None for part in parts):
        given = torch.cat([_or_zeros(step, part.logw, part.n) for part in parts], 1)
        logw = given if logw is None else logw + given
    return Negatives(
        ids,
        vectors,
        logq=_logq(*parts),
        logw=logw,
        mask=mask,
        row_weight=real.row_weight,
        losses=losses,
    )


def _log_shares(step: Step, n: int, m: int, mask: Mask | None, w: float) -> Scores:
    """Log weights [B, n + m], under which the mean over what a row may use is the mixture."""
    like = step.view.query
    if mask is None:
        shares = [math.log((1 - w) * (n + m) / n)] * n + [math.log(w * (n + m) / m)] * m
        return like.new_tensor(shares).expand(len(step.batch), -1)
    real, extra = (part.sum(1, keepdim=True).double() for part in torch.split(mask, [n, m], 1))
    both, columns = (real > 0) & (extra > 0), []
    for count, share, width in ((real, 1 - w, n), (extra, w, m)):
        weight: Tensor = share * (real + extra) / count.clamp(min=1)
        columns.append(weight.where(both, 1.0).log().expand(-1, width))
    return torch.cat(columns, 1).to(like.dtype)


def _vectors(step: Step, parts: tuple[Negatives, Negatives], ids: Tensor | None) -> Tensor:
    """[B, n + m, D]; where all have ids they are gathered as one: that has the fastest backward."""
    rows = None
    if ids is not None:
        gathered = step.view.rows(ids, penalised=True)
        rows = torch.split(gathered, [part.n for part in parts], 1)
    blocks = []
    for at, part in enumerate(parts):
        vectors = part.vectors
        if vectors is None:
            assert part.ids is not None
            vectors = step.view.rows(part.ids) if rows is None else rows[at]
        blocks.append(vectors.expand(len(step.batch), -1, -1))
    return torch.cat(blocks, 1)


def _or_zeros(step: Step, values: Tensor | None, n: int) -> Tensor:
    return step.view.query.new_zeros(len(step.batch), n) if values is None else values


def _usable(step: Step, part: Negatives) -> Tensor:
    if part.mask is not None:
        return part.mask
    shape = (len(step.batch), part.n)
    return torch.ones(shape, dtype=torch.bool, device=step.view.query.device)


def _logq(real: Negatives, extra: Negatives) -> Tensor | None:
    if real.logq is None:
        return None
    of_extra = extra.logq
    if of_extra is None:
        of_extra = real.logq.mean(1, keepdim=True).expand(-1, extra.n)
    return torch.cat([real.logq, of_extra], 1)
