"""PDRec rank band: a second, easy but safe negative from the middle of a diffusion's ranking.

    L = softplus(-s_i) + (softplus(s_j) + softplus(s_k)) / 2,   j uniform
    k ~ U{items outside P_u with low I <= rank_u < high I},   low = .5, high = .99, rank 0 = best

After noise-free negative sampling of PDRec (AAAI 2024). A model that was trained before on train
alone says what each user prefers; items that it ranks high may be liked (false negatives), the very
last are noise. The opposite of hard sampling, and a control for it.

`model=diffrec` is the paper's way: a diffusion over interaction vectors, with its noise settings.
Its released code has T = 10, a width of 1000 or 256, AdamW at 5e-5 with decay .5, batches of 400
users and weights by step: `preset=released`, with 1000. That is not the default, for the width
alone makes it 16 times as dear, and at that step size 10 epochs teach it little; how many epochs it
is fitted for is not known. The paper's model also weighs interactions by their time, ours does not;
PDRec's other parts (soft positives, weights of the history) are not here. Ranks are among all
items, the user's own too.

The released code takes the items that are held out for validation and test out of the band, and
stops early on the test part, over 99 sampled items: both read what a method may not know. Here the
band leaves out train alone; `--exclude all` is the published variant, and there taking held-out
items out of the draws is worth more than the band (goodbooks on mf, two seeds).

`model=backbone` (ours, cheaper) reads the backbone's own scores before every epoch, so it needs
user vectors. The control is `fit_epochs=0`: the ranks of an untrained diffusion. Cost: the model is
trained before the first epoch, on the clock, with U I H a pass; per step about 8 dots of width H a
row.
"""

from dataclasses import dataclass
from typing import Literal

from negbench.parts import BCE, Uniform
from negbench.parts.diffusion.process import linear_var
from negbench.parts.requirements import users_of
from negbench.parts.selection.mix_negatives import join
from negbench.protocol import (
    Card,
    Epoch,
    ItemVectors,
    Method,
    Negatives,
    Similarity,
    Step,
    TrainContext,
    UserVectors,
    check_ranges,
)

from .diffrec import DiffRecTraining, preferences_of
from .rank_band import Preferences, RankBand

CARD = Card(
    title="Rank-band negatives: easy but safe",
    family="diffusion",
    year=2024,
    authors="Haokai Ma, Ruobing Xie, Lei Meng, Xin Chen, Xu Zhang, Leyu Lin and Zhanhui Kang",
    paper="Plug-In Diffusion Model for Sequential Recommendation",
    venue="AAAI",
    link="https://arxiv.org/abs/2401.02913",
    moves=("stages",),
    provenance="specification",
    differs="Noise-free negative sampling alone, without PDRec's other parts; held-out items stay "
    "in the band; its diffusion model is small and does not weigh interactions by time.",
    controls={"pdrec_band(fit_epochs=0)": "the ranks of an untrained diffusion"},
    search={"low": ("of", 0.5, 0.8, 0.9), "model": ("of", "diffrec", "backbone")},
    presets={
        "released": {
            "model": "diffrec",
            "steps": 10,
            "hidden": 1000,
            "fit_lr": 5e-5,
            "fit_decay": 0.5,
            "fit_batch": 400,
            "step_weights": True,
        },
    },
    later=("fit_decay", "fit_batch", "step_weights"),
)


