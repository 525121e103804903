"""Graph propagation: one step over the normalised graph of train pairs, for LightGCN.

    A = D^-1/2 (0 B; B^T 0) D^-1/2,   B the train pairs [U, I], D the nodes' numbers of neighbours

A is symmetric, so the gradient of A x is A times the gradient: no autograd is needed. Each node's
new row is a weighted sum of its neighbours' rows, which `embedding_bag` does three times faster
than any sparse product of torch on a CPU.
"""

import numpy as np
import torch
import torch.nn.functional as F

from negbench.data.interactions import Csr
from negbench.ops.axes import AnyShape


class Propagation:
    """The matrix A as lists of neighbours; users are the first U nodes, items the I after them."""

    def __init__(self, train: Csr, device: torch.device | str = "cpu") -> None:
        """List the neighbours of every node with their weights."""
        sources, targets, bounds = neighbours(train)
        degrees = np.diff(bounds)
        weights = 1 / np.sqrt(degrees[sources].astype(np.float64) * degrees[targets])
        self.targets = torch.from_numpy(targets.astype(np.int32)).to(device)
        self.bounds = torch.from_numpy(bounds.astype(np.int32)).to(device)
        self.weights = torch.from_numpy(weights.astype(np.float32)).to(device)

    def __len__(self) -> int:
        """The number of nodes, U + I."""
        return len(self.bounds) - 1

    @torch.no_grad()
    def apply(self, x: AnyShape) -> AnyShape:
        """A x, [U + I, D]; a node without neighbours gets zeros."""
        return F.embedding_bag(
            self.targets,
            x,
            self.bounds,
            mode="sum",
            per_sample_weights=self.weights.to(x.dtype),
            include_last_offset=True,
        )

    def matrix(self) -> AnyShape:
        """A as torch's sparse matrix, for plain autograd."""
        n = len(self)
        sources = torch.repeat_interleave(self.bounds.diff().long())
        where = torch.stack([sources, self.targets.long()])
        return torch.sparse_coo_tensor(where, self.weights, (n, n), check_invariants=False)


def neighbours(train: Csr) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Every edge both ways: sources ascending, their targets, and the bounds of each node's."""
    train = train.distinct  # one edge however often a user comes back
    users, items = train.rows, train.indices.astype(np.int64) + train.n_rows
    sources, targets = np.concatenate([users, items]), np.concatenate([items, users])
    order = np.argsort(sources, kind="stable")
    counts = np.bincount(sources, minlength=train.n_rows + train.n_columns)
    return sources[order], targets[order], np.concatenate([[0], np.cumsum(counts)])
