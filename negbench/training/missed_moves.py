"""What Adam still moves a row by after its last gradient, summed up by the step of that gradient.

A row last updated in step s has, in step k, the moments b1^(k-s) m and b2^(k-s) v, so dense Adam
moves it in the steps s+1..t by

    m sum_k w_k r^(k-s) / (sqrt(v) + e c_k(s)),   w_k = lr_k sqrt(1 - b2^k) / (1 - b1^k),
    r = b1 / sqrt(b2),   c_k(s) = sqrt(1 - b2^k) / sqrt(b2)^(k-s)

(Kingma & Ba, "Adam", ICLR 2015, algorithm 1, with e its epsilon.) Sums of w_k r^(k-s) need s and t
alone; with the mean C of c_k in them for each c_k, the move is S m / (sqrt(v) + e C). Two things
differ from the sum above, and rounding:

- S ends where r^(k-s) falls below `CUT`: of the move, less than CUT / (1 - r) is left out, 1e-7;
- the move is too small by a share of e^2 Var(c) / ((sqrt(v) + e c_{s+1}) (sqrt(v) + e C)) at most,
  which counts only where sqrt(v) is as small as e c. Even at v = 0 that is 6e-5 from step 1,000
  on, .002 from step 100, .05 from step 10, .2 at first (b1 .9, b2 .999).
"""

import math

import numpy as np
import torch

from negbench.ops.axes import AnyShape

CUT = 1e-8
"""Moves that have fallen to this share of the first are left out."""
GREATEST_RATIO = 0.99
"""Most that a missed move may be of the one before it, b1 / sqrt(b2)."""


def ratio(betas: tuple[float, float]) -> float:
    """Each missed move over the one before it: b1 / sqrt(b2)."""
    return betas[0] / math.sqrt(betas[1]) if betas[1] > 0 else math.inf


class MissedMoves:
    """S and C of every step since the first of those that rows were last updated in."""

    def __init__(self, betas: tuple[float, float], step: int = 0) -> None:
        """No steps missed after `step`. Raises ValueError where moves do not die out soon."""
        r = ratio(betas)
        if not 0 < r <= GREATEST_RATIO:
            raise ValueError(f"b1 / sqrt(b2) must be above 0 and at most {GREATEST_RATIO}; got {r}")
        self.betas = betas
        self.reach = math.ceil(math.log(CUT) / math.log(r))
        """Steps after which a row rests."""
        gaps = np.arange(self.reach, 0, -1)
        self._shares, self._epsilon_shares = r**gaps, (betas[0] / betas[1]) ** gaps
        self.restart(step)

    def restart(self, step: int) -> None:
        """Forget all before `step`: no row has missed a move."""
        self.first = self.step = step
        self.sums = np.zeros((2, 1024))
        """S, and S times C, of rows last updated in step `first`, and in each one after it."""

    def advance(self, lr: float) -> None:
        """One more step, at this learning rate."""
        self.step += 1
        size, b1, b2 = self.step - self.first, *self.betas
        if size >= self.sums.shape[1]:
            self.sums = np.concatenate([self.sums, np.zeros_like(self.sums)], 1)
        spread = math.sqrt(1 - b2**self.step)
        weight, n = lr * spread / (1 - b1**self.step), min(self.reach, size)
        self.sums[0, size - n : size] += weight * self._shares[-n:]
        self.sums[1, size - n : size] += weight * spread * self._epsilon_shares[-n:]

    def of(self, last: AnyShape) -> tuple[AnyShape, AnyShape]:
        """S and C of rows last updated in the steps `last` [n], not the present one: [n, 1]."""
        at = (last - self.first).long()
        moves, epsilon = (torch.from_numpy(each)[at].unsqueeze(1) for each in self.sums)
        return moves.float(), torch.where(moves > 0, epsilon / moves, 1).float()
