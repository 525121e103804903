"""Losses of a generated hard negative g of (u, i): the criteria it must meet, one value a row, [B].

    L_SFT   = mean_b -log sigmoid((cos(g, e_{j*}) - cos(g, e_{i_b})) / tau)    b: rows of a batch
    L_sem   = relu(m_u - cos(R g, tbar_u))                    on the user's topic
    L_beh   = relu((s_g - (s_i - delta)) / sd) + relu(cos(g, e_i) - c_max)    behaviourally distinct
    L_hard  = relu((min(Q_.9, s_i - delta) - s_g) / sd)       harder than 90 % of the catalogue
    L_false = mean_{j in LP(u)} relu(cos(g, e_j) - c_f)       not a likely positive
    L_man   = |g - sum_j softmax(cos(g, e_j) / .1) e_j|^2 / mean |e_j|^2      among the items

s_x = e_u.x, sd its spread over the items, delta = .1 sd. Only L_SFT is HNLMRec's; the others say in
numbers what it says in words, "behaviourally distinct yet semantically relevant": ours. Scores are
in units of sd, so that weights mean the same for short and long vectors. Where L_hard would ask
for more than L_beh allows, L_beh wins.
"""

from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

from negbench.protocol import (
    AnyVectors,
    ItemValues,
    ItemVectors,
    Mask,
    PoolVectors,
    Rows,
    TextVectors,
    Vectors,
)

DELTA = 0.1
"""How far below the positive, in spreads of the user's scores."""
COPY = 0.9
LIKELY = 0.8
SHARP = 0.1


def pairwise_cosine(
    generated: Vectors, targets: Vectors, positives: Vectors, tau: float = 0.05
) -> Rows:
    """L_SFT of each row: generated and targets [B, D], each against all positives [b, D]."""
    unit = F.normalize(generated, dim=1)
    gain = (unit * F.normalize(targets, dim=1)).sum(1, keepdim=True)
    return F.softplus((unit @ F.normalize(positives, dim=1).T - gain) / tau).mean(1)


def off_topic(near: Rows, level: Rows) -> Rows:
    """L_sem, from cos(R g, tbar_u) and m_u."""
    return F.relu(level - near)


def not_distinct(s_generated: Rows, s_pos: Rows, spread: Rows, cosine: Rows) -> Rows:
    """L_beh, from scores, their spread, and cos(g, e_i)."""
    return F.relu((s_generated - s_pos) / spread + DELTA) + F.relu(cosine - COPY)


def too_easy(s_generated: Rows, s_pos: Rows, spread: Rows, high: Rows) -> Rows:
    """L_hard; `high` is the user's 0.9-quantile."""
    wanted = torch.minimum(high, s_pos - DELTA * spread)
    return F.relu((wanted - s_generated) / spread)


def likely_false(generated: Vectors, likely: AnyVectors, mask: Mask) -> Rows:
    """L_false, from vectors of likely positives [B, L, D] and their mask [B, L]."""
    near = (F.normalize(likely, dim=2) @ F.normalize(generated, dim=1).unsqueeze(2)).squeeze(2)
    return (F.relu(near - LIKELY) * mask).sum(1) / mask.sum(1).clamp(min=1)


def off_manifold(generated: Vectors, items: PoolVectors) -> Rows:
    """L_man over items [K, D]."""
    near = F.normalize(generated, dim=1) @ F.normalize(items, dim=1).T
    like = (near / SHARP).softmax(1) @ items
    return (generated - like).square().sum(1) / items.square().sum(1).mean().clamp(min=1e-12)


class Readout(NamedTuple):
    """R: a linear map from item vectors to text vectors."""

    weights: Tensor
    """[D, T]."""
    item_mean: Tensor
    """[D]."""
    text_mean: Tensor
    """[T]."""

    def texts(self, vectors: AnyVectors) -> TextVectors:
        """The text vectors [.., T] that the map predicts from vectors [.., D]."""
        return (vectors - self.item_mean) @ self.weights + self.text_mean


def fit_readout(
    items: ItemVectors, texts: TextVectors, known: ItemValues, ridge: float = 0.01
) -> Readout:
    """R by ridge regression of texts [I, T] on items [I, D].

    `ridge` is a share of the items' mean variance; items without words (not `known`) are left out.
    """
    if not bool(known.any()):
        weights = items.new_zeros(items.shape[1], texts.shape[1])
        return Readout(weights, items[0] * 0, texts[0] * 0)
    x, y = items[known], texts[known]
    item_mean, text_mean = x.mean(0), y.mean(0)
    gram = (x - item_mean).T @ (x - item_mean)
    size = ridge * gram.diagonal().mean().clamp(min=1e-12)
    eye = torch.eye(len(gram), device=gram.device, dtype=gram.dtype)
    weights = torch.linalg.solve(gram + size * eye, (x - item_mean).T @ (y - text_mean))
    return Readout(weights, item_mean, text_mean)
