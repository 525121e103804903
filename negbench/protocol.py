"""The words of negbench: the one module that every wing knows.

A step reads: batch -> View -> [Transform] -> Source -> Stage* -> Objective -> rows [B]. A part is
any object with the one verb of its kind; the lifecycle protocols are called only on parts that
have them. A method knows no loop, and the loop knows no method.
"""

from negbench.cards import Card
from negbench.interactions import Csr, Interactions, Split
from negbench.kinds import (
    Backbone,
    Begins,
    HasLosses,
    HasState,
    Keeps,
    Maximises,
    Method,
    Minimises,
    Objective,
    Observes,
    Paces,
    Probe,
    Refreshes,
    Source,
    Stage,
    Tells,
    Transform,
)
from negbench.membership import Membership
from negbench.texts.table import TextTable
from negbench.values import (
    Batch,
    Encoded,
    Epoch,
    Feedback,
    Frozen,
    Ids,
    Mask,
    Negatives,
    Rows,
    Scores,
    Step,
    Vectors,
    World,
)
from negbench.view import Leaves, Similarity, View

__all__ = [
    "Backbone",
    "Batch",
    "Begins",
    "Card",
    "Csr",
    "Encoded",
    "Epoch",
    "Feedback",
    "Frozen",
    "HasLosses",
    "HasState",
    "Ids",
    "Interactions",
    "Keeps",
    "Leaves",
    "Mask",
    "Maximises",
    "Membership",
    "Method",
    "Minimises",
    "Negatives",
    "Objective",
    "Observes",
    "Paces",
    "Probe",
    "Refreshes",
    "Rows",
    "Scores",
    "Similarity",
    "Source",
    "Split",
    "Stage",
    "Step",
    "Tells",
    "TextTable",
    "Transform",
    "Vectors",
    "View",
    "World",
]
