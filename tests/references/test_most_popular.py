"""The count of train pairs, the same for everyone."""

import torch

from negbench.data.interactions import Csr
from negbench.references.most_popular import CARD, Config, build


def test_scores_are_train_counts_and_the_callers_own() -> None:
    train = Csr.of([0, 1, 1, 2], [1, 1, 3, 1], n_rows=3, n_columns=4)
    scorer = build(Config(), train)
    block = scorer.scores(torch.tensor([2, 0]))
    assert block.tolist() == [[0, 3, 0, 1], [0, 3, 0, 1]]
    block[0, 1] = -torch.inf  # as evaluation does
    assert scorer.scores(torch.tensor([2])).tolist() == [[0, 3, 0, 1]]
    assert CARD.family == "reference"
