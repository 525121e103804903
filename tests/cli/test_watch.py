"""`status --watch`: lines a minute without a terminal, in place on one, and when it ends."""

import io
import json
import sys
from dataclasses import replace

import pytest
from click.testing import CliRunner

from negbench.cli import main, watch
from negbench.cli.status_lines import Look, look_at_run
from negbench.experiment.finished.status import status
from negbench.storage import claims
from negbench.storage.training_progress import ProgressFile, TrainingProgress


class Clock:
    """A clock that only sleeping moves."""

    def __init__(self):
        self.now = 0.0

    def monotonic(self):
        return self.now

    def sleep(self, seconds):
        self.now += seconds


@pytest.fixture
def clock(monkeypatch):
    clock = Clock()
    monkeypatch.setattr(watch, "time", clock)
    return clock


def look(at, *, alive=True, over=False, failed=0):
    return Look([f"{at} done", "left"], f"{at} of 9 cells done", alive, over, failed)


def test_without_a_terminal_it_is_a_line_a_minute_and_one_at_the_end(clock, capsys):
    code = watch.watch(lambda: look(int(clock.now), over=clock.now >= 150))
    numbers = [int(line.split()[0]) for line in capsys.readouterr().out.splitlines()]
    assert numbers == [0, 60, 120, 150] and code == 0


@pytest.mark.parametrize(
    ("seen", "code", "ends"),
    [
        ({"over": True}, 0, 0),
        ({"over": True, "failed": 1}, 1, 0),
        ({"alive": False}, 1, watch.GRACE + watch.PAUSE),
    ],
)
def test_it_ends_when_nothing_is_left_or_nobody_works(clock, capsys, seen, code, ends):
    assert watch.watch(lambda: look(3, **seen)) == code
    assert clock.now == ends and capsys.readouterr().out.endswith("3 of 9 cells done\n")


def test_a_slow_look_is_taken_less_often(clock):
    times = []

    def slow():
        times.append(clock.now)
        clock.now += 4.0
        return look(0, over=len(times) == 3)

    watch.watch(slow)
    assert times == [0.0, 44.0, 88.0]


def test_on_a_terminal_each_look_takes_the_place_of_the_last(clock, monkeypatch):
    screen = io.StringIO()
    screen.isatty = lambda: True
    monkeypatch.setattr(sys, "stdout", screen)
    looks = iter([look(0), look(1), look(22, over=True)])
    watch.watch(lambda: next(looks))
    back = "\x1b[2A\x1b[J"
    assert screen.getvalue() == f"0 done\nleft\n{back}1 done\nleft\n{back}22 done\nleft\n"


def test_a_long_line_is_folded_and_counts_as_several(monkeypatch, capsys):
    monkeypatch.setenv("COLUMNS", "30")
    shown = watch.Screen()
    shown.show(["working  a b/0: epoch 3 of at most 9, best 0.5"])
    assert shown.height == 2
    shown.show(["done"])
    lines = capsys.readouterr().out.splitlines()
    assert lines == ["working  a b/0: epoch 3 of at", "         most 9, best 0.5", "done"]
    assert shown.height == 1


def test_more_lines_than_a_screen_has_are_cut(monkeypatch, capsys):
    monkeypatch.setenv("LINES", "5")
    shown = watch.Screen()
    shown.show([str(at) for at in range(20)])
    assert capsys.readouterr().out.splitlines() == ["0", "1", "2", "..."]


def planned(run, *, done=False):
    entry = {"cell": "0a1b", "dataset": "d", "backbone": "mf", "backbone_variant": ""}
    entry |= {"method": "a", "variant": "", "seed": 0}
    text = json.dumps({"command": "negbench run", "options": {}, "cells": [entry]})
    (run / "run.json").write_text(text)


def test_a_live_run_is_never_told_to_be_resumed_and_shows_its_epochs(tmp_path):
    planned(tmp_path)
    runner = CliRunner()
    dead = runner.invoke(main, ["status", str(tmp_path)]).output
    assert f"go on    negbench resume {tmp_path}" in dead
    attending = claims.attend(tmp_path, "the run")
    between = runner.invoke(main, ["status", str(tmp_path)]).output
    assert "resume" not in between and "alive    " in between and "not known yet" in between
    with claims.take(tmp_path, "0a1b", "d mf a/0") as held:
        now = TrainingProgress(10, 40, 20.0, "ndcg@20", 9, 0.125)
        ProgressFile(tmp_path / "claims", held.cell, held.token).write(now)
        shown = runner.invoke(main, ["status", str(tmp_path)]).output
        value = json.loads(runner.invoke(main, ["status", str(tmp_path), "--json"]).output)
    attending.release()
    assert "epoch 10 of at most 40, best valid ndcg@20 0.1250 (epoch 9)" in shown
    assert "left     about 60 s, if no cell stops early" in shown or "about 59 s" in shown
    assert value["go_on"] == "" and value["working"][0]["progress"]["epoch"] == 10
    assert value["alive"] and value["no_early_stop"]


def test_a_dead_run_is_watched_for_a_grace_and_its_remedy_is_told(tmp_path, monkeypatch):
    planned(tmp_path)
    monkeypatch.setattr(watch, "GRACE", 0.0)
    monkeypatch.setattr(watch, "PAUSE", 0.01)
    result = CliRunner().invoke(main, ["status", str(tmp_path), "--watch"])
    assert result.exit_code == 1
    assert "0 of 1 cells done" in result.output
    assert f"nobody works on it; go on with: negbench resume {tmp_path}" in result.output


def test_watch_and_json_exclude_each_other(tmp_path):
    planned(tmp_path)
    result = CliRunner().invoke(main, ["status", str(tmp_path), "--watch", "--json"])
    assert result.exit_code == 2 and "leave out --watch" in result.stderr


def test_cells_that_are_done_again_are_watched_to_their_end(tmp_path):
    """Under --overwrite all none is pending, and watching ended at once, as if all were done."""
    planned(tmp_path)
    attending = claims.attend(tmp_path, "the run")
    assert not look_at_run(replace(status(tmp_path), pending=())).over
    attending.release()
    assert look_at_run(replace(status(tmp_path), pending=())).over
