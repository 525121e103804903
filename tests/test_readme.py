"""What the README shows is run as it stands."""

import re
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import torch
from click.testing import CliRunner

from negbench.cli import main
from negbench.plugins import registry
from negbench.protocol import Negatives
from negbench.testing import conforms

README = (Path(__file__).resolve().parent.parent / "README.md").read_text("utf-8")


def blocks(word):
    blocks_of_code = [block.split("```")[0] for block in README.split("```python\n")[1:]]
    return [block for block in blocks_of_code if word in block]


def lines(code):
    return [line for line in code.splitlines() if line.strip()]


def test_the_method_of_twenty_lines_works_from_plugin(tmp_path, monkeypatch):
    monkeypatch.setattr(registry, "_plugins", {})
    (code,) = blocks("CARD = Card(")
    assert len(lines(code)) <= 20
    path = tmp_path / "first_of_r.py"
    path.write_text(code)
    words = ["run", "--plugin", str(path), "-m", "random,first_of_r(n=8),first_of_r(n=8,r=1)"]
    words += ["-d", "synthetic(users=80,items=60,interactions=1500,relevant=0.3)", "--seeds", "1"]
    words += ["--epochs", "2", "-o", str(tmp_path / "run")]
    done = CliRunner().invoke(main, words)
    assert done.exit_code == 0, done.output
    assert "first_of_r(n=8,r=1)" in done.output
    conforms("first_of_r")


def test_the_method_takes_the_rth_best():
    (code,) = blocks("CARD = Card(")
    names = {}
    exec(code, names)
    scores = torch.tensor([[0.3, 0.9, 0.1, 0.7, 0.5, 0.2]])
    step = SimpleNamespace(scores_no_grad=lambda negatives: scores)
    for r, item in ((1, 1), (2, 3), (3, 4), (6, 2), (7, 2)):
        kept = names["RankR"](r).apply(step, Negatives(torch.arange(6).unsqueeze(0)))
        assert kept.ids.tolist() == [[item]]


def test_the_negatives_alone_are_drawn_as_shown():
    (code,) = blocks("negbench.sampler(")
    names = {}
    exec(code, names)
    assert names["negatives"].ids.shape == (256, 4)


def test_the_method_in_somebody_elses_loop_runs(tmp_path):
    (code,) = blocks("attach(")
    assert len(lines(code)) <= 20
    script = tmp_path / "loop.py"
    script.write_text(code)
    done = subprocess.run(
        [sys.executable, str(script)], capture_output=True, text=True, timeout=120, cwd=tmp_path
    )
    assert done.returncode == 0, done.stderr
    values = [float(line.split()[1]) for line in done.stdout.splitlines()]
    assert values[-1] < values[0]


def test_every_option_in_the_readme_is_an_option():
    known = {
        option
        for command in main.commands.values()
        for parameter in command.params
        for option in parameter.opts
    } | {"--help", "--constraint"}
    ours = [line for line in README.splitlines() if "python benchmarks/" not in line]
    shown = set(re.findall(r"(?<![\w-])--[a-z][a-z-]+", "\n".join(ours)))
    assert shown <= known
