"""Blocks of the page stand as they were typed."""

from pathlib import Path
from typing import Any

import pytest

from negbench.analysis.report.block_order import typed_order
from negbench.analysis.report.page import content
from negbench.analysis.runs.frames import open_run
from negbench.storage.atomic_write import write_json

TYPED = [("films", "reference"), ("films", "mf"), ("films", "gru"), ("books", "reference")]
TYPED += [("books", "mf"), ("books", "gru")]


@pytest.fixture
def run(tmp_path: Path, write: Any) -> Path:
    """Two data sets on two backbones, neither typed by the alphabet."""
    for dataset, backbone in TYPED:
        write(tmp_path / "run", dataset, "mine", 0, {"all": [0.1, 0.2]}, backbone=backbone)
    return tmp_path / "run"


def plan(run: Path, typed: list[tuple[str, str]]) -> None:
    """A `run.json` that plans these."""
    rest = {"backbone_variant": "", "method": "mine", "variant": "", "seed": 0}
    cells = [{"cell": d + b, "dataset": d, "backbone": b, **rest} for d, b in typed]
    write_json(run / "run.json", {"command": "negbench run", "options": {}, "cells": cells})


def order(run: Path) -> list[str]:
    page = content(open_run(run))
    assert [part.verdict[0] for part in page["parts"]]
    return [part.title for part in page["parts"]]


@pytest.mark.usefixtures("bare")
def test_the_plan_gives_the_order(run: Path) -> None:
    plan(run, TYPED)
    assert order(run) == ["films · mf", "films · gru", "books · mf", "books · gru"]
    page = content(open_run(run))
    assert [each["name"] for each in page["data"]] == ["films", "books"]
    settings = [table.caption.partition(".")[0] for table in page["settings"]]
    assert settings == ["films · mf", "films · gru", "books · mf", "books · gru"]


@pytest.mark.usefixtures("bare")
def test_without_a_plan_it_is_that_of_the_names(run: Path) -> None:
    assert order(run) == ["books · gru", "books · mf", "films · gru", "films · mf"]


def test_what_no_plan_names_comes_last(run: Path) -> None:
    plan(run, TYPED[:2])
    place = typed_order(open_run(run))
    assert place("films", "mf") < place("films", "gru") < place("books", "mf")
