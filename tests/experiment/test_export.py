"""Exports: the lists that were recommended, with the ids that the user's file had."""

import csv
import io
import json
import shutil

import pytest
from click.testing import CliRunner

from negbench.cli import main
from negbench.errors import NothingToReport, UserError
from negbench.experiment.export.export import Export
from negbench.experiment.finished.kept_ids import read_ids
from negbench.experiment.options.options import build, flatten
from negbench.experiment.plan import plan
from negbench.experiment.run_grid import carry_out
from negbench.storage import cell_store


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    folder = tmp_path_factory.mktemp("export")
    rows = [
        f"00{u},sku {i % 14}/x,{t}"
        for t, (u, i) in enumerate((u, u + s) for s in range(7) for u in range(12))
    ]
    (folder / "shop.csv").write_text("user,item,time\n" + "\n".join(rows) + "\n")
    asked = {"datasets": str(folder / "shop.csv"), "methods": "random", "seeds": 2, "epochs": 1}
    asked |= {"log_negatives": 25, "dim": 4, "out": str(folder / "run")}
    options = build(flatten(asked))
    carry_out(options, plan(options), folder / "run", bar=False)
    return folder / "run"


def test_ids_are_those_of_the_file(run):
    rows = list(Export(run).lines())
    assert {row["user"] for row in rows} == {f"00{u}" for u in range(12)}
    assert {row["item"] for row in rows} <= {f"sku {i}/x" for i in range(14)}
    assert {row["seed"] for row in rows} == {0, 1}
    ranks = [row["rank"] for row in rows if row["user"] == "003" and row["seed"] == 0]
    assert ranks == list(range(1, len(ranks) + 1))


def test_a_row_is_what_the_cell_holds(run):
    cell = cell_store.read_cells(run)[0][0]
    ids, arrays = read_ids(run, "shop", cell.record["data"]["checksum"]), cell.users()
    rows = [row for row in Export(run).lines() if row["seed"] == cell.spec["seed"]]
    wanted = [
        (ids["users"][u], ids["items"][i])
        for u, top in zip(arrays["users"], arrays["top"], strict=True)
        for i in top[:20]  # the greatest K of the metrics; deeper lists are kept
        if i >= 0
    ]
    assert [(row["user"], row["item"]) for row in rows] == wanted


def test_lists_are_as_long_as_asked(run, tmp_path):
    cell = cell_store.read_cells(run)[0][0]
    assert cell.users()["top"].shape[1] == 20  # 14 items and then -1
    for k in (1, 3, 14):
        assert max(row["rank"] for row in Export(run, k=k).lines()) <= k
    assert max(row["rank"] for row in Export(run, k=3).lines()) == 3
    with pytest.raises(UserError, match="--k must lie between 1 and 20.* got 0"):
        list(Export(run, k=0).lines())
    assert len(list(Export(run, k=50).lines())) == len(list(Export(run).lines()))
    out = tmp_path / "three.csv"
    done = CliRunner().invoke(main, ["export", str(run), "--k", "3", "-o", str(out)])
    assert done.exit_code == 0 and len(out.read_text().splitlines()) == 1 + 3 * 24
    done = CliRunner().invoke(main, ["export", str(run), "--k", "0", "-o", str(tmp_path / "no")])
    assert done.exit_code == 2 and not (tmp_path / "no").exists()
    done = CliRunner().invoke(main, ["export", str(run), "--negatives", "--k", "3"])
    assert done.exit_code == 2 and "drop it" in done.output


def test_csv_and_trec(run, tmp_path):
    text = io.StringIO()
    n = Export(run).write(text)
    assert len(list(csv.DictReader(text.getvalue().splitlines()))) == n > 0
    out = tmp_path / "lists"
    done = CliRunner().invoke(main, ["export", str(run), "--format", "trec", "-o", str(out)])
    assert done.exit_code == 0, done.output
    first = (out / "shop-mf-random-0.trec").read_text().splitlines()[0].split()
    assert len(first) == 6 and first[-1].startswith("shop-mf-random-") and "%20" in first[2]


def test_logged_negatives_have_the_ids_of_the_file_and_are_not_train_items(run):
    rows = list(Export(run, "negatives").lines())
    assert len(rows) == 2 * 25 and {row["seed"] for row in rows} == {0, 1}
    assert {row["user"] for row in rows} <= {f"00{u}" for u in range(12)}
    seen = {(f"00{u}", f"sku {(u + s) % 14}/x") for s in range(5) for u in range(12)}
    assert {(row["user"], row["positive"]) for row in rows} <= seen
    assert not {(row["user"], row["negative"]) for row in rows} & seen
    assert {row["epoch"] for row in rows} == {1}


