"""DreamRec: from the history as condition, a diffusion model makes the next item's vector.

    x_t = sqrt(abar_t) v_i + sqrt(1 - abar_t) eps,   c = SASRec(history) or the learnt null (p)
    F(x_t, c, t) = W [x_t ; c ; time(t)] + b         the guess of x_0, trained as the query
    x^ = (1 + w) F(x_t, c, t) - w F(x_t, null, t),   x_t' = k1 x^ + k2 x_t,   s(j) = <x_0, v_j>

Yang, Wu, Wang, Wang, Yuan & He, "Generate What You Prefer: Reshaping Sequential Recommendation via
Guided Diffusion", NeurIPS 2023 (arXiv 2310.20453); form and settings are those that PreferDiff (Liu
et al., ICLR 2025) released: linear F, T = 2000, 21 steps of DDIM, one layer of two heads. Differs,
first, in scale: item vectors begin at N(0, .02^2) and noise has their root mean square as they are
(ours), where the others' begin at N(0, 1) and noise stays N(0, I). The size of the first vectors
decides at D = 64: recall@5 of PreferDiff on its Beauty files is .0139 against .0000 with `init=1`.
Besides: 64 wide instead of 3072; every position trained in one pass, not the last alone; a pre-norm
encoder, a time of 32 through SiLU and a null condition of zeros for post-norm, D through GELU and
N(0, 1).

Any sampler trains here: a row's query is F of its noised positive at a t drawn for the row, so any
loss on scores teaches F to tell v_i from the negatives. At small t that is easy, for x_t tells;
what ranks is learnt at large t, where only c does. Ranking losses make vectors long, until noise of
a fixed size hides nothing, hence the unit. The noise that inference starts from is drawn once for
each user, so ranking twice ranks the same. Cost per step: I D for that size, SASRec's and 4 B D^2
for a guess (three times that with the way back); 42 guesses for a ranked user.
"""

from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from negbench.backbones import _embedding_table
from negbench.backbones._sequence import initialise
from negbench.backbones.sasrec import SASRec
from negbench.data.interactions import Csr
from negbench.ops import rng
from negbench.ops.axes import AnyVectors, Rows, Scalar, Vectors
from negbench.parts.diffusion.denoiser import TIME, timestep
from negbench.parts.diffusion.process import SCHEDULES
from negbench.protocol import Batch, Card, RankingVectors, TrainContext, View, check_ranges

CARD = Card(
    title="DreamRec, a guided diffusion over item vectors",
    family="backbone",
    authors="Zhengyi Yang, Jiancan Wu, Zhicai Wang, Xiang Wang, Yancheng Yuan and Xiangnan He",
    year=2023,
    venue="NeurIPS",
    link="https://arxiv.org/abs/2310.20453",
    paper="Generate What You Prefer: Reshaping Sequential Recommendation via Guided Diffusion",
    needs=("order",),
    provides=("sequence", "denoiser"),
    provenance="specification",
    differs="Item vectors begin small and noise has their size, which decides at D = 64; D is 64, "
    "not 3072; every position is trained.",
    search={
        "lr": ("log", 1e-4, 1e-2),
        "guidance": ("of", 0.0, 2.0, 4.0, 8.0),
        "dim": ("of", 64, 256, 1024),
    },
    presets={
        "released": {
            "dim": 3072,
            "length": 10,
            "guidance": 8.0,
            "lr": 1e-4,
            "batch_size": 256,
            "dropout": 0.1,
            "init": 1.0,
        },
        "released_toys": {
            "dim": 3072,
            "length": 10,
            "guidance": 6.0,
            "lr": 1e-4,
            "batch_size": 256,
            "dropout": 0.1,
            "init": 1.0,
        },
        "released_sports": {
            "dim": 3072,
            "length": 10,
            "guidance": 2.0,
            "lr": 1e-4,
            "batch_size": 256,
            "dropout": 0.1,
            "init": 1.0,
        },
    },
)
TINY = 1e-8
"""Least unit: a table of zeros must not divide 0 by 0."""


