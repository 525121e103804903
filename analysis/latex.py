"""The main table for a paper, in LaTeX with booktabs; caption and notes say the protocol.

Names, labels and notes come from users and from data: every special character is escaped.
"""

from negbench.analysis.board import Block, Line, Table
from negbench.analysis.spelling import seconds, spelled


def latex(table: Table) -> str:
    """The table for a paper: needs booktabs; caption and notes say the protocol."""
    parts = [_latex_block(table, block) for block in table.blocks]
    return "% needs \\usepackage{booktabs}\n" + "\n".join(parts)


def _latex_block(table: Table, block: Block) -> str:
    n = len(table.columns)
    bands = sum(column.band != "all" for column in table.columns)
    name = _tex(spelled(*table.metric))
    heads = [_tex(column.head) for column in table.columns]
    over = f"{' &' * (n - bands)} & \\multicolumn{{{bands}}}{{c}}{{{name} by band}} & \\\\"
    cut = f"\\cmidrule(lr){{{n - bands + 2}-{n + 1}}}"
    rows = [_latex_row(table, line) for line in block.methods]
    guards = [_latex_row(table, line) for line in block.references]
    where = f"{_tex(block.dataset)}, {_tex(block.backbone)}"
    notes = " ".join(_tex(note) for note in (*block.notes, *table.notes))
    return "\n".join(
        [
            "\\begin{table*}[t]",
            "\\centering",
            f"\\caption{{{name} and its bands on {where}; best in bold.}}",
            "\\small",
            "\\setlength{\\tabcolsep}{4pt}",
            f"\\begin{{tabular}}{{{_columns(table)}}}",
            "\\toprule",
            *([over, cut] if bands else []),
            " & ".join(["Method", *heads, "s/epoch"]) + " \\\\",
            "\\midrule",
            *rows,
            *(["\\midrule", *guards] if guards else []),
            "\\bottomrule",
            "\\end{tabular}",
            "\\par\\smallskip",
            f"\\begin{{minipage}}{{\\linewidth}}\\footnotesize {notes}\\end{{minipage}}",
            "\\end{table*}",
            "",
        ]
    )


def _columns(table: Table) -> str:
    """The tested column leaves room at its right, where the marks hang over."""
    wide = ["r"] * (len(table.columns) + 1)
    wide[table.primary] = "r@{\\hspace{16pt}}"
    return "l" + "".join(wide)


def _latex_row(table: Table, line: Line) -> str:
    values = [_bold(_tex(e.said), e.best) for e in line.entries]
    marks = {"*": "*", "v": "\\mathrm{v}", "=": "="}
    mark = "".join(marks[sign] for sign in line.mark)
    values[table.primary] += f"\\rlap{{$^{{{mark}}}$}}" if mark else _tex(line.count)
    return " & ".join([_tex(line.label), *values, _tex(seconds(line.epoch))]) + " \\\\"


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
    "±": "$\\pm$",
    "·": "$\\cdot$",
    "\n": " ",
}


def _tex(said: str) -> str:
    return "".join(_TEX.get(char, char) for char in said)


def _bold(value: str, best: bool) -> str:
    return f"\\textbf{{{value}}}" if best else value
