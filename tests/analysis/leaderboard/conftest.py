"""Runs for the tests of the leaderboard, its data, and a browser that shows its page."""

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from helpers import browser
from helpers.graded_run import rising, warm_up, write_graded

from negbench.analysis.leaderboard.board import board
from negbench.analysis.leaderboard.page import page_text
from negbench.storage.atomic_write import write_json

MEANS = {
    "random": {"all": 0.20, "head": 0.30, "tail": 0.10},
    "dns": {"all": 0.30, "head": 0.50, "tail": 0.05},
    "popularity": {"all": 0.25, "head": 0.28, "tail": 0.12},
    "info_nce": {"all": 0.10, "head": 0.10, "tail": 0.09},
}
FAMILIES = {"dns": "dynamic", "info_nce": "contrastive"}
RATES = {"random": 0.02, "dns": 0.08, "popularity": 0.05, "info_nce": 0.03}
SECONDS = {"random": 1.0, "dns": 2.0, "popularity": 3.0, "info_nce": 100.0}


def changed(method: str) -> Callable[[dict[str, Any]], None]:
    """What a cell of a method says of its family, its negatives and its time."""

    def change(record: dict[str, Any]) -> None:
        record["card"] = {**record["card"], "family": FAMILIES.get(method, "static")}
        record["probe"] = {"mode": "sample", "exact": False, "hard": 0.1, "planted": 0, "log": 0}
        rate = {"split": "train", "metric": "fnr", "k": 0, "band": "all", "value": RATES[method]}
        record["metrics"].append(rate)
        shown = {"split": "test", "metric": "coverage", "k": 20, "band": "all", "value": 0.5}
        record["metrics"].append(shown)
        for clock in ("wall", "cpu"):
            record["seconds"][clock] |= {"sampling": SECONDS[method], "scoring": 0.0, "update": 0.0}
        record["environment"] |= {"device": "cpu"}
        if method == "popularity":
            rising(record)
        if method == "info_nce":
            warm_up(record)

    return change


@pytest.fixture
def graded(tmp_path: Path, write: Any) -> Path:
    """Two data sets, four methods of three seeds (one warm-up only), one reference."""
    run = tmp_path / "graded"
    changes = {method: changed(method) for method in MEANS}
    for dataset in ("yelp", "books"):
        write_graded(write, run, MEANS, {"item_knn": 0.15}, dataset=dataset, changes=changes)
    entry = {"backbone": "mf", "backbone_variant": "", "method": "dns", "variant": "", "seed": 0}
    cells = [{"cell": name, "dataset": name, **entry} for name in ("yelp", "books")]
    command = f"negbench run -d yelp,books -o {run}"
    write_json(run / "run.json", {"command": command, "options": {}, "cells": cells})
    return run


@pytest.fixture
def browse(tmp_path: Path) -> Callable[..., browser.Shown]:
    """Open a page, run a script in it that gives back what it saw, and close the browser."""
    if browser.CHROMIUM is None:
        pytest.skip(browser.MISSING)
    return partial(browser.browse, tmp_path)


_PAGE: list[str] = []
"""The page of `graded`, which knows no folder, so one is enough for all tests."""


@pytest.fixture
def text(graded: Path) -> str:
    """The page of two data sets, four methods and a reference."""
    if not _PAGE:
        _PAGE.append(page_text(board([graded])))
    return _PAGE[0]
