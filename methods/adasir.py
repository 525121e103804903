"""AdaSIR: a pool of items for each user, resampled by their scores before every epoch.

    L = sum_j w_j softplus(s_j - s_i),   w = softmax_j(s_j - s'_j),   j uniform from the pool of u
    pool of u:  M draws k from q0 outside P_u, of these P with replacement by softmax(s'_k - log q0)

Chen, Lian, Jin, Zheng & Chen, "Learning Recommenders for Implicit Feedback with Importance
Resampling", WWW 2022. Sampling-importance-resampling: of many draws from a simple law q0 those that
are kept follow softmax(s') over the user's items as M grows, at M dot products a user and epoch
instead of I. The scores s' of that time are stale within the epoch, so importance weights take the
draws from softmax(s') to softmax(s): all equal while the model stands still. With `merge` the pool
is drawn, with replacement, from the last pool and the new draws together.

`sign=released` are the weights of the released code, w = softmax(s + log of the pool's own
weights): for a uniform q0 the draws then stand for e^{3s} instead of e^s, a sharper law; the
paper's numbers come from it. Merged draws of two epochs have different normalisers: `correct` takes
the change of the normaliser, estimated on the last pool, into the stale scores of the old (ours; 0
for a frozen model). Excluded items are never in a pool (the released uniform law keeps them); the
loss is a mean over rows, there a sum. The paper's weight of a row by its positive's rank is left
out. The weights are logw, so that any objective takes them. Cost per step: 2 N dot products a row;
and (M + P) U before each epoch.
"""

from dataclasses import dataclass
from typing import Any, Literal

import torch
from torch import Tensor

from negbench.ops.sampled_dot import sampled_dot
from negbench.parts import BPR
from negbench.parts.requirements import users_of
from negbench.parts.sampling.proposals import UniformProposal, WeightedProposal, sample_outside
from negbench.protocol import (
    Card,
    Epoch,
    Ids,
    ItemVectors,
    Mask,
    Method,
    Negatives,
    Rows,
    Scores,
    Similarity,
    Step,
    TrainContext,
    UserVectors,
    check_ranges,
)

CARD = Card(
    title="Adaptive sampling-importance-resampling",
    family="dynamic",
    authors="Jin Chen, Defu Lian, Binbin Jin, Kai Zheng and Enhong Chen",
    year=2022,
    venue="WWW",
    link="https://doi.org/10.1145/3485447.3512075",
    paper="Learning Recommenders for Implicit Feedback with Importance Resampling",
    moves=("sampler",),
    needs=("catalogue", "users"),
    provenance="specification",
    differs="The importance weights correct for the stale scores by default; the released weights, "
    "of the other sign, are a switch; no excluded item is in a pool; rows are not weighed by the "
    "rank of their positive.",
    search={"pool": ("of", 20, 50, 100), "negatives": ("of", 1, 5, 20)},
    controls={
        "adasir(sign=released)": "the weights of the released code: the law of e^{3s}",
        "adasir(merge=false)": "a new pool each epoch, without the last one's items",
    },
    presets={
        "released": {"candidates": 200, "pool": 50, "negatives": 5, "sign": "released"},
    },
)
BLOCK = 1 << 22
"""Users x candidates at once."""


@dataclass(frozen=True)
class Config:
    """The settings."""

    negatives: int = 5
    """N, 1 or more; 5 in the released code."""
    pool: int = 50
    """P, 1 or more; 50 in the released code."""
    candidates: int = 200
    """M, 1 or more; 200 in the released code."""
    proposal: Literal["uniform", "log_popularity", "power_popularity"] = "uniform"
    """q0: uniform, ~ log(1 + count), or ~ count^.75; the three of the released code."""
    merge: bool = True
    """Whether items of the last pool stay in the draw; true in the released code."""
    sign: Literal["correct", "released"] = "correct"
    """Of the pool's log weights in w; the released sign gives another law."""

    def __post_init__(self) -> None:
        """Check the ranges. Raises ValueError for a value outside its range."""
        check_ranges(self, at_least={"negatives": 1, "pool": 1, "candidates": 1})


@dataclass(frozen=True, eq=False)
class Model:
    """Scores of a model at one moment."""

    queries: UserVectors
    items: ItemVectors

    @classmethod
    def of(cls, users: UserVectors | None, items: ItemVectors, kind: Similarity) -> "Model":
        """As they are scored. Raises UserError where the backbone has no user vectors."""
        users = users_of(users, "adasir", "dns")
        return cls(kind.query(users.detach()), kind.prepare(items.detach()))

    def scores(self, users: Rows, ids: Ids) -> Scores:
        """The scores of ids [b, n] for users [b], [b, n]."""
        return sampled_dot(self.queries[users], self.items, ids)