@pytest.mark.parametrize("what", ["recs", "negatives"])
def test_parquet_holds_what_csv_holds(run, tmp_path, what):
    pandas = pytest.importorskip("pandas")
    pytest.importorskip("pyarrow")
    for form in ("csv", "parquet"):
        out = str(tmp_path / f"x.{form}")
        asked = ["export", str(run), f"--{what}", "--format", form, "-o", out]
        done = CliRunner().invoke(main, asked)
        assert done.exit_code == 0, done.output
    text = pandas.read_csv(tmp_path / "x.csv", dtype={"user": str}, keep_default_na=False)
    table = pandas.read_parquet(tmp_path / "x.parquet")
    assert list(text.columns) == list(table.columns) and len(text) == len(table) > 0
    for name in set(text.columns) - {"s_positive", "s_negative"}:
        assert text[name].tolist() == table[name].tolist(), name


def test_without_a_log_or_with_a_broken_one_the_export_says_so(run, tmp_path, caplog):
    import shutil

    copy = tmp_path / "run"
    shutil.copytree(run, copy)
    logs = sorted(copy.glob("cells/*/negatives.npz"))
    logs[0].write_bytes(b"no zip")
    assert len(list(Export(copy, "negatives").lines())) == 25
    (message,) = caplog.messages
    assert message.startswith("negbench: left out: ") and "must be whole" in message
    (logs[1].parent / "users.npz").write_bytes(logs[1].read_bytes()[:200])
    done = CliRunner().invoke(main, ["export", str(copy), "-o", str(tmp_path / "x.csv")])
    assert done.exit_code == 0 and "left out" in done.output
    left = (tmp_path / "x.csv").read_text().splitlines()[1:]
    assert len({row.split(",")[4] for row in left}) == 1
    for log in logs:
        log.unlink()
    done = CliRunner().invoke(main, ["export", str(copy), "--negatives"])
    assert done.exit_code == 4 and "--log-negatives" in done.output


def test_mistakes_are_sentences(run, tmp_path):
    with pytest.raises(UserError, match="csv or parquet; got 'trec'"):
        Export(run, "negatives", "trec")
    for asked in (["--format", "parquet"], ["--recs", "--negatives"]):
        assert CliRunner().invoke(main, ["export", str(run), *asked]).exit_code == 2
    with pytest.raises(UserError, match="csv, parquet or trec"):
        Export(run, form="xml")
    with pytest.raises(NothingToReport, match="finished cells"):
        list(Export(tmp_path).lines())
    with pytest.raises(UserError, match="cannot be read"):
        read_ids(run, "shop", "0" * 12)


def test_cells_of_one_name_are_told_apart(tmp_path, run):
    """Two settings of a sweep: their lists stood under one another with nothing to tell them."""
    shutil.copytree(run, tmp_path / "run")
    (one, *_), _ = cell_store.read_cells(tmp_path / "run")
    spec = one.spec | {"train": one.spec["train"] | {"lr": 0.5}}
    other = one.folder.with_name(cell_store.digest(spec))
    shutil.copytree(one.folder, other)
    (other / "cell.json").write_text(json.dumps(one.record | {"spec": spec}))
    done = CliRunner().invoke(main, ["export", str(tmp_path / "run"), "--seed", "0,1"])
    rows = list(csv.DictReader(io.StringIO(done.stdout)))
    assert {row["cell"] for row in rows} == {each.name for each in other.parent.iterdir()}
    keys = [(row["cell"], row["user"], row["rank"]) for row in rows]
    assert len(keys) == len(set(keys))
    assert "cell" not in csv.DictReader(io.StringIO(call_export(run))).fieldnames


def call_export(run):
    return CliRunner().invoke(main, ["export", str(run)]).stdout


def test_ids_that_are_no_table_are_one_sentence(tmp_path, run):
    shutil.copytree(run, tmp_path / "run")
    for path in (tmp_path / "run" / "ids").iterdir():
        path.write_text("[]")
    with pytest.raises(UserError, match="cannot be read"):
        list(Export(tmp_path / "run").lines())
