"""An audit taken anew masks what the ranking masked: seen items, train items, or none."""

import pytest
from click.testing import CliRunner

from negbench.analysis.runs import frames, recut
from negbench.cli import main

DATA = "synthetic(users=40,items=60,interactions=700,relevant=0.5)"


@pytest.mark.parametrize("mask", ["seen", "train", "none"])
def test_measures_taken_anew_are_those_of_the_record(tmp_path, mask):
    words = ["run", "-q", "-d", DATA, "-m", "random", "--dim", "4", "--epochs", "1"]
    words += ["--seeds", "1", "--mask", mask, "--metrics", "ndcg@5", "-o", str(tmp_path / "run")]
    assert CliRunner().invoke(main, words).exit_code == 0
    ((cell, _),) = frames.open_run(tmp_path / "run").done
    kept = {
        (line["metric"], line["band"]): line["value"]
        for line in cell.record["metrics"]
        if line["split"] == "test" and line["k"] == 5 and line["metric"] not in ("ndcg",)
    }
    anew = {(line["metric"], line["band"]): line["value"] for line in recut._audited(cell, 5, {})}
    assert anew == pytest.approx(kept) and ("relative_arp", "all") in kept
