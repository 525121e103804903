"""PreferDiff: BPR between the errors of denoising the next item and denoising its negatives.

    L = lambda E+ + (1 - lambda) softplus(gamma (E+ - E-)),   E = (1 - cos(F(x_t, c, t), x_0))^2
    x_0 of E+ is the positive, of E- the centroid x- = mean_j x_j;   both at the same t

Liu, Zhang, Hu, Qian & Chua, "Preference Diffusion for Recommendation", ICLR 2025 (arXiv
2410.13117). The second term raises E- without a bound if the error is `mse`; the cosine's stays
below 4. lambda = 1 uses no negative: it is DreamRec (Yang et al., NeurIPS 2023) with this error,
the control. gamma (1 - lambda) sigmoid(gamma (E+ - E-)) is what a negative weighs, most where it is
denoised better than the positive.

Differs from the released code, first, in `dreamrec`: first item vectors are small (.02) and noise
has their size. That is what makes D = 64 work: on the released Beauty files recall@5 is .0139 after
12 epochs, and .0000 with the released `init=1.0` and all else equal (one seed). The authors say
that their form needs D = 3072. The preference is one number a row, not one a batch
(`reduction="batch"` is theirs); rows are all positions of a history, so that `others` may leave out
more than the row itself (`targets="last"` is theirs: one row a sequence, the others weigh 0 and are
in no centroid). `mse` is measured in the mean square of a coordinate of the item vectors, so that a
guess of zeros errs by 1 at any scale, as for the unit vectors that gamma is meant for. No unused
prediction is computed. `preset=released` is Beauty; run it on `dreamrec(preset=released)`.

Alone it takes the batch's other rows as negatives; in a recipe,
`popularity(negatives=32)+preferdiff` or `preferdiff+dns` (the last method provides the sampler), it
takes the recipe's, weighted and masked as they come. A large batch's centroid is nearly the same
for all rows: the mean item, weighted by popularity. Cost per step: B D for the centroid (B N D with
N negatives a row) and one guess of the backbone more than any loss on scores; I D for `mse`.
"""

from dataclasses import dataclass
from typing import Literal

import torch
import torch.nn.functional as F

from negbench.ops.epoch_means import EpochMeans
from negbench.parts import NoNegatives
from negbench.protocol import (
    AnyShape,
    AnyVectors,
    Batch,
    Card,
    Method,
    Negatives,
    Rows,
    Sampler,
    Scores,
    Step,
    Vectors,
    View,
    check_ranges,
)

CARD = Card(
    title="PreferDiff: log-likelihood ranking of denoising errors",
    family="diffusion",
    authors="Shuo Liu, An Zhang, Guoqing Hu, Hong Qian and Tat-Seng Chua",
    year=2025,
    venue="ICLR",
    link="https://arxiv.org/abs/2410.13117",
    paper="Preference Diffusion for Recommendation",
    moves=("objective",),
    needs=("denoiser",),
    provenance="specification",
    differs="Its backbone begins at small item vectors with noise of their size, without which "
    "D = 64 learns nothing; one preference a row, not one a batch; every position is a row.",
    controls={"preferdiff(weight=1)": "DreamRec with this error, without negatives"},
    search={
        "weight": ("float", 0.2, 0.8),
        "gamma": ("log", 0.5, 20.0),
        "error": ("of", "cosine_squared", "cosine", "mse"),
    },
    presets={
        "released": {"weight": 0.4, "gamma": 5.0, "reduction": "batch", "targets": "last"},
        "released_toys": {"weight": 0.6, "gamma": 5.0, "reduction": "batch", "targets": "last"},
    },
    later=("targets",),
)
TINY = 1e-16
"""Least mean square of the item vectors."""


@dataclass(frozen=True)
class Config:
    """The settings."""

    weight: float = 0.4
    """lambda, 0 to 1; 1 is DreamRec, without negatives. Released: 0.4, and 0.6 for Toys."""
    gamma: float = 5.0
    """Above 0; 5 in the released code."""
    error: Literal["cosine_squared", "cosine", "mse"] = "cosine_squared"
    """cosine_squared in the released code; mse diverges in E-, its unit is that of the items."""
    reduction: Literal["sample", "batch"] = "sample"
    """batch takes the mean errors first, as the released code: one preference for all rows."""
    others: Literal["row", "label", "user"] = "row"
    """What the centroid leaves out: the row itself (released), all of its item or of its user."""

    targets: Literal["all", "last"] = "all"
    """last: one row a sequence, its last item, as the released code; other rows weigh 0."""

    def __post_init__(self) -> None:
        """Check the ranges. Raises ValueError for a value outside its range."""
        check_ranges(self, above={"gamma": 0}, between={"weight": (0, 1)})


def cosine(guess: AnyVectors, clean: AnyVectors) -> AnyShape:
    """Cosine distance 1 - cos of vectors [..., D], 0 to 2: [...]."""
    return 1 - F.cosine_similarity(guess, clean, dim=-1)


def cosine_squared(guess: AnyVectors, clean: AnyVectors) -> AnyShape:
    """Squared cosine distance (1 - cos)^2 of vectors [..., D], 0 to 4: [...]."""
    return cosine(guess, clean).square()


