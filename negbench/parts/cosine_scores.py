"""Cosine scores: a transform that scores by the cosine of two vectors, in training and ranking.

    s(u, i) = <q_u, v_i> / (|q_u| |v_i|)

Losses with a temperature are mostly trained on cosines. A method asks for them with this transform,
so that ranking uses the scores that were trained, whatever the backbone's own similarity. The
temperature stays the method's: the cosines are not divided here.
"""

from dataclasses import dataclass, replace
from typing import Literal

from negbench.protocol import Similarity, Step, View

Scoring = Literal["backbone", "cosine"]


@dataclass(frozen=True)
class Angular:
    """A transform: cosines from -1 to 1, or the backbone's own scores as they are."""

    similarity: Scoring = "cosine"

    def view(self, step: Step) -> View:
        """The step's view with cosine similarity, or unchanged for `backbone`."""
        if self.similarity == "backbone":
            return step.view
        return replace(step.view, similarity=Similarity("cosine"))
