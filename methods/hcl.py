"""Hard contrastive loss: InfoNCE whose negatives are weighed by how hard they are.

    L = log(1 + N g e^{-s_i / tau}),   s = cosine
    g = max((sum_j w_j e^{s_j / tau} - tau+ e^{s_i / tau}) / (1 - tau+), e^{-1 / tau})
    w_j = e^{beta s_j / tau} / sum_l e^{beta s_l / tau}

Robinson, Chuang, Sra & Jegelka, "Contrastive Learning with Hard Negative Samples", ICLR 2021 (arXiv
2010.04592), there for images. w_j weighs uniform draws as draws from q_beta(j) ~ e^{beta s_j /
tau} would be: large beta leaves the hardest alone, as `dns` does. `tau_plus=0` is the hard loss
without its correction for hidden positives, `beta=0` is `dcl`, both 0 are `info_nce`. The gradient
runs through w_j as well: a negative whose e^{s_j / tau} is below beta / (1 + beta) of the weighed
mean is drawn up, not pushed down. `preset=released` is the code's for images, whose classes are far
larger than what a user likes. Cost per step: that of `info_nce`, N draws and N dot products a row.
"""

from dataclasses import dataclass

from negbench.parts import Uniform
from negbench.parts.cosine_scores import Angular, Scoring
from negbench.parts.losses.debiased_infonce import Debiased
from negbench.protocol import Card, Method, check_ranges

CARD = Card(
    title="Contrastive loss with hard negatives",
    family="contrastive",
    authors="Joshua Robinson, Ching-Yao Chuang, Suvrit Sra and Stefanie Jegelka",
    year=2021,
    venue="ICLR",
    link="https://arxiv.org/abs/2010.04592",
    paper="Contrastive Learning with Hard Negative Samples",
    moves=("objective", "transform"),
    provenance="specification",
    differs="Users and items for anchors and samples; one positive a row estimates the share.",
    presets={"released": {"negatives": 510, "tau": 0.5, "tau_plus": 0.1, "beta": 1.0}},
    search={
        "tau": ("log", 0.05, 1.0),
        "tau_plus": ("of", 0.0, 0.001, 0.01, 0.1),
        "beta": ("of", 0.1, 0.25, 0.5, 1.0, 2.0),
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
    beta: float = 0.5
    """0 or more, on the scores divided by tau; the default is ours."""
    similarity: Scoring = "cosine"
    """cosine, for which the floor is made; backbone: the scores as they come."""

    def __post_init__(self) -> None:
        """Check the ranges. Raises ValueError for a value outside its range."""
        check_ranges(self, at_least={"negatives": 1})
        Debiased(self.tau, self.tau_plus, self.beta)


def build(config: Config) -> Method:
    """Uniform draws with this loss."""
    return Method(
        sampler=Uniform(config.negatives),
        objective=Debiased(config.tau, config.tau_plus, config.beta),
        transform=Angular(config.similarity),
    )
