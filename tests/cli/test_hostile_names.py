"""Titles, names and values that would be markup are text wherever they are shown."""

import csv
import re
import shutil

import pytest
from click.testing import CliRunner

from negbench.cli import main
from negbench.experiment.finished.run import open_run
from negbench.plugins import registry

NASTY = r"$\input{x}$<script>alert(1)<blink>&_%#"
METHOD = r"""
from dataclasses import dataclass
from negbench.parts import BPR, Uniform
from negbench.protocol import Card, Method
CARD = Card(
    title="A title with <script>alert(2)</script> and \\input{y}, 100 % & more_",
    authors="<img src=x onerror=alert(3)> & Sons", venue="\\input{z}", year=2001,
    link="javascript:alert(4)", differs="<blink>bold</blink> $\\input{v}$", moves=("sampler",),
)
@dataclass(frozen=True)
class Config:
    word: str = ""
def build(config):
    return Method(sampler=Uniform(1), objective=BPR())
"""


def call(*words):
    done = CliRunner().invoke(main, [*map(str, words)])
    assert done.exit_code == 0, done.output
    return done.output


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """Two methods on a file of a hostile name with hostile items."""
    home = tmp_path_factory.mktemp("nasty")
    (home / "nasty.py").write_text(METHOD)
    path = home / f"d{NASTY}.csv"
    with path.open("w", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(["user", "item"])
        rows.writerows((f"{NASTY}{u}", f"{NASTY}{(u * 7 + i) % 30}") for u in range(25)
                       for i in range(8))  # fmt: skip
    words = ["run", "-d", path, "--plugin", home / "nasty.py", "-m", "random", "-b", "mf"]
    words += ["-m", f"nasty(word={NASTY})", "--seeds", "2", "--epochs", "2", "--dim", "4", "-q"]
    words += ["--log-negatives", "20", "--split", "random", "-o", home / "run"]
    with pytest.MonkeyPatch.context() as patch:  # this process forgets the plug-in afterwards
        patch.setattr(registry, "_plugins", {})
        call(*words)
        yield home / "run"


def test_html_holds_no_markup_of_theirs(run, tmp_path):
    shutil.copytree(run, tmp_path / "run")
    call("report", tmp_path / "run")
    page = next((tmp_path / "run").glob("*.html")).read_text()
    table = call("table", run, "--format", "html")
    for text in (page, table):
        assert "&lt;script&gt;alert(1)" in text and "\\input{x}" in text
        assert not re.search(r"<script>alert|<img src=x|<blink", text)
        assert 'href="javascript' not in text
    assert "&lt;script&gt;alert(2)" in page


def test_latex_runs_no_command_of_theirs(run):
    text = call("table", run, "--format", "latex")
    assert "input" in text and "\\input" not in text and "script" in text
    body = text[text.index("\\toprule") : text.index("\\bottomrule")]
    assert not re.search(r"(?<!\\)[%#]|(?<!\\|\$)_", body)
    cells = [len(re.findall(r"(?<!\\)&", line)) for line in body.splitlines() if " & " in line]
    assert len(cells) >= 3 and len(set(cells[1:])) == 1


def test_every_figure_and_page_is_made(run, tmp_path):
    shutil.copytree(run, tmp_path / "run")
    call("plot", tmp_path / "run", "--all")
    call("compare", tmp_path / "run")
    call("audit", tmp_path / "run")
    call("status", tmp_path / "run")
    assert NASTY in open_run(tmp_path / "run").table()
