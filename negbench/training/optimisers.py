"""The optimisers of a training run, and the learning rate of an epoch."""

import math
from collections.abc import Iterable

from torch.optim import Adam, Optimizer

from negbench.protocol.interfaces import Backbone, Maximises, Method, Minimises, SchedulesLR
from negbench.training.forward import having


def optimisers(method: Method, backbone: Backbone) -> list[Optimizer]:
    """Adam for the parameters that minimise the loss, and another for those that maximise it."""
    minimised = list(backbone.parameters())
    for part in having(method.parts, Minimises):
        minimised += part.minimised()
    maximised = [each for part in having(method.parts, Maximises) for each in part.maximised()]
    lr = backbone.config.lr
    adams: list[Optimizer] = [Adam(minimised, lr=lr, fused=True)]
    if maximised:
        adams.append(Adam(maximised, lr=lr, maximize=True))
    return adams


def zero_gradients(optimisers: Iterable[Optimizer]) -> None:
    """Zero every gradient in place; for small ones `zero_grad` takes twice the time."""
    for optimiser in optimisers:
        for group in optimiser.param_groups:
            for parameter in group["params"]:
                if parameter.grad is not None:
                    parameter.grad.zero_()


def lr_factor(method: Method, epoch: int) -> float:
    """The product of the parts' learning-rate factors in `epoch`; 1 where no part has one."""
    return math.prod(
        [part.lr_factor(epoch) for part in having(method.parts, SchedulesLR)], start=1.0
    )


def set_lr(optimisers: Iterable[Optimizer], method: Method, lr: float, epoch: int) -> None:
    """Set the learning rate of `epoch`: the backbone's times the parts' factors."""
    rate = lr * lr_factor(method, epoch)
    for optimiser in optimisers:
        for group in optimiser.param_groups:
            group["lr"] = rate
