"""`audit --summary`, lists of others and `--fail-on`, on a real run."""

import csv
import io
import json
import re

import numpy as np
import pytest
from click.testing import CliRunner

from negbench.analysis.audit.pdf import browser
from negbench.analysis.runs import frames, recut
from negbench.cli import main
from negbench.experiment.finished.kept_ids import read_ids

DATA = "synthetic(users=60,items=100,interactions=1200,relevant=0.4)"


def call(*words):
    return CliRunner().invoke(main, [str(word) for word in words])


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    out = tmp_path_factory.mktemp("finished") / "run"
    words = ["run", "-d", DATA, "--epochs", 2, "--model", "mf(dim=8)", "-m", "random,dns"]
    words += ["--seeds", 2, "--references", "most_popular", "--metrics", "ndcg@5,20", "-o", out]
    assert call(*words).exit_code == 0
    return out


@pytest.fixture(scope="module")
def files(finished):
    """The lists of one cell of the run, its train and test pairs, and a table of items."""
    run = frames.open_run(finished)
    cell = next(c for c, row in run.done if row == "dns" and c.spec["seed"] == 0)
    parts = recut.split_parts(cell, 100, {})
    ids = read_ids(finished, cell.spec["dataset"], cell.record["data"]["checksum"])
    folder = finished.parent
    arrays = cell.arrays("users", "top")
    rows = [
        (ids["users"][user], ids["items"][item], rank)
        for user, top in zip(arrays["users"], arrays["top"][:, :20], strict=True)
        for rank, item in enumerate(top, 1)
        if item >= 0
    ]
    write(folder / "theirs.csv", ("user", "item", "rank"), rows)
    trec = "".join(f"{u} Q0 {i} {rank} {99 - rank} tag\n" for u, i, rank in rows)
    (folder / "theirs.trec").write_text(trec)
    for name, part in (("train", parts["seen"]), ("test", parts["test"])):
        pairs = zip(part.rows, part.indices, strict=True)
        named = [(ids["users"][u], ids["items"][i]) for u, i in pairs]
        write(folder / f"{name}.csv", ("user", "item"), named)
    items = [
        (item, f"Book {item}", "war" if at % 3 else "") for at, item in enumerate(ids["items"])
    ]
    write(folder / "items.csv", ("item", "title", "genre"), items)
    return folder


def write(path, header, rows):
    with path.open("w", newline="") as file:
        csv.writer(file).writerows([header, *rows])


def lines_of(*words):
    text = call("audit", *words, "--format", "csv").stdout
    return {line["row"]: line for line in csv.DictReader(io.StringIO(text))}


def test_the_page_names_best_anchors_groups_and_limits(finished):
    result = call("audit", finished, "--summary")
    assert result.exit_code == 0 and result.stderr == ""
    for word in ("In short:", "users' own history", "most popular items", "random lists", "head"):
        assert word in result.stdout
    for word in ("Users by taste", "Shown more than chosen", "before and after", "cannot say"):
        assert word in result.stdout
    assert max(map(len, result.stdout.splitlines())) <= 100


def test_the_page_as_html_asks_nothing_of_the_network_and_escapes(finished, files, tmp_path):
    hostile = (files / "items.csv").read_text().replace("Book", "<script>alert(1)</script>")
    (tmp_path / "items.csv").write_text(hostile)
    out = tmp_path / "page.html"
    words = ["--items", tmp_path / "items.csv", "--group", "genre", "-o", out]
    assert call("audit", finished, *words).exit_code == 0
    page = out.read_text()
    assert "<script" not in page and "&lt;script&gt;" in page
    assert not re.search(r"(src|href)=", page) and "Items by genre" in page


def test_the_page_for_programs(finished):
    (block,) = json.loads(call("audit", finished, "--summary", "--json").stdout)["blocks"]
    assert {each["name"] for each in block["systems"]} == {"random", "dns"}
    assert [each["name"] for each in block["anchors"]][1] == "most popular items"
    detail = block["details"][0]
    assert detail["overview"]["accuracy"]["n_seeds"] == 2
    assert sum(share["lists"]["value"] for share in detail["bands"]) == pytest.approx(1)


def test_the_numbers_of_the_page_are_those_of_the_tables(finished):
    table = lines_of(finished)
    (block,) = json.loads(call("audit", finished, "--summary", "--json").stdout)["blocks"]
    for system in block["systems"]:
        line = table[system["name"]]
        assert system["accuracy"]["value"] == pytest.approx(float(line["ndcg@20"]), abs=1e-6)
        assert system["shares"][-1] == pytest.approx(float(line["aplt@20"]))
        assert system["coverage"] == pytest.approx(float(line["coverage@20"]))
        assert system["lift"]["value"] - 1 == pytest.approx(float(line["dgap@20"]), abs=1e-6)
    popular = block["anchors"][1]
    assert popular["accuracy"]["value"] == pytest.approx(float(table["most_popular"]["ndcg@20"]))


