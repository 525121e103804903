"""Parts that two methods or more are made of; what one paper needs stays in its file."""

from negbench.parts.objectives import BCE, BPR, GBCE, OBJECTIVES, Hinge, Softmax
from negbench.parts.sources import InBatch, MixedPool, Uniform
from negbench.parts.stages import TopM

__all__ = [
    "BCE",
    "BPR",
    "GBCE",
    "OBJECTIVES",
    "Hinge",
    "InBatch",
    "MixedPool",
    "Softmax",
    "TopM",
    "Uniform",
]
