"""The words of negbench: the one module that every wing knows.

A step reads: batch -> View -> [Transform] -> Source -> Stage* -> Objective -> rows [B]. A part is
any object with the one verb of its kind; the lifecycle protocols are called only on parts that
have them. A method knows no loop, and the loop knows no method.
"""

from negbench.data.interactions import Csr, Interactions, Split
from negbench.data.membership import Membership
from negbench.plugins.card import Card
from negbench.protocol.context import World
from negbench.protocol.gradient_leaves import Leaves
from negbench.protocol.interfaces import (
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
from negbench.protocol.step import (
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
)
from negbench.protocol.text_table import TextTable
from negbench.protocol.view import Similarity, View

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