@dataclass(frozen=True)
class Config:
    """The settings, the same for every method."""

    dim: int = 64
    """Width of the vectors; PreferDiff takes 3072, which a CPU does not train."""
    blocks: int = 1
    """Self-attention blocks of the condition; PreferDiff takes 1."""
    heads: int = 2
    """Attention heads, a divisor of `dim`; PreferDiff takes 2."""
    length: int = 50
    """How many of the latest items are read; PreferDiff takes 10, 50 here as in `sasrec`."""
    dropout: float = 0.2
    """0 to 1, in the encoder."""
    steps: int = 2000
    """T, 2 or more; PreferDiff takes 2000."""
    stride: int = 100
    """Steps that inference goes back at once, 1 to `steps`, from T on, and then 1; PreferDiff takes
    100: 2000, 1900 .. 100, 1."""
    schedule: Literal["linear", "cosine", "sqrt", "exp"] = "linear"
    """How noise grows with t; PreferDiff takes linear from 1e-4 to 0.02."""
    drop: float = 0.1
    """p, share of rows trained without their condition, 0 to 1; PreferDiff takes 0.1."""
    guidance: float = 2.0
    """w, 0 or more; 0 is the plain condition. PreferDiff takes 2, for Beauty 8, Toys 6."""
    lr: float = 0.001
    """Adam's step; PreferDiff takes 0.0001 at its width."""
    l2: float = 0.0
    """Weight of half the squared norms of each row's last item, positive and mean negative."""
    batch_size: int = 128
    """Sequences in a step; PreferDiff takes 256."""
    similarity: Literal["dot", "cosine"] = "dot"
    temperature: float = 1.0
    """Divides the scores."""
    init: float = 0.02
    """Standard deviation of the first item vectors, 1e-6 or more; PreferDiff takes 1."""

    def __post_init__(self) -> None:
        """Check the settings. Raises ValueError for values outside their range."""
        _embedding_table.check(self)
        if self.heads < 1 or self.dim % self.heads:
            raise ValueError(f"`heads` must divide `dim` ({self.dim}); got {self.heads}")
        if not 0 <= self.dropout < 1:
            raise ValueError(f"`dropout` must be at least 0 and below 1; got {self.dropout}")
        check_ranges(self, at_least={"length": 1, "init": 1e-6}, between={"drop": (0, 1)})
        if not 1 <= self.stride <= self.steps or self.steps < 2:
            raise ValueError(
                "`steps` must be at least 2 and `stride` from 1 to `steps`; "
                f"got {self.steps} and {self.stride}"
            )
        if not self.guidance >= 0:
            raise ValueError(f"`guidance` must be 0 or more; got {self.guidance}")


class Denoiser(nn.Module):
    """F: one linear layer on the noised vector, the condition and a two-layer time embedding."""

    def __init__(self, dim: int) -> None:
        """Empty weights; `initialise` fills them, the null condition with zeros."""
        super().__init__()
        self.null = nn.Parameter(torch.empty(dim))
        self.early, self.late = nn.Linear(TIME, dim), nn.Linear(dim, dim)
        self.out = nn.Linear(3 * dim, dim)

    def forward(self, x: Vectors, condition: AnyVectors, t: Rows) -> Vectors:
        """x [B, D] at steps t [B] or [1] under the condition [B, D] or [D] -> [B, D]."""
        time = self.late(F.silu(self.early(timestep(t).to(x.dtype))))
        parts = x, condition.expand_as(x), time.expand_as(x)
        vectors: Vectors = self.out(torch.cat(parts, dim=1))
        return vectors


