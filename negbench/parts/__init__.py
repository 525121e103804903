"""Parts that two methods or more are made of; what one paper needs stays in its file."""

from negbench.parts.objectives import BCE, BPR, GBCE, OBJECTIVES, Hinge, Softmax
from negbench.parts.pools import Everything, Pool
from negbench.parts.sources import Uniform
from negbench.parts.stages import TopM, Weigh

__all__ = [
    "BCE",
    "BPR",
    "GBCE",
    "OBJECTIVES",
    "Everything",
    "Hinge",
    "Pool",
    "Softmax",
    "TopM",
    "Uniform",
    "Weigh",
]
