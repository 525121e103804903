"""Features as tensors: what only held-out ids have is not known, and numbers by hand."""

import numpy as np
import torch

from negbench.data.features import Categorical, Features, Numeric
from negbench.protocol import FeatureTable

TRAINED = np.array([True, True, True, False])


def table(*columns):
    return FeatureTable.of(
        Features(
            tuple(each for each in columns if isinstance(each, Categorical)),
            tuple(each for each in columns if isinstance(each, Numeric)),
        ),
        TRAINED,
    )


def test_a_number_is_standardised_by_train_ids_alone():
    got = table(Numeric("x", np.array([1.0, 3.0, np.nan, 5.0]))).numeric
    # mean 2 and standard deviation 1 of 1 and 3; the missing one is the mean
    torch.testing.assert_close(got, torch.tensor([[-1.0], [1.0], [0.0], [3.0]]))


def test_a_column_of_one_number_says_nothing():
    one, none = (
        Numeric("x", np.array([0.1, 0.1, 0.1, 7])),
        Numeric("y", np.array([np.nan] * 3 + [1])),
    )
    assert not table(one, none).numeric.any()


def test_a_value_that_no_train_id_has_counts_as_missing():
    (bags,) = table(Categorical.of("x", [["a", "b"], [], ["a"], ["b", "c"]])).categorical
    rows = [bags.codes[a:b].tolist() for a, b in zip(bags.offsets, bags.offsets[1:], strict=False)]
    assert rows == [[0, 1], [], [0], [1]] and bags.size == 3
