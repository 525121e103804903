"""The optimisers of a training run, and the learning rates of an epoch."""

import math
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import torch
from torch import nn
from torch.optim import SGD, Adagrad, Adam, Optimizer

from negbench.protocol.interfaces import (
    Backbone,
    Maximises,
    Method,
    Minimises,
    OwnLR,
    SchedulesLR,
)
from negbench.protocol.row_table import HasRowTable, RowTable
from negbench.training.config import DEFAULT_OPTIMISER
from negbench.training.forward import having, implements
from negbench.training.row_adam import RowAdam, may_pay

OWN = "own_lr"
"""Key of a parameter group that a part trains at a learning rate of its own."""


def optimisers(
    method: Method,
    backbone: Backbone,
    name: str = DEFAULT_OPTIMISER,
    by_rows: Callable[..., RowAdam] = RowAdam,
) -> list[Optimizer]:
    """One for the parameters that minimise the loss, and another for those that maximise it.

    A part's parameters go at its own learning rate where it has one, else at the backbone's. The
    first takes the backbone's `weight_decay`, for the backbone's own parameters, and as Adam its
    `beta2`, where its Config has them. A large table has one of its own, with `adam`: `by_rows`.
    """
    lr, betas = backbone.config.lr, (0.9, getattr(backbone.config, "beta2", 0.999))
    decay = getattr(backbone.config, "weight_decay", 0.0)
    table = next((each.rows for each in having([backbone], HasRowTable)), None)
    if name != "adam" or table is None or not may_pay(table, betas, decay):
        table = None
    shared: list[Any] = []
    own: list[dict[str, Any]] = []
    for part in having(method.parts, Minimises):
        if (rate := own_lr(part)) is None:
            shared += part.minimised()
        else:
            own.append(_group(part.minimised(), rate))
    of_backbone = [p for p in backbone.parameters() if table is None or p is not table.parameter]
    groups: list[dict[str, Any]] = [{"params": [*of_backbone, *shared]}]
    if decay:
        groups = [{"params": of_backbone, "weight_decay": decay}, {"params": shared}]
    chosen: list[Optimizer] = [_optimiser(name, [*groups, *own], lr, betas=betas)]
    maximised = [_group(part.maximised(), own_lr(part)) for part in having(method.parts, Maximises)]
    if any(group["params"] for group in maximised):
        chosen.append(_optimiser(name, maximised, lr, maximize=True))
    return chosen if table is None else [*chosen, by_rows(table, lr, betas)]


def _optimiser(
    name: str,
    groups: list[dict[str, Any]],
    lr: float,
    *,
    betas: tuple[float, float] = (0.9, 0.999),
    maximize: bool = False,
) -> Optimizer:
    """The optimiser of a name of `OPTIMISERS`, over all of its parameters in each step."""
    if name == "sgd":
        return SGD(groups, lr=lr, maximize=maximize)
    if name == "adagrad":
        return Adagrad(groups, lr=lr, maximize=maximize)
    return Adam(groups, lr=lr, betas=betas, maximize=maximize, fused=True)


def flush(optimisers: Iterable[Optimizer]) -> None:
    """Bring all rows of every table up to date: an epoch ends, and weights are read and kept."""
    for optimiser in optimisers:
        if isinstance(optimiser, RowAdam):
            optimiser.flush()


def updated_by_rows(optimisers: Iterable[Optimizer]) -> bool:
    """Whether a table was updated by rows: equal to dense Adam within a bound, not to the bit."""
    return any(isinstance(each, RowAdam) and each.by_rows for each in optimisers)


def parameters_of(optimisers: Iterable[Optimizer]) -> Iterator[nn.Parameter]:
    """The parameters of these optimisers, in their order."""
    for optimiser in optimisers:
        for group in optimiser.param_groups:
            yield from group["params"]


def own_lr(part: Any) -> float | None:
    """The learning rate that a part asks for; None where it goes at the backbone's."""
    rate: float | None = part.own_lr() if implements(part, OwnLR) else None
    return rate


def _group(parameters: Iterable[Any], rate: float | None) -> dict[str, Any]:
    group: dict[str, Any] = {"params": list(parameters)}
    return group if rate is None else {**group, OWN: rate}


def zero_gradients(optimisers: Iterable[Optimizer], table: RowTable | None = None) -> None:
    """Zero every gradient in place, that of `table` by rows where it can be.

    For small ones `zero_grad` takes twice the time.
    """
    if table is not None:
        table.zero()
    for parameter in parameters_of(optimisers):
        if parameter.grad is not None and (table is None or parameter is not table.parameter):
            parameter.grad.zero_()


def drop_gradients(parameters: Iterable[Any]) -> None:
    """Leave no gradient, not even zeros: Adam then lets the parameters rest."""
    for parameter in parameters:
        parameter.grad = None


def restore_gradients(optimisers: Iterable[Optimizer]) -> None:
    """Give zeros to every parameter that Adam has moments of, as a run has that went on.

    A parameter without a gradient rests, so else a resumed run would part from one without a break
    where the first step after it reaches fewer parameters.
    """
    for optimiser in optimisers:
        for parameter in optimiser.state:
            parameter.grad = torch.zeros_like(parameter)


def lr_factor(method: Method, epoch: int) -> float:
    """The product of the parts' learning-rate factors in `epoch`; 1 where no part has one."""
    return math.prod(
        [part.lr_factor(epoch) for part in having(method.parts, SchedulesLR)], start=1.0
    )


def set_lr(optimisers: Iterable[Optimizer], method: Method, lr: float, epoch: int) -> None:
    """Set the learning rates of `epoch`: the backbone's, or a part's own, times the factors."""
    factor = lr_factor(method, epoch)
    for optimiser in optimisers:
        for group in optimiser.param_groups:
            group["lr"] = group.get(OWN, lr) * factor
