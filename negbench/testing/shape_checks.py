"""Run-time shape checks, under tests only: tensors have the axes of `Annotated[Tensor, "B N"]`."""

import functools
import inspect
from collections.abc import Callable
from typing import Annotated, Any, TypeVar, get_args, get_origin, get_type_hints

from torch import Tensor

from negbench.ops.axes import AnyShape

F = TypeVar("F", bound=Callable[..., Any])


def check_axes(value: AnyShape, alias: Any, sizes: dict[str, int], what: str) -> None:
    """Assert that a tensor has the axes of its alias; `sizes` maps letters seen so far to sizes."""
    axes = str(get_args(alias)[1]).split()
    shape = list(value.shape)
    if axes[:1] == ["..."]:
        axes, shape = axes[1:], shape[max(0, len(shape) - len(axes) + 1) :]
    assert len(shape) == len(axes), f"{what} must have the axes [{', '.join(axes)}]; got {shape}"
    for axis, size in zip(axes, shape, strict=True):
        known = int(axis) if axis.isdigit() else sizes.setdefault(axis, size)
        assert size == known, f"{what} must have {axis} = {known}; got {size} in {shape}"


def with_axes_checked(function: F, sizes: dict[str, int]) -> F:
    """The function, wrapped so that every annotated tensor it takes or returns is checked."""
    hints = get_type_hints(function, include_extras=True)
    axes = {name: hint for name, hint in hints.items() if get_origin(hint) is Annotated}
    signature = inspect.signature(function)

    @functools.wraps(function)
    def called(*args: Any, **kwargs: Any) -> Any:
        given = signature.bind(*args, **kwargs).arguments
        values = {**given, "return": function(*args, **kwargs)}
        for name, alias in axes.items():
            if isinstance(value := values.get(name), Tensor):
                check_axes(value, alias, sizes, f"{function.__qualname__}: {name}")
        return values["return"]

    return called  # type: ignore[return-value]
