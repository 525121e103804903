"""Loss functions (BPR, hinge, BCE, gBCE, sampled softmax): scores in, one loss a row out.

`s_pos` is [B]; `s_neg`, `weight` and `mask` are [B, N]. A masked negative adds nothing, and a
row with none left has the loss of its positive alone (0 where the loss compares the two).
"""

import torch
import torch.nn.functional as F

from negbench.ops.masked_fill import count_true, masked_fill_
from negbench.protocol import Mask, Negatives, Rows, Scalar, Scores


def over_negatives(
    values: Scores, weight: Scores | None, mask: Mask | None, reduce: str = "mean"
) -> Rows:
    """Weighted mean or sum over the unmasked negatives, [B, N] -> [B]."""
    if weight is not None:
        values = values * weight
    if mask is None and values.shape[1] and reduce == "mean":
        return values.squeeze(1) if values.shape[1] == 1 else values.mean(1)
    total = (values if mask is None else values * mask).sum(1)
    return total / count_unmasked(values, mask).clamp(min=1) if reduce == "mean" else total


def count_unmasked(values: Scores, mask: Mask | None) -> Rows | Scalar:
    """Number of unmasked negatives of each row, [B]; without a mask one number for all rows."""
    if mask is None:
        return values.new_full((), values.shape[1])
    return count_true(mask).to(values.dtype)


def masked_score(dtype: torch.dtype) -> float:
    """The score of a masked negative: finite, so that a row with none left has a gradient."""
    return torch.finfo(dtype).min / 2


def lower_masked(z: Scores, mask: Mask) -> Scores:
    """Scores with `masked_score` where masked, so that their exponentials and gradients are 0.

    A subtraction, for it is one vectorised pass: `masked_fill` takes three times as long. A masked
    score that is infinite stays so; who calls it looks at what comes out.
    """
    return torch.sub(z, (~mask).view(torch.uint8), alpha=-masked_score(z.dtype))


def lower_masked_(z: Scores, mask: Mask) -> None:
    """As `lower_masked`, in place and unseen by autograd, for a tensor that nothing else holds."""
    z.detach().sub_((~mask).view(torch.uint8), alpha=-masked_score(z.dtype))


def may_look(values: Scores) -> bool:
    """Whether a look at values costs nothing: not on a GPU, and not while torch compiles."""
    return values.device.type == "cpu" and not torch.compiler.is_compiling()


def bpr(s_pos: Rows, s_neg: Scores, weight: Scores | None = None, mask: Mask | None = None) -> Rows:
    """BPR: mean_j w_j softplus(s_j - s_i) (Rendle et al., UAI 2009), [B]."""
    return over_negatives(F.softplus(s_neg - s_pos.unsqueeze(1)), weight, mask)


def hinge(
    s_pos: Rows,
    s_neg: Scores,
    margin: float,
    weight: Scores | None = None,
    mask: Mask | None = None,
) -> Rows:
    """Hinge: mean_j w_j max(0, margin - s_i + s_j), [B]."""
    return over_negatives(F.relu(margin - s_pos.unsqueeze(1) + s_neg), weight, mask)


def bce(
    s_pos: Rows,
    s_neg: Scores,
    weight: Scores | None = None,
    mask: Mask | None = None,
    reduce: str = "mean",
) -> Rows:
    """BCE: softplus(-s_i) + mean_j (or sum_j) w_j softplus(s_j), [B].

    Its optimum under proposal q is s = log p/q + const (const = -log N for the sum).
    """
    return F.softplus(-s_pos) + over_negatives(F.softplus(s_neg), weight, mask, reduce)


def gbce(
    s_pos: Rows,
    s_neg: Scores,
    n_items: int,
    t: float,
    weight: Scores | None = None,
    mask: Mask | None = None,
) -> Rows:
    """gBCE: (beta softplus(-s_i) + sum_j w_j softplus(s_j)) / (N + 1), [B].

    beta = 1 - t (1 - N / (I - 1)). Petrov & Macdonald, RecSys 2023; t = 0 is BCE, t = 1 undoes the
    whole sampling bias.
    """
    n = count_unmasked(s_neg, mask)
    beta = 1 - t * (1 - (n / max(1, n_items - 1)).clamp(max=1))
    negative = over_negatives(F.softplus(s_neg), weight, mask, "sum")
    return (beta * F.softplus(-s_pos) + negative) / (n + 1)


def sampled_softmax(
    s_pos: Rows,
    s_neg: Scores,
    logq: Scores | None = None,
    logw: Scores | None = None,
    mask: Mask | None = None,
) -> Rows:
    """Sampled softmax: log(1 + sum_j e^{z_j - s_i}), [B].

    z_j = s_j + logw_j - logq_j - log N where `logq` is given (an unbiased estimate of the full
    softmax's denominator: Bengio & Senecal 2008; Yi et al., RecSys 2019), else s_j + logw_j.
    N counts the negatives that are not masked.
    """
    if not s_neg.shape[1]:
        return torch.zeros_like(s_pos)
    z, base = s_neg, s_pos
    if logw is not None:
        z = (z + logw).clamp(min=masked_score(z.dtype))
    if logq is not None:
        base = s_pos + count_unmasked(s_neg, mask).clamp(min=1).log()
        z = z - logq
    # As one softmax with the positive in front: fused, where logsumexp would take seven passes.
    joined = torch.cat([base.unsqueeze(1), z], 1)
    if mask is not None and may_look(joined):
        lower_masked_(joined[:, 1:], mask)
        loss = -F.log_softmax(joined, 1)[:, 0]
        if bool(loss.isfinite().all()):
            return loss
    if mask is not None:
        masked_fill_(joined[:, 1:], mask, masked_score(z.dtype))
    return -F.log_softmax(joined, 1)[:, 0]


def log_sum(z: Scores, negatives: Negatives) -> tuple[Rows, Rows]:
    """log sum_j w_j e^{z_j} over the unmasked negatives, [B, N] -> [B]; and whether there is one.

    Where there is none, or all weigh 0, the sum is 0 instead of minus infinity, without a gradient.
    """
    if not z.shape[1]:
        return z.new_zeros(len(z)), z.new_zeros(len(z), dtype=torch.bool)
    usable = negatives.mask
    if negatives.logw is not None:
        z, weighs = z + negatives.logw, ~negatives.logw.isneginf()
        usable = weighs if usable is None else usable & weighs
    if usable is None:
        return z.logsumexp(1), z.new_ones(len(z), dtype=torch.bool)
    counts = usable.any(1)
    total = lower_masked(z, usable).logsumexp(1) if may_look(z) else None
    if total is None or not bool(total.isfinite().all()):
        total = z.masked_fill(~usable, masked_score(z.dtype)).logsumexp(1)
    return total.masked_fill(~counts, 0.0), counts
