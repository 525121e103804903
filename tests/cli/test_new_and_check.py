"""`new` writes plug-ins that pass `check` and their tests; `check` shows what is wrong, where."""

import os
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from negbench.cli import main, templates
from negbench.plugins import registry

KINDS = list(templates.PLUGINS)


@pytest.fixture(autouse=True)
def here(tmp_path, monkeypatch):
    monkeypatch.setattr(registry, "_plugins", {})
    monkeypatch.chdir(tmp_path)
    (tmp_path / "own_dataset.csv").write_text("user,item,rating,time\na,x,5,1\na,y,4,2\nb,x,4,3\n")


def call(*words):
    return CliRunner().invoke(main, list(words))


def edited(kind, old, new):
    """A plug-in as `new` writes it, with one thing wrong."""
    assert call("new", kind, f"own_{kind}").exit_code == 0
    path = Path(f"own_{kind}.py")
    assert old in path.read_text()
    path.write_text(path.read_text().replace(old, new))
    return path


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_new_passes_its_check_and_its_test(kind):
    wrote = call("new", kind, f"own_{kind}")
    assert wrote.exit_code == 0 and f"negbench check own_{kind}.py" in wrote.output
    checked = call("check", f"own_{kind}.py", "--data-dir", ".")
    assert (checked.exit_code, checked.output.splitlines()[-1]) == (0, "all is well")
    assert "wrong" not in checked.output
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", f"test_own_{kind}.py"],
        env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout
    registry._plugins.clear()
    again = call("new", kind, f"own_{kind}")
    assert again.exit_code == 2 and "nothing is overwritten" in again.stderr


WRONG = {
    "a card": (
        "method",
        'moves=("stages",)',
        "moves=()",
        "card `moves` must name a choice",
        "CARD",
    ),
    "a default": ("method", "candidates: int = 8", "candidates: int", "default", "CARD"),
    "a part that raises": (
        "method",
        "stages=(TopM(1),)",
        "stages=(TopM(1 // 0),)",
        "it raises ZeroDivisionError",
        "stages=",
    ),
    "a gradient": (
        "backbone",
        "torch.autograd.backward(self.config.l2 / 2 * penalty)",
        "self.items.grad.mul_(3)",
        "check `backward`",
        "def build",
    ),
    "a shape": (
        "backbone",
        "RankingVectors(self.items,",
        "RankingVectors(self.items[1:],",
        "got",
        "",
    ),
    "an objective's mask": (
        "objective",
        "weight = loss.masked_fill(~negatives.mask, 0), weight * negatives.mask",
        "weight = loss, weight",
        "a masked negative must not change a row's loss",
        "def build",
    ),
    "a metric's shape": (
        "metric",
        "hits @ weights",
        "(hits @ weights)[:-1]",
        "must return one number a list",
        "def values",
    ),
    "a metric of all lists": (
        "metric",
        "hits @ weights",
        "hits @ weights / len(hits)",
        "must not depend on the other lists",
        "def values",
    ),
    "a reference's tensor": (
        "reference",
        "return self.of_items.to(users.device).repeat(len(users), 1)",
        "return self.of_items.expand(len(users), -1)",
        "`scores` must return a new tensor",
        "def build",
    ),
    "a probe's draw": (
        "probe",
        "gap = (feedback",
        "step.generator.manual_seed(1); gap = (feedback",
        "`watch` must not draw from `step.generator`",
        "def build",
    ),
    "a probe's hand": (
        "probe",
        "gap = (feedback",
        "used.ids.zero_(); gap = (feedback",
        "`watch` must change nothing of a step",
        "def build",
    ),
    "a figure's answer": (
        "figure",
        "    return plots",
        "    return plots[0]",
        "figure own_figure must give a list of Plot",
        "def plots",
    ),
    "a figure's code": ("figure", "axes.plot(", "axes.plott(", "raised AttributeError", "plott"),
    "a file": (
        "dataset",
        'files=("own_dataset.csv",)',
        'files=("no.csv",)',
        "no.csv",
        "cache.find",
    ),
}


@pytest.mark.parametrize("case", WRONG)
def test_what_is_wrong_is_shown_with_its_line(case):
    kind, old, new, sentence, place = WRONG[case]
    path = edited(kind, old, new)
    checked = call("check", str(path), "--data-dir", ".")
    assert checked.exit_code == 1, checked.output
    assert "Traceback" not in checked.output
    shown = [line for line in checked.output.splitlines() if line.strip().startswith(f"{path}:")]
    (first, *_) = [line for line in shown if sentence in line]
    number = int(first.strip().split(":")[1])
    assert place in path.read_text().splitlines()[number - 1]


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["check", "no.py"], "FILES must be Python files; got no.py"),
        (["check"], "FILES"),
        (
            ["new", "sampler", "mine"],
            "the kind must be one of method, backbone, dataset, reference, ",
        ),
        (["new", "backbone", "mf"], "backbones already has 'mf'"),
        (["new", "dataset", "Mine"], "a dataset's name must be a Python word"),
    ],
)
def test_a_wrong_word_is_one_sentence(words, sentence):
    done = call(*words)
    assert done.exit_code == 2
    assert sentence in done.stderr and "Traceback" not in done.stderr


def test_the_next_commands_can_be_pasted():
    Path("my plug-ins").mkdir()
    lines = call("new", "method", "mine", "--folder", "my plug-ins").output.splitlines()[2:]
    path = "my plug-ins/mine.py"
    assert [path in shlex.split(line) for line in lines] == [False, True, True]
    assert "my plug-ins/test_mine.py" in shlex.split(lines[0])
