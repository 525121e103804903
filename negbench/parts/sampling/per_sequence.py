"""Negatives of whole sequences: one set for all positions of a history, as some studies draw them.

A batch of pairs has no histories; each of its rows is then a sequence of its own.
"""

from dataclasses import dataclass, replace
from typing import Literal

import torch

from negbench.protocol import (
    AnyShape,
    Batch,
    Begins,
    FixedProposal,
    HasFixedProposal,
    Negatives,
    Rows,
    Sampler,
    Step,
    TrainContext,
)

Shared = Literal["row", "sequence"]
"""Whether each row has draws of its own, or all positions of a sequence have the same."""


def sequences_of(batch: Batch) -> tuple[Rows, Rows]:
    """The sequence of each row, [B], and the user of each sequence, [S]."""
    if batch.inputs is None or batch.cells is None:
        return torch.arange(len(batch), device=batch.users.device), batch.users
    rows, width = batch.inputs.shape
    at = batch.cells // width
    return at, batch.users.new_zeros(rows).scatter_(0, at, batch.users)


@dataclass(frozen=True, eq=False)
class PerSequence:
    """A sampler that draws by user alone, called once a sequence for all of its rows."""

    sampler: Sampler

    def begin(self, context: TrainContext) -> None:
        """Callback before training: that of the sampler."""
        if isinstance(self.sampler, Begins):
            self.sampler.begin(context)

    def sample(self, step: Step) -> Negatives:
        """ids [B, N], equal for the rows of a sequence."""
        if step.batch.cells is None:
            return self.sampler.sample(step)
        at, users = sequences_of(step.batch)
        once = self.sampler.sample(replace(step, batch=Batch(users, torch.zeros_like(users))))

        def spread(values: AnyShape | None) -> AnyShape | None:
            return None if values is None else values.index_select(0, at)

        return replace(once, ids=spread(once.ids), logq=spread(once.logq), mask=spread(once.mask))

    def fixed_proposal(self) -> FixedProposal | None:
        """That of the sampler: each row's draws have the same law."""
        return self.sampler.fixed_proposal() if isinstance(self.sampler, HasFixedProposal) else None


def shared_by(shared: Shared, sampler: Sampler) -> Sampler:
    """The sampler as it is, or called once a sequence."""
    return PerSequence(sampler) if shared == "sequence" else sampler
