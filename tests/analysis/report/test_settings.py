"""The report's settings: of every row as it ran, the machine, the time and the commands."""

import io
import re
from html import unescape
from pathlib import Path
from urllib.parse import unquote

import pandas as pd
import pytest
from helpers.split_runs import in_split

from negbench.analysis.report import settings
from negbench.analysis.report.write import page
from negbench.analysis.runs.frames import open_run
from negbench.storage.atomic_write import write_json
from negbench.storage.split_folders import split_folder

ONE = {"all": [0.1, 0.2, 0.3, 0.4]}


def setting(**given):
    """A change of a record to these settings."""
    return lambda record: trained(record, **given)


def trained(record, dim=64, lr=0.01, method_config=None, objective=None, **fields):
    record["spec"]["backbone_config"] = {"dim": dim, "lr": lr, "l2": 0.001, "batch_size": 2048}
    record["spec"]["backbone_config"]["layers"] = 2
    budget = {"epochs": 100, "patience": 5, "eval_every": 1, "select": "ndcg@20"}
    record["spec"]["train"] = budget | {"lr": None, "time_limit": 0.0}
    record["spec"]["method_config"] = method_config or {}
    record["spec"]["objective"] = objective
    record.update(fields)


@pytest.fixture
def run(tmp_path, write):
    """Two methods that differ in lr, and a composition with a forced objective."""
    folder = tmp_path / "run"
    both = {"popularity": {"negatives": 32}, "dns": {"candidates": 8}}
    for seed in (0, 1):
        late = {"finished": f"2026-01-02T0{seed}:00:00+00:00"}
        write(folder, "books", "random", seed, ONE, change=setting(**late))
        write(folder, "books", "dns", seed, ONE, change=setting(lr=0.1, **late))
        write(
            folder,
            "books",
            "popularity+dns",
            seed,
            ONE,
            variant="negatives=32;objective=bpr",
            change=setting(method_config=both, objective="bpr", **late),
        )
    first = {"command": "negbench run -m 'a (1)'", "started": "2026-01-01T00:00:00+00:00"}
    again = {"command": "negbench resume run", "started": "2026-01-02T00:00:00+00:00"}
    write_json(folder / "run.json", {**first, "options": {}, "resumes": [again]})
    return folder


def test_every_row_has_its_settings_as_resolved(run):
    frame = settings.settings(open_run(run)).set_index("row")
    row = frame.loc["popularity(negatives=32)+dns(objective=bpr)"]
    assert (row["lr"], row["l2"], row["dim"], row["batch_size"]) == ("0.01", "0.001", "64", "2048")
    assert (row["epochs"], row["patience"], row["objective"]) == ("100", "5", "bpr")
    assert row["parameters"] == "popularity: negatives=32; dns: candidates=8; backbone: layers=2"
    assert frame.loc["dns", "lr"] == "0.1" and frame.loc["dns", "trained"] == "2"
    (table,) = settings.tables(settings.settings(open_run(run)))
    assert "Rows differ in lr and objective." in table.caption


def test_numbers_that_need_more_digits_have_them_all(tmp_path, write):
    exact = {"dns": {"temperature": 64.0, "share": 1 / 3}}
    change = setting(lr=0.0027184512, method_config=exact)
    write(tmp_path / "run", "books", "dns", 0, ONE, change=change)
    (row,) = settings.settings(open_run(tmp_path / "run")).to_dict("records")
    assert row["lr"] == "0.0027184512" and "share=0.3333333333333333" in row["parameters"]
    assert "temperature=64," in row["parameters"] and row["l2"] == "0.001"


def test_the_page_shows_them_and_has_them_as_csv(run, monkeypatch):
    monkeypatch.setattr("negbench.analysis.report.page.KINDS", {})
    text = unescape(page(open_run(run)))
    section = text.partition('id="settings"')[2].partition('id="environment"')[0]
    for words in ("2048", "candidates=8", "0.1</td>", "bpr", "patience"):
        assert words in section
    csv = re.search(r'download="settings.csv" href="data:text/csv;charset=utf-8,(.*?)"', section)
    assert csv is not None
    assert set(pd.read_csv(io.StringIO(unquote(csv[1])))["lr"]) == {0.01, 0.1}


def test_machine_time_and_commands_are_told(run):
    known = dict(settings.facts(open_run(run)))
    assert known["command"].startswith("negbench run -m 'a (1)'")
    assert known["gone on with"].startswith("negbench resume run")
    assert known["started"] == "2026-01-01T00:00:00+00:00"
    assert known["last cell finished"] == "2026-01-02T01:00:00+00:00"
    assert known["total CPU time"] == "0.0183 hours (66.0 s) in 6 cells"
    assert known["machine"] == "m" and known["cells"] == "6 finished"


def test_what_old_records_lack_is_not_guessed(folder: Path):
    known = dict(settings.facts(open_run(folder)))
    assert known["last cell finished"] == "not recorded"
    frame = settings.settings(open_run(folder))
    assert set(frame[frame["backbone"] == "mf"]["lr"]) == {"none"}


def test_machines_that_differ_are_told_apart_with_their_cells(run, write):
    other = {"environment": {"machine": "n", "torch": "2"}}
    write(run, "books", "dns", 2, ONE, change=setting(lr=0.1, **other))
    known = dict(settings.facts(open_run(run)))
    assert known["machine"] == "m (6 cells); n (1 cell)"
    assert known["python"] == "3.11 (6 cells); not recorded (1 cell)"


def test_early_stopping_is_claimed_only_where_there_is_a_validation_part(run, write, tmp_path):
    claim = "Early stopping looks at the validation part alone"
    assert settings.stopping(open_run(run))[0] == f"{claim}."

    def without(record):
        trained(record)
        record["split"]["valid"] = 0

    write(run, "films", "dns", 0, ONE, change=without)
    first, second, _ = settings.stopping(open_run(run))
    assert first == f"{claim} on books." and "No validation part on films" in second
    write(tmp_path / "bare", "films", "dns", 0, ONE, change=without)
    assert not any(claim in each for each in settings.stopping(open_run(tmp_path / "bare")))


def test_a_row_whose_splits_chose_their_own_settings_has_all_of_them(tmp_path, write):
    for number, lr in ((1, 0.1), (2, 0.01)):

        def tuned(record, number=number, lr=lr):
            in_split(number)(record)
            trained(record, lr=lr, method_config={"dns": {"candidates": 8 * number}})
            record["spec"]["tuned"] = {"row": "dns", "protocol": f"h{number}", "trials": 16}

        write(split_folder(tmp_path, number), "books", "dns", 0, ONE, change=tuned)
    (line,) = settings.settings(open_run(tmp_path)).to_dict("records")
    assert (line["row"], line["lr"], line["dim"]) == ("dns", "0.1 or 0.01", "64")
    assert line["parameters"] == "candidates=8 or candidates=16; backbone: layers=2"


def test_an_approximate_ranking_is_not_called_full(tmp_path, write):
    ranking = {"kind": "hnsw", "depth": 50, "users": 4, "index_recall": {"test": {"20": 0.99}}}
    values = {band: [0.1, 0.2, 0.3, 0.4] for band in ("all", "head", "mid", "tail")}
    for method in ("random", "dns"):
        write(tmp_path, "books", method, 0, values, change=lambda r: r.update(ranking=ranking))
    run = open_run(tmp_path)
    assert settings.stopping(run)[-1].startswith("Lists are found by an approximate index")
    text = page(run)
    assert "Test part, approximate ranking." in text and "full ranking" not in text
