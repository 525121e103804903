"""The row kernels of a process: numba's compiled loops where it is installed, else torch's own.

They give the same numbers within rounding and not the same bits, so a record says which ran
(`name`). `NEGBENCH_KERNELS=torch` does without numba, as an installation without the extra `fast`.
"""

import os
from collections.abc import Callable, Mapping
from functools import cache

import torch
from torch import Tensor

SWITCH = "NEGBENCH_KERNELS"
IN_MEMORY = (Tensor, torch.nn.Parameter)


@cache
def load() -> tuple[str, Mapping[str, Callable[..., bool | None]]]:
    """(name, compiled loops by name), once a process: a second, or more where they are compiled.

    A run calls it before its clock starts. Without numba there are no loops.
    """
    if os.environ.get(SWITCH) != "torch":
        try:
            from negbench.ops import numba_kernels
        except ImportError:
            pass
        else:
            return numba_kernels.VERSION, numba_kernels.COMPILED
    return "torch", {}


def name(device: str = "cpu") -> str:
    """The kernels that run on this kind of device, such as `numba 0.68.1`, or `torch`."""
    return load()[0] if device == "cpu" else "torch"


def problem() -> str:
    """Why the kernels that `NEGBENCH_KERNELS` asks for cannot run; "" where they can."""
    asked = os.environ.get(SWITCH, "")
    if asked not in ("", "numba", "torch"):
        return f"{SWITCH} must be numba or torch, or not be set; got {asked!r}"
    if asked == "numba" and not load()[1]:
        return f"{SWITCH}=numba needs numba, which does not load; run pip install 'negbench[fast]'"
    return ""


def applies(*tables: Tensor) -> bool:
    """Whether compiled loops take these: on the CPU, float32, contiguous, in memory."""
    return bool(load()[1]) and all(
        type(table) in IN_MEMORY  # not one that only stands for a table
        and table.device.type == "cpu"
        and table.dtype == torch.float32
        and table.is_contiguous()
        for table in tables
    )


def run(kernel: str, *arguments: Tensor | float) -> None:
    """Run a compiled loop on tensors, which it reads and writes in place.

    They are contiguous, as `applies` has it. Raises IndexError for an id out of range.
    """
    arrays = [
        each.numpy(force=each.requires_grad) if isinstance(each, Tensor) else each
        for each in arguments
    ]
    if load()[1][kernel](*arrays) is False:
        raise IndexError("ids must be rows of the table they are looked up in; one is not")
