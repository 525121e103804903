"""IRGAN: negatives from a generator that learns, by policy gradient, what the recommender likes.

    L = softplus(-s_i) + mean_j softplus(s_j),   j ~ softmax_j(g_uj / T)   outside P_u
    g_uj = <a_u, b_j> + c_j,   up along   E_{j ~ p_n} (p_j / p_n(j)) (2 sigmoid(s_j) - 1) d log p_j
    p = softmax_j(g_uj),   p_n = (1 - lambda) p + lambda / |P_u| 1[j in P_u]

Wang, Yu, Zhang, Gong, Xu, Wang, Zhang & Zhang, "IRGAN: A Minimax Game for Unifying Generative and
Discriminative Information Retrieval Models", SIGIR 2017. The discriminator is the backbone; the
generator is a factorisation of its own with an item bias. Its law p goes up where the backbone
scores high: by REINFORCE, for a draw has no gradient. Draws for that come from p and, in a share
lambda, from the user's positives, weighed by p / p_n. Draws for the backbone are sharper, at T.
T to infinity is `random`.

Released, what is ranked (and chosen on the test part) is the generator, started from a trained DNS
model, and the two take turns of 50 and 100 epochs. Here they learn side by side, one step of plain
SGD for each of the backbone's; by default the generator starts from nothing and the backbone is
ranked. `rank=generator` ranks the generator, and `warm_up` trains it for some epochs as a DNS model
of its own (BPR, Adam) while the backbone sees uniform negatives. No L2 on the generator. In an
epoch each user's draws weigh as one, as there. Cost per step: I dot products of width `factors` for
each user of the batch, once to draw and once to learn.
"""

from copy import deepcopy
from dataclasses import dataclass, replace
from typing import Any, Literal

import torch
import torch.nn.functional as F

from negbench.ops import rng
from negbench.parts import BCE, Uniform
from negbench.parts.user_history import Liked
from negbench.protocol import (
    AnyShape,
    AnyVectors,
    Card,
    Feedback,
    Ids,
    ItemScores,
    Membership,
    Method,
    Negatives,
    Phase,
    Rows,
    Scores,
    Step,
    TrainContext,
    View,
    check_ranges,
)

from .catalogue_softmax import CatalogueSoftmax
from .user_groups import Group, groups_of

CARD = Card(
    title="IRGAN: a generator of negatives trained by policy gradient",
    family="dynamic",
    authors="Jun Wang, Lantao Yu, Weinan Zhang, Yu Gong, Yinghui Xu, Benyou Wang, Peng Zhang and"
    " Dell Zhang",
    year=2017,
    venue="SIGIR",
    link="https://arxiv.org/abs/1705.10513",
    paper="IRGAN: A Minimax Game for Unifying Generative and Discriminative Information Retrieval "
    "Models",
    moves=("sampler", "objective"),
    provenance="specification",
    differs="Both models learn side by side; the backbone is ranked; the generator starts anew.",
    search={"generator_lr": ("log", 0.01, 10.0), "temperature": ("of", 0.2, 0.5, 1.0)},
    controls={
        "irgan(generator_lr=0)": "a generator that never learns",
        "irgan(rank=generator,warm_up=10)": "the generator is ranked, started from DNS",
    },
    presets={
        "released": {
            "factors": 5,
            "negatives": 1,
            "temperature": 0.2,
            "draws": 2,
            "share": 0.2,
            "generator_lr": 0.001,
            "warm_up": 20,
            "rank": "generator",
        },
    },
)
TINY = 1e-30
BLOCK = 1 << 22
"""Users x items that are looked at together."""
CANDIDATES = 8
"""Candidates of the DNS model that a warm-up trains."""
WARM_LR = 0.01
"""Adam's step there."""
INIT = 0.1
"""Standard deviation of the generator's first vectors."""


@dataclass(frozen=True)
class Config:
    """The settings."""

    factors: int = 16
    """Width of the generator's vectors, 1 or more; 5 released."""
    negatives: int = 1
    """N of the backbone, 1 or more; 1 released."""
    temperature: float = 0.2
    """T of the backbone's draws, above 0; .2 released."""
    draws: int = 2
    """Draws a row that the generator learns from, 1 or more; 2 released."""
    share: float = 0.2
    """lambda, 0 to below 1; .2 released."""
    generator_lr: float = 1.0
    """SGD's step of the generator, 0 or more; .001 released, after a start from DNS."""
    warm_up: int = 0
    """Epochs in which the generator is trained as a DNS model instead; released: to the end."""
    rank: Literal["backbone", "generator"] = "backbone"
    """The model that is ranked; the generator released."""

    def __post_init__(self) -> None:
        """Check the ranges. Raises ValueError for a value outside its range."""
        least = {"factors": 1, "negatives": 1, "draws": 1, "generator_lr": 0, "warm_up": 0}
        check_ranges(self, at_least=least, above={"temperature": 0})
        if not 0 <= self.share < 1:
            raise ValueError(f"`share` must be 0 or more and below 1; got {self.share}")


