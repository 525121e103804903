"""Curriculum of real negatives, easy to hard, from candidates ranked by diffusion embeddings.

    L = (1 - omega) softplus(s_r - s_i) + omega softplus(s_j - s_i) + lambda L_dm
    j ~ U{top k |C| of <E^t_i, E^t_c>, c in C},   C = a random share of the items, unobserved
    t = T/4 (3 - min(3, floor(n / dtau)))   in epoch n = 0, 1 ..; from tau_end on, E = the items

After CCDRec (AAAI 2025), which denoises item vectors given their texts and images. Once an epoch
the reverse chain of a denoiser f runs over all items; E^t, t in {3T/4, T/2, T/4, 0}, are its
intermediate vectors. L_dm = mean (f(e_t, t) - e)^2 trains f to predict e.

What is ours: there are no texts or images, so f is conditioned on the mean vector of the item's
train users, or on the item's own vector where the backbone has no users (`condition=auto`). The
latter (`item`) tells f the answer, which makes the denoiser a copy: its pool at t = 0 is the items
but for 3 % in a small world, where it is 28 % for `users`; the curriculum is then Gaussian blur
that fades. With `condition=dropped` a pool holds no more information on its items than the noised
start, so the curriculum does not harden: a control. The chain begins at the item's vector noised to
T, as f was trained. L_dm stands on detached vectors: the diffusion chooses negatives and changes
nothing else; in the paper the recommender uses the denoised vectors too. By default noise has the
catalogue's mean and covariance; `noise=unit` is the paper's N(0, I), and `preset=released` has the
code's numbers besides; of dtau, tau_end and lambda the grids alone are known. The paper's schedule
adds little noise in 20 steps, so its pools are nearly the same; `schedule=cosine` begins at noise.
Best epoch and patience start anew with the hardest pool. With Adam lambda matters little to f. All
rows of a batch share one C; `omega=0` is `random`. `trained=false` is the control with a random
denoiser that never learns. Cost per step: B |C| dots and one pass of f over B rows; T I H D an
epoch.
"""

import math
from dataclasses import dataclass, replace
from typing import Literal

import torch

from negbench.parts import BPR, Uniform
from negbench.parts.diffusion.latent_space import (
    DenoiserPart,
    Noise,
    Space,
    denoiser_of,
    noised,
    random_steps,
    reverse_chain,
)
from negbench.parts.diffusion.process import SCHEDULES
from negbench.parts.requirements import users_of
from negbench.parts.selection.mix_negatives import join
from negbench.parts.selection.top_scored import one_of_best
from negbench.protocol import (
    Card,
    Epoch,
    Ids,
    ItemVectors,
    Mask,
    Method,
    Negatives,
    Phase,
    Scalar,
    Step,
    TrainContext,
    UserVectors,
    check_ranges,
)

CARD = Card(
    title="Curriculum of candidates ranked by diffusion, without texts or images",
    family="diffusion",
    year=2025,
    authors="Yimeng Yang, Haokai Ma, Lei Meng, Shuo Xu, Ruobing Xie and Xiangxu Meng",
    venue="AAAI",
    link="https://github.com/Yimeng-yang/CCDRec",
    paper="Curriculum Conditioned Diffusion for Multimodal Recommendation",
    moves=("stages",),
    needs=("catalogue",),
    provenance="specification",
    differs="The denoiser is conditioned on the item's train users, not on texts and images; the "
    "chain begins at the noised item; the diffusion loss is detached: negatives alone change.",
    controls={
        "ccdrec_cf(trained=false)": "a random denoiser that never learns",
        "ccdrec_cf(condition=item)": "a denoiser that is given the item itself: blur that fades",
    },
    presets={
        "released": {
            "omega": 0.8,
            "steps": 20,
            "share": 0.1,
            "top": 0.1,
            "schedule": "linear",
            "noise": "unit",
        },
    },
    search={"omega": ("of", 0.5, 0.7, 0.8, 0.9), "every": ("of", 3, 5, 10, 15, 20)},
)


