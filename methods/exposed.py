"""Exposed negatives: items that the user was shown in vain or rated too low, mixed with uniform.

    q(j | u) = m_u / (I - |P_u|) + (1 - m_u) [j in E_u] / |E_u|   for j not in P_u
    m_u = mix where u has known negatives, 1 elsewhere

E_u are the known negatives of the train period without what is excluded, P_u is excluded. A user
without any gets uniform negatives as in `random`, and with `mix=1` so does everybody.

No paper: the plain use of logged exposures, as a row beside samplers that have to guess. What was
shown in vain is no false negative as far as the log knows; but a log shows what another system
chose, so these items are near the user's taste and most of the catalogue is never among them: a
part of uniform draws (`mix`) pushes the rest down. Leakage: judgements of a test of random exposure
are never used, nor is a pair that was shown after its user's last train pair. A pair shown in vain
and chosen later stays, even if that choice is held out, since in training nobody knows of it.

Needs data with exposures (`kuairand_pure`, `mind`) or with ratings below the least that counts.
Cost per step: N draws and N dot products a row.
"""

from dataclasses import dataclass

import torch

from negbench.errors import UserError
from negbench.parts import BPR
from negbench.parts.sampling.proposals import Prefetch, UniformProposal
from negbench.protocol import Card, Csr, Method, Negatives, Step, TrainContext, check_ranges

CARD = Card(
    title="Exposed negatives: shown in vain or rated too low",
    family="static",
    moves=("sampler",),
    needs=("exposures",),
    provenance="ours",
    search={"mix": ("float", 0.0, 1.0), "negatives": ("of", 1, 4, 16, 64)},
    controls={"exposed(mix=1)": "the same loop with uniform negatives alone"},
)


@dataclass(frozen=True)
class Config:
    """The settings."""

    mix: float = 0.5
    """Share of uniform draws, 0 to 1; 0 takes known negatives alone, of users who have some."""
    negatives: int = 1
    """N, 1 or more."""

    def __post_init__(self) -> None:
        """Check the ranges. Raises ValueError for a value outside its range."""
        check_ranges(self, at_least={"negatives": 1}, between={"mix": (0, 1)})


class Exposed:
    """N items for each row, of the user's known negatives or uniform by a coin."""

    def __init__(self, config: Config) -> None:
        """The tables are built in `begin`."""
        self.config = config

    def begin(self, context: TrainContext) -> None:
        """Callback before training: each user's known negatives that are not excluded.

        Raises UserError where there are none.
        """
        known = None if context.known_negatives is None else context.known_negatives()
        if known is None or not len(known):
            raise UserError(
                "exposed needs pairs that were shown in vain or rated too low before the end of "
                "the train pairs, and the data have none under this split; take random"
            )
        self._tables(known, context)
        items = UniformProposal(context.n_items, context.device)
        self.prefetch = Prefetch(items, self.config.negatives)
        self.uniform = items.logq(context.excluded)

    def _tables(self, known: Csr, context: TrainContext) -> None:
        users = torch.tensor(known.rows, device=context.device)
        items = torch.tensor(known.indices, device=context.device).long()
        allowed = ~context.excluded.contains(users, items.unsqueeze(1)).squeeze(1)
        users, self.items = users[allowed], items[allowed]
        self.sizes = torch.bincount(users, minlength=context.n_users)
        self.starts = self.sizes.cumsum(0) - self.sizes
        order = torch.argsort(users * context.n_items + self.items)
        self.items, self.keys = self.items[order], (users * context.n_items + self.items)[order]

    def sample(self, step: Step) -> Negatives:
        """ids [B, N] with logq of the mixture; no draw is excluded, users without items masked."""
        users, n = step.batch.users, self.config.negatives
        ids, mask = self.prefetch.sample(step.context.excluded, step.batch, step.generator)
        draws = torch.rand(2, len(users), n, generator=step.generator, device=users.device)
        sizes = self.sizes[users].unsqueeze(1)
        known = (draws[0] >= self.config.mix) & (sizes > 0)
        place = (draws[1] * sizes).long().minimum((sizes - 1).clamp(min=0))
        at = (self.starts[users].unsqueeze(1) + place).clamp(max=max(len(self.items) - 1, 0))
        ids = torch.where(known, self.items[at], ids) if len(self.items) else ids
        logq = self._logq(step, ids)
        return Negatives(
            ids, logq=logq if mask is None else logq.masked_fill(~mask, 0.0), mask=mask
        )

    def _logq(self, step: Step, ids: torch.Tensor) -> torch.Tensor:
        """Log of the mixture's probability of each id, [B, N]."""
        users, mix = step.batch.users, self.config.mix
        sizes, uniform = self.sizes[users].unsqueeze(1), self.uniform[users].unsqueeze(1).exp()
        wanted = users.unsqueeze(1) * step.context.n_items + ids
        at = torch.searchsorted(self.keys, wanted).clamp(max=max(len(self.keys) - 1, 0))
        inside = (
            self.keys[at] == wanted if len(self.keys) else torch.zeros_like(ids, dtype=torch.bool)
        )
        share = torch.where(sizes > 0, mix, 1.0)
        q = share * uniform + (1 - share) * inside / sizes.clamp(min=1)
        return q.log().to(torch.float32)


def build(config: Config) -> Method:
    """Exposed draws with BPR."""
    return Method(sampler=Exposed(config), objective=BPR())