def surrogate(log_p: AnyShape, log_p_n: AnyShape, reward: AnyShape) -> AnyShape:
    """What REINFORCE descends for draws from p_n: -(p / p_n) reward log p, gradient to the last."""
    return -((log_p.detach() - log_p_n).exp() * reward) * log_p


class Generator:
    """The generator: draws the backbone's negatives, and learns after each step."""

    def __init__(self, config: Config) -> None:
        """The tables are drawn in `begin`."""
        self.config, self.uniform = config, Uniform(config.negatives)

    def begin(self, context: TrainContext) -> None:
        """Callback before training: the generator's tables and the users' positives."""
        self.uniform.begin(context)
        generator = rng.stream(context.seed, "irgan", device=context.device)

        def table(rows: int) -> AnyVectors:
            shape = (rows, self.config.factors)
            values = torch.randn(shape, generator=generator, device=context.device)
            return (values * INIT).requires_grad_()

        self.users, self.items = table(context.n_users), table(context.n_items)
        self.bias = torch.zeros(context.n_items, device=context.device).requires_grad_()
        self.tables = {"users": self.users, "items": self.items, "bias": self.bias}
        self.adam = torch.optim.Adam(self.tables.values(), lr=WARM_LR)
        self.liked = Liked.of(context.train.distinct, context.device)
        self.rows_of = torch.tensor(context.train.lengths, device=context.device).clamp(min=1)
        self.positives = (
            context.excluded
            if context.exclude == "train"
            else Membership.of(context.train, device=context.device)
        )
        self.size = max(1, BLOCK // context.n_items)
        self.sums, self.rows = torch.zeros(2, device=context.device), 0

    def own_phase(self) -> Phase | None:
        """The epochs in which the two models play."""
        return Phase("generator", self.config.warm_up + 1) if self.config.warm_up else None

    def logits(self, users: Rows) -> ItemScores:
        """g of users [S] and all items, [S, I]."""
        scores: ItemScores = torch.addmm(self.bias, self.users[users], self.items.T)
        return scores

    @torch.no_grad()
    def sample(self, step: Step) -> Negatives:
        """ids [B, N] from softmax(g / T) outside the user's exclusion, and their log q."""
        if step.epoch <= self.config.warm_up:
            return self.uniform.sample(step)
        n, users = self.config.negatives, step.batch.users
        excluded, cold = step.context.excluded, 1 / self.config.temperature
        ids = users.new_zeros(len(users), n)
        logq, mask = self.bias.new_zeros(ids.shape), torch.ones_like(ids, dtype=torch.bool)
        for group, most in groups_of(users, self.size):
            some = excluded.sizes[group.users] < step.context.n_items
            tables = self.users[group.users] * cold, self.items, self.bias * cold
            softmax = CatalogueSoftmax.of(*tables, hidden=excluded.members(group.users))
            step.view.dots.add(softmax.weights.numel(), pooled=True)
            mine = group.spread(softmax.sample(most * n, step.generator), n)
            ids[group.rows] = mine
            logq[group.rows] = softmax.log_p(*tables, group.owner, mine)
            mask[group.rows] = some[group.owner].unsqueeze(1)
        return Negatives(ids, logq=logq, mask=mask)

    def observe(self, feedback: Feedback) -> None:
        """Callback after each step: one step of the generator."""
        with torch.enable_grad():
            if feedback.step.epoch <= self.config.warm_up:
                self.learn_by_dns(feedback.step)
            elif self.config.generator_lr:
                self.learn_by_reward(feedback.step)

    def learn_by_reward(self, step: Step) -> None:
        """SGD along REINFORCE's gradient; the draws of a user weigh as one in an epoch."""
        for group, most in groups_of(step.batch.users, self.size):
            tables = self.users[group.users], self.items, self.bias
            softmax = CatalogueSoftmax.of(*tables)
            step.view.dots.add(softmax.weights.numel(), pooled=True)
            ids = self.draws(step, group, softmax, most)
            chosen = softmax.log_p(*tables, group.owner, ids)
            rows_of = self.rows_of[group.users][group.owner].unsqueeze(1)
            reward = self.reward(step, group, ids)
            loss = surrogate(chosen, self.log_p_n(group, ids, chosen.detach()), reward)
            torch.autograd.backward((loss.mean(1, keepdim=True) / rows_of).sum())
            self.sums += torch.stack([reward.mean(1).sum(), chosen.detach().exp().mean(1).sum()])
        self.rows += len(step.batch)
        with torch.no_grad():
            for table in self.tables.values():
                if table.grad is not None:
                    table.sub_(self.config.generator_lr * table.grad)
        self.adam.zero_grad()

    @torch.no_grad()
    def draws(self, step: Step, group: Group, softmax: CatalogueSoftmax, most: int) -> Ids:
        """Draws from p_n for the rows of a group, [R, draws]."""
        n, stream, device = self.config.draws, step.generator, group.users.device
        drawn = softmax.sample(most * n, stream)
        users = group.users[group.owner]
        sizes = self.liked.sizes(users).unsqueeze(1)
        kind, place = torch.rand((2, len(users), n), generator=stream, device=device)
        at = (place * sizes).long().minimum(sizes - 1)
        there = sizes > 0
        own = self.liked.items[(self.liked.indptr[users].unsqueeze(1) + at).where(there, 0)]
        return torch.where((kind < self.config.share) & there, own, group.spread(drawn, n))

    def log_p_n(self, group: Group, ids: Ids, log_p: Scores) -> Scores:
        """log p_n of ids [R, draws], by their log p."""
        users = group.users[group.owner]
        sizes, p = self.liked.sizes(users).unsqueeze(1), log_p.exp()
        even = self.positives.contains(users, ids) / sizes.clamp(min=1)
        mixed = (1 - self.config.share) * p + self.config.share * even
        return mixed.where(sizes > 0, p).clamp(min=TINY).log()

    @torch.no_grad()
    def reward(self, step: Step, group: Group, ids: Ids) -> Scores:
        """2 sigmoid(s) - 1 of the backbone's scores of ids [R, draws]."""
        view = replace(step.view, query=step.view.query[group.rows])
        return 2 * torch.sigmoid(view.score_rows(ids)) - 1

    def learn_by_dns(self, step: Step) -> None:
        """One step of BPR against the best scored of some uniform items."""
        users, own = self.users[step.batch.users], step.batch.items.unsqueeze(1)
        shape = (len(users), CANDIDATES)
        ids = torch.randint(len(self.bias), shape, generator=step.generator, device=own.device)
        taken = self.positives.contains(step.batch.users, ids)
        ids = torch.cat([own, ids], 1)
        scores = (users.unsqueeze(1) * self.items[ids]).sum(-1) + self.bias[ids]
        best = scores[:, 1:].masked_fill(taken, -torch.inf).amax(1)
        rows = F.softplus(best - scores[:, 0])
        torch.autograd.backward(rows.mean())
        self.adam.step()
        self.adam.zero_grad()

    def epoch_metrics(self) -> dict[str, float]:
        """Mean reward and mean probability of the generator's draws over the epoch."""
        names, rows = ("generator_reward", "generator_p"), max(1, self.rows)
        metrics = dict(zip(names, (self.sums / rows).tolist(), strict=True)) if self.rows else {}
        self.sums, self.rows = torch.zeros_like(self.sums), 0
        return metrics

    def state_dict(self) -> dict[str, Any]:
        """The generator, and the optimiser of its warm-up."""
        tables = {name: table.detach().clone() for name, table in self.tables.items()}
        return {"tables": tables, "adam": deepcopy(self.adam.state_dict())}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Restore both."""
        with torch.no_grad():
            for name, table in self.tables.items():
                table.copy_(state["tables"][name])
        self.adam.load_state_dict(state["adam"])


@dataclass(frozen=True, eq=False)
class RankByGenerator:
    """A transform: in ranking, the generator's scores; in training the backbone as it is."""

    generator: Generator

    def view(self, step: Step) -> View:
        """The generator's vectors, with the item bias as one more coordinate."""
        if step.training:
            return step.view
        users, items = self.generator.users.detach()[step.batch.users], self.generator.items
        query = torch.cat([users, torch.ones_like(users[:, :1])], 1)
        vectors = torch.cat([items, self.generator.bias.unsqueeze(1)], 1).detach()
        return View(query, vectors, query)


def build(config: Config) -> Method:
    """The generator's draws with BCE."""
    generator = Generator(config)
    by_generator = RankByGenerator(generator) if config.rank == "generator" else None
    return Method(sampler=generator, objective=BCE(), transform=by_generator)