@dataclass(frozen=True)
class Config:
    """The settings."""

    omega: float = 0.8
    """Weight of the curricular negative, 0 to 1; .5, .7, .8, .9 in the paper."""
    weight: float = 1.0
    """lambda of the diffusion loss, above 0; .5, 1, 2 in the paper."""
    steps: int = 20
    """T, 4 or more; 5, 10, 20, 40, 100 in the paper."""
    every: int = 5
    """dtau, epochs for each pool, 1 or more; 3, 5, 10, 15, 20 in the paper."""
    end: int = 50
    """tau_end, from this epoch on the item vectors themselves; 30, 50, 75, 100 in the paper."""
    share: float = 0.1
    """|C| / I, above 0 to 1; .1 in the paper."""
    top: float = 0.1
    """k, the share of C that is drawn from, above 0 to 1; .1 in the paper."""
    hidden: int = 64
    """H of the denoiser, 1 or more; not known of the paper."""
    schedule: Literal["linear", "cosine", "sqrt", "exp"] = "linear"
    """linear is the paper's."""
    noise: Noise = "catalogue"
    """catalogue: the items' mean and covariance; unit: N(0, I), the paper's."""
    condition: Literal["auto", "users", "item", "dropped"] = "auto"
    """The condition of f: the mean vector of the item's train users (mf and lightgcn), the item's
    own vector, or nothing; auto is users where there are any, else item. Texts and images in the
    paper."""
    trained: bool = True
    """False is the control with an untrained denoiser."""

    def __post_init__(self) -> None:
        """Check the ranges. Raises ValueError for a value outside its range."""
        check_ranges(
            self,
            at_least={"steps": 4, "every": 1, "end": 0, "hidden": 1},
            above={"weight": 0},
            between={"omega": (0, 1)},
        )
        for name in ("share", "top"):
            if not 0 < getattr(self, name) <= 1:
                raise ValueError(
                    f"`{name}` must be above 0 and at most 1; got {getattr(self, name)}"
                )


