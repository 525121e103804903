from pathlib import Path

import pandas as pd
import pytest

from negbench.analysis.convergence import convergence, mean_curve
from negbench.analysis.frames import open_run


def test_one_line_an_evaluated_epoch(folder: Path) -> None:
    told = convergence(open_run(folder))
    assert len(told) == 12 * 2
    assert set(told["metric"]) == {"ndcg@20"}
    one = told[(told["dataset"] == "books") & (told["row"] == "dns") & (told["seed"] == 1)]
    assert one[["epoch", "wall", "value"]].to_numpy().tolist() == [[1, 5.0, 0.2], [2, 10.0, 0.4]]


def test_the_mean_ends_where_the_first_seed_stops() -> None:
    curves = pd.DataFrame(
        {
            "seed": [0, 0, 0, 1, 1],
            "epoch": [1, 2, 3, 1, 2],
            "wall": [1.0, 2.0, 3.0, 3.0, 6.0],
            "value": [0.1, 0.2, 0.9, 0.3, 0.4],
        }
    )
    mean = mean_curve(curves, "wall")
    assert mean["x"].tolist() == [2.0, 4.0]
    assert mean["value"].tolist() == pytest.approx([0.2, 0.3])
