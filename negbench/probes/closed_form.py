"""The false-negative rate of a sampler with a fixed proposal, in closed form.

    redrawn   sum_u n_u q(H_u - X_u) / (1 - q(X_u))  /  sum_u n_u
    masked    sum_u n_u q(H_u - X_u)  /  sum_u n_u (1 - q(X_u))

q is the proposal, H_u what is held out for u, X_u what is excluded for u, n_u the rows of u in an
epoch; sums over users with an item left. A row that redraws uses a fixed number of negatives; of a
shared pool it uses those that are not masked, so rows of users who exclude little count for more:
there the rate is the ratio of the expected counts. No rate is given where a stage stands behind the
sampler, for it may choose among the draws.
"""

import torch

from negbench.ops.axes import ItemValues, UserValues
from negbench.parts.sampling.proposals import excluded_mass
from negbench.probes.held_out import HeldOut
from negbench.protocol.context import TrainContext
from negbench.protocol.fixed_proposal import FixedProposal, HasFixedProposal
from negbench.protocol.interfaces import Method


def closed_form(
    method: Method, context: TrainContext, held_out: HeldOut, rows: UserValues, *, of_pairs: bool
) -> float | None:
    """The rate of the negatives used, where it is known before training; else None.

    `rows` [U] are the rows of each user in an epoch, `of_pairs` says that batches are random train
    pairs.
    """
    sampler = method.sampler
    if method.stages or not held_out.of_train or not isinstance(sampler, HasFixedProposal):
        return None
    proposal = sampler.fixed_proposal()
    if proposal is None or (proposal.of_train_pairs and not of_pairs):
        return None
    if not proposal.redraws and context.exclude == "none":
        return None  # each row's own positive is masked, which differs between the rows of a user
    return _rate(proposal, context, held_out, rows.to(torch.float64))


def _rate(
    proposal: FixedProposal, context: TrainContext, held_out: HeldOut, rows: UserValues
) -> float | None:
    left = 1 - excluded_mass(proposal.p, context.excluded)
    false = _false_mass(proposal.p, context, held_out)
    some = (context.excluded.sizes < context.n_items) & (left > 1e-12)
    rows, left, false = rows[some], left[some], false[some]
    above, below = (false / left, rows) if proposal.redraws else (false, rows * left)
    total = float(below.sum())
    return float((rows * above).sum()) / total if total else None


def _false_mass(p: ItemValues, context: TrainContext, held_out: HeldOut) -> UserValues:
    """q(H_u - X_u) of each user, [U] float64."""
    users = held_out.pairs.keys // context.n_items
    items = held_out.pairs.keys % context.n_items
    reachable = ~context.excluded.contains(users, items.unsqueeze(1)).squeeze(1)
    mass = torch.zeros(context.n_users, dtype=torch.float64, device=p.device)
    return mass.index_add_(0, users[reachable], p.to(torch.float64)[items[reachable]])
