"""The method, the loss and the sampler that README and guide show do what is said of them."""

import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import torch
from click.testing import CliRunner
from helpers.page_blocks import blocks_of

from negbench.cli import main
from negbench.plugins import registry
from negbench.protocol import Negatives
from negbench.testing import conforms

ROOT = Path(__file__).resolve().parent.parent
README, GUIDE = ROOT / "README.md", ROOT / "docs" / "guide"


def code_with(page, word):
    """The one block in Python on a page that has the word."""
    (code,) = [b.code for b in blocks_of(page) if b.kind == "python" and word in b.code]
    return code


def lines(code):
    return [line for line in code.splitlines() if line.strip()]


def test_the_readme_is_short_and_leads_to_every_page_of_the_guide():
    text = README.read_text("utf-8")
    assert len(text.splitlines()) < 200
    assert [
        page.name for page in GUIDE.glob("*.md") if f"(docs/guide/{page.name})" not in text
    ] == []


def test_the_method_of_twenty_lines_works_from_plugin(tmp_path, monkeypatch):
    monkeypatch.setattr(registry, "_plugins", {})
    code = code_with(README, "CARD = Card(")
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
    names = {}
    exec(code_with(README, "CARD = Card("), names)
    scores = torch.tensor([[0.3, 0.9, 0.1, 0.7, 0.5, 0.2]])
    step = SimpleNamespace(scores_no_grad=lambda negatives: scores)
    for r, item in ((1, 1), (2, 3), (3, 4), (6, 2), (7, 2)):
        kept = names["RankR"](r).apply(step, Negatives(torch.arange(6).unsqueeze(0)))
        assert kept.ids.tolist() == [[item]]


def test_hard_rows_weigh_as_said():
    names = {}
    exec(code_with(GUIDE / "own_method.md", "CARD = Card("), names)
    view = SimpleNamespace(positive=None, score_pair=lambda _: torch.tensor([0.5, 0.5, 0.5]))
    scores = torch.tensor([[0.6], [0.5], [-torch.inf]])
    step = SimpleNamespace(view=view, scores_no_grad=lambda negatives: scores)
    before = Negatives(torch.zeros(3, 1, dtype=torch.int64), row_weight=torch.tensor([2.0, 3, 4]))
    weights = names["WeighHardRows"](5.0).apply(step, before).row_weight
    assert weights.tolist() == [10, 3, 4]


def test_the_negatives_alone_are_drawn_as_shown():
    names = {}
    exec(code_with(GUIDE / "own_loop.md", "negbench.sampler("), names)
    assert names["negatives"].ids.shape == (256, 4)


def test_the_method_in_somebody_elses_loop_runs(tmp_path):
    code = code_with(GUIDE / "own_loop.md", "attach(")
    assert len(lines(code)) <= 20
    script = tmp_path / "loop.py"
    script.write_text(code)
    done = subprocess.run(
        [sys.executable, str(script)], capture_output=True, text=True, timeout=120, cwd=tmp_path
    )
    assert done.returncode == 0, done.stderr
    values = [float(line.split()[1]) for line in done.stdout.splitlines()]
    assert values[-1] < values[0]
