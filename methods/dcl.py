"""Debiased contrastive loss: InfoNCE with the share of hidden positives taken off its negatives.

    L = log(1 + N g e^{-s_i / tau}),   s = cosine
    g = max((mean_j e^{s_j / tau} - tau+ e^{s_i / tau}) / (1 - tau+), e^{-1 / tau})

Chuang, Robinson, Lin, Torralba & Jegelka, "Debiased Contrastive Learning", NeurIPS 2020 (arXiv
2007.00224), there for images: a draw is of the anchor's own class with probability tau+. Here it is
an item that the user likes but has no train pair with. A row whose negatives score below that share
is at the floor and has no gradient to them; elsewhere the pull is (1 + y) / (1 + y - (N + 1) tau+)
times that of InfoNCE, y = sum_j e^{(s_j - s_i) / tau}. `tau_plus=0` is `info_nce`. Samplers exclude
the user's train items, so tau+ is the share of what is left, of the order of |liked| / I and well
below the .1 of the code for images (`preset=released`, as its tau and N). One positive a row
estimates the share (the paper allows more). Cost per step: that of `info_nce`, N draws and N dot
products a row.
"""

from dataclasses import dataclass

from negbench.parts import Uniform
from negbench.parts.cosine_scores import Angular, Scoring
from negbench.parts.losses.debiased_infonce import Debiased
from negbench.protocol import Card, Method, check_ranges

CARD = Card(
    title="Debiased contrastive loss",
    family="contrastive",
    authors="Ching-Yao Chuang, Joshua Robinson, Yen-Chen Lin, Antonio Torralba and Stefanie"
    " Jegelka",
    year=2020,
    venue="NeurIPS",
    link="https://arxiv.org/abs/2007.00224",
    paper="Debiased Contrastive Learning",
    moves=("objective", "transform"),
    provenance="specification",
    differs="Users and items for anchors and samples; one positive a row estimates the share.",
    presets={"released": {"negatives": 510, "tau": 0.5, "tau_plus": 0.1}},
    search={
        "tau": ("log", 0.05, 1.0),
        "tau_plus": ("of", 0.001, 0.003, 0.01, 0.03, 0.1),
        "negatives": ("of", 16, 64, 256),
    },
)


@dataclass(frozen=True)
class Config:
    """The settings."""

    negatives: int = 64
    """N, 1 or more."""
    tau: float = 0.2
    """Above 0; the default is `info_nce`'s."""
    tau_plus: float = 0.01
    """tau+, 0 to below 1: how often a negative is a hidden positive; the default is ours."""
    similarity: Scoring = "cosine"
    """cosine, for which the floor is made; backbone: the scores as they come."""

    def __post_init__(self) -> None:
        """Check the ranges. Raises ValueError for a value outside its range."""
        check_ranges(self, at_least={"negatives": 1})
        Debiased(self.tau, self.tau_plus)


def build(config: Config) -> Method:
    """Uniform draws with this loss."""
    return Method(
        sampler=Uniform(config.negatives),
        objective=Debiased(config.tau, config.tau_plus),
        transform=Angular(config.similarity),
    )
