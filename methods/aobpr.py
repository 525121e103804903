"""Adaptive oversampling: an item near the top of one factor's order, without a score computed.

    r ~ e^{-(r + 1) / lambda} over 0 .. I - 1,   f ~ |q_f| sd_f,   q the row's query
    j = the r-th item of factor f: by falling values where q_f > 0, by rising ones where q_f < 0

Rendle & Freudenthaler, "Improving Pairwise Learning for Item Recommendation from Implicit
Feedback", WSDM 2014. The score is a sum over factors, so an item at the far end of a factor that
weighs much for the user (|q_f| times the factor's standard deviation sd_f over items) mostly scores
high. Items are sorted along every factor once in I log I draws, or once an epoch. lambda to
infinity is `random`, to 0 always the extreme item of the factor; with one factor the draw is exact
sampling by rank.

The paper was not read again for this: lambda = 500 is as we remember it, and `preset=released` is
no more than that; later ports give it as a share of I. A widely used port draws ranks in steps (an
integer division) and weighs by the variance: neither is done here. Excluded items: f is kept and r
drawn anew, which is the law of r restricted to the items allowed; what is left after some rounds is
drawn from that law exactly. Under cosines the columns are of unit vectors; after propagation of
propagated ones. Cost per step: D products and a look-up a row; a sort of D I numbers now and then;
memory D I.
"""

import math
from dataclasses import dataclass
from typing import Any, Literal

import torch
from torch import Tensor

from negbench.parts import BPR
from negbench.parts.score_space import items_of
from negbench.protocol import (
    AnyShape,
    Card,
    Feedback,
    Ids,
    ItemVectors,
    Mask,
    Membership,
    Method,
    Negatives,
    Rows,
    Step,
    TrainContext,
    Vectors,
    check_ranges,
)

CARD = Card(
    title="Adaptive oversampling by the ranks of factors",
    family="dynamic",
    authors="Steffen Rendle and Christoph Freudenthaler",
    year=2014,
    venue="WSDM",
    link="https://doi.org/10.1145/2556195.2556248",
    paper="Improving Pairwise Learning for Item Recommendation from Implicit Feedback",
    moves=("sampler",),
    needs=("catalogue",),
    provenance="specification",
    differs="An excluded item's rank is drawn anew within its factor; lambda is a share of the "
    "catalogue by default.",
    search={"scale": ("log", 0.005, 1.0), "negatives": ("of", 1, 5)},
    controls={"aobpr(scale=1000)": "ranks without a preference: uniform draws"},
    presets={"released": {"scale": 500.0, "unit": "ranks", "renew": "draws", "negatives": 1}},
)
ROUNDS = 4
"""Rounds in which ranks of excluded items are drawn anew, before the exact law."""
TRIES = 8
"""Ranks drawn for each of them in a round."""
BLOCK = 1 << 22
"""Rows x items that the exact law weighs at once."""


@dataclass(frozen=True)
class Config:
    """The settings."""

    negatives: int = 1
    """N, 1 or more; 1 in the paper."""
    scale: float = 0.1
    """lambda, above 0: about the mean rank; 500 ranks in the paper, from memory."""
    unit: Literal["share", "ranks"] = "share"
    """Of `scale`: share of the catalogue, or ranks."""
    renew: Literal["draws", "epoch"] = "draws"
    """Sort anew after I log I draws, as in the paper, or in every epoch."""

    def __post_init__(self) -> None:
        """Check the ranges. Raises ValueError for a value outside its range."""
        check_ranges(self, at_least={"negatives": 1}, above={"scale": 0})


@dataclass(frozen=True, eq=False)
class Order:
    """The items along every factor."""

    items: Tensor
    """Item ids by falling value of each factor, [D, I] int32."""
    sd: Tensor
    """Standard deviation of each factor over the items, [D]."""

    @classmethod
    def of(cls, vectors: ItemVectors) -> "Order":
        """Sort the columns of item vectors [I, D], as they are scored."""
        items = vectors.T.contiguous().argsort(dim=1, descending=True, stable=True)
        return cls(items.int(), vectors.std(0, correction=0))

    def factors(self, query: Vectors, n: int, generator: torch.Generator) -> tuple[Ids, Mask]:
        """n factors for each row of query [B, D] by |q_f| sd_f, and whether q_f > 0."""
        # Where all weigh 0 any factor is as good.
        weights = (query.abs() * self.sd).clamp(min=1e-30)
        factor = torch.multinomial(weights, n, True, generator=generator)
        return factor, query.gather(1, factor) > 0

    def at(self, factor: AnyShape, falls: AnyShape, rank: AnyShape) -> AnyShape:
        """The item of this rank along the factor, elementwise."""
        n = self.items.shape[1]
        place = torch.where(falls, rank, n - 1 - rank)
        return self.items.view(-1)[factor * n + place].long()


