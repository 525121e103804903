"""Vectors as they are scored: score = dot product, whatever the backbone's similarity."""

from typing import Literal

import torch

from negbench.parts.diffusion.process import Catalogue
from negbench.protocol import AnyShape, AnyVectors, ItemVectors, Step, Vectors


def pair_of(step: Step) -> tuple[Vectors, Vectors]:
    """Positives and queries of a step as they are scored, [B, D] each."""
    kind = step.view.similarity
    return kind.prepare(step.view.positive), kind.query(step.view.query)


@torch.no_grad()
def items_of(step: Step, ids: AnyShape | None = None) -> AnyVectors:
    """Items as they are scored, detached, a transform's map included: [..., D], or all [I, D]."""
    view = step.view
    rows = view.items if ids is None else view.items[ids]
    return view.similarity.prepare(rows if view.through is None else view.through(rows)).detach()


@torch.no_grad()
def catalogue_of(
    items: ItemVectors, noise: Literal["catalogue", "isotropic", "unit"] = "catalogue"
) -> Catalogue:
    """Mean and covariance of items [I, D]; or mean 0 and, in all directions alike, their mean
    variance (isotropic) or 1 (unit)."""
    if noise == "unit":
        return Catalogue.of(items, isotropic=1.0)
    catalogue = Catalogue.of(items)
    if noise == "catalogue":
        return catalogue
    return Catalogue.of(items, isotropic=float((catalogue.root**2).sum(1).mean().sqrt()))
