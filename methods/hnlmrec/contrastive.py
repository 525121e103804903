"""The contrastive loss of a row against its generated negative."""

import torch.nn.functional as F

from negbench.parts.score_space import pair_of
from negbench.protocol import Scalar, Step, Vectors


def contrastive_loss(step: Step, generated: Vectors) -> Scalar:
    """-log of the positive's share in exp(cos / 0.2) against g [B, D], averaged."""
    positive, query = pair_of(step)
    near, far = F.cosine_similarity(query, positive), F.cosine_similarity(query, generated)
    return F.softplus((far - near) / 0.2).mean()
