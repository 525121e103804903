"""Pages of the Python interface: what each stable package exports, read from its `__init__`.

The packages are those of CONTRIBUTING.md, "Versions". Names stand by the module that defines them;
classes and functions are documented by Sphinx's autodoc, aliases of types in a table.
"""

import ast
from collections.abc import Iterator
from pathlib import Path
from typing import TypeGuard

from docstring_markdown import module_text, prose, table
from generate import ROOT

PACKAGES = {
    "negbench": "Runs, searches, and samplers in your own training loop.",
    "negbench.protocol": "What a plug-in implements and receives.",
    "negbench.parts": "Ready-made samplers, stages and objectives.",
    "negbench.testing": "The conformance suite for methods.",
}
EXPORTS = {"negbench.testing": ("conforms",)}
"""What a package without `__all__` offers."""
MANY = 5
"""Where one module has so many names, each stands under a heading, those with most names first."""


def api_pages() -> dict[str, str]:
    """The page of each package by its name, and `index`."""
    pages = {package: "\n".join(_package(package)) for package in PACKAGES}
    return {"index": "\n".join(_index()), **pages}


def exports(package: str) -> dict[str, str]:
    """The exported names in the order of the imports, with the module that each comes from."""
    tree = _tree(package)
    homes = {
        alias.name: node.module
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and node.module
        for alias in node.names
    }
    listed = [ast.literal_eval(node.value) for node in tree.body if _assigns(node, "__all__")]
    names = listed[0] if listed else EXPORTS[package]
    return {n: m for n, m in homes.items() if n in names} | {
        n: package for n in names if n not in homes
    }


def _package(package: str) -> Iterator[str]:
    yield f"# {package}\n"
    yield from prose(module_text(_file(package)))
    groups: dict[str, list[str]] = {}
    for name, module in exports(package).items():
        groups.setdefault(module, []).append(name)
    headed = max(map(len, groups.values())) >= MANY
    if headed:
        groups = dict(sorted(groups.items(), key=lambda group: -len(group[1])))
    for module, names in groups.items():
        if headed:
            yield f"## {module_text(_file(module)).splitlines()[0].rstrip('.').partition(':')[0]}\n"
        yield from _members(package, module, names)


def _members(package: str, module: str, names: list[str]) -> Iterator[str]:
    """The directives of the classes and functions of one module, then its aliases."""
    body = _tree(module).body
    kinds = {node.name: "autoclass" for node in body if isinstance(node, ast.ClassDef)}
    kinds |= {node.name: "autofunction" for node in body if isinstance(node, ast.FunctionDef)}
    for name in names:
        if name in kinds:
            yield f"```{{eval-rst}}\n.. {kinds[name]}:: {package}.{name}\n```\n"
    if rows := [row for row in _aliases(module) if row[0].strip("`") in names]:
        yield table(["name", "is", "meaning"], rows)


def _aliases(module: str) -> Iterator[tuple[str, str, str]]:
    """Names that a module assigns: the value, and the docstring below."""
    body = _tree(module).body
    for node, after in zip(body, [*body[1:], None], strict=True):
        if isinstance(node, ast.Assign | ast.AnnAssign) and node.value is not None:
            target = node.target if isinstance(node, ast.AnnAssign) else node.targets[0]
            text = ast.literal_eval(after.value) if _is_text(after) else ""
            yield f"`{ast.unparse(target)}`", f"`{ast.unparse(node.value)}`", " ".join(text.split())


def _index() -> Iterator[str]:
    yield "# Python interface\n"
    yield "These imports are stable; other modules may move ([Contributing](../contributing.md)).\n"
    rows = [(f"[`{package}`](./{package}.md)", text) for package, text in PACKAGES.items()]
    yield table(["package", "what is in it"], rows)


def _file(module: str) -> Path:
    """The file of a module of `negbench/`."""
    path = ROOT.joinpath(*module.split("."))
    return path / "__init__.py" if path.is_dir() else path.with_suffix(".py")


def _tree(module: str) -> ast.Module:
    return ast.parse(_file(module).read_text("utf-8"))


def _assigns(node: ast.stmt, name: str) -> TypeGuard[ast.Assign]:
    return isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == name


def _is_text(node: ast.stmt | None) -> TypeGuard[ast.Expr]:
    """Whether a statement is a string alone: the docstring of what stands above it."""
    return (
        isinstance(node, ast.Expr)
        and isinstance(node.value, ast.Constant)
        and isinstance(node.value.value, str)
    )
