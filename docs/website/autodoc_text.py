"""Docstrings and signatures as Sphinx's autodoc shows them: as they stand in the source.

In docstrings indented lines are formulas, `code` stands between single backticks, and everything
else is text, `*`, `_` and `@` too. In signatures a type keeps its alias: `Scores`, and not what it
stands for.
"""

import ast
import inspect
import re
from collections.abc import Iterator
from dataclasses import is_dataclass
from textwrap import dedent
from typing import Protocol


def rest(lines: list[str]) -> Iterator[str]:
    """The lines of a docstring: formulas as literal blocks, marks of reStructuredText escaped."""
    formula = False
    for line in lines:
        if line.startswith("    ") and not formula:
            yield from ("", ".. code-block:: text", "")
        elif formula and line.strip() and not line.startswith("    "):
            yield ""
        formula = line.startswith("    ") or (formula and not line.strip())
        yield line if formula else _text(line)
    yield ""


def _text(line: str) -> str:
    pieces = re.split(r"(`[^`]+`)", line)
    return "".join(
        f"`{piece}`" if piece.startswith("`") else re.sub(r"([\\*_|`@])", r"\\\1", piece)
        for piece in pieces
    )


def written_signature(obj: object) -> tuple[str, str | None] | None:
    """The arguments and the result of a function or class as its source has them.

    None where there is no source; an interface, which is never called, has empty arguments.
    """
    try:
        node = ast.parse(dedent(inspect.getsource(obj))).body[0]  # type: ignore[arg-type]
    except (OSError, TypeError, SyntaxError):
        return None
    if isinstance(node, ast.ClassDef):
        if Protocol in getattr(obj, "__bases__", ()):
            return "", None
        own = [each for each in node.body if isinstance(each, ast.FunctionDef)]
        starts = [each for each in own if each.name == "__init__"]
        if not starts and is_dataclass(obj):
            fields = [each for each in node.body if isinstance(each, ast.AnnAssign)]
            return f"({', '.join(map(ast.unparse, fields))})", None
        return (_arguments(starts[0]), None) if starts else None
    if isinstance(node, ast.FunctionDef):
        return _arguments(node), _plain(node.returns)
    return None


def _arguments(node: ast.FunctionDef) -> str:
    """The arguments of a function, less `self` or `cls`."""
    arguments = node.args
    for positional in (arguments.posonlyargs, arguments.args):
        if positional and positional[0].arg in ("self", "cls"):
            del positional[0]
    for each in (*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs):
        hint = _plain(each.annotation)
        each.annotation = ast.Name(hint) if hint else None
    return f"({ast.unparse(arguments)})"


def _plain(hint: ast.expr | None) -> str | None:
    """A type as written, without the quotes of one that is defined further down."""
    if isinstance(hint, ast.Constant) and isinstance(hint.value, str):
        return hint.value
    return ast.unparse(hint) if hint else None


def convert(
    app: object, what: str, name: str, obj: object, options: object, lines: list[str]
) -> None:
    """Sphinx's event `autodoc-process-docstring`: the lines are changed in place."""
    del app, what, name, obj, options
    lines[:] = list(rest(lines))


def signature(
    app: object, what: str, name: str, obj: object, options: object, *of: str | None
) -> tuple[str | None, ...]:
    """Sphinx's event `autodoc-process-signature`."""
    del app, what, name, options
    return written_signature(obj) or of
