"""The path of synthesised negatives: averages by hand, and a figure that refuses without any."""

from pathlib import Path
from typing import Any

import pytest

from negbench.analysis.figures.adar_path import plots as journeys
from negbench.analysis.measures.synthesis_path import path
from negbench.analysis.runs.frames import open_run
from negbench.errors import NothingToReport

NDCG = {"all": [0.2] * 4, "head": [0.3] * 4, "mid": [0.2] * 4, "tail": [0.1] * 4}
# Two bins: a quarter near noise, the rest near the positive.
PROBES = {
    "path_share_1": 0.25,
    "path_gap_1": -2.0,
    "path_fnr_1": 0.02,
    "path_share_2": 0.75,
    "path_gap_2": -0.5,
    "path_fnr_2": 0.10,
    "r_mean": 0.6,
    "t_mean": 12.0,
}


def test_bins_are_averaged_over_epochs_and_seeds(tmp_path: Path, write: Any) -> None:
    write(tmp_path, "books", "random", 0, NDCG)
    write(tmp_path, "books", "random", 1, NDCG)
    write(tmp_path, "books", "adar", 0, NDCG, probes=PROBES)
    other = PROBES | {"path_gap_2": -1.5, "path_share_2": 0.25, "path_share_1": 0.75}
    write(tmp_path, "books", "adar", 1, NDCG, probes=other)
    bins = path(open_run(tmp_path)).set_index("place")
    assert set(bins["row"]) == {"adar"} and list(bins.index) == [0.25, 0.75]
    assert bins.loc[0.25, "share"] == pytest.approx(0.5)  # .25 and .75 over two seeds
    assert bins.loc[0.75, "gap"] == pytest.approx(-1.0)  # -.5 and -1.5
    assert bins.loc[0.75, "fnr"] == pytest.approx(0.10)
    assert bins.loc[0.25, "chosen"] == pytest.approx(0.6)
    assert set(bins["knowledge"]) == {"lower bound"} or set(bins["knowledge"]) == {"exact"}


def test_an_epoch_without_negatives_in_a_bin_does_not_count(tmp_path: Path, write: Any) -> None:
    folder = write(tmp_path, "books", "adar", 0, NDCG, probes=PROBES)
    lines = (folder / "epochs.csv").read_text().splitlines()
    names, last = lines[0].split(","), lines[-1].split(",")
    # Bin 2 is empty in the last epoch: no share there, no gap and no rate.
    last[names.index("path_share_2")] = "0.0"
    last[names.index("path_gap_2")] = last[names.index("path_fnr_2")] = ""
    (folder / "epochs.csv").write_text("\n".join([*lines[:-1], ",".join(last)]) + "\n")
    bins = path(open_run(tmp_path)).set_index("place")
    assert bins.loc[0.75, "fnr"] == pytest.approx(0.10)
    assert bins.loc[0.75, "gap"] == pytest.approx(-0.5)


def test_a_bin_without_gap_or_rate_in_any_epoch(tmp_path: Path, write: Any) -> None:
    logged = {k: v for k, v in PROBES.items() if k not in ("path_gap_2", "path_fnr_2")}
    write(tmp_path, "books", "adar", 0, NDCG, probes=logged)
    bins = path(open_run(tmp_path)).set_index("place")
    assert bins.loc[0.75, ["gap", "fnr"]].isna().all() and bins.loc[0.25, "gap"] == -2.0


def test_the_figure_shows_them_and_says_what_is_missing(tmp_path: Path, write: Any) -> None:
    for seed in (0, 1):
        write(tmp_path / "with", "books", "adar", seed, NDCG, probes=PROBES)
        write(tmp_path / "without", "books", "random", seed, NDCG)
    plot = journeys(open_run(tmp_path / "with"))[0]
    assert plot.name == "adar-path-books-mf"
    gap, fnr, share = plot.figure.axes
    assert list(gap.lines[0].get_ydata()) == pytest.approx([-2.0, -0.5])
    assert list(fnr.lines[0].get_ydata()) == pytest.approx([0.02, 0.10])
    assert list(share.lines[0].get_xdata()) == pytest.approx([0.25, 0.75])
    assert list(gap.lines[1].get_xdata()) == pytest.approx([0.6, 0.6])
    with pytest.raises(NothingToReport, match="adar-path"):
        journeys(open_run(tmp_path / "without"))