@dataclass(frozen=True)
class Config:
    """The settings."""

    low: float = 0.5
    """Where the band begins, 0 to below `high`; .5, .8, .9 in the released code."""
    high: float = 0.99
    """Where it ends, at most 1; .99 in the released code."""
    model: Literal["diffrec", "backbone"] = "diffrec"
    """diffrec: trained before, the paper's; backbone: its own scores, before every epoch."""
    fit_epochs: int = 10
    """Epochs of the diffrec, 0 or more; 0 is the untrained control; not known of the release."""
    hidden: int = 64
    """H of the diffrec, 1 or more; 1000 or 256 in the released code."""
    fit_lr: float = 0.005
    """AdamW's step for the diffrec, above 0; 5e-5 in the released code."""
    fit_decay: float = 0.0
    """AdamW's weight decay for the diffrec, 0 or more; .5 in the released code."""
    fit_batch: int = 256
    """Users in a step of the diffrec, 1 or more; 400 in the released code."""
    step_weights: bool = False
    """Weigh the diffrec's errors by the fall of the signal-to-noise ratio; released."""
    steps: int = 5
    """T of the diffrec, 2 or more; 10 in the released code."""
    noise_scale: float = 0.01
    """Of its schedule, above 0; .01 in the released code."""
    noise_min: float = 5e-4
    """Above 0; 5e-4 in the released code."""
    noise_max: float = 5e-3
    """Above `noise_min`; 5e-3 to 1e-2 in the released code."""

    def __post_init__(self) -> None:
        """Check the settings."""
        if not 0 <= self.low < self.high <= 1:
            raise ValueError(f"0 <= `low` < `high` <= 1 must hold; got {self.low} and {self.high}")
        least = {"fit_epochs": 0, "hidden": 1, "steps": 2, "fit_decay": 0, "fit_batch": 1}
        check_ranges(self, at_least=least, above={"fit_lr": 0, "noise_scale": 0})
        if not 0 < self.noise_min < self.noise_max or self.noise_scale * self.noise_max >= 1:
            raise ValueError(
                "0 < `noise_min` < `noise_max` must hold, and `noise_scale` * `noise_max` < 1; "
                f"got {self.noise_min}, {self.noise_max} and {self.noise_scale}"
            )


class Band:
    """Adds one item of the band to each row."""

    def __init__(self, config: Config) -> None:
        """Read the settings."""
        self.config = config

    def begin(self, context: TrainContext) -> None:
        """Callback before training: clear the band; `refresh` computes it, inside the timed run."""
        del context
        self.band: RankBand | None = None

    def refresh(self, epoch: Epoch) -> None:
        """Callback before each epoch: rank by the backbone; by the diffusion in the first alone."""
        if self.config.model == "diffrec":
            self.band = self.band or self.band_of_diffrec(epoch.context)
            return
        self.band = self.band_of_backbone(epoch.users, epoch.items, epoch.similarity)

    def band_of_backbone(
        self, users: UserVectors | None, items: ItemVectors, similarity: Similarity
    ) -> RankBand:
        """The band by the backbone's current scores, on copies: it may overwrite its vectors."""
        users = users_of(users, "model=backbone", "model=diffrec")
        likes = Preferences(similarity.query(users).clone(), similarity.prepare(items).clone())
        return RankBand.of(likes, self.config.low, self.config.high)

    def band_of_diffrec(self, context: TrainContext) -> RankBand:
        """The band by a diffusion model; fixed by the seed, so a resumed run has the same."""
        c = self.config
        schedule = linear_var(c.steps, c.noise_scale, c.noise_min, c.noise_max)
        how = c.fit_decay, c.fit_batch, c.step_weights
        training = DiffRecTraining(c.fit_epochs, c.hidden, c.fit_lr, schedule, *how)
        return RankBand.of(preferences_of(context, training), c.low, c.high)

    def apply(self, step: Step, negatives: Negatives) -> Negatives:
        """ids [B, N + 1] of equal weight, so that the mean over two is the paper's average."""
        if self.band is None and self.config.model == "diffrec":
            self.band = self.band_of_diffrec(step.context)
        elif self.band is None:
            self.band = self.band_of_backbone(
                step.view.users, step.view.items, step.view.similarity
            )
        ids, mask = self.band.sample(step.batch.users, step.context.excluded, step.generator)
        return join(step, negatives, Negatives(ids, mask=mask), 1 / (1 + negatives.n))


def build(config: Config) -> Method:
    """A uniform negative and one of the band under BCE."""
    return Method(sampler=Uniform(1), stages=(Band(config),), objective=BCE())
