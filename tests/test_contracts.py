"""What a public signature promises on hover: the axes of its tensors, and what it raises."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
ROOMS = sorted(
    {"methods", "datasets", "analysis"}
    | {f"negbench/{p.name}" for p in (ROOT / "negbench").iterdir() if p.name != "__pycache__"}
)
VAGUE = {"made", "told", "said", "says", "found"}
"""Local names that do not say what they hold."""


def files(room):
    home = ROOT / room
    return [home] if home.is_file() else sorted(home.rglob("*.py"))


def public(tree):
    """Every function that a reader meets by its name: of a module or of a public class."""
    for node in tree.body:
        if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
            yield from (f for f in node.body if isinstance(f, ast.FunctionDef) and seen(f))
        elif isinstance(node, ast.FunctionDef) and seen(node):
            yield node


def seen(node):
    return not node.name.startswith("_")


def places(room, faulty):
    for path in files(room):
        if path.suffix == ".py":
            for node in public(ast.parse(path.read_text("utf-8"))):
                if faulty(node):
                    yield f"{path.relative_to(ROOT)}:{node.lineno} {node.name}"


def raises(node):
    """Whether a function itself raises an error of its own choice."""
    inner = (n for n in ast.walk(node) if isinstance(n, ast.Raise) and n.exc is not None)
    return any(True for _ in inner)


def unsaid(node):
    return raises(node) and "Raises" not in (ast.get_docstring(node) or "")


def bare(node):
    hints = [a.annotation for a in (*node.args.args, *node.args.kwonlyargs) if a.annotation]
    hints += [node.returns] if node.returns else []
    names = (n for hint in hints for n in ast.walk(hint) if isinstance(n, ast.Name))
    return any(name.id == "Tensor" for name in names)


@pytest.mark.parametrize("room", ROOMS)
def test_what_raises_says_so(room):
    assert not list(places(room, unsaid))


@pytest.mark.parametrize("room", ROOMS)
def test_a_tensor_in_a_public_signature_has_axes(room):
    assert not list(places(room, bare))


@pytest.mark.parametrize("room", [*ROOMS, "tests", "benchmarks", "examples", "docs"])
def test_local_names_say_what_they_hold(room):
    vague = [
        f"{path.relative_to(ROOT)}:{node.lineno} {node.id}"
        for path in files(room)
        if path.suffix == ".py"
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store) and node.id in VAGUE
    ]
    assert not vague
