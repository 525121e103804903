"""Who trains without negatives is read from the records; older ones do not say, and then nobody."""

from pathlib import Path
from typing import Any

import pytest

from negbench.analysis.figures import plots_of
from negbench.analysis.runs.frames import open_run
from negbench.analysis.runs.without_negatives import how_to_get_some, not_shown, rows_without
from negbench.analysis.tables.training_notes import of_training
from negbench.errors import NothingToReport

ALL = {"all": [0.1, 0.3]}
PROBES = {"percentile_p10": 0.1, "percentile_p50": 0.4, "percentile_p90": 0.8, "fnr": 0.01}
PROBES |= {"fnr_expected": 0.01}


def trained(negatives: float) -> Any:
    return lambda record: record["fit"].update(rows=1200, negatives=negatives)


@pytest.fixture
def run(tmp_path: Path, write: Any) -> Path:
    for seed in (0, 1):
        write(tmp_path, "books", "random", seed, ALL, change=trained(600.0), probes=PROBES)
        write(tmp_path, "books", "enmf", seed, ALL, change=trained(0.0))
        write(tmp_path, "books", "directau", seed, ALL, change=trained(0.0))
        write(tmp_path, "films", "enmf", seed, ALL, change=trained(0.0))
        write(tmp_path, "films", "dns", seed, ALL, probes=PROBES)  # as before these were counted
    write(tmp_path, "books", "most_popular", 0, ALL, backbone="reference")
    return tmp_path


def test_rows_are_those_that_are_known_to_use_none(run: Path) -> None:
    opened = open_run(run)
    assert rows_without(opened, "books") == ["directau", "enmf"]
    assert rows_without(opened, "films", "mf") == ["enmf"]
    assert rows_without(opened, "films", "lightgcn") == []
    assert not_shown(opened, "films", "mf") == "enmf uses no negatives and is not shown."
    assert not_shown(opened, "films", "lightgcn") == ""


def test_tables_and_captions_say_so_once(run: Path) -> None:
    opened = open_run(run)
    (note,) = of_training(opened, "films")
    assert note.text == 'enmf uses no negatives: "-" in what is measured of negatives.'
    for plot in plots_of(opened, ["hardness", "fn-rate"]):
        assert plot.caption.count("no negatives") == 1
        assert set(plot.frame["row"]) <= {"random", "dns"}


def test_a_figure_without_any_names_the_remedy(tmp_path: Path, write: Any) -> None:
    write(tmp_path / "none", "books", "enmf", 0, ALL, change=trained(0.0))
    write(tmp_path / "unwatched", "books", "dns", 0, ALL, change=trained(5.0))
    none, unwatched = (open_run(tmp_path / name) for name in ("none", "unwatched"))
    assert how_to_get_some(unwatched) == "run it with --probe sample"
    for kind in ("hardness", "fn-rate"):
        with pytest.raises(NothingToReport, match="its methods use no negatives, so run it with"):
            list(plots_of(none, [kind]))
        with pytest.raises(NothingToReport, match="run it with --probe sample"):
            list(plots_of(unwatched, [kind]))