class UserPools:
    """Samples uniformly from each user's pool, with importance weights."""

    def __init__(self, config: Config) -> None:
        """Read the settings."""
        self.config = config

    def begin(self, context: TrainContext) -> None:
        """Callback before training: the proposal q0; no pools yet."""
        self.pools: dict[str, Tensor] = {}
        if self.config.proposal == "uniform":
            self.q0: Any = UniformProposal(context.n_items, context.device)
            self.log_q0 = torch.zeros(context.n_items, device=context.device)
            return
        counts = context.counts.double()
        power = counts**0.75 if self.config.proposal == "power_popularity" else counts.log1p()
        self.q0 = WeightedProposal.of(power)
        self.log_q0 = self.q0.log_p

    def refresh(self, epoch: Epoch) -> None:
        """Callback before each epoch: resample every user's pool by the current scores."""
        self.resample(
            Model.of(epoch.users, epoch.items, epoch.similarity), epoch.context, epoch.generator
        )

    def resample(self, model: Model, context: TrainContext, generator: torch.Generator) -> None:
        """New pools: ids and stale scores [U, P], and which users have an item, bool [U]."""
        users, blocks = torch.arange(context.n_users, device=context.device), []
        width = self.config.candidates + 2 * self.config.pool
        for block in torch.split(users, max(1, BLOCK // width)):
            ids, stale, some = self.draw(model, context, block, generator)
            if self.config.merge and self.pools:
                ids, stale = self.merged(model, block, ids, stale, generator)
            blocks.append((ids.int(), stale, some))
        ids, stale, some = (torch.cat(parts) for parts in zip(*blocks, strict=True))
        self.pools = {"ids": ids, "stale": stale, "some": some}

    def draw(
        self, model: Model, context: TrainContext, users: Rows, generator: torch.Generator
    ) -> tuple[Ids, Scores, Rows]:
        """P of M proposals for each of users [b]: ids, log weights of the pool, any item left."""
        n = self.config.candidates
        ids, mask = sample_outside(self.q0, context.excluded, users, n, generator)
        scores = model.scores(users, ids)
        # A user without any item has the id 0 throughout, and is masked.
        weights = scores - self.log_q0[ids].clamp(min=-1e4)
        at = torch.multinomial(weights.softmax(1), self.config.pool, True, generator=generator)
        law = weights if self.config.sign == "released" else scores
        some = mask[:, 0] if mask is not None else torch.ones_like(users, dtype=torch.bool)
        return ids.gather(1, at), law.gather(1, at), some

    def merged(
        self, model: Model, users: Rows, ids: Ids, stale: Scores, generator: torch.Generator
    ) -> tuple[Ids, Scores]:
        """P with replacement from the last pool and this one, [b, P] each."""
        last, before = self.pools["ids"][users].long(), self.pools["stale"][users]
        if self.config.sign == "correct":
            # E_{softmax(s')} e^{s - s'} = Z / Z': the stale scores under today's normaliser.
            moved = (model.scores(users, last) - before).logsumexp(1, keepdim=True)
            before = before + moved - torch.full_like(moved, last.shape[1]).log()
        size, device = ids.shape, ids.device
        at = torch.randint(2 * size[1], size, generator=generator, device=device)
        both = torch.cat([last, ids], 1), torch.cat([before, stale], 1)
        return both[0].gather(1, at), both[1].gather(1, at)

    def sample(self, step: Step) -> Negatives:
        """ids [B, N] with the log of N times their weights."""
        if not self.pools:
            view = step.view
            model = Model.of(view.users, view.items, view.similarity)
            self.resample(model, step.context, step.generator)
        users, pools = step.batch.users, self.pools
        shape = (len(users), self.config.negatives)
        size, device = pools["ids"].shape[1], users.device
        at = torch.randint(size, shape, generator=step.generator, device=device)
        at += users.unsqueeze(1) * size
        ids, stale = pools["ids"].view(-1)[at].long(), pools["stale"].view(-1)[at]
        mask: Mask | None = None
        if not step.context.excluded.all_have_left or self.config.proposal != "uniform":
            mask = pools["some"][users].unsqueeze(1).expand(shape)
        drawn = Negatives(ids, mask=mask)
        with torch.no_grad():
            scores = step.score(drawn).detach()
        return Negatives(ids, logw=self.log_weights(scores, stale), mask=mask)

    def log_weights(self, scores: Scores, stale: Scores) -> Scores:
        """log N w [B, N] from current and stale scores, so that a mean is the weighted sum."""
        logits = scores + stale if self.config.sign == "released" else scores - stale
        n = torch.full_like(logits[:, :1], logits.shape[1])
        return logits.log_softmax(1) + n.log()

    def state_dict(self) -> dict[str, Any]:
        """State for a checkpoint: the pools."""
        return dict(self.pools)

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Restore the pools."""
        self.pools = {name: values.to(self.log_q0.device) for name, values in state.items()}


def build(config: Config) -> Method:
    """Weighted draws from the users' pools with BPR."""
    return Method(sampler=UserPools(config), objective=BPR())
