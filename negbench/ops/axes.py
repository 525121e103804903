"""Shape aliases: the axes of a tensor stand in its type, with the same letters everywhere.

B rows of a batch, N negatives, M candidates, D width, L layers, U users, I items, K list length or
shared pool, T triplets or pairs, S sequences, "..." any leading axes. Under tests the conformance
suite holds the calls of a method's parts to these axes (`testing/shape_checks.py`).
"""

from typing import Annotated

from torch import Tensor

Scalar = Annotated[Tensor, ""]
"""One number."""
Rows = Annotated[Tensor, "B"]
"""A value or an id of each row."""
Ids = Annotated[Tensor, "B N"]
"""Item ids of each row's negatives, int64."""
Scores = Annotated[Tensor, "B N"]
"""A score, weight or log probability of each row's negatives."""
Mask = Annotated[Tensor, "B N"]
"""Bool; False for what must not be used."""
Vectors = Annotated[Tensor, "B D"]
"""A vector of each row."""
NegativeVectors = Annotated[Tensor, "B N D"]
"""A vector of each row's negatives."""
LayerVectors = Annotated[Tensor, "B L D"]
"""A vector of each row at every layer."""
PoolIds = Annotated[Tensor, "K"]
"""Item ids that all rows share."""
PoolVectors = Annotated[Tensor, "K D"]
"""Vectors that all rows share."""
PoolScores = Annotated[Tensor, "B K"]
"""A score, mask or log probability of each row and each shared item."""
TopItems = Annotated[Tensor, "B K"]
"""Item ids of each row's list, best first."""
ListValues = Annotated[Tensor, "B K"]
"""A value of each place of each row's list."""
ItemVectors = Annotated[Tensor, "I D"]
UserVectors = Annotated[Tensor, "U D"]
ItemValues = Annotated[Tensor, "I"]
"""A value of each item: its train count, its probability."""
UserValues = Annotated[Tensor, "U"]
ItemScores = Annotated[Tensor, "B I"]
"""A score or a mask of each row and each item of the catalogue."""
Pairs = Annotated[Tensor, "T"]
"""A value or an id of each pair or triplet of a list."""
PairVectors = Annotated[Tensor, "T D"]
StepValues = Annotated[Tensor, "T"]
"""A value of each diffusion step."""
AnyShape = Annotated[Tensor, "..."]
"""Elementwise: the shape that came in."""
AnyVectors = Annotated[Tensor, "... D"]
"""Vectors under any leading axes."""
TextVectors = Annotated[Tensor, "... T"]
"""Vectors of texts under any leading axes; T is their own width."""
UserItems = Annotated[Tensor, "U K"]
"""Item ids of each user's list, or their mask."""
