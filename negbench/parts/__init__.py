"""Shared building blocks of methods: samplers, stages, objectives; each serves two or more."""

from negbench.parts.losses.objectives import BCE, BPR, GBCE, OBJECTIVES, Hinge, Softmax
from negbench.parts.sampling.no_negatives import NoNegatives
from negbench.parts.sampling.shared_pool import Everything, Pool
from negbench.parts.sampling.uniform import Uniform
from negbench.parts.selection.top_scored import TopM, Weigh

__all__ = [
    "BCE",
    "BPR",
    "GBCE",
    "OBJECTIVES",
    "Everything",
    "Hinge",
    "NoNegatives",
    "Pool",
    "Softmax",
    "TopM",
    "Uniform",
    "Weigh",
]
