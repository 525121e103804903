"""A LaTeX float with booktabs: caption, one or several tabulars, notes below, label.

All texts are LaTeX already (`latex_text.escaped`). It needs no package but booktabs.
"""

from collections.abc import Sequence
from dataclasses import dataclass

PREAMBLE = "% needs \\usepackage{booktabs}\n"


@dataclass(frozen=True)
class Tabular:
    """A tabular: column types, lines of the head, and groups of lines with a rule between them."""

    types: str
    head: Sequence[str]
    groups: Sequence[Sequence[str]]

    @property
    def text(self) -> str:
        """Its LaTeX; empty groups are left out."""
        groups = "\n\\midrule\n".join("\n".join(group) for group in self.groups if group)
        head = "\n".join(self.head)
        return "\n".join(
            [
                f"\\begin{{tabular}}{{{self.types}}}",
                "\\toprule",
                head,
                "\\midrule",
                groups,
                "\\bottomrule",
                "\\end{tabular}",
            ]
        )


def line(cells: Sequence[str]) -> str:
    """A line of a tabular."""
    return " & ".join(cells) + " \\\\"


def table_float(
    caption: Sequence[str],
    tabulars: Sequence[Tabular],
    below: Sequence[str] = (),
    *,
    label: str = "",
    size: str = "footnotesize",
    gap: str = "2.2pt",
) -> str:
    """A `table*` over the whole width; the first sentence of the caption stands in the list.

    `gap` is half the space between columns, `below` the notes under the table.
    """
    parts = "\n\\par\\medskip\n".join(each.text for each in tabulars)
    notes = [
        "\\par\\smallskip",
        f"\\begin{{minipage}}{{\\linewidth}}\\scriptsize\\sloppy {' '.join(below)}",
        "\\end{minipage}",
    ]
    return "\n".join(
        [
            "\\begin{table*}[t]",
            "\\centering",
            f"\\caption[{{{caption[0]}}}]{{{' '.join(caption)}}}",
            *([f"\\label{{{label}}}"] if label else []),
            "\\smallskip",
            f"\\{size}",
            f"\\setlength{{\\tabcolsep}}{{{gap}}}",
            parts,
            *(notes if below else []),
            "\\end{table*}",
            "",
        ]
    )
