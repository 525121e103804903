"""Loss functions of scores, and the objectives that wrap them."""

from negbench.parts.losses.functions import bce, bpr, gbce, hinge, log_sum, sampled_softmax

__all__ = ["bce", "bpr", "gbce", "hinge", "log_sum", "sampled_softmax"]
