"""Log of negatives: a uniform reservoir sample of all negatives used in training.

Every used negative gets a random key, and the N with the smallest keys are kept. Only keys below
the largest kept one can enter, so once the reservoir is full a step draws how many enter, a
binomial number, and which: the same distribution at a fraction of the cost.
"""

import json
from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from negbench.ops import rng
from negbench.ops.axes import Pairs
from negbench.parts.selection.nearest_item import nearest_to_each
from negbench.protocol.context import TrainContext
from negbench.protocol.step import Feedback, Negatives, Step

FIELDS = {"user": "i4", "positive": "i4", "negative": "i4"}
FIELDS |= {"s_positive": "f4", "s_negative": "f4", "epoch": "i4"}


class NegativeLog:
    """Reservoir of `size` used negatives."""

    def __init__(self, size: int, context: TrainContext) -> None:
        """An empty reservoir."""
        self.size, self.bound = size, 1.0
        self.generator = rng.numpy_stream(context.seed, "reservoir")
        self.keys = np.zeros(0)
        self.kept: dict[str, NDArray[Any]] = {k: np.zeros(0, t) for k, t in FIELDS.items()}

    def wants(self, number: int) -> bool:
        """Every step is watched."""
        del number
        return True

    @torch.no_grad()
    def watch(self, step: Step, drawn: Negatives, used: Negatives, feedback: Feedback) -> None:
        """Sample the step's negatives into the reservoir."""
        del drawn
        b, n = len(step.batch), used.n
        total = b * n
        entering = int(self.generator.binomial(total, self.bound)) if total else 0
        if not entering:
            return
        places = self.generator.choice(total, entering, replace=False, shuffle=False)
        keys = self.generator.random(entering) * self.bound
        at = torch.from_numpy(places).to(step.batch.users.device)
        row, column = at // n, at % n
        if used.mask is not None:
            open_ = used.mask[row, column]
            keys, row, column = keys[open_.cpu().numpy()], row[open_], column[open_]
        users = step.batch.users[row]
        entries = {
            "user": users,
            "positive": step.batch.items[row],
            "negative": _ids(step, used, row, column),
            "s_positive": feedback.s_pos[row],
            "s_negative": feedback.s_neg[row, column],
            "epoch": torch.full_like(users, step.epoch),
        }
        self._keep(keys, {name: value.cpu().numpy() for name, value in entries.items()})

    def _keep(self, keys: NDArray[np.float64], entries: Mapping[str, NDArray[Any]]) -> None:
        self.keys = np.concatenate([self.keys, keys])
        self.kept = {
            name: np.concatenate([kept, entries[name].astype(kept.dtype)])
            for name, kept in self.kept.items()
        }
        if len(self.keys) > self.size:
            first = np.sort(np.argpartition(self.keys, self.size)[: self.size])
            self.keys = self.keys[first]
            self.kept = {name: kept[first] for name, kept in self.kept.items()}
            self.bound = float(self.keys.max())

    def epoch(self, number: int) -> Mapping[str, float]:
        """No metrics."""
        del number
        return {}

    def arrays(self) -> dict[str, NDArray[Any]]:
        """The sampled negatives in the order of training, one entry each."""
        order = np.argsort(self.kept["epoch"], kind="stable")
        return {name: kept[order] for name, kept in self.kept.items()}

    def state_dict(self) -> dict[str, Any]:
        """State for a checkpoint: the reservoir, its keys and the random stream."""
        arrays = {name: torch.from_numpy(kept) for name, kept in self.kept.items()}
        return {
            "keys": torch.from_numpy(self.keys),
            "kept": arrays,
            "bound": self.bound,
            "stream": json.dumps(self.generator.bit_generator.state),
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Restore the state."""
        self.keys, self.bound = state["keys"].numpy(), state["bound"]
        self.kept = {name: kept.numpy() for name, kept in state["kept"].items()}
        self.generator.bit_generator.state = json.loads(state["stream"])


def _ids(step: Step, used: Negatives, row: Pairs, column: Pairs) -> Pairs:
    """The ids of these negatives; one without an id by the nearest unseen item of its user."""
    if used.record_ids is None:
        assert used.vectors is not None
        vectors = used.vectors[column] if used.shared else used.vectors[row, column]
        ids, _ = nearest_to_each(step, vectors.detach().unsqueeze(1), step.batch.users[row])
        return ids.squeeze(1)
    assert used.ids is not None
    return used.ids[column] if used.shared else used.ids[row, column]
