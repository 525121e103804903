"""The commands that look around: list, info, data check, new, check, doctor."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from negbench.cli import main
from negbench.plugins import registry

DATA = "synthetic(users=60,items=100,interactions=1200,relevant=0.4)"


@pytest.fixture(autouse=True)
def fresh(monkeypatch, tmp_path):
    """Every test in its own folder, and without the plug-ins of the others."""
    monkeypatch.setattr(registry, "_plugins", {})
    monkeypatch.chdir(tmp_path)


def call(*words):
    return CliRunner().invoke(main, [str(word) for word in words])


def test_lists():
    names = registry.names("methods")
    shown = call("list", "methods").stdout
    assert all(name in shown for name in names)
    everything = json.loads(call("list", "--json").stdout)
    known = {each["kind"]: each["name"] for each in everything}
    assert set(known) == {
        *registry.FAMILIES,
        "objectives",
        "metrics",
        "probes",
        "plots",
    }
    static = json.loads(call("list", "method", "--family", "static", "--json").stdout)
    assert {each["family"] for each in static} == {"static"}


def test_everything_listed_can_be_told_of():
    for each in json.loads(call("list", "--json").stdout):
        result = call("info", each["name"])
        assert result.exit_code == 0 and each["name"] in result.stdout, result.output


def test_info_tells_parameters_and_search_space():
    facts = json.loads(call("info", "dns", "--json").stdout)
    (candidates,) = [each for each in facts["parameters"] if each["name"] == "candidates"]
    assert candidates["default"] == "8" and candidates["says"]
    assert "candidates" in facts["search"]
    shown = call("info", "dns").stdout
    assert "candidates: int = 8" in shown and "SIGIR" in shown
    for name in ("mf", "two_tower", "goodbooks", "ahns"):
        assert max(map(len, call("info", name).stdout.splitlines())) <= 100


def test_data_check():
    Path("my.csv").write_text(
        "uid,sku,timestamp\n"
        + "".join(f"u{n % 4},i{n % 3},{1_600_000_000 + n}\n" for n in range(12))
    )
    facts = json.loads(
        call("data", "check", "my.csv", "--user", "uid", "--item", "sku", "--json").stdout
    )
    assert (facts["users"], facts["items"], facts["interactions"]) == (4, 3, 12)
    assert facts["density"] == "100.0000%"
    assert "2020-09-13" in facts["order"]
    assert facts["k-core"][1] == "5: nothing remains"
    assert "my" in call("data", "check", "my.csv", "--user", "uid", "--item", "sku").stdout


def test_data_check_cuts_the_bands_as_a_run_does():
    facts = json.loads(call("data", "check", "goodbooks", "--json").stdout)
    run = ("run", "-d", "goodbooks", "-m", "random", "--epochs", "1", "--seeds", "1", "-o", "run")
    assert call(*run).exit_code == 0
    (record,) = Path("run", "cells").glob("*/cell.json")
    bands = json.loads(record.read_text())["bands"]
    sizes = ", ".join(
        f"{name} {size:,}" for name, size in zip(bands["names"], bands["items"], strict=True)
    )
    assert facts["bands"] == f"{bands['rule']} by train pairs: {sizes}"


def test_data_check_shows_how_a_rule_splits():
    shown = call("data", "check", "goodbooks", "--split", "popularity_shift(0)").stdout
    assert "popularity_shift(0,0.1,seed=0)   train 66,559  valid 8,319  test 8,319" in shown
    for word in (
        "Gini of item counts: train 0.6",
        "effective items: train 1,",
        "KL from train: valid",
        "unseen",
    ):
        assert word in shown
    assert call("data", "check", "goodbooks", "--split", "popularity_shift(2)").exit_code == 2


def test_a_new_method_and_its_test_pass_at_once():
    assert call("new", "method", "my_method").exit_code == 0
    where = {**os.environ, "PYTHONDONTWRITEBYTECODE": "1"}
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "test_my_method.py"],
        env=where,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout
    assert call("new", "method", "my_method").exit_code == 2
    words = ["-m", "my_method(candidates=4)", "--seeds", "1", "--epochs", "1", "-q"]
    assert call("run", "-d", DATA, "--plugin", "my_method.py", *words).exit_code == 0


def test_doctor_finds_this_machine_well():
    result = call("doctor")
    assert result.exit_code == 0, result.output
    assert "the same seed gives the same bits" in result.stdout
