"""The learning rates that a method asks for, where the optimiser is the user's own."""

import sys
import warnings
from pathlib import Path
from typing import Any

import torch
from torch.nn import Parameter

from negbench.protocol.interfaces import Maximises, Method, Minimises
from negbench.training.forward import having
from negbench.training.optimisers import OWN, lr_factor, own_lr

NOT_THE_USERS = tuple(str(Path(file).parent) for file in (Path(__file__).parent, torch.__file__))
"""Folders whose lines a user has not written: of negbench and of torch."""


class OwnRates:
    """The parameters of a method's parts by their learning rate, and what was asked for."""

    def __init__(self, method: Method) -> None:
        """Ask the parts, after their `begin`."""
        down = [(own_lr(p), list(p.minimised())) for p in having(method.parts, Minimises)]
        up = [(own_lr(p), list(p.maximised())) for p in having(method.parts, Maximises)]
        self.minimised: list[Parameter] = [p for _, parameters in down for p in parameters]
        self.maximised: list[Parameter] = [p for _, parameters in up for p in parameters]
        self.by_rate = [(rate, parameters) for rate, parameters in (*down, *up) if parameters]
        self.grouped = self.scheduled = False

    def groups(self, lr: float) -> list[dict[str, Any]]:
        """Parameter groups for an optimiser: at `lr`, or at their part's own rate."""
        self.grouped = True
        return [
            {"params": parameters, "lr": lr} | ({} if rate is None else {"lr": rate, OWN: rate})
            for rate, parameters in self.by_rate
        ]

    def factor(self, method: Method, epoch: int) -> float:
        """The factor on the learning rates in `epoch`."""
        self.scheduled = True
        return lr_factor(method, epoch)

    def warn(self, name: str, method: Method, epoch: int) -> None:
        """Say once what is lost by an optimiser that has not asked."""
        own = [rate for rate, _ in self.by_rate if rate is not None]
        if own and not self.grouped:
            self.grouped = True
            warnings.warn(
                f"{name} trains parameters at learning rates of their own, "
                f"{', '.join(map(str, own))}; give your optimiser loss.parameter_groups(lr) "
                "instead of loss.parameters()",
                stacklevel=users_line(),
            )
        if not self.scheduled and (factor := lr_factor(method, epoch)) != 1:
            self.scheduled = True
            warnings.warn(
                f"{name} trains at {factor} times the learning rate from epoch {epoch} on; call "
                "loss.set_lr(optimiser, lr) in every epoch",
                stacklevel=users_line(),
            )


def users_line() -> int:
    """How far up from the caller the user's line stands, for a warning's `stacklevel`."""
    frame, level = sys._getframe(1), 1
    while frame.f_back is not None and frame.f_code.co_filename.startswith(NOT_THE_USERS):
        frame, level = frame.f_back, level + 1
    return level
