"""The loops of `numba_rows` and `numba_adam`, compiled: imported where numba is installed alone.

They are compiled for contiguous arrays when this module is imported, or read from numba's cache,
so no step ever waits for a compiler.
"""

from collections.abc import Callable
from typing import Any

import numba
from numba import types

from negbench.ops import numba_adam, numba_rows

VERSION = f"numba {numba.__version__}"
ORDER = {"reassoc", "contract", "nsz"}
"""A sum may be taken in lanes and with fused multiply-adds. NaN and infinity stay what they are."""
HOW: dict[str, Any] = {"fastmath": ORDER, "nogil": True, "error_model": "numpy"}
"""As numpy has it, a division by zero is no error: a test for it would keep loops out of lanes."""
KINDS = {
    "f": types.float32[:, ::1],
    "g": types.float32[::1],
    "s": types.float32,
    "i": types.int64[:, ::1],
    "j": types.int64[::1],
    "k": types.int32[::1],
    "n": types.int64,
    "b": types.boolean[::1],
    "e": types.float64[:, ::1],
    "d": types.float64,
}
"""The types of arguments, by a letter each."""


def _compiled(loop: Callable[..., Any], arguments: str) -> Any:
    """The loop, compiled for arguments of these kinds."""
    signature = tuple(KINDS[letter] for letter in arguments)
    try:
        return numba.njit(signature, cache=True, **HOW)(loop)
    except RuntimeError:  # no folder for the cache can be written to
        return numba.njit(signature, **HOW)(loop)


COMPILED: dict[str, Callable[..., bool | None]] = {
    loop.__name__: _compiled(loop, arguments)
    for loop, arguments in (*numba_rows.LOOPS, *numba_adam.LOOPS)
}
