"""Shape aliases of triplets and of cooperative games: T triplets or players, S sets of players."""

from typing import Annotated

from torch import Tensor

Triplets = Annotated[Tensor, "T 3"]
"""Rows of the table of vectors: user, positive and negative of each triplet, int64."""
TripletVectors = Annotated[Tensor, "T 3 D"]
NodeVectors = Annotated[Tensor, "V D"]
"""D values of each user and item: V = U + I, users first."""
NodeColumns = Annotated[Tensor, "V *"]
"""Any number of values of each user and item."""
Coalitions = Annotated[Tensor, "S T"]
"""Sets of players: row s is True at the players of set s."""
SetValues = Annotated[Tensor, "S"]
"""U of each set, float64."""
Orders = Annotated[Tensor, "S T"]
"""Permutations of the players, or a value of each player in each of them."""
Chosen = Annotated[Tensor, "B 1"]
"""The place or the value of the candidate chosen in each row."""
