"""Write the tables of the committed results into the pages that show them.

A page names a table in a comment, `<!-- BLOCK -->`, and the table stands from there to the next
`<!-- end -->`: the reproductions (docs/reproductions.md) and the reference study (docs/study.md,
README.md and the guide).
"""

import re
from collections.abc import Mapping
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
RESULTS = ROOT / "results"
PAGES = ("README.md", "docs/guide/reading_tuning.md", "docs/reproductions.md", "docs/study.md")
PLACE = re.compile(r"(<!-- ([a-z0-9-]+) -->\n\n).*?(<!-- end -->)", re.DOTALL)
STUDIED = ("goodbooks", "kuairec")
COLUMNS = ("Method", "NDCG@20", "head", "mid", "tail", "FN rate", "CPU s/epoch")
BANDS = ("head", "mid", "tail")
FIXED_SPACE = "\u00a0"
CLAIMS = ("Paper", "claim", "published")
HIGHEST = 8
"""Rows that the README shows, by their means, beside `random` and the references."""


def pages() -> dict[str, str]:
    """Each page with its tables as the results are.

    Raises KeyError for a block that is not in the results.
    """
    blocks = {**reproductions(), **study()}
    return {
        page: PLACE.sub(
            lambda place: f"{place[1]}{blocks[place[2]]}\n{place[3]}",
            (ROOT / page).read_text("utf-8"),
        )
        for page in PAGES
    }


def reproductions() -> dict[str, str]:
    """By block: its title and count, the table, and the lines on the order."""
    shown = {}
    for title, lines in _parts("reproductions/table.md").items():
        count = lines[2].partition(". Source")[0]
        table = [line for line in lines if line.startswith("|")]
        orders = [line for line in lines if line.startswith("- order")]
        name = title.partition(":")[0]
        shown[name] = "\n".join([f"**{title}** ({count})", "", *table, "", *orders, ""])
    return shown


def study() -> dict[str, str]:
    """The study's tables: each data set's, its highest rows, claims, searches and factorial."""
    tables = {title.split()[0]: lines for title, lines in _parts("reference/table.md").items()}
    claims = {title.split()[0]: lines for title, lines in _parts("reference/claims.md").items()}
    factors = {title.split()[0]: lines for title, lines in _parts("factorial/factors.md").items()}
    searched = _table(next(iter(_parts("reference/tuning.md").values())))
    blocks = {
        "study-claims": _claims({name: _table(claims[name]) for name in STUDIED}),
        "study-tuning-highest": _text([searched[0], *_highest(searched[1:])]),
    }
    for name in STUDIED:
        head, *rows = _table(tables[name])
        kept = [[word.replace("NDCG@20 ", "") for word in head], *rows]
        whole = [[_short(row[kept[0].index(each)], each) for each in COLUMNS] for row in kept]
        blocks[f"study-{name}"] = _text(whole)
        blocks[f"study-{name}-highest"] = _text([whole[0], *_highest(whole[1:])])
        blocks[f"study-factors-{name}"] = _text(_table(factors[name]))
    return blocks


def _parts(path: str) -> dict[str, list[str]]:
    """The lines of each `###` part of a page of results, by its title."""
    parts = re.split(r"^### ", (RESULTS / path).read_text("utf-8"), flags=re.M)[1:]
    return {part.split("\n")[0]: part.split("\n") for part in parts}


def _table(lines: list[str]) -> list[list[str]]:
    """The cells of the first table among these lines, its head first."""
    rows = [line for line in lines if line.startswith("| ")]
    cells = [[cell.strip() for cell in row.strip("| ").split(" | ")] for row in rows]
    return [row for row in cells if set("".join(row)) - set(":- ")]


def _short(cell: str, column: str) -> str:
    """A cell without its deviation where the column is a band's; else its words stay together."""
    return re.sub(r" ± [\d.]+", "", cell) if column in BANDS else cell.replace(" ", FIXED_SPACE)


def _highest(rows: list[list[str]]) -> list[list[str]]:
    """The first rows, `random`, and the references."""
    return [
        row
        for at, row in enumerate(rows)
        if at < HIGHEST or row[0] == "random" or row[0].endswith("(reference)")
    ]


def _claims(tables: Mapping[str, list[list[str]]]) -> str:
    """One row a claim: the paper, the claim, what was read of it, and the outcome by data set."""
    first = tables[STUDIED[0]]
    outcomes = {name: {row[1]: row for row in rows[1:]} for name, rows in tables.items()}
    head = first[0]
    shown = [[*CLAIMS, *STUDIED]]
    for row in first[1:]:
        of_paper = [row[head.index(column)] for column in CLAIMS]
        shown.append(
            of_paper + [_outcome(head, outcomes[name].get(of_paper[1])) for name in STUDIED]
        )
    return _text(shown)


def _outcome(head: list[str], row: list[str] | None) -> str:
    """The difference, its p value and the verdict of one claim on one data set."""
    if row is None:
        return "not run"
    p = row[head.index("p Holm")]
    mark = "" if p.startswith("&lt;") else "= "
    return f"{row[head.index('%')]} %, p {mark}{p}: {row[head.index('verdict')]}"


def _text(rows: list[list[str]]) -> str:
    rule = [":--", *["--:"] * (len(rows[0]) - 1)]
    return "".join(f"| {' | '.join(row)} |\n" for row in [rows[0], rule, *rows[1:]])


if __name__ == "__main__":
    for page, text in pages().items():
        (ROOT / page).write_text(text, encoding="utf-8")
