"""A run goes on and runs again from its run.json; its printed commands repeat it."""

import json
import subprocess
from importlib import import_module
from pathlib import Path

import pytest
from click.testing import CliRunner
from helpers.small_runs import DATA

from negbench.cli import main
from negbench.experiment import run_grid
from negbench.experiment.options.command_line import IN_PYTHON, command_line
from negbench.experiment.options.options import build, flatten
from negbench.storage import run_file

COMMAND = import_module("negbench.cli.run")
TRAIN = ["-d", DATA, "--epochs", "2", "-b", "mf(dim=4)", "--seeds", "2", "--no-progress"]


def call(*words):
    return CliRunner().invoke(main, [str(word) for word in words])


def done(*words):
    result = call(*words)
    assert result.exit_code == 0, result.output
    return result


def info(run):
    return json.loads((run / "run.json").read_text())


def shell_words(command):
    """The words of a command as a shell hands them on."""
    printed = subprocess.run(
        ["sh", "-c", f"printf '%s\\0' {command}"], capture_output=True, text=True, check=True
    )
    return printed.stdout.split("\0")[:-1]


def test_run_json_keeps_the_first_command_and_every_default(tmp_path):
    out = tmp_path / "my run"
    done("run", *TRAIN, "-m", "random", "-o", out)
    first = info(out)
    assert shell_words(first["command"])[1:] == ["run", *TRAIN, "-m", "random", "-o", str(out)]
    assert first["experiment"]["train.epochs"] == 2
    assert first["experiment"]["train.eval_every"] == 1 and first["experiment"]["seeds"] == [0, 1]
    assert first["configs"]["backbones"]["mf(dim=4)"]["dim"] == 4
    done("run", *TRAIN, "-m", "random,dns", "-o", out)
    done("resume", out, "-j", "2", "-q")
    now = info(out)
    assert {k: now[k] for k in ("command", "started", "experiment")} == {
        k: first[k] for k in ("command", "started", "experiment")
    }
    commands = [shell_words(each["command"])[1:] for each in now["resumes"]]
    assert commands[0][-4:] == ["-m", "random,dns", "-o", str(out)]
    assert commands[1] == ["resume", str(out), "-j", "2", "-q"]
    assert now["resumes"][0]["options"] == {"methods": ["random", "dns"]}


def test_a_run_runs_again_elsewhere_and_gives_the_same_bits(tmp_path):
    out, other, third = (tmp_path / name for name in ("out", "other", "third"))
    methods = "popularity(negatives=32)+dns,dns(objective=bce)"
    done("run", *TRAIN, "-m", methods, "--lr", "0.02", "-o", out, "-q")
    done("run", *TRAIN, "-m", "random", "--references", "most_popular", "-o", out, "-q")
    result = done("run", out / "run.json", "-o", other)
    assert (other / "results.csv").read_bytes() == (out / "results.csv").read_bytes()
    assert sorted(p.name for p in (other / "cells").iterdir()) == sorted(
        p.name for p in (out / "cells").iterdir()
    )
    assert "grid   7 cells" in result.stdout  # of two experiments: no product is 7
    done("run", other / "run.json", "-o", third, "-q")  # the copy says as much as the original
    assert (third / "results.csv").read_bytes() == (out / "results.csv").read_bytes()


def test_without_another_folder_it_goes_on_where_it_is(tmp_path):
    out = tmp_path / "out"
    done("run", *TRAIN, "-m", "random", "-o", out, "--shard", "1/2", "-q")
    assert len(list((out / "cells").iterdir())) == 1
    stamp = next((out / "cells").glob("*/cell.json")).stat().st_mtime_ns
    done("run", out / "run.json", "-q")
    cells = list((out / "cells").glob("*/cell.json"))
    assert len(cells) == 2 and stamp in {each.stat().st_mtime_ns for each in cells}


def test_status_names_the_command_that_does_what_other_shards_left(tmp_path):
    out = tmp_path / "out"
    started = done("run", *TRAIN, "-m", "random", "-o", out, "--shard", "1/2")
    assert "; shard 1/2 alone: 1 cell, 1 to do" in started.stdout
    status = done("status", out).stdout
    line = next(x for x in status.splitlines() if x.startswith("go on"))
    words = shell_words(line.removeprefix("go on").strip())
    assert words == ["negbench", "run", str(out / "run.json")]  # a resume keeps the shard
    done(*words[1:], "-q")
    assert "2 done, 0 failed, 0 pending" in done("status", out).stdout


