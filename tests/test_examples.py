"""Every file of examples/ is run as it stands, on tiny data."""

import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from negbench.cli import main
from negbench.plugins import registry
from negbench.testing import CHECKS, conforms

EXAMPLES = Path(__file__).resolve().parent.parent / "examples"
TINY = "synthetic(users=80,items=60,interactions=1500,relevant=0.3)"


@pytest.fixture
def plugin(monkeypatch, tmp_path):
    """Runs a grid of one seed and two epochs with an example as the plug-in; what it prints."""
    monkeypatch.setattr(registry, "_plugins", {})

    def run(name, *words):
        given = ["run", "--plugin", str(EXAMPLES / f"{name}.py"), *words]
        given += ["--seeds", "1", "--epochs", "2", "-o", str(tmp_path / "run")]
        result = CliRunner().invoke(main, given)
        assert result.exit_code == 0, result.output
        return result.output

    return run


def test_own_method_trains(plugin):
    output = plugin("own_method", "-d", TINY, "-m", "random,own_method,own_method(negatives=4)")
    assert "own_method(negatives=4)" in output


@pytest.mark.parametrize("check", CHECKS)
def test_own_method_conforms(check, monkeypatch):
    monkeypatch.setattr(registry, "_plugins", {})
    registry.add_plugin(EXAMPLES / "own_method.py")
    conforms("own_method", check)


def test_own_dataset_is_read(plugin, tmp_path):
    lines = [
        f"u{user}\tsong {(user * 7 + n * 3) % 40}\t{1 + n % 4}\t{n}"
        for user in range(60)
        for n in range(20)
    ]
    (tmp_path / "plays.tsv").write_text("\n".join(lines))
    words = ["--data-dir", str(tmp_path), "-d", "own_dataset,own_dataset(min_plays=3)"]
    output = plugin("own_dataset", *words, "-m", "random")
    assert "60 users  40 items  900 interactions" in output
    assert "600 interactions" in output


def test_own_backbone_trains(plugin):
    output = plugin("own_backbone", "-d", TINY, "-m", "random,dns", "-b", "mf,own_backbone")
    assert "own_backbone" in output


@pytest.mark.parametrize("name", ["own_training_loop", "run_and_read"])
def test_a_script_runs(name, tmp_path):
    result = subprocess.run(
        [sys.executable, str(EXAMPLES / f"{name}.py")],
        capture_output=True,
        text=True,
        timeout=240,
        cwd=tmp_path,
    )
    assert result.returncode == 0, result.stderr
    if name == "own_training_loop":
        losses = [float(x.split()[3]) for x in result.stdout.splitlines() if x.startswith("epoch")]
        assert losses == sorted(losses, reverse=True) and len(losses) == 3
    else:
        assert (tmp_path / "runs" / "example" / "report.html").is_file()
        assert "dns(candidates=4)" in result.stdout and "PopREO" in result.stdout


def test_examples_are_short():
    for path in EXAMPLES.glob("*.py"):
        code = [line for line in path.read_text("utf-8").splitlines() if line.strip()]
        assert len(code) <= 60, path.name