def mse(guess: AnyVectors, clean: AnyVectors) -> AnyShape:
    """Mean squared error of vectors [..., D], without a bound: [...]."""
    return (guess - clean).square().mean(-1)


ERRORS = {"cosine_squared": cosine_squared, "cosine": cosine, "mse": mse}


def counted_rows(batch: Batch, targets: str) -> Rows:
    """1 for the rows that count, [B] float: all, or the last row of each sequence."""
    counted = torch.ones(len(batch), device=batch.users.device)
    if targets == "last":
        counted[:-1] = (batch.users[1:] != batch.users[:-1]).float()
    return counted


@dataclass(frozen=True)
class BatchCentroid:
    """Sampler: the centroid of the batch's other positives, one synthesised negative a row."""

    apart: Literal["row", "label", "user"]
    targets: Literal["all", "last"] = "all"

    def sample(self, step: Step) -> Negatives:
        """vectors [B, 1, D] = (sum of all - sum of the row's own group) / number of others."""
        positive, batch = step.view.positive, step.batch
        keys = {
            "row": torch.arange(len(batch), device=positive.device),
            "label": batch.items,
            "user": batch.users,
        }[self.apart]
        groups, own = torch.unique(keys, return_inverse=True)
        counted = counted_rows(batch, self.targets).unsqueeze(1)
        counts, sums = (
            each.new_zeros(len(groups), each.shape[1]).index_add(0, own, each)
            for each in (counted, positive * counted)
        )
        count = counted.sum() - counts[own]
        centre = ((positive * counted).sum(0) - sums[own]) / count.clamp(min=1)
        return Negatives(vectors=centre.unsqueeze(1), mask=count > 0)


def centroid(view: View, negatives: Negatives) -> tuple[Vectors, Rows]:
    """Weighted mean [B, D] of each row's negatives, and whether a row has any, [B]."""
    rows = len(view.query)
    if not negatives.n:
        return torch.zeros_like(view.query), view.query.new_zeros(rows, dtype=torch.bool)
    vectors = negatives.vectors
    if vectors is None:
        assert negatives.ids is not None
        vectors = view.rows(negatives.ids)
    weight = view.query.new_ones(rows, negatives.n)
    if negatives.logw is not None:
        weight = negatives.logw.detach().exp().expand_as(weight)
    if negatives.mask is not None:
        weight = weight * negatives.mask
    total = weight.sum(1, keepdim=True)
    share = weight / total.clamp(min=1e-12)
    mean = share @ vectors if negatives.shared else torch.einsum("bn,bnd->bd", share, vectors)
    return mean, total.squeeze(1) > 0


class Preference:
    """The PreferDiff loss, computed from the backbone's denoised vectors and not from scores."""

    def __init__(self, config: Config) -> None:
        """Start the means of an epoch."""
        self.config = config
        self.averages = EpochMeans()

    def rows(self, step: Step, s_pos: Rows, s_neg: Scores, negatives: Negatives) -> Rows:
        """The loss of each row, [B]; a row without negatives has the first term alone.

        Raises ValueError if the backbone provides no denoiser.
        """
        del s_pos, s_neg
        view, config = step.view, self.config
        if view.denoise is None:
            raise ValueError("this backbone provides no denoiser; run preferdiff on dreamrec")
        counted = counted_rows(step.batch, config.targets)
        share = counted / counted.mean()
        right = self.error(view, view.query, view.positive)
        if config.weight == 1:
            return share * right
        centre, any_left = centroid(view, negatives)
        wrong = self.error(view, view.denoise(centre), centre)
        any_left = any_left & (counted > 0)
        self.averages.add("error_positive", right[any_left])
        self.averages.add("error_negative", wrong[any_left])
        preference = self.preferred(right, wrong, any_left)
        return share * (config.weight * right + (1 - config.weight) * preference)

    def error(self, view: View, guess: Vectors, clean: Vectors) -> Rows:
        """E of each row, [B]; `mse` in units of the mean square of the items' coordinates."""
        error: Rows = ERRORS[self.config.error](guess, clean)
        if self.config.error == "mse":
            error = error / view.items.detach().square().mean().clamp(min=TINY)
        return error

    def preferred(self, right: Rows, wrong: Rows, any_left: Rows) -> Rows:
        """softplus(gamma (E+ - E-)), [B]: of each row's own errors, or of the batch's means."""
        gap = (right - wrong).masked_fill(~any_left, 0.0)
        if self.config.reduction == "batch":
            gap = (gap.sum() / any_left.sum().clamp(min=1)).expand_as(gap)
        return F.softplus(self.config.gamma * gap).masked_fill(~any_left, 0.0)

    def epoch_metrics(self) -> dict[str, float]:
        """The epoch's metrics: the mean errors."""
        return dict(self.averages.epoch_metrics())


def build(config: Config) -> Method:
    """The loss with the batch's centroids; without negatives where only its first term counts."""
    sampler: Sampler = NoNegatives()
    if config.weight < 1:
        sampler = BatchCentroid(config.others, config.targets)
    return Method(sampler=sampler, objective=Preference(config))
