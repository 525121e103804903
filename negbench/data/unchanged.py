"""Caching of what is read from files: a cached value is used only while its files are unchanged.

A reader calls `depends_on` with a function of what it reads from (file stamps, mostly); a cached
value is taken again if every such function still gives the same answer.
"""

from collections import OrderedDict
from collections.abc import Callable, Hashable
from contextvars import ContextVar
from dataclasses import dataclass
from functools import wraps
from typing import Generic, ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")
State = Callable[[], Hashable]
"""What a value was read from: equal answers mean unchanged; None means that it is not known."""


@dataclass(frozen=True)
class _Entry(Generic[T]):
    value: T
    states: tuple[tuple[State, Hashable], ...]

    @property
    def is_current(self) -> bool:
        return all(seen is not None and state() == seen for state, seen in self.states)


_reading: ContextVar[list[tuple[State, Hashable]] | None] = ContextVar("_reading", default=None)


def depends_on(state: State) -> None:
    """Say what the value that is being read depends on; call it before the files are opened."""
    states = _reading.get()
    if states is not None:
        states.append((state, state()))


def unknown() -> None:
    """The state of what may be read from anywhere: never the same, so it is always read again."""
    return None


def cached_while_unchanged(size: int) -> Callable[[Callable[P, T]], Callable[P, T]]:
    """Decorator: keep the last `size` values, each as long as what it depends on is unchanged."""

    def decorate(read: Callable[P, T]) -> Callable[P, T]:
        kept: OrderedDict[Hashable, _Entry[T]] = OrderedDict()

        @wraps(read)
        def cached(*args: P.args, **kwargs: P.kwargs) -> T:
            key = (args, tuple(sorted(kwargs.items())))
            entry = kept.get(key)
            if entry is None or not entry.is_current:
                entry = _read(read, *args, **kwargs)
                kept[key] = entry
            kept.move_to_end(key)
            while len(kept) > size:
                kept.popitem(last=False)
            return entry.value

        return cached

    return decorate


def _read(read: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> _Entry[T]:
    states: list[tuple[State, Hashable]] = []
    token = _reading.set(states)
    try:
        value = read(*args, **kwargs)
    finally:
        _reading.reset(token)
    return _Entry(value, tuple(states))
