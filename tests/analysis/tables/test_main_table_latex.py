import re
from pathlib import Path
from typing import Any

import pytest
from helpers.pdflatex import compiled, needs_pdflatex

from negbench.analysis.runs.frames import open_run
from negbench.analysis.tables.latex_text import escaped
from negbench.analysis.tables.main_table import main_table
from negbench.analysis.tables.main_table_latex import latex

FOUR = {"all": [0.1] * 4, "head": [0.1] * 4, "mid": [0.1] * 4, "tail": [0.1] * 4}
NASTY = "p=50%,x=\\input{y}#$^~[1]|<\"'é ü ł α=β→γ 中 ±≥…"


def row(text: str, name: str) -> list[str]:
    line = next(line for line in text.splitlines() if line.startswith(f"{name} &"))
    return line.removesuffix(" \\\\").split(" & ")


def test_best_is_bold_second_underlined_and_ties_marked(folder: Path) -> None:
    text = latex(main_table(open_run(folder)))
    dns, random, popularity = (row(text, name) for name in ("dns", "random", "popularity"))
    assert dns[1:3] == [
        "\\textbf{0.8000 $\\pm$ 0.0000}",
        "\\textbf{0.4000 $\\pm$ 0.0000}\\rlap{$^{=}$}",
    ]
    assert random[2] == "\\underline{0.2250 $\\pm$ 0.0354}\\rlap{$^{=}$}"
    assert popularity[2] == "0.1750 $\\pm$ 0.0354\\rlap{$^{=}$}"
    # On head items popularity leads and a reference follows; bands stand without their spread.
    assert (popularity[3], dns[3], random[3]) == ("\\textbf{0.6000}", "0.4000", "0.3000")
    assert row(text, "most\\_popular")[3] == "\\underline{0.5000}"


def test_equal_seconds_are_all_underlined(folder: Path, write: Any) -> None:
    for seed in (0, 1):
        write(folder, "books", "mixed", seed, {**FOUR, "mid": [0.2] * 4})
    text = latex(main_table(open_run(folder)))
    assert row(text, "mixed")[4] == row(text, "random")[4] == "\\underline{0.2000}"


def test_the_caption_states_what_a_reviewer_asks(folder: Path) -> None:
    text = latex(main_table(open_run(folder)))
    (caption, _) = re.findall(r"^\\caption\[.*?\]\{(.*)\}$", text, re.MULTILINE)
    for phrase in (
        "NDCG@20 and its bands on books, mf.",
        "Split ratio(0.8,0.1,0.1), order: time, hash 7c1e09",
        "Negatives exclude the user's train items.",
        "K = 20",
        "2 seeds (0, 1)",
        "t test with users and seeds as crossed random effects",
        "Holm-corrected",
        "Bold: the highest mean of its column, tested or not; references count, warm-ups (",
        "Underlined: the second highest.",
    ):
        assert phrase in caption, phrase
    notes = text.partition("\\sloppy ")[2].partition("\\end{minipage}")[0]
    assert "The exposure is simulated." in notes and "Split" not in notes


def test_every_character_is_one_that_plain_latex_has() -> None:
    assert escaped("a_b & 50% {x} $") == "a\\_b \\& 50\\% \\{x\\} \\$"
    assert escaped("é ü ñ ł ß") == "\\'{e} \\\"{u} \\~{n} \\l{} \\ss{}"
    assert escaped("α=0.5 → λ") == "$\\alpha$=0.5 $\\to$ $\\lambda$"
    assert escaped("中\t\x07") == "U+4E2D U+0007"
    assert escaped("".join(map(chr, range(32, 0x3000)))).isascii()


@needs_pdflatex
@pytest.mark.parametrize("case", ["plain", "nasty", "one seed", "half a row", "probed"])
def test_every_table_compiles(
    folder: Path, probed: Path, tmp_path: Path, write: Any, case: str
) -> None:
    run = probed if case == "probed" else folder
    if case == "nasty":
        for seed in (0, 1):
            write(run, "a_b&c^{", "dns_mn", seed, FOUR, variant=NASTY)
    if case == "one seed":
        run = tmp_path / "one"
        write(run, "books", "dns", 0, FOUR)
    if case == "half a row":
        write(run, "books", "mixed", 0, FOUR)
    log = compiled(tmp_path, latex(main_table(open_run(run))))
    if case != "nasty":
        assert "Overfull" not in log