class ByRank:
    """Samples the r-th item of one factor."""

    def __init__(self, config: Config) -> None:
        """Read the settings."""
        self.config = config

    def begin(self, context: TrainContext) -> None:
        """Callback before training: lambda in ranks; nothing is sorted yet."""
        n = context.n_items
        self.n_items, self.device = n, context.device
        self.scale = self.config.scale * (n if self.config.unit == "share" else 1)
        self.often = max(1.0, n * math.log(n))
        self.order: Order | None = None
        self.draws, self.epoch = 0, 0

    def current(self, step: Step) -> Order:
        """The order in use; sorted by the step's items where there is none, or an old one."""
        old = self.config.renew == "epoch" and step.epoch != self.epoch
        if self.order is None or old:
            self.order, self.draws, self.epoch = Order.of(items_of(step)), 0, step.epoch
        return self.order

    @torch.no_grad()
    def sample(self, step: Step) -> Negatives:
        """ids [B, N]."""
        order, g, users = self.current(step), step.generator, step.batch.users
        query = step.view.similarity.query(step.view.query)
        n = self.config.negatives
        factor, falls = order.factors(query, n, g)
        ids = order.at(factor, falls, self.ranks(factor.shape, g))
        excluded, flat = step.context.excluded, ids.view(-1)
        hit = excluded.hits(users, ids)
        for _ in range(ROUNDS):
            if not len(hit):
                return Negatives(ids)
            kind = factor.view(-1)[hit].unsqueeze(1), falls.view(-1)[hit].unsqueeze(1)
            again = order.at(*kind, self.ranks((len(hit), TRIES), g))
            allowed = ~excluded.contains(users[hit // n], again)
            first = allowed.to(torch.uint8).argmax(1, keepdim=True)
            flat[hit] = again.gather(1, first).squeeze(1)
            hit = hit[~allowed.any(1)]
        kind = factor.view(-1)[hit], falls.view(-1)[hit]
        flat[hit], some = self.exact(order, *kind, excluded, users[hit // n], g)
        mask = torch.ones_like(flat, dtype=torch.bool)
        mask[hit] = some
        return Negatives(ids, mask=mask.view_as(ids))

    def ranks(self, shape: tuple[int, ...], generator: torch.Generator) -> AnyShape:
        """Ranks 0 to I - 1 by e^{-(r + 1) / lambda}: the inverse of their cumulative law."""
        share = torch.rand(shape, generator=generator, device=self.device, dtype=torch.float64)
        rank = -self.scale * (share * math.expm1(-self.n_items / self.scale)).log1p()
        return rank.long().clamp_(max=self.n_items - 1)

    def exact(
        self,
        order: Order,
        factor: Rows,
        falls: Rows,
        excluded: Membership,
        users: Rows,
        generator: torch.Generator,
    ) -> tuple[Rows, Rows]:
        """An allowed item along these factors [n] for users [n], and whether there is one."""
        ranks = torch.arange(self.n_items, device=self.device)
        logits = (-ranks / self.scale).float()
        ids, some = torch.zeros_like(users), torch.zeros_like(users, dtype=torch.bool)
        every = torch.arange(len(users), device=users.device)
        for rows in torch.split(every, max(1, BLOCK // self.n_items)):
            column = order.at(factor[rows].unsqueeze(1), falls[rows].unsqueeze(1), ranks)
            allowed = ~excluded.contains(users[rows], column)
            some[rows] = allowed.any(1)
            law = logits.where(allowed | ~some[rows].unsqueeze(1), -torch.inf).softmax(1)
            at = torch.multinomial(law, 1, generator=generator)
            ids[rows] = column.gather(1, at).squeeze(1)
        return ids.where(some, 0), some

    def observe(self, feedback: Feedback) -> None:
        """Callback after each step: count the draws, and drop the order when it is due."""
        self.draws += len(feedback.rows) * self.config.negatives
        if self.config.renew == "draws" and self.draws >= self.often:
            self.order = None

    def state_dict(self) -> dict[str, Any]:
        """State for a checkpoint: the order and its age."""
        order = {} if self.order is None else {"items": self.order.items, "sd": self.order.sd}
        return {"draws": self.draws, "epoch": self.epoch, **order}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Restore the state."""
        self.draws, self.epoch = state["draws"], state["epoch"]
        self.order = None
        if "items" in state:
            self.order = Order(state["items"].to(self.device), state["sd"].to(self.device))


def build(config: Config) -> Method:
    """Draws by the ranks of factors with BPR."""
    return Method(sampler=ByRank(config), objective=BPR())
