"""The main table for a paper, in LaTeX with booktabs; caption and notes state the protocol.

Names, labels and notes come from users and from data: every special character is escaped, and a
character that plain LaTeX lacks is written by its number. Needs no package but booktabs.
"""

import unicodedata
from collections.abc import Sequence
from math import isnan

from ..number_format import metric_label
from .main_table_text import BOLD, block_table
from .main_table_values import Block, MainTable, Row
from .table import Cell

CAPTION = ("split", "exclusion", "seeds", "tuning", "budget", "pending", "test", "columns", "rates")
"""Kinds of notes that a caption must not do without."""


def latex(table: MainTable) -> str:
    """One float a data set and backbone; best bold, second underlined, ties and tests marked."""
    parts = [_latex_block(table, block) for block in table.blocks]
    return "% needs \\usepackage{booktabs}\n" + "\n".join(parts)


def _latex_block(main: MainTable, block: Block) -> str:
    # Bands without their spread, as on a screen: the table shall fit one column of an article.
    table = block_table(main, block, spreads=False)
    n = len(main.columns)
    bands = sum(column.band != "all" for column in main.columns)
    name = escaped(metric_label(main.metric))
    over = f"{' &' * (n - bands)} & \\multicolumn{{{bands}}}{{c}}{{{name} by band}} & \\\\"
    cut = f"\\cmidrule(lr){{{n - bands + 2}-{n + 1}}}"
    second_best = _second_best(main, block)
    methods, references = (
        [_latex_row(main, *pair, second_best) for pair in zip(rows, cells, strict=True)]
        for rows, cells in (
            (block.methods, table.rows),
            (block.references, table.references),
        )
    )
    caption, notes = _caption_and_notes(main, block)
    footnotes = [
        "\\par\\smallskip",
        f"\\begin{{minipage}}{{\\linewidth}}\\scriptsize {' '.join(notes)}",
        "\\end{minipage}",
    ]
    return "\n".join(
        [
            "\\begin{table*}[t]",
            "\\centering",
            f"\\caption[{{{caption[0]}}}]{{{' '.join(caption)}}}",
            "\\smallskip",
            "\\footnotesize",
            "\\setlength{\\tabcolsep}{2.2pt}",
            f"\\begin{{tabular}}{{{_column_types(len(table.columns) - 1, main.primary)}}}",
            "\\toprule",
            *([over, cut] if bands else []),
            " & ".join(escaped(column.header) for column in table.columns) + " \\\\",
            "\\midrule",
            *methods,
            *(["\\midrule", *references] if references else []),
            "\\bottomrule",
            "\\end{tabular}",
            *(footnotes if notes else []),
            "\\end{table*}",
            "",
        ]
    )


def _caption_and_notes(main: MainTable, block: Block) -> tuple[list[str], list[str]]:
    """The sentences of the caption, and those under the table; all escaped, none twice."""
    notes = (*block.notes, *main.notes)
    caption = [
        f"{metric_label(main.metric)} and its bands on {block.dataset}, {block.backbone}.",
        *(note.text for note in notes if note.kind in CAPTION),
        BOLD.text,
        "Underlined: the second highest.",
    ]
    below = [block.headline, *(note.text for note in notes if note.kind not in CAPTION)]
    return [escaped(text) for text in caption], [escaped(text) for text in below]


def _column_types(n: int, primary: int) -> str:
    """The tested column leaves room at its right, where the marks hang over."""
    types = ["r"] * n
    types[primary] = "r@{\\hspace{12pt}}"
    return "@{}l" + "".join(types) + "@{}"


def _second_best(main: MainTable, block: Block) -> list[float]:
    """The second highest mean of each column, references among them; NaN where there is none."""
    seconds = []
    rows = [row for row in block.rows if not row.warm_up_only]
    for at in range(len(main.columns)):
        means = {row.entries[at].mean for row in rows if not row.entries[at].best}
        seconds.append(max((mean for mean in means if not isnan(mean)), default=float("nan")))
    return seconds


def _latex_row(
    main: MainTable, row: Row, cells: Sequence[Cell], second_best: Sequence[float]
) -> str:
    label, *values = (escaped(cell.full_text) for cell in cells)
    label += f" {escaped(row.budget_mark)}" if row.budget_mark else ""
    for at, (entry, second) in enumerate(zip(row.entries, second_best, strict=True)):
        if entry.best:
            values[at] = f"\\textbf{{{values[at]}}}"
        elif entry.mean == second and not row.warm_up_only:
            values[at] = f"\\underline{{{values[at]}}}"
    marks = {"*": "*", "v": "\\mathrm{v}", "=": "="}
    mark = "".join(marks[sign] for sign in row.mark)
    values[main.primary] += f"\\rlap{{$^{{{mark}}}$}}" if mark else escaped(row.count)
    return " & ".join([label, *values]) + " \\\\"


_TEX = {
    "\\": "\\textbackslash{}",
    "{": "\\{",
    "}": "\\}",
    "$": "\\$",
    "&": "\\&",
    "#": "\\#",
    "_": "\\_",
    "%": "\\%",
    "~": "\\textasciitilde{}",
    "^": "\\textasciicircum{}",
    "<": "\\textless{}",
    ">": "\\textgreater{}",
    "|": "\\textbar{}",
    '"': "''",
    "[": "{[}",
    "]": "{]}",
    "\n": " ",
    "±": "$\\pm$",
    "·": "$\\cdot$",
    "×": "$\\times$",
    "≤": "$\\leq$",
    "≥": "$\\geq$",
    "→": "$\\to$",
    "µ": "$\\mu$",
    "–": "--",
    "—": "---",
    "‘": "`",
    "’": "'",
    "“": "``",
    "”": "''",
    "…": "\\dots{}",
    "ß": "\\ss{}",
    "æ": "\\ae{}",
    "Æ": "\\AE{}",
    "ø": "\\o{}",
    "Ø": "\\O{}",
    "ł": "\\l{}",
    "Ł": "\\L{}",
    "ı": "\\i{}",
}
_ACCENTS = dict(zip("\u0300\u0301\u0302\u0303\u0304\u0306\u0307\u0308", "`'^~=u.\"", strict=True))
_ACCENTS |= dict(zip("\u030a\u030b\u030c\u0323\u0327\u0328", "rHvdck", strict=True))
_GREEK = "GREEK SMALL LETTER "


def escaped(text: str) -> str:
    """A text in which LaTeX finds no markup, in characters that plain LaTeX has."""
    return "".join(map(_letter, unicodedata.normalize("NFC", text)))


def _letter(char: str) -> str:
    """One character: itself, its command, its letter with an accent, or its number."""
    if char in _TEX:
        return _TEX[char]
    if " " <= char <= "~":
        return char
    letter, *accents = list(unicodedata.normalize("NFKD", char))
    if letter.isascii() and letter.isalnum() and all(a in _ACCENTS for a in accents):
        for accent in accents:
            letter = f"\\{_ACCENTS[accent]}{{{letter}}}"
        return letter
    name = unicodedata.name(char, "")
    greek = name.removeprefix(_GREEK).lower().replace("lamda", "lambda")
    if name.startswith(_GREEK) and greek in _LETTERS:
        return f"$\\{greek}$"
    return " " if char.isspace() else f"U+{ord(char):04X}"


_LETTERS = "alpha beta gamma delta epsilon zeta eta theta iota kappa lambda mu nu xi pi rho".split()
_LETTERS += "sigma tau upsilon phi chi psi omega".split()
