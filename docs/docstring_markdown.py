"""Docstrings of source files as Markdown: paragraphs, formulas, tables. Nothing is imported."""

import ast
import re
from collections.abc import Iterable, Iterator
from pathlib import Path


def summary(text: str) -> str:
    """The first paragraph of a docstring, and every indented line: the formula."""
    first, _, rest = text.partition("\n\n")
    formula = "\n".join(line for line in rest.splitlines() if line.startswith("    "))
    return f"{first}\n\n{formula}"


def module_text(path: Path) -> str:
    """The docstring of a module, indented lines as they are."""
    return text_of(ast.parse(path.read_text("utf-8")))


def text_of(node: ast.Module | ast.FunctionDef) -> str:
    """The docstring of a module or function, less the indentation of its body."""
    literal = node.body[0]
    assert isinstance(literal, ast.Expr) and isinstance(literal.value, ast.Constant), node
    margin = " " * literal.col_offset
    lines = str(literal.value.value).splitlines()
    return "\n".join(line.removeprefix(margin).rstrip() for line in lines).strip()


def prose(text: str) -> Iterator[str]:
    """Docstring text as Markdown: indented lines are formulas, the rest is paragraphs."""
    for block in re.split(r"\n\n+", text):
        lines = block.splitlines()
        while lines:
            indented = lines[0].startswith("    ")
            n = next(
                (i for i, x in enumerate(lines) if x.startswith("    ") != indented), len(lines)
            )
            part, lines = lines[:n], lines[n:]
            yield fenced("\n".join(x[4:] for x in part)) if indented else escaped("\n".join(part))


def escaped(text: str) -> str:
    """A paragraph in which `<` outside code is no tag."""
    pieces = re.split(r"(`[^`]*`)", text)
    return "".join(p if p.startswith("`") else p.replace("<", "&lt;") for p in pieces) + "\n"


def fenced(text: str) -> str:
    """A block of plain text."""
    return f"```text\n{text}\n```\n"


def table(heads: list[str], rows: Iterable[tuple[object, ...]]) -> str:
    """A Markdown table; columns that are empty throughout are left out."""
    cells = [[str(cell).replace("|", "\\|").replace("<", "&lt;") for cell in row] for row in rows]
    kept = [at for at, _ in enumerate(heads) if any(row[at] for row in cells)]
    lines = [heads, ["---"] * len(heads), *cells]
    return "\n".join(f"| {' | '.join(line[at] for at in kept)} |" for line in lines) + "\n"