def test_lists_given_back_beside_their_run_have_the_numbers_of_their_cell(finished, files):
    cell = lines_of(finished, "--method", "dns")
    assert list(cell) == ["dns"]
    lists = lines_of(finished, "--recs", files / "theirs.csv")["theirs"]
    results = csv.DictReader((finished / "results.csv").open())
    kept = {
        (r["metric"], r["k"], r["band"]): float(r["value"])
        for r in results
        if (r["method"], r["seed"], r["split"]) == ("dns", "0", "test")
    }
    for (metric, k, band), value in kept.items():
        field = metric + (f"@{k}" if k != "0" else "") + ("" if band == "all" else f"/{band}")
        if k == "20":
            assert float(lists[field]) == pytest.approx(value, abs=1e-6), field
    assert lists["pru"] == ""


@pytest.mark.parametrize("name", ["theirs.csv", "theirs.trec"])
def test_lists_alone_have_the_same_accuracy_and_no_seeds(finished, files, name):
    beside = lines_of(finished, "--recs", files / "theirs.csv")["theirs"]
    words = ["--recs", files / name, "--train", files / "train.csv", "--test", files / "test.csv"]
    alone = lines_of(*words)["theirs"]
    assert float(alone["ndcg@20"]) == pytest.approx(float(beside["ndcg@20"]), abs=1e-6)
    assert float(alone["coverage@20"]) == pytest.approx(float(beside["coverage@20"]))
    page = call("audit", *words, "--summary").stdout
    assert "over users alone" in page and "seeds (" not in page and "Negatives" not in page


def test_without_test_pairs_nothing_is_said_of_accuracy(files):
    words = ["--recs", files / "theirs.csv", "--train", files / "train.csv"]
    result = call("audit", *words, "--summary", "--metric", "recall@10")
    assert result.exit_code == 0 and "Accuracy of theirs is unknown" in result.stdout
    assert np.isnan(float(lines_of(*words)["theirs"]["ndcg@20"] or "nan"))
    assert call("audit", *words, "--fail-on", "ndcg<0.001").exit_code == 1


def test_conditions_give_an_exit_code_and_the_line_that_failed(finished):
    arp = {row: float(line["arp@20"]) for row, line in lines_of(finished).items()}
    low, high = sorted([arp["random"], arp["dns"]])
    passed = call("audit", finished, "--fail-on", f"arp>{high + 1},coverage<0")
    assert passed.exit_code == 0 and "no condition" in passed.stderr
    failed = call("audit", finished, "--fail-on", f"arp>{(low + high) / 2}")
    assert failed.exit_code == 1 and failed.stderr.count("--fail-on:") == 1
    assert "arp@20" in failed.stderr and "the mean of 2 seeds" in failed.stderr
    assert "What the lists of 20 hold" in failed.stdout
    reference = call("audit", finished, "--method", "most_popular", "--fail-on", "ARP>0")
    assert reference.exit_code == 1 and "most_popular" in reference.stderr


def test_a_value_that_is_missing_does_not_pass(finished):
    result = call("audit", finished, "--fail-on", "closed form>1", "--method", "dns")
    assert result.exit_code == 1 and "no value" in result.stderr


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--fail-on", "arq>2"], "did you mean"),
        (["--fail-on", "arp=2"], "one of < > <= >="),
        (["--fail-on", "arp>many"], "end in a number"),
        (["--fail-on", " "], "must hold a condition"),
        (["--fail-on", "counted<3", "--summary"], ""),
        (["--method", "dnss"], "did you mean dns"),
        (["--group", "genre"], "add --summary"),
        (["--items", "items.csv"], "add --summary"),
        (["--summary", "--group", "genre"], "add --items"),
        (["--summary", "--format", "pdf"], "add -o page.pdf"),
        (["--summary", "--format", "csv"], "a format of the page"),
        (["--user", "u"], "columns of --recs"),
    ],
)
def test_mistakes_are_one_sentence_and_write_nothing(finished, words, message):
    result = call("audit", finished, *words)
    if message:
        assert result.exit_code == 2 and result.stdout == ""
        assert message in result.stderr and len(result.stderr.splitlines()) == 1


def test_a_bad_condition_keeps_the_page_from_being_written(finished, tmp_path):
    out = tmp_path / "page.html"
    assert call("audit", finished, "--fail-on", "arq>2", "-o", out).exit_code == 2
    assert not out.exists()


def test_without_any_input():
    result = call("audit")
    assert result.exit_code == 2 and "--recs LISTS --train PAIRS" in result.stderr


@pytest.mark.slow
def test_a_pdf_where_a_browser_prints(finished, tmp_path):
    if browser() is None:
        pytest.skip("no browser")
    out = tmp_path / "page.pdf"
    assert call("audit", finished, "-o", out).exit_code == 0
    assert out.read_bytes().startswith(b"%PDF")


def test_a_pdf_without_a_browser_is_one_sentence(finished, tmp_path, monkeypatch):
    monkeypatch.setattr("negbench.analysis.audit.pdf.browser", lambda: None)
    result = call("audit", finished, "-o", tmp_path / "page.pdf")
    assert result.exit_code == 2 and "write -o page.html" in result.stderr
    assert not (tmp_path / "page.pdf").exists()
