"""What Tab offers in bash, zsh and fish: names, pieces of lists, run folders; and how quickly."""

import os
import shutil
import subprocess
import sys

import click
import pytest
from click.shell_completion import BashComplete, FishComplete, ZshComplete
from click.testing import CliRunner

from negbench.cli import main
from negbench.cli.completion import INSTALL, LISTS_IN_FISH, PROGRAM, VARIABLE
from negbench.cli.tab_words import MARKS
from negbench.experiment.options.options import build, merge
from negbench.plugins import registry
from negbench.storage import run_file, search_store

SHELLS = {"bash": BashComplete, "zsh": ZshComplete, "fish": FishComplete}
SCRIPT = f"""#!{sys.executable}
import sys
from negbench.cli import main
try:
    main()
finally:
    with open("heavy", "w") as file:
        print(*[n for n in ("torch", "numpy", "pandas") if n in sys.modules], file=file)
"""


@pytest.fixture(autouse=True)
def here(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def offered(*words, shell="bash"):
    """What is offered for the last word."""
    complete = SHELLS[shell](main, {}, PROGRAM, VARIABLE)
    *before, incomplete = words
    return [each.value for each in complete.get_completions(before, incomplete)]


def kinds(*words):
    *before, incomplete = words
    items = BashComplete(main, {}, PROGRAM, VARIABLE).get_completions(before, incomplete)
    return [each.type for each in items]


def a_run(folder, cells=()):
    folder.mkdir(parents=True)
    (folder / "run.json").write_text(f'{{"cells": {list(cells)}}}'.replace("'", '"'))
    return folder


@pytest.mark.parametrize(
    "words, family",
    [
        (("run", "-m", ""), "methods"),
        (("tune", "--methods", ""), "methods"),
        (("run", "-b", ""), "backbones"),
        (("run", "--references", ""), "references"),
        (("run", "-d", ""), "datasets"),
        (("download", ""), "datasets"),
        (("data", "check", ""), "datasets"),
        (("run", "--objective", ""), "objectives"),
        (("run", "--probe", ""), "probes"),
        (("mine", "runs/first", "--method", ""), "methods"),
        (("compare", "runs/first", "--vs", ""), "methods"),
    ],
)
def test_names_are_those_of_the_registry(words, family):
    assert [each for each in offered(*words) if each != "all"] == registry.names(family)


def test_a_list_is_completed_by_its_last_piece():
    assert offered("run", "-m", "random,dn") == ["random,dns", "random,dns_mn"]
    assert "random,random" not in offered("run", "-m", "random,r")
    assert offered("run", "-m", "all,-dn") == ["all,-dns", "all,-dns_mn"]
    assert offered("run", "-m", "dns(candidates=4,") == [], "within settings"
    assert offered("run", "--references", "ease,most") == ["ease,most_popular"]
    assert offered("run", "-m", "nothing_begins_so") == []


def test_metrics_have_a_length():
    assert offered("run", "--metrics", "recall@20,nd") == ["recall@20,ndcg@20", "recall@20,ndcg@10"]
    assert offered("table", "runs", "--metric", "hi") == ["hit@20", "hit@10"]


def test_commands_options_and_kinds():
    assert offered("tab") == ["table"]
    assert offered("run", "--ref") == ["--references", "--reference"]
    assert set(offered("list", "")) > {"methods", "plots"}
    assert offered("new", "back") == ["backbone"]
    assert offered("info", "overv") == ["overview"] and "dns" in offered("info", "dn")
    assert offered("completion", "") == ["bash", "zsh", "fish"]
    assert "health-mf" in offered("reproduce", "health")


def test_run_folders_here_or_one_down_and_otherwise_all_folders(here):
    a_run(here / "runs" / "first")
    a_run(here / "alone")
    a_run(here / "runs" / "with blank")
    a_run(here / ".hidden")
    (here / "runs" / "tuned" / "trials").mkdir(parents=True)
    (here / "runs" / "tuned" / "tune.json").touch()
    a_run(here / "runs" / "tuned" / "trials" / "inner")
    (here / "data").mkdir()
    for command in ("table", "resume", "export", "report", "status", "mine"):
        assert offered(command, "") == ["alone", "runs/first", "runs/tuned"]
    assert offered("table", "ru") == ["runs/first", "runs/tuned"]
    assert offered("table", "runs/f") == ["runs/first"]
    assert offered("table", f"{here}/al") == [f"{here}/alone"]
    assert offered("run", "--tuned", "runs/t") == ["runs/tuned"]
    assert kinds("table", "da") == ["dir"] and kinds("table", "no/such/") == ["dir"]


def test_the_marks_of_a_run_are_the_files_that_are_written():
    assert MARKS == (run_file.NAME, search_store.ASKED)


def test_within_a_run_its_own_names_are_offered(here):
    cell = {"dataset": "goodbooks", "backbone": "mf", "method": "dns"}
    a_run(here / "run", [cell, {**cell, "method": "hard"}, {**cell, "backbone": "lightgcn"}])
    assert offered("export", "run", "-m", "") == ["dns", "hard"]
    assert offered("export", "run", "-b", "l") == ["lightgcn"]
    assert offered("mine", "run", "-d", "") == ["goodbooks"]
    assert offered("compare", "run", "--vs", "d") == ["dns"]
    assert offered("table", "run", "--rows", "dns,") == ["dns,hard"]
    (here / "run" / "run.json").write_text("{damaged")
    assert offered("export", "run", "-m", "") == registry.names("methods")


def test_files_and_folders_are_left_to_the_shell():
    assert kinds("run", "--item-features", "it") == ["file"]
    assert kinds("run", "-d", "ratings.c") == ["file"]
    assert kinds("run", "experiment") == ["file"]
    assert kinds("run", "-o", "runs/") == ["dir"]
    assert kinds("table", "runs", "-o", "ta") == ["file"]


def test_words_that_are_offered_for_options_of_run_are_accepted():
    beside = {"repeats": {"average": "events"}, "optimiser": {"lr": 0.1}}
    options = "exclude mask average users ranking repeats overwrite optimiser"
    for option in options.split():
        words = offered("run", f"--{option}", "")
        assert len(words) > 1
        for word in words:
            build(merge({option: word, **beside.get(option, {})}))
    assert offered("run", "--track", "tensorboard,w") == ["tensorboard,wandb"]
    build({"track": offered("run", "--track", "")})


def test_every_option_has_words_or_is_a_number_a_text_or_a_flag():
    """Nothing that names a plug-in, a run or a file is left without an answer."""
    named = ("run_dir", "run_dirs", "methods", "datasets", "backbones", "plugins", "metric")

    def commands(group):
        for command in group.commands.values():
            yield from commands(command) if isinstance(command, click.Group) else [command]

    for command in commands(main):
        for parameter in command.params:
            if parameter.name in named:
                items = parameter.shell_complete(click.Context(command), "")
                assert items, (command.name, parameter.name)


@pytest.mark.parametrize("shell", SHELLS)
def test_each_shell_is_answered_in_its_own_form(shell, monkeypatch):
    complete = SHELLS[shell](main, {}, PROGRAM, VARIABLE)
    monkeypatch.setenv("COMP_WORDS", "negbench run -m random,dns_m")
    monkeypatch.setenv("COMP_CWORD", "random,dns_m" if shell == "fish" else "3")
    assert "random,dns_mn" in complete.complete()


@pytest.mark.parametrize("shell", SHELLS)
def test_the_command_prints_the_script_of_each_shell(shell):
    assert LISTS_IN_FISH[0] in FishComplete.source_template, "click has mended its script"
    result = CliRunner().invoke(main, ["completion", shell])
    assert result.exit_code == 0
    assert f"{VARIABLE}={shell}_complete" in result.output


def test_without_a_shell_it_prints_how_to_install():
    result = CliRunner().invoke(main, ["completion"])
    assert result.output.splitlines() == [f"{name:5} {line}" for name, line in INSTALL.items()]
    wrong = CliRunner().invoke(main, ["completion", "zhs"])
    assert wrong.exit_code == 2 and "did you mean zsh" in wrong.stderr


@pytest.fixture
def path(here):
    """A search path on which `negbench` stands first."""
    script = here / "bin" / "negbench"
    script.parent.mkdir()
    script.write_text(SCRIPT)
    script.chmod(0o755)
    return f"{script.parent}{os.pathsep}{os.environ['PATH']}"


@pytest.mark.skipif(shutil.which("fish") is None, reason="there is no fish here")
def test_a_real_fish_completes_the_last_piece_of_a_list(here, path):
    """click's own script would cut `goodbooks,kuairec` at its comma, and offer nothing."""
    typed = """
negbench completion fish | source
complete -C 'negbench run -d goodbooks,kuairec_'
complete -C 'negbench run -m dns_'
"""
    env = {**os.environ, "PATH": path, "HOME": str(here)}
    done = subprocess.run(["fish", "-c", typed], capture_output=True, text=True, env=env)
    assert done.stdout.splitlines() == ["goodbooks,kuairec_full", "dns_mn"], done.stderr


@pytest.mark.skipif(shutil.which("bash") is None, reason="there is no bash here")
def test_a_real_bash_completes_and_loads_nothing_heavy(here, path):
    typed = """
eval "$(negbench completion bash)"
complete -p negbench
COMP_WORDS=(negbench run -m random,dns_m) COMP_CWORD=3
_negbench_completion negbench
printf '%s\\n' "${COMPREPLY[@]}"
"""
    done = subprocess.run(
        ["bash", "--norc", "-c", typed],
        capture_output=True,
        text=True,
        env={**os.environ, "PATH": path},
    )
    declared, *words = done.stdout.splitlines()
    assert declared.startswith("complete") and declared.endswith("negbench"), done.stderr
    assert words == ["random,dns_mn"] and done.stderr == ""
    assert (here / "heavy").read_text().strip() == ""