def test_a_resume_goes_on_with_all_commands_and_leaves_out_what_a_later_one_changed(tmp_path):
    out = tmp_path / "out"
    half = ["--shard", "1/2", "-o", out, "-q"]
    done("run", *TRAIN, "-m", "random", *half)
    done("run", *TRAIN, "-m", "dns", *half)
    assert "2 done, 0 failed, 2 pending" in done("status", out).stdout
    whole = ["--shard", "1/1", "-o", out, "-q"]
    done("run", *TRAIN, "-m", "dns", *whole)
    now = done("status", out)
    assert "3 done, 0 failed, 1 pending" in now.stdout
    done("resume", out, "-q")
    assert "4 done, 0 failed, 0 pending" in done("status", out).stdout
    assert len(run_file.planned(info(out))) == 4


def test_a_json_file_that_is_no_run_json_is_refused(tmp_path):
    (tmp_path / "run.json").write_text("{}")
    (tmp_path / "other.json").write_text("{}")
    for name, words in (("run.json", "must hold run.json"), ("other.json", "run.json of a run")):
        result = call("run", tmp_path / name)
        assert result.exit_code == 2 and words in result.stderr
        assert sorted(p.name for p in tmp_path.iterdir()) == ["other.json", "run.json"]


OPTIONS = [
    {},
    {"datasets": ["synthetic(users=60,items=100)"], "methods": ["popularity(negatives=2)+dns"]},
    {"methods": ["dns(objective=softmax(correct=false))"], "seeds": "4,7", "name": "it's mine"},
    {"split": "ratio(0.8,0.1,0.1)", "metrics": ["recall,ndcg@5,50"], "plant": 0.1, "k_core": 3},
    {"epochs": 7, "lr": 0.02, "shard": "2/8", "jobs": "auto", "references": "all", "noise": 0.2},
    {"backbones": ["mf(dim=4)", "mf"], "bands": "items:0.2,0.8", "objective": "bpr"},
]


@pytest.mark.parametrize("raw", OPTIONS)
def test_the_command_of_options_asks_for_the_same(raw, monkeypatch):
    options = build(flatten(raw))
    heard = []
    monkeypatch.setattr(COMMAND, "_carry_out", lambda asked, **_: heard.extend(asked))
    name, *words = shell_words(command_line(options))
    assert name == "negbench"
    done(*words)
    assert heard == [options]


def test_the_command_of_a_file_with_an_odd_name_repeats_the_run(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("it's (1).csv").write_text("u,i\n" + "".join(f"{a},{b}\n" for a in "abc" for b in "wxyz"))
    options = build(flatten({"datasets": ["it's (1).csv"], "user": "u", "item": "i"}))
    heard = []
    monkeypatch.setattr(COMMAND, "_carry_out", lambda asked, **_: heard.extend(asked))
    done(*shell_words(command_line(options))[1:])
    assert heard[0].as_flat() == options.as_flat()


def test_names_are_one_word_unless_a_comma_in_one_would_part_it(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("a,b.csv").write_text("u,i\n" + "".join(f"{a},{b}\n" for a in "abc" for b in "wxyz"))
    plain = {"datasets": ["goodbooks", "kuairec"], "methods": ["random", "dns(candidates=4)"]}
    assert command_line(build(flatten(plain))) == (
        "negbench run --datasets=goodbooks,kuairec '--methods=random,dns(candidates=4)'"
    )
    options = build(flatten({"datasets": ["a,b.csv", "goodbooks"], "user": "u", "item": "i"}))
    heard = []
    monkeypatch.setattr(COMMAND, "_carry_out", lambda asked, **_: heard.extend(asked))
    done(*shell_words(command_line(options))[1:])
    assert [Path(each).name for each in heard[0].datasets] == ["a,b.csv", "goodbooks"]


def test_a_call_in_python_is_written_down_as_the_command_that_repeats_it(tmp_path):
    import pandas as pd

    import negbench

    quick = {"methods": "random", "backbones": "mf(dim=4)", "seeds": 1, "epochs": 1}
    run = negbench.run(datasets=DATA, out=tmp_path / "a", progress=False, **quick)
    words = shell_words(info(run.folder)["command"])
    done(*words[1:], "-o", tmp_path / "b", "-q")
    assert info(tmp_path / "b")["cells"] == info(run.folder)["cells"]
    frame = pd.DataFrame({"user": list("aabbccdd") * 3, "item": list("wxyzuvstvwxyzuststuvwxyz")})
    held = negbench.run(datasets=frame, out=tmp_path / "c", progress=False, **quick)
    assert info(held.folder)["command"] == IN_PYTHON


def test_an_interrupted_shard_is_told_the_same_command(tmp_path, monkeypatch):
    """A folder keeps the shard of its last command, so a resume may do another machine's part."""

    def interrupt(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr(run_grid, "carry_out", interrupt)
    words = ["run", *TRAIN, "-m", "random", "-o", tmp_path / "out", "-q"]
    assert f"negbench resume {tmp_path / 'out'}" in call(*words).stderr
    result = call(*words, "--shard", "1/2")
    assert result.exit_code == 130 and "the same command goes on" in result.stderr
    assert "resume" not in result.stderr
