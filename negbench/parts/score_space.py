"""The space in which a score is the product of two vectors, whatever the backbone's similarity."""

import torch
from torch import Tensor

from negbench.parts.diffusion.process import Catalogue
from negbench.protocol import Step


def pair_of(step: Step) -> tuple[Tensor, Tensor]:
    """The positives and the queries of a step, [B, D] each."""
    kind = step.view.similarity
    return kind.prepare(step.view.positive), kind.query(step.view.query)


@torch.no_grad()
def items_of(step: Step, ids: Tensor | None = None) -> Tensor:
    """Items as they are scored, a transform's map included, without gradient: [..., D] or all."""
    view = step.view
    rows = view.items if ids is None else view.items[ids]
    return view.similarity.prepare(rows if view.through is None else view.through(rows)).detach()


@torch.no_grad()
def catalogue_of(items: Tensor, isotropic: bool = False) -> Catalogue:
    """Mean and covariance of items [I, D]; or mean 0 and their mean variance in all directions."""
    found = Catalogue.of(items)
    if not isotropic:
        return found
    return Catalogue.of(items, isotropic=float((found.root**2).sum(1).mean().sqrt()))
