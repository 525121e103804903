"""A reader of LaTeX tables for tests: braces, columns and cells, without LaTeX."""

import re

ESCAPED = re.compile(r"\\[\\{}%&_$#]")
TABULAR = re.compile(r"\\begin\{tabular\}\{(.*?)\}\n\\toprule\n(.*?)\\bottomrule", re.DOTALL)


def assert_sound(text: str) -> None:
    """Braces close, environments close, and every line has the columns of its tabular."""
    depth = 0
    for char in ESCAPED.sub("", text):
        depth += {"{": 1, "}": -1}.get(char, 0)
        assert depth >= 0
    assert depth == 0
    for word in ("table*", "tabular", "minipage", "itemize"):
        assert text.count(f"\\begin{{{word}}}") == text.count(f"\\end{{{word}}}")
    tabulars = TABULAR.findall(text)
    assert tabulars
    for types, body in tabulars:
        plain = re.sub(r"@\{(?:[^{}]|\{[^{}]*\})*\}|p\{[^{}]*\}", "", types)
        n = len(re.findall("[lrc]", plain)) + types.count("p{")
        for line in body.splitlines():
            if line.endswith("\\\\"):
                assert columns(line) == n, line


def columns(line: str) -> int:
    """How many columns a line takes up."""
    spans = [int(n) - 1 for n in re.findall(r"\\multicolumn\{(\d+)\}", line)]
    return ESCAPED.sub("", line.removesuffix("\\\\")).count("&") + 1 + sum(spans)


def rows(text: str) -> dict[str, list[str]]:
    """The cells of each line by its first one; of a table in panels one behind the other."""
    cells: dict[str, list[str]] = {}
    for _, body in TABULAR.findall(text):
        for line in body.splitlines():
            if line.endswith("\\\\"):
                first, *rest = line.removesuffix(" \\\\").split(" & ")
                cells.setdefault(first, []).extend(rest)
    return cells
