"""Whether a model is ranked by the score that it is trained by."""

from negbench.data.interactions import Csr
from negbench.errors import UserError
from negbench.protocol.interfaces import Backbone
from negbench.protocol.view import View


def check_ranking(view: View, backbone: Backbone, history: Csr) -> None:
    """Check that a backbone which trains by a score of its own gives it for ranking too.

    Raises UserError where it would be ranked by products of vectors instead.
    """
    if not view.has_own_score():
        return
    vectors = backbone.encode(history)
    if vectors.score is None and vectors.similarity.kind != "own":
        raise UserError(
            f"the backbone {type(backbone).__name__} trains by a score of its own, and would be "
            f"ranked by {vectors.similarity.kind} products of its vectors; give `encode` the same "
            "score, as Similarity('own', score=...) or as RankingVectors(score=...)"
        )
