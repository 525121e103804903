"""Flow charts in Mermaid's notation as boxes and arrows in HTML, which need no script.

Understood is what the pages use: `flowchart`, subgraphs, chains of `-->`, and labelled edges
`-- "text" -->` and `-. "text" .->`. Each chain becomes a line of boxes, each subgraph a frame.
"""

import re
from collections.abc import Iterator
from html import escape

FENCE = re.compile(r"^```mermaid\n(.*?)^```$", re.DOTALL | re.MULTILINE)
SUBGRAPH = re.compile(r'subgraph \w+\["(.*)"\]')
NODE = re.compile(r'(\w+)(?:\["([^"]*)"\])?')
EDGE = re.compile(r'\s*(?:-->|--\s*"([^"]*)"\s*-->|-\.\s*"([^"]*)"\s*\.->)\s*')


def with_charts(text: str) -> str:
    """A page in which each flow chart is HTML; blank lines keep the numbers of the lines below."""

    def drawn(fence: re.Match[str]) -> str:
        html = "".join(chart(fence[1].splitlines()))
        return html + "\n" * fence[0].count("\n")

    return FENCE.sub(drawn, text)


def chart(lines: list[str]) -> Iterator[str]:
    """The HTML of a chart, in one line. Raises ValueError for a line that is not understood."""
    names: dict[str, str] = {}
    yield '<div class="flow">'
    for line in map(str.strip, lines):
        if title := SUBGRAPH.fullmatch(line):
            yield f'<div class="flow-part"><p class="flow-title">{escape(title[1])}</p>'
        elif line == "end":
            yield "</div>"
        elif line and not line.startswith("flowchart"):
            yield f"<p>{''.join(_chain(line, names))}</p>"
    yield "</div>"


def _chain(line: str, names: dict[str, str]) -> Iterator[str]:
    """The boxes of a line and the arrows between them; a name seen before keeps its words."""
    at = 0
    while True:
        node = NODE.match(line, at)
        if not node:
            raise ValueError(f"a line of a flow chart is a chain of nodes; got {line!r}")
        words = names.setdefault(node[1], node[2] or node[1])
        yield f"<span>{escape(words)}</span>"
        at = node.end()
        if at == len(line):
            return
        edge = EDGE.match(line, at)
        if not edge:
            raise ValueError(f"a line of a flow chart is a chain of nodes; got {line!r}")
        label = edge[1] or edge[2]
        yield f" <i>{escape(label)}</i> → " if label else " → "
        at = edge.end()
