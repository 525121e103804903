"""The main table for a paper, in LaTeX with booktabs; caption and notes say the protocol.

Names, labels and notes come from users and from data: every special character is escaped, and what
plain LaTeX has no letter for is said by its number. Needs no package but booktabs.
"""

import unicodedata
from math import isnan

from ..number_format import number, spelled
from .main_table_values import Block, Line, Table


def latex(table: Table) -> str:
    """One float a data set and backbone; best bold, second underlined, ties and tests marked."""
    parts = [_latex_block(table, block) for block in table.blocks]
    return "% needs \\usepackage{booktabs}\n" + "\n".join(parts)


def _latex_block(table: Table, block: Block) -> str:
    n = len(table.columns)
    bands = sum(column.band != "all" for column in table.columns)
    name = escaped(spelled(*table.metric))
    heads = [escaped(column.head) for column in table.columns]
    over = f"{' &' * (n - bands)} & \\multicolumn{{{bands}}}{{c}}{{{name} by band}} & \\\\"
    cut = f"\\cmidrule(lr){{{n - bands + 2}-{n + 1}}}"
    seconds_best = _seconds_best(table, block)
    rows = [_latex_row(table, line, seconds_best) for line in block.methods]
    guards = [_latex_row(table, line, seconds_best) for line in block.references]
    said, notes = _said(table, block)
    return "\n".join(
        [
            "\\begin{table*}[t]",
            "\\centering",
            f"\\caption[{{{said[0]}}}]{{{' '.join(said)}}}",
            "\\smallskip",
            "\\footnotesize",
            "\\setlength{\\tabcolsep}{2.2pt}",
            f"\\begin{{tabular}}{{{_columns(table)}}}",
            "\\toprule",
            *([over, cut] if bands else []),
            " & ".join(["Method", *heads, *map(escaped, table.last_heads)]) + " \\\\",
            "\\midrule",
            *rows,
            *(["\\midrule", *guards] if guards else []),
            "\\bottomrule",
            "\\end{tabular}",
            *(
                [
                    "\\par\\smallskip",
                    f"\\begin{{minipage}}{{\\linewidth}}\\scriptsize {' '.join(notes)}",
                    "\\end{minipage}",
                ]
                if notes
                else []
            ),
            "\\end{table*}",
            "",
        ]
    )


def _said(table: Table, block: Block) -> tuple[list[str], list[str]]:
    """The caption, and what stands under the table; both escaped, nothing said twice."""
    name, where = spelled(*table.metric), f"{block.dataset}, {block.backbone}"
    caption = [
        f"{name} and its bands on {where}.",
        *block.protocol,
        *table.protocol,
        "Bold: best; underlined: second best.",
    ]
    notes = [note for note in block.notes if note not in block.protocol]
    notes += [note for note in table.notes if note not in table.protocol]
    return [escaped(s) for s in caption], [escaped(n) for n in notes]


def _columns(table: Table) -> str:
    """The tested column leaves room at its right, where the marks hang over."""
    wide = ["r"] * (len(table.columns) + len(table.last_heads))
    wide[table.primary] = "r@{\\hspace{12pt}}"
    return "@{}l" + "".join(wide) + "@{}"


def _seconds_best(table: Table, block: Block) -> list[float]:
    """The second highest of the methods' means in each column; NaN where there is none."""
    found = []
    for at in range(len(table.columns)):
        means = {line.entries[at].mean for line in block.methods if not line.entries[at].best}
        found.append(max((mean for mean in means if not isnan(mean)), default=float("nan")))
    return found


def _latex_row(table: Table, line: Line, seconds_best: list[float]) -> str:
    values = []
    for column, entry, second in zip(table.columns, line.entries, seconds_best, strict=True):
        # Bands without their spread, as on a screen: the table shall fit one column of an article.
        said = escaped(entry.said if column.band == "all" else number(entry.mean))
        if entry.best:
            said = f"\\textbf{{{said}}}"
        elif entry.mean == second and line.kind == "method":
            said = f"\\underline{{{said}}}"
        values.append(said)
    marks = {"*": "*", "v": "\\mathrm{v}", "=": "="}
    mark = "".join(marks[sign] for sign in line.mark)
    values[table.primary] += f"\\rlap{{$^{{{mark}}}$}}" if mark else escaped(line.count)
    last = map(escaped, table.last_values(line))
    return " & ".join([escaped(line.label), *values, *last]) + " \\\\"


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


def escaped(said: str) -> str:
    """A text in which LaTeX finds no markup, in characters that plain LaTeX has."""
    return "".join(map(_letter, unicodedata.normalize("NFC", said)))


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
