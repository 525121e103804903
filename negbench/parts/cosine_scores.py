"""Scores by the angle between two vectors, in training and at inference alike.

    s(u, i) = <q_u, v_i> / (|q_u| |v_i|)

Losses with a temperature are mostly trained on cosines. A method says so with this transform, so
that what is ranked is what was trained, whatever the backbone's own similarity. The temperature
stays the method's: the cosines are not divided here.
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
        """The same vectors, scored by their cosine where that is asked for."""
        if self.similarity == "backbone":
            return step.view
        return replace(step.view, similarity=Similarity("cosine"))
