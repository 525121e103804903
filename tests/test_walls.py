"""Who may import whom, read from the source and not from a wish."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
WINGS = {"methods", "datasets", "analysis"}
METHOD_MAY = {"protocol", "parts", "errors", "texts", "ops", "rng", "products"}
ANALYSIS_MAY = {"analysis", "records", "whole", "errors", "metrics", "registry"}
QUICK = ["cards", "errors", "registry", "wording", "metrics", "records", "cli"]


def module_of(path):
    """The dotted name that a file is imported by."""
    parts = path.relative_to(ROOT).with_suffix("").parts
    parts = parts[:-1] if parts[-1] == "__init__" else parts
    return parts if parts[0] == "negbench" else ("negbench", *parts)


def imported(path):
    """Every `negbench...` module that a file imports, relative imports resolved."""
    here = module_of(path) if path.name == "__init__.py" else module_of(path)[:-1]
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            yield from (a.name for a in node.names if a.name.split(".")[0] == "negbench")
        elif isinstance(node, ast.ImportFrom):
            if node.level:
                base = ".".join(here[: len(here) - node.level + 1])
                yield f"{base}.{node.module}" if node.module else base
            elif node.module == "negbench":
                yield from (f"negbench.{a.name}" for a in node.names)
            elif (node.module or "").split(".")[0] == "negbench":
                yield node.module


def files(folder):
    return sorted((ROOT / folder).rglob("*.py"))


@pytest.mark.parametrize("path", files("negbench"), ids=lambda p: p.stem)
def test_the_core_imports_no_wing(path):
    wings = {name for name in imported(path) if name.split(".")[1] in WINGS}
    assert not wings


@pytest.mark.parametrize("path", files("methods"), ids=lambda p: p.stem)
def test_a_method_knows_the_words_and_the_parts(path):
    own = ".".join(module_of(path)[:3]) if path.parent != ROOT / "methods" else None
    for name in imported(path):
        inside = own is not None and (name == own or name.startswith(own + "."))
        assert inside or name.split(".")[1] in METHOD_MAY, f"{path.name} imports {name}"


@pytest.mark.parametrize("path", files("datasets"), ids=lambda p: p.stem)
def test_a_data_set_imports_no_sibling_and_no_training(path):
    for name in imported(path):
        assert name.split(".")[1] not in WINGS | {"train", "cell", "backbones", "parts"}


@pytest.mark.parametrize("path", files("analysis"), ids=lambda p: p.stem)
def test_analysis_reads_records_and_imports_no_method(path):
    for name in imported(path):
        assert name.split(".")[1] in ANALYSIS_MAY, name
    assert "torch" not in path.read_text("utf-8").split("import", 1)[-1].split()


def test_what_lists_and_reads_needs_no_torch():
    code = f"import sys\nfor name in {QUICK}: __import__('negbench.' + name)\n" + (
        "heavy = {'torch', 'pandas', 'seaborn', 'scipy.stats'} & set(sys.modules)\n"
        "assert not heavy, heavy"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("folder", ["negbench", "methods", "datasets", "analysis"])
def test_no_file_outgrows_its_idea(folder):
    long = {p.name: n for p in files(folder) if (n := len(p.read_text("utf-8").splitlines())) > 300}
    assert not long


def test_no_global_randomness():
    banned = ("torch.manual_seed", "np.random.seed", "np.random.rand", "random.seed", "F.dropout")
    for folder in ("negbench", "methods", "datasets", "analysis"):
        for path in files(folder):
            if path.parent.name == "conformance":
                continue  # there the global state is moved on purpose: no method may notice
            found = [word for word in banned if word in path.read_text("utf-8")]
            assert not found, f"{path} uses {found}"
