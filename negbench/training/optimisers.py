"""The optimisers of a fit, and the size of their steps in an epoch."""

import math
from collections.abc import Iterable

from torch.optim import Adam, Optimizer

from negbench.protocol.interfaces import Backbone, Maximises, Method, Minimises, SchedulesLR
from negbench.training.forward import having


def optimisers(method: Method, backbone: Backbone) -> list[Optimizer]:
    """Adam for what goes down the loss, and another for what goes up."""
    down = list(backbone.parameters())
    for part in having(method, Minimises):
        down += part.minimised()
    up = [each for part in having(method, Maximises) for each in part.maximised()]
    lr = backbone.config.lr
    made: list[Optimizer] = [Adam(down, lr=lr, fused=True)]
    if up:
        made.append(Adam(up, lr=lr, maximize=True))
    return made


def zero(made: Iterable[Optimizer]) -> None:
    """Every gradient back to 0, in its buffer; of small ones `zero_grad` takes twice the time."""
    for optimiser in made:
        for group in optimiser.param_groups:
            for parameter in group["params"]:
                if parameter.grad is not None:
                    parameter.grad.zero_()


def lr_factor(method: Method, epoch: int) -> float:
    """What the parts multiply the step size by in `epoch`, 1 where none asks."""
    return math.prod([part.lr_factor(epoch) for part in having(method, SchedulesLR)], start=1.0)


def set_lr(made: Iterable[Optimizer], method: Method, lr: float, epoch: int) -> None:
    """Set the step size of `epoch`: the backbone's, times what the parts ask for."""
    size = lr * lr_factor(method, epoch)
    for optimiser in made:
        for group in optimiser.param_groups:
            group["lr"] = size