class DreamRec(SASRec):
    """SASRec's encoder for the condition, and a denoiser that predicts the next item's vector."""

    config: Config

    def __init__(self, config: Config, context: TrainContext, generator: torch.Generator) -> None:
        """Draw all initial weights from the generator."""
        super().__init__(config, context, generator)
        self.seed, self.scale = context.seed, 1 / config.init
        with torch.device("meta"):
            self.guess = Denoiser(config.dim)
        initialise(self.guess, generator)
        self.to(context.device)
        self.diffusion = SCHEDULES[config.schedule](config.steps).to(context.device)
        back = {1, *range(config.steps, 0, -config.stride)}
        self.path = [*sorted(back, reverse=True), 0]
        """The steps of inference, from T down to 0, the clean vector."""

    def view(self, batch: Batch, generator: torch.Generator, *, cut: bool = True) -> View:
        """Every position as a row: its query is the prediction from its noised positive."""
        condition = self.dropped(self.read(batch, generator), generator)
        size, device = condition.shape, condition.device
        t = torch.randint(1, self.config.steps + 1, size[:1], generator=generator, device=device)
        own, other = self.unit * torch.randn(2, *size, generator=generator, device=device)
        noised = self.diffusion.noised(self.look_up(batch.items), t, own)
        view = self.show(batch, self.predicted(noised, condition, t), cut=cut)
        if view.leaves is not None:
            leaf = condition.detach().requires_grad_()
            view.leaves.upstream.append((condition, leaf))
            condition = leaf

        def denoise(vectors: Tensor) -> Tensor:
            return self.predicted(self.diffusion.noised(vectors, t, other), condition, t)

        return replace(view, denoise=denoise)

    @property
    def unit(self) -> Scalar:
        """The root mean square of the current item vectors: the scale of the noise, above 0."""
        return self.table.detach()[: self.n_items].square().mean().sqrt().clamp(min=TINY)

    def predicted(self, x: Vectors, condition: AnyVectors, t: Rows) -> Vectors:
        """F with input and output in the table's unit."""
        unit = self.unit
        vectors: Vectors = self.guess(x / unit, condition, t) * unit
        return vectors

    def dropped(self, condition: Vectors, generator: torch.Generator) -> Vectors:
        """Condition dropout: in training some rows get the null condition."""
        if not self.training or not self.config.drop:
            return condition
        size, device = (len(condition), 1), condition.device
        coin = torch.rand(size, generator=generator, device=device)
        return torch.where(coin < self.config.drop, self.guess.null, condition)

    def guided(self, x: Vectors, condition: Vectors, t: Rows) -> Vectors:
        """Classifier-free guidance: the prediction moved away from the unconditional one."""
        w = self.config.guidance
        given = self.predicted(x, condition, t)
        return (1 + w) * given - w * self.predicted(x, self.guess.null, t) if w else given

    def generate(self, condition: Vectors, noise: Vectors) -> Vectors:
        """Sample the next item's vector for each condition [B, D] from noise [B, D], by DDIM."""
        x = noise
        for t, before in pairwise(self.path):
            at = torch.tensor([t], device=x.device)
            x = self.diffusion.ddim(x, self.guided(x, condition, at), t, before)
        return x

    @torch.no_grad()
    def encode(self, history: Csr) -> RankingVectors:
        """Queries sampled from each user's noise; without history zeros: all items tie."""
        encoded, device = super().encode(history), self.table.device
        generator = rng.stream(self.seed, "inference", device=device)
        size = history.n_rows, self.config.dim
        noise = self.unit * torch.randn(size, generator=generator, device=device)
        known = torch.from_numpy(history.lengths > 0).to(device)

        @torch.no_grad()
        def query(users: Tensor) -> Tensor:
            sampled = self.generate(encoded.query(users), noise[users])
            return sampled.masked_fill(~known[users].unsqueeze(1), 0.0)

        return replace(encoded, query=query)

    @torch.no_grad()
    def epoch_metrics(self) -> dict[str, float]:
        """Signal-to-noise ratio at T, and the mean cosine of two items: near 1 they collapsed."""
        items = self.table[: self.n_items].double()
        n, total = len(items), F.normalize(items, dim=1).sum(0).square().sum()
        cosine = float(total - n) / max(1, n * (n - 1))
        snr = self.diffusion.snr(float(items.var(0).mean()), float(self.unit) ** 2)
        return {"snr": snr, "item_cosine": cosine}


def build(config: Config, context: TrainContext, generator: torch.Generator) -> DreamRec:
    """An untrained model."""
    return DreamRec(config, context, generator)
