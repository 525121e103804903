"""The words of negbench: the one module that every wing knows.

A step reads: batch -> View -> [Transform] -> Sampler -> Stage* -> Objective -> rows [B]. A part is
any object with the one verb of its kind; the lifecycle protocols are called only on parts that
have them. A method knows no loop, and the loop knows no method.
"""

from negbench.data.interactions import Csr, Interactions, Split
from negbench.data.membership import Membership
from negbench.plugins.card import Card
from negbench.protocol.context import TrainContext
from negbench.protocol.gradient_leaves import Leaves
from negbench.protocol.interfaces import (
    Backbone,
    Begins,
    HasLosses,
    HasState,
    LogsMetrics,
    Maximises,
    Method,
    Minimises,
    Objective,
    Observes,
    Probe,
    RecordsTriplets,
    Refreshes,
    Sampler,
    SchedulesLR,
    Stage,
    Transform,
)
from negbench.protocol.step import (
    Batch,
    Epoch,
    Feedback,
    FrozenBackbone,
    Ids,
    Mask,
    Negatives,
    RankingVectors,
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
    "RankingVectors",
    "Epoch",
    "Feedback",
    "FrozenBackbone",
    "HasLosses",
    "HasState",
    "Ids",
    "Interactions",
    "RecordsTriplets",
    "Leaves",
    "Mask",
    "Maximises",
    "Membership",
    "Method",
    "Minimises",
    "Negatives",
    "Objective",
    "Observes",
    "SchedulesLR",
    "Probe",
    "Refreshes",
    "Rows",
    "Scores",
    "Similarity",
    "Sampler",
    "Split",
    "Stage",
    "Step",
    "LogsMetrics",
    "TextTable",
    "Transform",
    "Vectors",
    "View",
    "TrainContext",
]
