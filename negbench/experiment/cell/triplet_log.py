"""Valued triplets as a record holds them: what a part recorded, and if the negative is false.

user, positive, negative, epoch [T] int32; value, error, hardness [T] float32; false [T] bool.
"""

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from negbench.probes.held_out import HeldOut
from negbench.protocol.interfaces import RecordsTriplets
from negbench.scenario.scenario import Scenario
from negbench.training.fit import Fit
from negbench.training.forward import having

FIELDS = {"user": "i4", "positive": "i4", "negative": "i4"}
FIELDS |= {"value": "f4", "error": "f4", "hardness": "f4", "epoch": "i4"}


def recorded_triplets(fit: Fit, scenario: Scenario) -> dict[str, NDArray[Any]] | None:
    """The triplets of the first part that records some, each array [T]; None where none does."""
    for part in having(fit.method.parts, RecordsTriplets):
        if triplets := part.triplets():
            false = false_negatives(fit, scenario, triplets["user"], triplets["negative"])
            arrays = {name: triplets[name].cpu().numpy().astype(t) for name, t in FIELDS.items()}
            return {**arrays, "false": false}
    return None


def false_negatives(
    fit: Fit, scenario: Scenario, users: torch.Tensor, items: torch.Tensor
) -> NDArray[np.bool_]:
    """Whether each item [T] is a held-out positive, or by the truth a positive, of its user [T]."""
    held = HeldOut.of(scenario, fit.context).pairs
    false: NDArray[np.bool_] = held.contains(users, items.unsqueeze(1)).squeeze(1).cpu().numpy()
    return false