class Curriculum(DenoiserPart):
    """Stage: adds one negative to each row, an item near the positive in this epoch's pool."""

    def __init__(self, config: Config) -> None:
        """The schedule and the denoiser are built in `begin`."""
        self.config = config

    def begin(self, context: TrainContext) -> None:
        """Callback before training: build the schedule and the denoiser."""
        config = self.config
        self.schedule = SCHEDULES[config.schedule](config.steps).to(context.device)
        self.net = denoiser_of(
            context,
            config.hidden,
            conditioned=config.condition != "dropped",
            trained=config.trained,
        )
        self.space: Space | None = None
        self.pools: dict[int, ItemVectors] = {}
        self.condition_of_items: ItemVectors | None = None
        self.snr = math.nan

    def own_phase(self) -> Phase | None:
        """The epochs of the hardest pool, the end of the curriculum; none without its negatives."""
        begins = min(3 * self.config.every, self.config.end) + 1
        return Phase("hardest pool", begins) if self.config.omega else None

    def refresh(self, epoch: Epoch) -> None:
        """Callback before each epoch: run the reverse chain over all items and keep 4 steps."""
        self.make_pools(epoch.items, epoch.users, epoch.context, epoch.generator)

    def condition_on(
        self, items: ItemVectors, users: UserVectors | None, context: TrainContext
    ) -> ItemVectors | None:
        """The condition of each item, [I, D]; None where it is dropped."""
        condition = self.config.condition
        if condition == "dropped":
            return None
        if condition == "item" or (condition == "auto" and users is None):
            return items.clone()
        return mean_of_users(users_of(users, "condition=users", "condition=item"), context)

    @torch.no_grad()
    def make_pools(
        self,
        items: ItemVectors,
        users: UserVectors | None,
        context: TrainContext,
        generator: torch.Generator,
    ) -> None:
        """E^t for t in {3T/4, T/2, T/4, 0}, [I, D] each."""
        space = self.space = Space.of(items, self.config.noise)
        self.snr = space.snr(self.schedule, items)
        self.condition_of_items = self.condition_on(items, users, context)
        condition = (
            None if self.condition_of_items is None else space.standardise(self.condition_of_items)
        )
        last = torch.full((len(items),), self.schedule.steps, device=items.device)
        chain = reverse_chain(
            self.schedule,
            noised(space, self.schedule, items, last, generator)[0],
            [station(self.config.steps, level) for level in range(4)],
            lambda y, t: self.net(y, t, condition),
            noise=lambda: space.noise(len(items), generator),
        )
        self.pools = {t: space.unstandardise(y) for t, y in chain.items()}

    def apply(self, step: Step, negatives: Negatives) -> Negatives:
        """ids [B, N + 1], weighed so that the mean of the losses mixes them by omega."""
        if self.space is None:
            view = step.view
            users = None if view.users is None else view.users.detach()
            self.make_pools(view.items.detach(), users, step.context, step.generator)
        if self.config.trained:
            losses = {**negatives.losses, "denoising": self.config.weight * self.error(step)}
            negatives = replace(negatives, losses=losses)
        if not self.config.omega:
            return negatives
        ids, usable = self.near(step)
        added = Negatives(ids, mask=usable, losses=negatives.losses)
        return join(step, negatives, added, self.config.omega)

    @torch.no_grad()
    def near(self, step: Step) -> tuple[Ids, Mask]:
        """One uniform draw from the nearest candidates, and whether there is one: [B, 1] each."""
        users, positives, pool = step.batch.users, step.batch.items, self.pool(step)
        n = max(1, round(self.config.share * len(pool)))
        k = max(1, round(self.config.top * n))
        among = torch.randperm(len(pool), generator=step.generator, device=pool.device)[:n]
        usable = step.context.excluded.contains_shared(users, among).logical_not_()
        place = torch.full((len(pool),), n, device=pool.device)
        place[among] = torch.arange(n, device=pool.device)
        own = place.index_select(0, positives).unsqueeze(1)  # n where it is not among them
        there = own.clamp(max=n - 1)
        usable.scatter_(1, there, usable.gather(1, there) & (own == n))
        alike = pool.index_select(0, positives) @ pool.index_select(0, among).T
        picked = one_of_best(alike, k, step.generator, usable)
        return among[picked], usable.gather(1, picked)

    def pool(self, step: Step) -> ItemVectors:
        """The vectors whose similarity counts in this epoch, [I, D]; epochs count from 1."""
        done = step.epoch - 1
        if done >= self.config.end:
            return step.view.items
        return self.pools[station(self.config.steps, done // self.config.every)]

    def error(self, step: Step) -> Scalar:
        """Denoising loss: mean squared error of f on the batch's positives, detached."""
        assert self.space is not None
        x, positives = step.view.positive.detach(), step.batch.items
        t = random_steps(len(x), self.schedule, x, step.generator)
        y, _ = noised(self.space, self.schedule, x, t, step.generator)
        condition = None
        if self.condition_of_items is not None:
            condition = self.space.standardise(self.condition_of_items[positives])
        error: Scalar = (self.net(y, t, condition) - self.space.standardise(x)).square().mean()
        return error


def station(steps: int, level: int) -> int:
    """Step t of pool number `level` from easy to hard: 3T/4, T/2, T/4, then 0."""
    return steps * (3 - min(3, level)) // 4


def mean_of_users(users: UserVectors, context: TrainContext) -> ItemVectors:
    """Mean vector of each item's train users, [I, D]; 0 for an item without any."""
    train = context.train.distinct
    rows = torch.tensor(train.rows, device=users.device)
    items = torch.tensor(train.indices, device=users.device, dtype=torch.int64)
    total = users.new_zeros(context.n_items, users.shape[1]).index_add_(0, items, users[rows])
    return total / context.counts.clamp(min=1).unsqueeze(1)


def build(config: Config) -> Method:
    """A uniform and a curricular negative, with BPR."""
    return Method(sampler=Uniform(1), stages=(Curriculum(config),), objective=BPR())
