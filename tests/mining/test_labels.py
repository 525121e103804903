"""The data's own ids on mined negatives: whole numbers of any size, and words."""

import json

import numpy as np
import pandas as pd
import pytest

from negbench.data.interactions import Interactions
from negbench.mining.files import write
from negbench.mining.labels import Labels

SMALL, HASHES, BEYOND = [3, -1], [2**64 - 1, 7], [2**64, 7]


@pytest.mark.parametrize(
    ("ids", "kind", "written"),
    [
        (SMALL, int, SMALL),
        (HASHES, np.uint64, HASHES),
        (BEYOND, str, ["18446744073709551616", "7"]),
        ([-1, 2**63], str, ["-1", "9223372036854775808"]),
        ([True, False], str, ["True", "False"]),
        (["a", "b"], str, ["a", "b"]),
    ],
)
@pytest.mark.parametrize("ending", ["jsonl", "parquet"])
def test_ids_are_written_as_they_are(ids, kind, written, ending, tmp_path):
    """Hashes of 64 bits without a sign once ended in an OverflowError, after the training."""
    pytest.importorskip("pyarrow")
    raw = np.empty(2, object)
    raw[:] = ids
    data = Interactions("own", np.array([0, 1]), np.array([1, 0]), 2, 2, user_ids=raw, item_ids=raw)
    labels, at = Labels.of(data), np.array([0, 1])
    scores = np.zeros(2, np.float32)
    others = {"rank": at + 1, "s_positive": scores, "s_negative": scores}
    frame = pd.DataFrame(labels.labelled(at, at[::-1], at, others))
    assert labels.columns["user"] is kind
    path = tmp_path / f"mined.{ending}"
    assert write([frame], labels.columns, path) == 2
    if ending == "parquet":
        rows = pd.read_parquet(path).to_dict("records")
    else:
        rows = [json.loads(line) for line in path.read_text().splitlines()]
    assert [row["user"] for row in rows] == written == [row["negative"] for row in rows]
    assert [row["positive"] for row in rows] == written[::-1]
