"""Blocks of paired values made up for a test."""

from typing import Any

import numpy as np
import pandas as pd

from negbench.analysis.runs.frames import ROW
from negbench.analysis.statistics.paired_values import Paired


def block_of(values: Any) -> Paired:
    """A block of these values, seed x user x row; rows are named by their numbers."""
    array = np.asarray(values, float)
    rows = pd.DataFrame({name: [f"{at}" for at in range(array.shape[2])] for name in ROW})
    return Paired("d", "b", rows, tuple(range(len(array))), array)
