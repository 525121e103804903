"""Exports: the lists that were recommended, with the ids that the user's file had."""

import csv
import io

import pytest
from click.testing import CliRunner

from negbench import records
from negbench.cli import main
from negbench.errors import NothingToReport, UserError
from negbench.grid.experiment import carry_out
from negbench.grid.export import read_ids, recommendations, write
from negbench.grid.options import build, flatten
from negbench.grid.plan import plan


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    folder = tmp_path_factory.mktemp("export")
    rows = [
        f"00{u},sku {i % 14}/x,{t}"
        for t, (u, i) in enumerate((u, u + s) for s in range(7) for u in range(12))
    ]
    (folder / "shop.csv").write_text("user,item,time\n" + "\n".join(rows) + "\n")
    asked = {"datasets": str(folder / "shop.csv"), "methods": "random", "seeds": 2, "epochs": 1}
    options = build(flatten({**asked, "dim": 4, "out": str(folder / "run")}))
    carry_out(options, plan(options), folder / "run", say=lambda text: None, bar=False)
    return folder / "run"


def test_ids_are_those_of_the_file(run):
    rows = list(recommendations(run))
    assert {row["user"] for row in rows} == {f"00{u}" for u in range(12)}
    assert {row["item"] for row in rows} <= {f"sku {i}/x" for i in range(14)}
    assert {row["seed"] for row in rows} == {0, 1}
    ranks = [row["rank"] for row in rows if row["user"] == "003" and row["seed"] == 0]
    assert ranks == list(range(1, len(ranks) + 1))


def test_a_row_is_what_the_cell_holds(run):
    cell = records.read_cells(run)[0][0]
    ids, arrays = read_ids(run, cell.record["data"]["checksum"]), cell.users()
    rows = [row for row in recommendations(run) if row["seed"] == cell.spec["seed"]]
    wanted = [
        (ids["users"][u], ids["items"][i])
        for u, top in zip(arrays["users"], arrays["top"], strict=True)
        for i in top
        if i >= 0
    ]
    assert [(row["user"], row["item"]) for row in rows] == wanted


def test_csv_and_trec(run, tmp_path):
    text = io.StringIO()
    n = write(run, text)
    assert len(list(csv.DictReader(text.getvalue().splitlines()))) == n > 0
    out = tmp_path / "lists.trec"
    done = CliRunner().invoke(main, ["export", str(run), "--format", "trec", "-o", str(out)])
    assert done.exit_code == 0, done.output
    first = out.read_text().splitlines()[0].split()
    assert len(first) == 6 and first[-1].startswith("shop-mf-random-") and "%20" in first[2]


def test_mistakes_are_sentences(run, tmp_path):
    with pytest.raises(UserError, match="csv or trec"):
        write(run, io.StringIO(), "xml")
    with pytest.raises(NothingToReport, match="finished cells"):
        list(recommendations(tmp_path))
    with pytest.raises(UserError, match="cannot be read"):
        read_ids(run, "0" * 12)
