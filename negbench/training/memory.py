"""Memory allocation: freed memory is kept for the next step, not returned to the system.

By default glibc maps a block of 32 MiB and more anew each time, and returns what is free at the end
of the heap: every step then pays for fresh pages, zeroed by the kernel. Kept, a LightGCN step or a
softmax over 64 negatives takes about 0.6 of the time; peak memory is the same to a tenth.
"""

import ctypes
from functools import cache

M_TRIM_THRESHOLD, M_MMAP_THRESHOLD = -1, -3
MAP_FROM = 1 << 30
"""Bytes from which a block is still mapped on its own."""


@cache
def keep_freed_memory() -> bool:
    """Ask glibc to keep what is freed, once; False where the C library is another."""
    try:
        allocator = ctypes.CDLL(None).mallopt
    except (AttributeError, OSError, TypeError):
        return False
    asked = ((M_MMAP_THRESHOLD, MAP_FROM), (M_TRIM_THRESHOLD, 2**31 - 1))
    return all([allocator(what, value) == 1 for what, value in asked])
