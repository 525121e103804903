"""Pools: in-batch and mixed negatives, and all items; each row's exclusion is masked.

A pool is drawn once for the batch and shared by all rows, or once for each sequence.
"""

from typing import Literal

import torch

from negbench.errors import UserError
from negbench.parts.sampling.per_sequence import sequences_of
from negbench.parts.sampling.proposals import excluded_mass, log_left
from negbench.protocol import (
    AnyShape,
    Batch,
    FixedProposal,
    Ids,
    Mask,
    Negatives,
    PoolIds,
    PoolScores,
    Rows,
    Scores,
    Step,
    TrainContext,
    UserValues,
)

Hide = Literal["excluded", "batch"]
"""What a row may not draw: its positive and its user's exclusion, or its user's positives of the
batch alone."""
PoolOf = Literal["batch", "sequence"]
"""What has a pool of its own: the batch, or each of its sequences (each row, without histories)."""
BLOCK = 1 << 22
"""Sequences x rows of a batch that are looked at together."""
ROUNDS = 8
"""Redraws of uniform items that a sequence may not have; what is left then is masked."""


class Pool:
    """In-batch negatives: at most `inside` positives of the batch, and `uniform` random items.

    A row sees the draws that are allowed to it, so its `logq` is log q - log q(allowed), where
    q_j = (K count_j / sum count + K' / I) / (K + K') for K positives and K' uniform items.
    """

    def __init__(
        self,
        inside: int = 2048,
        uniform: int = 0,
        hide: Hide = "excluded",
        pool_of: PoolOf = "batch",
        conditional: bool = True,
    ) -> None:
        """`logq` is of what a row is allowed, or of all items where it is not `conditional`."""
        self.inside = inside
        self.uniform = uniform
        self.hide = hide
        self.pool_of = pool_of
        self.conditional = conditional

    @property
    def rows_needed(self) -> int:
        """The least rows of a batch of pairs from which any row has a negative."""
        return 1 if self.uniform else 2

    def begin(self, context: TrainContext) -> None:
        """Callback before training: popularity, and the mass that each user excludes."""
        train = torch.tensor(context.train.occurrences, device=context.device)  # as batches draw
        counts = train.to(torch.float64)
        self.popularity = counts / counts.sum().clamp(min=1)
        self.mass = excluded_mass(self.popularity, context.excluded)
        self.share = context.excluded.sizes.to(torch.float64) / context.n_items

    def sample(self, step: Step) -> Negatives:
        """ids [K + K'], K = min(B, inside), shared by all rows; [B, K + K'] by sequences."""
        if self.pool_of == "sequence":
            return self.by_sequence(step)
        inside = subsample(step.batch.items, self.inside, step.generator)
        size = (self.uniform,)
        anywhere = torch.randint(
            step.context.n_items, size, generator=step.generator, device=inside.device
        )
        ids = torch.cat([inside, anywhere])
        return self.shown(step, ids, len(inside) / max(1, len(ids)))

    def shown(self, step: Step, ids: PoolIds, inside: float) -> Negatives:
        """The pool `ids` [K], of which the share `inside` is from batches, as each row sees it."""
        users, items = step.batch.users, step.batch.items.unsqueeze(1)
        if self.hide == "batch":
            own = own_positives(step.batch, ids, step.context.n_items)
            mass, share = self.own_mass(step)
            hidden = inside * mass[users] + (1 - inside) * share[users]
            logq = self.log_p(step, ids, inside, hidden)
            return Negatives(ids, shared=True, logq=logq, mask=own.logical_not_())
        hit = step.context.excluded.contains_shared(users, ids)
        # The row's own positive is hidden too, even where the exclusion does not hold it.
        free = ~step.context.excluded.contains(users, items).squeeze(1)
        if free.device.type != "cpu" or bool(free.any()):  # a GPU would have to sync
            hit |= ids == items
        logq = self.logq(step, ids, free, inside)
        return Negatives(ids, shared=True, logq=logq, mask=hit.logical_not_())

    def by_sequence(self, step: Step) -> Negatives:
        """ids [B, K + K'], equal for the rows of a sequence: K of the batch's positives that are
        not hidden, without replacement, and K' uniform items."""
        at, users = sequences_of(step.batch)
        ids, usable = self.inside_of_each(step, users)
        n = ids.shape[1]
        anywhere = self.anywhere_of_each(step, users)
        ids = torch.cat([ids, anywhere], 1)
        own = self.hidden(step, users, anywhere)
        mask = torch.cat([usable, own.logical_not_()], 1)
        logq = self.logq_of_each(step, users, ids, n / max(1, ids.shape[1]))
        if step.batch.cells is None:
            return Negatives(ids, logq=logq, mask=mask)
        return Negatives(ids[at], logq=logq[at], mask=mask[at])

    def inside_of_each(self, step: Step, users: Rows) -> tuple[Ids, Mask]:
        """Batch positives of each sequence [S, K], K = min(B, inside), and which are allowed."""
        items = step.batch.items
        n, ids, usable = min(len(items), self.inside), [], []
        for some in torch.split(users, max(1, BLOCK // max(1, len(items)))):
            shape = (len(some), len(items))
            keys = torch.rand(shape, generator=step.generator, device=items.device)
            top = keys.masked_fill_(self.hidden(step, some, items), -1.0).topk(n, 1)
            ids.append(items[top.indices])
            usable.append(top.values >= 0)
        return torch.cat(ids), torch.cat(usable)

    def anywhere_of_each(self, step: Step, users: Rows) -> Ids:
        """Uniform items of each sequence [S, K'], redrawn where hidden."""

        def draw() -> Ids:
            shape, device = (len(users), self.uniform), users.device
            n_items = step.context.n_items
            return torch.randint(n_items, shape, generator=step.generator, device=device)

        ids = draw()
        for _ in range(ROUNDS if self.uniform else 0):
            ids = torch.where(self.hidden(step, users, ids), draw(), ids)
        return ids

    def logq_of_each(self, step: Step, users: Rows, ids: Ids, inside: float) -> Scores:
        """Log probability of ids [S, N] among what each sequence is allowed, [S, N].

        Both kinds are drawn among what is allowed, so each has a sum of probabilities of its own.
        """
        p: Scores = self.popularity[ids]
        even: Scores | float = 1 / step.context.n_items
        if self.conditional:
            mass, share = (values[users] for values in self.own_mass(step))
            if self.hide == "excluded":  # what the batch shows of a user is mostly excluded too
                mass = torch.maximum(mass, self.mass[users])
                share = torch.maximum(share, self.share[users])
            p = p / (1 - mass).clamp(min=1e-12).unsqueeze(1)
            even = even / (1 - share).clamp(min=1e-12).unsqueeze(1)
        p = inside * p + (1 - inside) * even
        return p.clamp(min=1e-30, max=1.0).log().to(torch.float32)

    def hidden(self, step: Step, users: Rows, ids: AnyShape) -> Mask:
        """Whether users [S] may not have the ids, [K] for all or [S, K] of each: [S, K]."""
        own = own_positives(step.batch, ids, step.context.n_items, users)
        if self.hide == "batch":
            return own
        excluded = step.context.excluded
        if ids.dim() == 1:
            return own | excluded.contains_shared(users, ids)
        return own | excluded.contains(users, ids)

    def own_mass(self, step: Step) -> tuple[UserValues, UserValues]:
        """Popularity and share of the catalogue of each user's positives in the batch, [U] each."""
        n_items, n_users = step.context.n_items, step.context.n_users
        keys = torch.unique(step.batch.users * n_items + step.batch.items)
        users, p = keys // n_items, self.popularity[keys % n_items]
        zeros = p.new_zeros(n_users)
        share = zeros.index_add(0, users, torch.full_like(p, 1 / n_items))
        return zeros.index_add(0, users, p), share

    def log_p(self, step: Step, ids: PoolIds, inside: float, hidden: Rows) -> PoolScores:
        """Log probability of each of ids [K], given what is hidden from each row [B]: [B, K]."""
        # An in-batch item of count 0 is not from the train part: rare by any reading, but finite.
        p = inside * self.popularity[ids] + (1 - inside) / step.context.n_items
        plain = p.clamp(min=1e-30).log().to(torch.float32)
        if not self.conditional:
            return plain.expand(len(hidden), -1)
        return plain - log_left(hidden).unsqueeze(1)

    def logq(self, step: Step, ids: PoolIds, free: Rows, inside: float) -> PoolScores:
        """Log probability of each id among a row's allowed ones, [B, K]; `inside` is K's share."""
        users, items = step.batch.users, step.batch.items
        even = (1 - inside) / step.context.n_items
        mass = inside * self.mass[users] + (1 - inside) * self.share[users]
        mass = mass + free * (inside * self.popularity[items] + even)
        return self.log_p(step, ids, inside, mass)

    def fixed_proposal(self) -> FixedProposal | None:
        """Popularity, masked where excluded; None for a mixture, whose shares a short batch moves,
        where the exclusion is that of the batch alone, and where each sequence has its own pool.
        """
        if self.uniform or self.hide == "batch" or self.pool_of == "sequence":
            return None
        return FixedProposal(self.popularity, redraws=False, of_train_pairs=True)


class Everything:
    """All items for all rows: the full softmax, without sampling or correction."""

    def __init__(self, cells: int) -> None:
        """`cells` is the largest number of scores of a step."""
        self.cells = cells

    def begin(self, context: TrainContext) -> None:
        """Callback before training: the number of items."""
        self.n_items, self.device = context.n_items, context.device

    def fixed_proposal(self) -> FixedProposal:
        """Every item once, masked where excluded."""
        p = torch.full((self.n_items,), 1 / self.n_items, dtype=torch.float64, device=self.device)
        return FixedProposal(p, redraws=False)

    def sample(self, step: Step) -> Negatives:
        """ids [I], each row's positive and exclusion masked.

        Raises UserError for a step with more scores than `cells`, before it fills the memory.
        """
        users, items = step.batch.users, step.batch.items
        cells = len(users) * step.context.n_items
        if cells > self.cells:
            raise UserError(
                f"scoring all items takes {len(users)} rows x {step.context.n_items} items = "
                f"{cells / 2**28:.1f} GiB a score table, above `cells`={self.cells}; lower the "
                "batch size, raise `cells`, or sample with mixed(uniform=8192)"
            )
        ids = torch.arange(step.context.n_items, device=items.device)
        mask = step.context.excluded.contains_shared(users, ids).logical_not_()
        return Negatives(ids, shared=True, mask=mask.scatter_(1, items.unsqueeze(1), False))


def own_positives(
    batch: Batch, ids: AnyShape, n_items: int, users: Rows | None = None
) -> PoolScores:
    """Whether ids, [K] for all or [S, K] of each, are positives in this batch of users [S].

    The users are those of the rows where none are given.
    """
    users = batch.users if users is None else users
    keys = (batch.users * n_items + batch.items).sort().values
    wanted = users.unsqueeze(1) * n_items + ids
    at = torch.searchsorted(keys, wanted).clamp_(max=len(keys) - 1)
    hits: PoolScores = keys[at] == wanted
    return hits


def subsample(items: Rows, n: int, generator: torch.Generator) -> PoolIds:
    """All of items [B], or n of them drawn without replacement where there are more."""
    if len(items) <= n:
        return items
    return items[torch.randperm(len(items), generator=generator, device=items.device)[:n]]
