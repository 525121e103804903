"""Denoised users and items: both vectors of a pair go through a denoiser before they are scored.

    h_u = D_U(q(e_u, t), t | e_i),  h_i = D_I(q(e_i, t), t | e_u)         t ~ U{1..T}, the same
    L   = w ((1 - lam) loss(<h_u, h_i>, <h_u, e_j>) + lam L_re),  w = sg(sigmoid <h_u, h_i>)^gamma
    L_re = (mean_d (e_u - h_u)^2 + mean_d (e_i - h_i)^2) / 2
    ranking: a_u = mean of u's train items, y = q(a_u, T), back to 0 by D_I given e_u, s = <y, e_j>

"Denoising Diffusion Recommender Model", SIGIR 2024 (arXiv 2401.06982). Negatives stay raw and come
from any sampler and stages: `ddrm+dns(candidates=8)`, for the last method provides what is open.

Published is a backbone that was trained before and is frozen (`freeze`). Here the first `warmup`
epochs train it plainly, by the same negatives and loss, and the denoisers L_re on detached vectors;
the backbone itself is validated. Then user and item vectors are copied, and the denoisers alone
learn on the copies, which also rank: best epoch and patience start anew. The backbone's own table
rests from there on and is no longer used. `freeze=false` trains all from the first step; targets of
L_re are detached then, lest the vectors shrink until denoising is easy.

The released denoisers have three hidden layers (1000, 100, 1000 on ml-1m), a learnt map of a time
of 10 and their own step size; rows draw a user evenly, then one of the user's items. The presets
have all that: `released` is MF on ml-1m, the others are named by backbone and data. The default is
one hidden layer of SiLU on a time of 32, train pairs evenly and the backbone's step size. The
released "MF" is a LightGCN of 4, 2 and 0 layers (ml-1m, yelp, amazon-book) over MF weights: run the
preset on `lightgcn(layers=4)`, the nearest here. Its lightgcn settings walk back 1.25 T steps, the
surplus by the last step's coefficients; here it is T. The noise at T is about .003, next to
nothing: the dropout is what corrupts. Of the default's walk back the last step takes D_I's vector
whole and each other one a share of 5e-4, so that the ranking vector is D_I, once, of a mean that
has hardly moved, whatever T is. `schedule=snr_matched` reaches the ratio `snr` by noise in units of
the vectors' spread. Needs user vectors, for the freeze copies them.

Control: `diffusion=false` ranks by the plain mean a_u, over a plainly trained backbone: what it
gains over `random` is the mean's, and what `ddrm` gains over it the denoising's.
Cost per step: two passes of a denoiser (H D) a row; ranking: T passes a user.
"""

from dataclasses import dataclass
from typing import Literal

from negbench.parts import BPR, Uniform
from negbench.parts.diffusion.process import Schedule, linear_var, snr_matched
from negbench.protocol import Card, Method, check_ranges

from .denoised import Denoised

CARD = Card(
    title="Denoising diffusion recommender model",
    family="diffusion",
    year=2024,
    authors="Jujia Zhao, Wenjie Wang, Yiyan Xu, Teng Sun, Fuli Feng and Tat-Seng Chua",
    venue="SIGIR",
    link="https://arxiv.org/abs/2401.06982",
    paper="Denoising Diffusion Recommender Model",
    moves=("transform",),
    needs=("catalogue", "users"),
    provenance="specification",
    differs="The backbone is trained in the first epochs of the same run and then frozen, not "
    "loaded. Default only: one hidden layer, rows are pairs, the backbone's step size.",
    controls={"ddrm(diffusion=false)": "the mean of the liked items' vectors, without denoising"},
    search={
        "lam": ("float", 0.1, 0.6),
        "gamma": ("float", 0.0, 1.0),
        "steps": ("of", 3, 20, 50),
        "warmup": ("of", 10, 20, 40),
    },
    presets={
        "released": {
            "steps": 20,
            "scale": 1e-4,
            "low": 1e-4,
            "high": 1e-3,
            "lam": 0.4,
            "gamma": 1.0,
            "layers": (1000, 100, 1000),
            "activation": "sigmoid",
            "rows": "users",
            "denoiser_lr": 1e-3,
        },
        "mf_yelp": {
            "steps": 50,
            "scale": 1e-4,
            "low": 1e-3,
            "high": 1e-1,
            "lam": 0.2,
            "gamma": 0.9,
            "layers": (1000, 200, 1000),
            "activation": "relu",
            "rows": "users",
            "denoiser_lr": 1e-3,
        },
        "mf_amazon_book": {
            "steps": 3,
            "scale": 1e-3,
            "low": 1e-4,
            "high": 1e-3,
            "lam": 0.2,
            "gamma": 0.9,
            "layers": (600, 200, 600),
            "activation": "sigmoid",
            "rows": "users",
            "denoiser_lr": 1e-3,
        },
        "lightgcn_ml1m": {
            "steps": 50,
            "scale": 1e-2,
            "low": 1e-4,
            "high": 1e-3,
            "lam": 0.1,
            "gamma": 0.0,
            "layers": (1100, 200, 1100),
            "activation": "relu",
            "rows": "users",
            "denoiser_lr": 1e-3,
        },
        "lightgcn_yelp": {
            "steps": 30,
            "scale": 1e-4,
            "low": 1e-4,
            "high": 1e-2,
            "lam": 0.3,
            "gamma": 0.8,
            "layers": (1000, 200, 1000),
            "activation": "relu",
            "rows": "users",
            "denoiser_lr": 1e-3,
        },
        "lightgcn_amazon_book": {
            "steps": 50,
            "scale": 1e-2,
            "low": 1e-4,
            "high": 1e-3,
            "lam": 0.5,
            "gamma": 0.0,
            "layers": (1000, 200, 1000),
            "activation": "relu",
            "rows": "users",
            "denoiser_lr": 1e-3,
        },
    },
    later=("layers", "activation", "denoiser_lr", "rows"),
)


