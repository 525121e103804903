"""What the wheel holds is what the checkout holds."""

import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent


def table():
    return tomllib.loads((ROOT / "pyproject.toml").read_text())


def test_every_folder_with_code_is_listed():
    setup = table()["tool"]["setuptools"]
    door = setup["package-dir"]
    listed = {ROOT / door.get(p, p.replace(".", "/")) for p in setup["packages"]}
    folders = {f.parent for folder in door.values() for f in (ROOT / folder).rglob("*.py")}
    assert folders == listed


def test_everything_that_is_needed_is_pinned():
    pinned = {
        line.partition("==")[0].lower().replace("-", "_")
        for line in (ROOT / "constraints.txt").read_text().splitlines()
        if line and not line.startswith("#")
    }
    project = table()["project"]
    wanted = project["dependencies"] + project["optional-dependencies"]["dev"]
    names = {w.partition(">")[0].partition("=")[0].lower().replace("-", "_") for w in wanted}
    assert names <= pinned
    assert "torch==2.13.0" in (ROOT / "constraints.txt").read_text()


@pytest.mark.slow
def test_the_wheel_is_small_and_whole(tmp_path):
    done = subprocess.run(
        [sys.executable, "-m", "pip", "wheel", "--no-deps", "--no-build-isolation", "-q"]
        + ["-w", str(tmp_path), str(ROOT)],
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    (wheel,) = tmp_path.glob("*.whl")
    assert wheel.stat().st_size < 3_000_000
    names = set(zipfile.ZipFile(wheel).namelist())
    tops = {name.split("/")[0] for name in names}
    assert tops == {"negbench", next(t for t in tops if t.endswith(".dist-info"))}
    for folder, inside in (
        ("negbench", "negbench"),
        ("methods", "negbench/methods"),
        ("datasets", "negbench/datasets"),
        ("analysis", "negbench/analysis"),
    ):
        for path in (ROOT / folder).rglob("*"):
            if path.is_file() and "__pycache__" not in path.parts:
                assert f"{inside}/{path.relative_to(ROOT / folder)}" in names, path


@pytest.mark.parametrize("folder", ["methods", "datasets", "analysis"])
def test_a_folder_on_the_path_is_refused_by_name(folder):
    done = subprocess.run(
        [sys.executable, "-c", f"import {folder}"], cwd=ROOT, capture_output=True, text=True
    )
    assert done.returncode == 1 and f"this folder is negbench.{folder}" in done.stderr


def test_no_path_of_a_developers_machine_is_shipped():
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True)
    if listed.returncode:
        pytest.skip("not a git checkout")
    for name in listed.stdout.split():
        path = ROOT / name
        if path.suffix in {".py", ".md", ".toml", ".txt", ".html"} and path.is_file():
            text = path.read_text("utf-8", errors="ignore")
            assert "/work" + "/" not in text and "/root" + "/" not in text, name
