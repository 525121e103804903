"""Why a cell failed, in one line: the sentence for the user, or the kind of the error before it."""

import torch

from negbench.errors import UserError

NO_MEMORY = "it must fit the memory; lower --jobs, batch_size or the method's own sizes"


def reason_of(error: Exception) -> str:
    """The error in a line; half of a character, as of file names that are no UTF-8, is escaped."""
    line = " ".join(str(error).split())[:500]
    text = line.encode(errors="backslashreplace").decode()
    if not isinstance(error, UserError):
        text = f"{type(error).__name__}: {text}".rstrip(": ")
    return f"{NO_MEMORY} ({text})" if _is_out_of_memory(error) else text


def _is_out_of_memory(error: Exception) -> bool:
    """Python, numpy and CUDA have an error class for it; torch on the CPU has only a message."""
    known = isinstance(error, MemoryError | torch.OutOfMemoryError)
    return known or (isinstance(error, RuntimeError) and "allocate memory" in str(error))