@dataclass(frozen=True)
class Config:
    """The settings; the released ones are of MF on ml-1m."""

    freeze: bool = True
    """Freeze the vectors after `warmup` epochs, as published, or train all together."""
    warmup: int = 20
    """Epochs of plain training before the freeze, 0 or more; the paper loads a trained backbone."""
    diffusion: bool = True
    """False is the control: train plainly, rank by the mean of the liked items' vectors."""
    lam: float = 0.4
    """Weight of the reconstruction, 0 to 1; .1 to .6 in the released settings."""
    gamma: float = 1.0
    """Power of the row's weight, 0 (none) or more; 0 to 1 in the released settings."""
    steps: int = 20
    """T, 1 or more; 3 to 50 in the released settings."""
    schedule: Literal["linear_var", "snr_matched"] = "linear_var"
    """linear_var is the released one, with unit noise."""
    scale: float = 1e-4
    """Noise scale of linear_var, above 0; 1e-2 to 1e-4 released."""
    low: float = 1e-4
    """Least noise of linear_var; 1e-4 or 1e-3 released."""
    high: float = 1e-3
    """Most noise of linear_var, above `low`, `scale` times it below 1; 1e-3 to 1e-1 released."""
    snr: float = 1.0
    """Above 0; signal to noise at T of snr_matched."""
    dropout: float = 0.5
    """Share of a corrupted vector's coordinates set to 0 in training, 0 to 1; .5 released."""
    hidden: int = 256
    """H, 1 or more: width of the one hidden layer where `layers` is empty."""
    layers: tuple[int, ...] = ()
    """Hidden layers of the released network, as [1000,100,1000], or none: one of `hidden`."""
    activation: Literal["sigmoid", "relu"] = "sigmoid"
    """Of `layers`; both are released, sigmoid for MF and relu for most others."""
    denoiser_lr: float | None = None
    """Adam's step for the denoisers, above 0, or none for the backbone's; .001 released."""
    rows: Literal["pairs", "users"] = "pairs"
    """Train pairs evenly, or the released users evenly and then one item of each: by weights of
    the rows, the same in expectation."""
    noised: bool = True
    """Start the ranking chain at a noised mean (one draw a user, from the seed), or at its mean."""
    negatives: int = 1
    """N, 1 or more, where no other method draws."""

    def __post_init__(self) -> None:
        """Check the ranges. Raises ValueError for a value outside its range."""
        check_ranges(
            self,
            at_least={"warmup": 0, "gamma": 0, "steps": 1, "hidden": 1, "negatives": 1},
            above={"snr": 0},
            between={"lam": (0, 1)},
        )
        if self.denoiser_lr is not None:
            check_ranges(self, above={"denoiser_lr": 0})
        if min(self.layers, default=1) < 1:
            raise ValueError(f"`layers` must be at least 1 wide, each of them; got {self.layers}")
        if not 0 <= self.dropout < 1:
            raise ValueError(f"`dropout` must be from 0 to below 1; got {self.dropout}")
        if not (0 < self.low < self.high and 0 < self.scale * self.high < 1):
            raise ValueError(
                "`low` must be above 0 and below `high`, and `scale` times `high` between 0 and 1; "
                f"got {self.low}, {self.high} and {self.scale}"
            )

    @property
    def noise_schedule(self) -> Schedule:
        """The noise schedule of the settings."""
        if self.schedule == "snr_matched":
            return snr_matched(self.steps, self.snr)
        return linear_var(self.steps, self.scale, self.low, self.high)


def build(config: Config) -> Method:
    """Uniform negatives with BPR, scored by denoised vectors."""
    return Method(Uniform(config.negatives), BPR(), transform=Denoised(config))
