"""Write the tables of docs/reproductions.md from results/reproductions/table.md.

The page names a block in a comment, `<!-- BLOCK -->`, and its table stands from there to the next
`<!-- end -->`.
"""

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs" / "reproductions.md"
PLACE = re.compile(r"(<!-- ([a-z0-9-]+) -->\n\n).*?(<!-- end -->)", re.DOTALL)


def page() -> str:
    """The page with the table and the orders of each block that it names.

    Raises KeyError for a block that is not in the results.
    """
    results = (ROOT / "results" / "reproductions" / "table.md").read_text("utf-8")
    blocks = {text.partition(":")[0]: text for text in re.split(r"^### ", results, flags=re.M)[1:]}
    return PLACE.sub(
        lambda place: place[1] + _shown(blocks[place[2]]) + "\n" + place[3],
        PAGE.read_text("utf-8"),
    )


def _shown(block: str) -> str:
    """Title and count, the table, and the lines on the order; settings stay with the results."""
    title, count = block.split("\n")[0], block.split("\n")[2].partition(". Source")[0]
    lines = [line for line in block.split("\n") if line.startswith("|")]
    orders = [line for line in block.split("\n") if line.startswith("- order")]
    return "\n".join([f"**{title}** ({count})", "", *lines, "", *orders, ""])


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
