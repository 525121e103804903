"""What a generated hard negative g of (u, i) must be, each as a loss a row, [B].

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

import torch
import torch.nn.functional as F
from torch import Tensor

DELTA = 0.1
"""How far below the positive, in spreads of the user's scores."""
COPY = 0.9
LIKELY = 0.8
SHARP = 0.1


def pairwise_cosine(made: Tensor, right: Tensor, wrong: Tensor, tau: float = 0.05) -> Tensor:
    """L_SFT of each row: made and right [B, D], wrong [b, D], every wrong one for every row."""
    unit = F.normalize(made, dim=1)
    gain = (unit * F.normalize(right, dim=1)).sum(1, keepdim=True)
    return F.softplus((unit @ F.normalize(wrong, dim=1).T - gain) / tau).mean(1)


def off_topic(near: Tensor, level: Tensor) -> Tensor:
    """L_sem, from cos(R g, tbar_u) and m_u."""
    return F.relu(level - near)


def not_distinct(s_made: Tensor, s_pos: Tensor, spread: Tensor, cosine: Tensor) -> Tensor:
    """L_beh, from scores, their spread, and cos(g, e_i)."""
    return F.relu((s_made - s_pos) / spread + DELTA) + F.relu(cosine - COPY)


def too_easy(s_made: Tensor, s_pos: Tensor, spread: Tensor, high: Tensor) -> Tensor:
    """L_hard; `high` is the user's 0.9-quantile."""
    wanted = torch.minimum(high, s_pos - DELTA * spread)
    return F.relu((wanted - s_made) / spread)


def likely_false(made: Tensor, likely: Tensor, mask: Tensor) -> Tensor:
    """L_false, with vectors of likely positives [B, L, D] and where there are any [B, L]."""
    near = (F.normalize(likely, dim=2) @ F.normalize(made, dim=1).unsqueeze(2)).squeeze(2)
    return (F.relu(near - LIKELY) * mask).sum(1) / mask.sum(1).clamp(min=1)


def off_manifold(made: Tensor, items: Tensor) -> Tensor:
    """L_man over items [K, D]."""
    near = F.normalize(made, dim=1) @ F.normalize(items, dim=1).T
    like = (near / SHARP).softmax(1) @ items
    return (made - like).square().sum(1) / items.square().sum(1).mean().clamp(min=1e-12)


def read_out(
    items: Tensor, texts: Tensor, known: Tensor, ridge: float = 0.01
) -> tuple[Tensor, ...]:
    """R by ridge regression of texts [I, T] on items [I, D]: weights [D, T], and both means.

    `ridge` is a share of the items' mean variance; items without words are left out.
    """
    if not bool(known.any()):
        return items.new_zeros(items.shape[1], texts.shape[1]), items[0] * 0, texts[0] * 0
    x, y = items[known], texts[known]
    at, to = x.mean(0), y.mean(0)
    gram = (x - at).T @ (x - at)
    size = ridge * gram.diagonal().mean().clamp(min=1e-12)
    eye = torch.eye(len(gram), device=gram.device, dtype=gram.dtype)
    return torch.linalg.solve(gram + size * eye, (x - at).T @ (y - to)), at, to
