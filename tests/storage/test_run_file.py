"""run.json: the first command stays, later ones stand below it, whoever writes at once."""

import json
from concurrent.futures import ThreadPoolExecutor

import pytest

from negbench.errors import UserError
from negbench.storage import run_file


def entry(name, seed, cell):
    words = {"dataset": "d", "backbone": "mf", "backbone_variant": "", "variant": ""}
    return {**words, "cell": cell, "method": name, "seed": seed}


def start(command, cells, **options):
    experiment = {"methods": ["random"], "jobs": 1, "train.epochs": 9, **options}
    return {
        "command": command,
        "started": "2026-01-01T00:00:00+00:00",
        "negbench": "0.1.0",
        "options": {"methods": ["random"]},
        "experiment": experiment,
        "cells": cells,
        "skipped": [],
        "configs": {"methods": {command: {}}},
    }


def test_the_first_start_stays_and_later_ones_say_what_differs(tmp_path):
    first = start("one", [entry("random", 0, "a")])
    run_file.add_start(tmp_path, first)
    assert run_file.read(tmp_path) == first
    run_file.add_start(tmp_path, start("two", [entry("random", 0, "a")], jobs=4))
    both = [entry("random", 0, "a"), entry("dns", 0, "b")]
    run_file.add_start(tmp_path, start("three", both, methods=["random", "dns"]))
    info = run_file.read(tmp_path)
    assert {name: info[name] for name in ("command", "options", "experiment", "cells")} == {
        name: first[name] for name in ("command", "options", "experiment", "cells")
    }
    assert [each["command"] for each in run_file.commands(info)] == ["one", "two", "three"]
    assert [each["options"] for each in info["resumes"]] == [
        {"jobs": 4},
        {"methods": ["random", "dns"]},
    ]
    assert "cells" not in info["resumes"][0]
    assert [each["cell"] for each in info["resumes"][1]["cells"]] == ["b"]
    assert [each["cell"] for each in run_file.planned(info)] == ["a", "b"]
    assert [each["methods"] for each in run_file.experiments(info)] == [
        ["random"],
        ["random", "dns"],
    ]
    assert info["configs"] == {"methods": {"one": {}, "two": {}, "three": {}}}


def test_of_a_row_and_seed_the_latest_plan_counts(tmp_path):
    run_file.add_start(tmp_path, start("one", [entry("dns", 0, "old"), entry("dns", 1, "old1")]))
    run_file.add_start(tmp_path, start("two", [entry("dns", 0, "new")], **{"train.epochs": 3}))
    planned = run_file.planned(run_file.read(tmp_path))
    assert sorted(each["cell"] for each in planned) == ["new", "old1"]


def test_of_many_that_start_at_once_one_is_the_first_and_the_file_is_whole(tmp_path):
    names = [f"command {at}" for at in range(16)]
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda name: run_file.add_start(tmp_path, start(name, [])), names))
    info = run_file.read(tmp_path)
    commands = [each["command"] for each in run_file.commands(info)]
    assert commands[0] in names and len(set(commands)) == len(commands)
    assert [path.name for path in tmp_path.iterdir()] == ["run.json"]


def test_a_file_of_an_older_version_is_the_first_start(tmp_path):
    old = {"command": "old", "options": {"methods": ["dns"]}, "cells": [entry("dns", 0, "a")]}
    (tmp_path / "run.json").write_text(json.dumps(old))
    budget = {"train.epochs": 100, "train.patience": 5}  # the defaults of then
    assert run_file.experiments(old) == [{**budget, "methods": ["dns"]}]
    given = {"options": {"train.patience": 7}}
    assert run_file.experiments(given) == [{"train.epochs": 100, "train.patience": 7}]
    run_file.add_start(tmp_path, start("new", []))
    info = run_file.read(tmp_path)
    assert info["command"] == "old" and info["resumes"][0]["command"] == "new"
    assert run_file.experiments(info)[-1]["train.epochs"] == 9


def test_a_damaged_file_is_written_anew_and_a_missing_one_is_refused(tmp_path):
    with pytest.raises(UserError, match="must hold run.json"):
        run_file.read(tmp_path)
    for text in ("{", "[]", '{"options": 3}'):
        (tmp_path / "run.json").write_text(text)
        with pytest.raises(UserError, match="must hold run.json"):
            run_file.read(tmp_path)
        run_file.add_start(tmp_path, start("one", []))
        assert run_file.read(tmp_path)["command"] == "one"


@pytest.mark.parametrize("cells", [None, "x", [1, {}, {"cell": "a"}]])
def test_whatever_stands_in_place_of_cells_is_passed_over(cells):
    assert run_file.planned({"cells": cells, "resumes": [3, {"cells": cells}]}) == []
