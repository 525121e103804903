"""Snapshots: the weights of a backbone and the state of its method's parts."""

from collections.abc import Iterable, Sequence
from typing import Any

from negbench.protocol.interfaces import Backbone, HasState, Method
from negbench.training.forward import implements


def snapshot(backbone: Backbone, method: Method) -> dict[str, Any]:
    """The weights of the backbone and the state of every part that has one."""
    return {"backbone": dict(backbone.state_dict()), "parts": states(method.parts)}


def restore(saved: dict[str, Any], backbone: Backbone, method: Method) -> None:
    """Restore the weights and states of a snapshot."""
    backbone.load_state_dict(saved["backbone"])
    load_states(method.parts, saved["parts"])


def states(parts: Iterable[Any]) -> list[dict[str, Any] | None]:
    """The state of each part, None for a part without one."""
    return [part.state_dict() if implements(part, HasState) else None for part in parts]


def load_states(parts: Iterable[Any], saved: Sequence[dict[str, Any] | None]) -> None:
    """Restore the state of each part that has one."""
    for part, state in zip(parts, saved, strict=True):
        if state is not None:
            part.load_state_dict(state)
