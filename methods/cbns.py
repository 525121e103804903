"""Cross-batch negatives: in-batch negatives, and those of recent batches from a memory bank.

    L = log(1 + sum_{j in batch and bank} e^{z_j - s_i}),   z_j = <q, v_j> - log q(j | u) - log N
    v_j: the item's vector of now in the batch, the vector that it had then in the bank

Wang, Zhu & He, "Cross-Batch Negative Sampling for Training Two-Tower Recommenders", SIGIR 2021
(arXiv 2110.15154). The bank is first in, first out and
holds the last M items of in-batch pools with the vectors that they had; no gradient goes into it,
so it costs products alone, and no encoding. It is used once vectors move slowly, after a warm-up.
Where vectors are a lookup, as here, there is no encoding to save: what remains is more negatives
of the same law for products, and their age. `bank_cosine` in the log of an epoch is the mean cosine
of the vectors in the bank to those of now; at 1 they are not stale.

The corrected softmax is that of `in_batch`, for a batch of long ago has the same law: bank=0 is
`in_batch`, and on a model that does not move the loss is that of `in_batch` with the bank's items
in its pool. The user's items are hidden in the bank too. What is ours: log q is counted on the
train part instead of kept beside each item, and the bank takes the pool of a batch, not all its
rows. Cost per step: min(B, pool) + M shared dot products a row.
"""

from dataclasses import dataclass, replace
from typing import Any

import torch
import torch.nn.functional as F

from negbench.parts import Pool
from negbench.parts.losses.exact_softmax import Correction, softmax_of
from negbench.protocol import (
    Card,
    Feedback,
    Method,
    Negatives,
    Phase,
    PoolIds,
    PoolVectors,
    Step,
    TrainContext,
    check_ranges,
)

CARD = Card(
    title="Cross-batch negatives from a memory bank",
    family="static",
    authors="Jinpeng Wang, Jieming Zhu and Xiuqiang He",
    year=2021,
    venue="SIGIR",
    link="https://arxiv.org/abs/2110.15154",
    paper="Cross-Batch Negative Sampling for Training Two-Tower Recommenders",
    moves=("sampler",),
    provenance="specification",
    differs="Counted frequencies; the bank takes bounded pools of a batch.",
    search={"bank": ("of", 1024, 4096, 16384), "pool": ("of", 128, 512, 2048)},
    controls={"cbns(bank=0)": "in_batch: without the bank"},
)


@dataclass(frozen=True)
class Config:
    """The settings."""

    bank: int = 4096
    """M, 0 or more: several pools; the paper's is not known."""
    pool: int = 1024
    """K at most, 1 or more, as of `in_batch`."""
    warm_up: int = 1
    """Epochs before the bank is used, 0 or more; the paper's is not known."""
    correction: Correction = "standard"
    """Subtract log q, as of `in_batch`; none is the plain softmax."""

    def __post_init__(self) -> None:
        """Check the ranges. Raises ValueError for a value outside its range."""
        check_ranges(self, at_least={"bank": 0, "pool": 1, "warm_up": 0})


class CrossBatch:
    """The batch's pool and the bank of earlier pools, shared by all rows."""

    def __init__(self, config: Config) -> None:
        """The bank is empty."""
        self.config = config
        self.pool = Pool(config.pool, conditional=config.correction != "marginal")

    @property
    def rows_needed(self) -> int:
        """The least rows of a batch of pairs from which any row has a negative."""
        return 1 if self.config.bank else 2

    def begin(self, context: TrainContext) -> None:
        """Callback before training: the pool's popularity, and an empty bank."""
        self.pool.begin(context)
        device = context.device
        self.ids: PoolIds = torch.zeros(0, dtype=torch.long, device=device)
        self.vectors: PoolVectors = torch.zeros(0, context.width, device=device)
        self.latest: tuple[PoolIds, PoolVectors] | None = None
        self.cosines, self.steps = torch.zeros((), device=device), 0

    def own_phase(self) -> Phase | None:
        """The epochs in which the bank is used."""
        if not self.config.bank or not self.config.warm_up:
            return None
        return Phase("memory bank", self.config.warm_up + 1)

    def sample(self, step: Step) -> Negatives:
        """ids [K + m], m items in the bank, and their vectors; K ids alone without a bank."""
        inside = self.pool.sample(step)
        assert inside.ids is not None
        if self.config.bank:
            with torch.no_grad():
                self.latest = inside.ids, step.view.rows(inside.ids)
        if not len(self.ids) or step.epoch <= self.config.warm_up:
            return inside
        ids = torch.cat([inside.ids, self.ids])
        both = self.pool.shown(step, ids, 1.0)
        vectors = torch.cat([step.view.rows(inside.ids), self.vectors])
        return replace(both, vectors=vectors, named=True, n_fixed=len(self.ids))

    @torch.no_grad()
    def observe(self, feedback: Feedback) -> None:
        """Callback after each step: the step's in-batch pool goes into the bank."""
        if self.latest is None:
            return
        (ids, new), self.latest = self.latest, None
        if len(self.ids):
            now = feedback.step.view.rows(self.ids)
            self.cosines += F.cosine_similarity(self.vectors, now, dim=1).mean()
            self.steps += 1
            ids, new = torch.cat([self.ids, ids]), torch.cat([self.vectors, new])
        self.ids, self.vectors = ids[-self.config.bank :], new[-self.config.bank :]

    def epoch_metrics(self) -> dict[str, float]:
        """Items in the bank, and the mean cosine of their vectors to those of now."""
        metrics = {"bank_items": float(len(self.ids))}
        if self.steps:
            metrics["bank_cosine"] = float(self.cosines) / self.steps
        self.cosines, self.steps = torch.zeros_like(self.cosines), 0
        return metrics if self.config.bank else {}

    def state_dict(self) -> dict[str, Any]:
        """The bank."""
        return {"ids": self.ids.clone(), "vectors": self.vectors.clone()}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Restore the bank."""
        device = self.ids.device
        self.ids, self.vectors = (state[name].to(device) for name in ("ids", "vectors"))


def build(config: Config) -> Method:
    """Both pools with a sampled softmax loss."""
    return Method(sampler=CrossBatch(config), objective=softmax_of(config.correction))
