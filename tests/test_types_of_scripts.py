"""Scripts and plug-ins of users type-check where negbench is installed: mypy --strict, pyright."""

import re
import shutil
import subprocess
import sys
import sysconfig
import venv
from pathlib import Path
from string import Template

import pytest
from test_extend import examples

from negbench.cli import templates

ROOT = Path(__file__).resolve().parent.parent
SCRIPT = '''"""What a user writes."""

import numpy as np
import pandas as pd

import negbench
from negbench import Run


def main() -> None:
    frame = pd.DataFrame({"user": [1, 2, 3], "item": [4, 5, 6]})
    run = negbench.run(datasets=frame, methods=["random", "dns"], seeds=[0, 1], epochs=2)
    more: Run = negbench.run({"methods": "random"}, datasets=["a.csv", frame], lr=[0.1, 0.01])
    loss = negbench.attach("dns", np.array([0, 1]), np.array([1, 2]), dim=8)
    print(run.table(metric="ndcg@10"), more.frame, loss)


if __name__ == "__main__":
    main()
'''
WRONG = "import negbench\nnegbench.run(epochs='many')\nnegbench.open_run(1).tables()\n"


@pytest.fixture(scope="module")
def python(tmp_path_factory):
    """The Python of an environment in which negbench is installed as a wheel."""
    folder = tmp_path_factory.mktemp("types")
    venv.create(folder / "venv", with_pip=False)
    python = next((folder / "venv").glob("*/python"))
    command = [sys.executable, "-m", "pip", "--python", str(python), "install", "-q", "--no-deps"]
    source = folder / "source"  # a copy: building leaves files in the folder
    for name in ("negbench", "methods", "datasets", "analysis"):
        shutil.copytree(ROOT / name, source / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("pyproject.toml", "README.md", "LICENSE", "NOTICE"):
        shutil.copy(ROOT / name, source / name)
    done = subprocess.run([*command, str(source)], capture_output=True, text=True)
    if "No matching distribution" in done.stderr:
        pytest.skip("pip cannot fetch setuptools, which builds the wheel")
    assert done.returncode == 0, done.stderr
    site = Path(sysconfig.get_path("purelib", vars={"base": str(folder / "venv")}))
    assert (site / "negbench" / "methods").is_dir() and (site / "negbench" / "py.typed").is_file()
    (site / "dependencies.pth").write_text(sysconfig.get_path("purelib"))
    return python


@pytest.fixture(scope="module")
def scripts(tmp_path_factory):
    folder = tmp_path_factory.mktemp("scripts")
    for name, code in (*examples().values(), ("script", SCRIPT), ("wrong", WRONG)):
        (folder / f"{name}.py").write_text(code)
    for kind, text in (*templates.PLUGINS.items(), *templates.TESTS.items()):
        name = f"new_{kind}" if text is templates.PLUGINS[kind] else f"test_new_{kind}"
        (folder / f"{name}.py").write_text(Template(text).substitute(name="mine", title="Mine"))
    return folder


@pytest.mark.slow
def test_mypy_strict(python, scripts):
    pytest.importorskip("mypy")
    command = [sys.executable, "-m", "mypy", "--strict", "--python-executable", str(python)]
    names = sorted(path.name for path in scripts.glob("*.py"))
    done = subprocess.run(
        [*command, "--cache-dir", str(scripts / "cache"), *names],
        cwd=scripts,
        capture_output=True,
        text=True,
    )
    assert mistakes(done.stdout) == {("wrong.py", 2), ("wrong.py", 3)}, done.stdout + done.stderr


@pytest.mark.slow
@pytest.mark.parametrize("checker", ["pyright", "basedpyright"])
def test_pyright(checker, python, scripts):
    if shutil.which(checker) is None:
        pytest.skip(f"{checker} is not installed")
    done = subprocess.run(
        [checker, "--pythonpath", str(python), "--level", "error", *map(str, scripts.glob("*.py"))],
        cwd=scripts,
        capture_output=True,
        text=True,
    )
    assert mistakes(done.stdout) == {("wrong.py", 2), ("wrong.py", 3)}, done.stdout + done.stderr


def mistakes(text):
    """File and line of each error."""
    found_at = re.findall(r"([\w.]+\.py):(\d+)[:\d]* (?:- )?error", text)
    return {(name, int(line)) for name, line in found_at}
