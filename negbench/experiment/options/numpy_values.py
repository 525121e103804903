"""Numbers and lists of numpy among the values of options, as those of Python."""

from typing import Any

import numpy as np


def as_python(value: Any) -> Any:
    """The value, with numpy's numbers and flat arrays as Python's numbers and lists."""
    if isinstance(value, np.generic) or (isinstance(value, np.ndarray) and value.ndim == 1):
        return value.tolist()
    if isinstance(value, list | tuple):
        values = [as_python(each) for each in value]
        return values if isinstance(value, list) else tuple(values)
    return value
