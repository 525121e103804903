"""The hash of a plug-in covers its file and its local imports, and nothing else."""

import sys
from importlib.metadata import EntryPoint
from pathlib import Path

import pytest

from negbench.plugins import registry
from negbench.plugins.source_code import source_code


def written(folder: Path, **files: str) -> Path:
    """Write modules by name, `a/b` for a/b.py, and return the one called mine."""
    for name, text in files.items():
        path = folder / f"{name}.py"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return folder / "mine.py"


def names(path: Path, *, packaged: bool = False) -> set[str]:
    """What is covered, below the folder of `path`."""
    return {file.stem for file in source_code(path, packaged=packaged).files}


def test_an_edit_counts_and_line_ends_do_not(tmp_path: Path) -> None:
    path = written(tmp_path, mine="x = 1\n")
    first = source_code(path).digest
    path.write_bytes(b"x = 1\r\n")
    assert source_code(path).digest == first
    path.write_text("x = 1  # one\n")
    assert source_code(path).digest != first
    assert len(first) == 12 and set(first) <= set("0123456789abcdef")


@pytest.mark.parametrize(
    "line",
    [
        "import helper",
        "import helper as h, json",
        "from helper import x",
        "from helper import *",
        "def build(config):\n    import helper",
        "from . import helper",
        "from .helper import x",
        "try:\n    import helper\nexcept ImportError:\n    pass",
    ],
)
def test_a_local_import_counts(line: str, tmp_path: Path) -> None:
    path = written(tmp_path, mine=line + "\n", helper="x = 1\n", unrelated="y = 1\n")
    first = source_code(path).digest
    written(tmp_path, unrelated="y = 2\n")
    assert source_code(path).digest == first
    written(tmp_path, helper="x = 2\n")
    assert source_code(path).digest != first


def test_imports_are_followed_in_turn_and_round_in_circles(tmp_path: Path) -> None:
    two = {"sub/two": "import mine\n"}
    path = written(tmp_path, mine="import one\n", one="from sub.two import x\n", **two)
    assert names(path) == {"mine", "one", "two"}
    written(tmp_path, **{"sub/__init__": ""})
    assert names(path) == {"mine", "one", "two", "__init__"}


def test_what_is_installed_is_not_followed(tmp_path: Path) -> None:
    text = "import json, numpy, torch.nn\nfrom negbench.parts import BPR\nimport nowhere_at_all\n"
    path = written(tmp_path, mine=text, json="x = 1\n")
    assert names(path) == {"mine"}
    beside = written(tmp_path / "site-packages", mine="import helper\n", helper="x = 1\n")
    assert names(beside) == {"mine"}


def test_a_module_elsewhere_on_the_path_counts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    written(tmp_path / "lib", helper_elsewhere="x = 1\n", **{"space/deep": "x = 1\n"})
    path = written(
        tmp_path / "plugins", mine="import helper_elsewhere\nfrom space import deep, absent\n"
    )
    assert names(path) == {"mine"}
    monkeypatch.syspath_prepend(tmp_path / "lib")
    assert names(path) == {"mine", "helper_elsewhere", "deep"}


def test_a_package_is_covered_by_its_own_modules_alone(tmp_path: Path) -> None:
    home = tmp_path / "site-packages"
    modules = {
        "theirs/__init__": "",
        "theirs/methods/__init__": "from . import base\n",
        "theirs/methods/base": "",
        "theirs/methods/mine": "from ..losses import a\nimport theirs.top\n",
        "theirs/losses": "import other_package\n",
        "theirs/top": "",
        "theirs/unrelated": "",
        "other_package": "",
    }
    written(home, **modules)
    path = home / "theirs" / "methods" / "mine.py"
    known = {"mine", "base", "losses", "top", "__init__"}
    assert names(path, packaged=True) == known
    assert len(source_code(path, packaged=True).files) == 6  # two packages


def test_the_hash_does_not_depend_on_the_place(tmp_path: Path) -> None:
    texts = {"mine": "import helper\n", "helper": "x = 1\n"}
    places = [written(tmp_path / name, **texts) for name in ("here", "there")]
    assert source_code(places[0]).digest == source_code(places[1]).digest
    swapped = written(tmp_path / "swapped", mine="x = 1\n", helper="import helper\n")
    assert source_code(swapped).digest != source_code(places[0]).digest


def test_what_is_no_python_is_hashed_by_its_bytes(tmp_path: Path) -> None:
    path = written(tmp_path, mine="import helper\ndef build(:\n", helper="")
    assert names(path) == {"mine"}


PLUGIN = """
from negbench.parts import BPR, Uniform
from negbench.protocol import Card, Method
from {helper} import N
CARD = Card(title="Ours")
def build(config):
    return Method(Uniform(N), BPR())
"""


def test_an_edited_local_import_is_imported_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(registry, "_plugins", {})
    monkeypatch.syspath_prepend(tmp_path)
    path = written(tmp_path, mine=PLUGIN.format(helper="helper_anew"), helper_anew="N = 2\n")
    seen = []
    for n in (2, 3, 2):
        written(tmp_path, helper_anew=f"N = {n}\n")
        registry.add_plugin(path)
        method = registry.load("methods", "mine").build(None)
        seen.append((registry.code("methods", "mine"), method.sampler.negatives))
    assert [n for _, n in seen] == [2, 3, 2]
    assert seen[0] == seen[2] and seen[0][0] != seen[1][0]
    assert registry.load("methods", "mine") is registry.load("methods", "mine")
    assert not list(tmp_path.rglob("*.pyc"))
    monkeypatch.delitem(sys.modules, "helper_anew")


def test_the_code_is_that_of_the_version_in_use(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(registry, "_plugins", {})
    path = written(tmp_path, mine=PLUGIN.replace("from {helper} import N", "N = 2"))
    registry.add_plugin(path)
    before = registry.code("methods", "mine")
    path.write_text(path.read_text() + "# edited\n")
    assert registry.code("methods", "mine") == before  # as training goes on with it
    registry.refresh()
    assert registry.code("methods", "mine") != before


def test_the_code_of_another_package_is_its_own_modules(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = PLUGIN.format(helper="their_package.helper")
    modules = {"their_package/__init__": "", "their_package/ours": text}
    written(tmp_path, **modules, **{"their_package/helper": "N = 2\n"})
    monkeypatch.syspath_prepend(tmp_path)
    point = EntryPoint("their_method", "their_package.ours", "negbench.methods")
    monkeypatch.setattr(
        registry, "_entry_points", lambda family: (point,) if family == "methods" else ()
    )
    assert not registry.is_packaged("methods", "their_method")
    seen = []
    for n in (2, 3):
        written(tmp_path, **{"their_package/helper": f"N = {n}\n"})
        registry._installed_code.cache_clear()  # as a new process
        seen.append(registry.code("methods", "their_method"))
    assert seen[0] != seen[1] and all(len(each) == 12 for each in seen)
    for name in [each for each in sys.modules if each.startswith("their_package")]:
        monkeypatch.delitem(sys.modules, name)


def test_a_built_in_is_its_file_or_its_folder(tmp_path: Path) -> None:
    codes = [registry.code("methods", name) for name in ("dns", "hnlmrec", "no_such_method")]
    assert [len(each) for each in codes] == [12, 12, 0] and codes[0] != codes[1]
    seen = set()
    for n in (1, 2):
        home = tmp_path / str(n)
        written(home, method="import beside\n", part=f"x = {n}\n")
        seen.add(registry._installed_code(home / "method.py", True))
    assert len(seen) == 2
