import csv
import io
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
from helpers.graded_run import write_graded

from negbench.analysis.runs.frames import open_run
from negbench.analysis.tables.main_table import main_table, render
from negbench.analysis.tables.main_table_latex import latex
from negbench.errors import UserError

FOUR = {"all": [0.1] * 4, "head": [0.1] * 4, "mid": [0.1] * 4, "tail": [0.1] * 4}


def row(text: str, name: str) -> list[str]:
    lines = [line for line in text.splitlines() if line.startswith(f"{name}  ")]
    return lines[0].split()  # not the headline, which may begin with a name too


def test_the_numbers_of_the_text_are_those_on_paper(folder: Path) -> None:
    text = render(open_run(folder))
    assert row(text, "random") == (
        "random 0.4500 ± 0.0707 0.2250 ± 0.0354 = 0.3000 0.2000 0.1000 3.00".split()
    )
    assert row(text, "dns")[4:9] == ["0.4000", "±", "0.0000", "=", "0.4000"]
    assert row(text, "most_popular")[1:3] == ["0.4000", "0.2000"]
    assert max(len(line) for line in text.splitlines()) <= 100


def test_methods_by_value_then_the_references_under_a_rule(folder: Path) -> None:
    lines = render(open_run(folder)).splitlines()
    lines = lines[lines.index(next(line for line in lines if line.startswith("Method"))) + 2 :]
    first = [line.split()[0] for line in lines[:5]]
    assert first[:3] == ["dns", "random", "popularity"]
    assert set(first[3]) == {"-"}
    assert first[4] == "most_popular"


@pytest.mark.parametrize("format", ["text", "md", "latex"])
def test_the_footnotes_say_what_a_reviewer_asks(folder: Path, format: str) -> None:
    text = " ".join(render(open_run(folder), format=format).replace("\\", "").split())
    for phrase in (
        "ratio(0.8,0.1,0.1)",
        "7c1e09",
        "full ranking over 30 items",
        "exclude the user's train items",
        "mass:1/3,2/3",
        "head 3 items, 5 test pairs",
        "2 seeds (0, 1)",
        "K = 20",
        "t test with users and seeds as crossed random effects",
        "covers users and seeds",
        "Holm",
        "references count",
        "The exposure is simulated.",
    ):
        assert phrase in text, phrase
    assert "ORACLE" not in text


@pytest.mark.parametrize("exclude", ["all", "train+valid"])
@pytest.mark.parametrize("format", ["text", "md", "latex"])
def test_an_oracle_is_called_one(tmp_path: Path, write: Any, exclude: str, format: str) -> None:
    write(tmp_path, "b", "dns", 0, FOUR, change=lambda r: r["spec"].update(exclude=exclude))
    assert "ORACLE" in render(open_run(tmp_path), format=format)


def test_one_seed_is_warned_of_and_has_no_spread(tmp_path: Path, write: Any) -> None:
    write(tmp_path, "b", "random", 3, FOUR)
    text = render(open_run(tmp_path))
    assert "WARNING: one seed (3)" in text
    assert "±" not in row(text, "random")


def test_one_test_user_is_said_to_be_no_test(tmp_path: Path, write: Any) -> None:
    bands = dict.fromkeys(("all", "head", "mid", "tail"))
    for method, value in (("random", 0.1), ("dns", 0.9)):
        for seed in range(3):
            write(tmp_path, "books", method, seed, {band: [value] for band in bands})
    page = render(open_run(tmp_path))
    assert "No test: one test user does not show how much users differ" in page
    assert "* better" not in page and "covers users" not in page


def test_a_half_row_is_a_dash_with_its_count_and_reason(folder: Path, write: Any) -> None:
    write(folder, "books", "mixed", 0, FOUR)
    fail = {"status": "failed", "reason": "Out of memory."}
    write(folder, "books", "mixed", 1, FOUR, change=lambda r: r.update(fail))
    text = render(open_run(folder))
    assert row(text, "mixed")[:4] == ["mixed", "-", "-", "(1/2)"]
    assert '"-": mixed has 1 of 2 seeds (Out of memory).' in text


def test_rows_with_other_settings_are_warned_of(folder: Path, write: Any) -> None:
    for seed in (0, 1):
        write(
            folder,
            "books",
            "mixed",
            seed,
            FOUR,
            change=lambda r: r["spec"]["train"].update(epochs=500),
        )
    assert "WARNING: rows differ in epochs" in render(open_run(folder))


def test_a_damaged_cell_is_reported(folder: Path) -> None:
    (sorted((folder / "cells").iterdir())[0] / "users.npz").unlink()
    assert "WARNING: 1 damaged cell was left out" in render(open_run(folder))


def test_csv_holds_exact_numbers(folder: Path) -> None:
    lines = list(csv.DictReader(io.StringIO(render(open_run(folder), format="csv"))))
    assert len(lines) == 8
    dns = next(line for line in lines if line["row"] == "dns")
    assert float(dns["ndcg@20"]) == pytest.approx(0.4)
    assert float(dns["ndcg@20/tail"]) == pytest.approx(0.4)
    # Two seeds and four users: the test that counts the seeds cannot tell dns from random.
    assert (dns["verdict"], dns["tied"]) == ("same", "1")


def test_markdown_sets_the_best_in_bold_and_escapes_names(folder: Path, write: Any) -> None:
    for seed in (0, 1):
        write(folder, "books", "dns_mn", seed, FOUR)
    text = render(open_run(folder), format="md")
    assert "| dns | **0.8000 ± 0.0000** | **0.4000 ± 0.0000** = |" in text
    assert "Bold: the highest mean of its column" in text
    assert "dns\\_mn" in text
    assert "*most\\_popular* (reference)" in text
    tables = [line for line in text.splitlines() if line.startswith("|")]
    assert {line.replace("\\|", "").count("|") for line in tables} == {8}


def test_latex_escapes_what_names_may_hold(folder: Path, write: Any) -> None:
    for seed in (0, 1):
        write(folder, "a_b&c", "dns_mn", seed, FOUR, variant="p=50%,x=\\input{y}#$^~")
    text = render(open_run(folder), format="latex")
    assert "dns\\_mn(p=50\\%,x=\\textbackslash{}input\\{y\\}\\#\\$\\textasciicircum{}" in text
    assert "a\\_b\\&c" in text
    assert "\\input{" not in text
    assert "\\textbf{0.4000 $\\pm$ 0.0000}" in text
    assert text.count("{tabular}") == 2 * text.count("\\begin{tabular}")
    assert text.count("\\toprule") == text.count("\\bottomrule") == 3


@pytest.mark.skipif(shutil.which("pdflatex") is None, reason="no pdflatex here")
def test_latex_compiles(folder: Path, tmp_path: Path) -> None:
    body = latex(main_table(open_run(folder)))
    start = "\\documentclass{article}\\usepackage{booktabs}\\begin{document}\n"
    (tmp_path / "t.tex").write_text(f"{start}{body}\\end{{document}}\n")
    command = ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", "t.tex"]
    assert subprocess.run(command, cwd=tmp_path, capture_output=True).returncode == 0


def test_an_unknown_format_is_answered_with_the_known(folder: Path) -> None:
    with pytest.raises(UserError, match="latex"):
        render(open_run(folder), format="latx")


def test_a_long_name_keeps_the_table_narrow(folder: Path, write: Any) -> None:
    for seed in (0, 1):
        write(folder, "books", "dns", seed, FOUR, variant="candidates=32,some_other_parameter=0.5")
    text = render(open_run(folder))
    assert max(len(line) for line in text.splitlines()) <= 100
    assert "dns(candidates=32,some_other_parameter=0.5)\n" in text


def test_a_reference_may_be_the_baseline(tmp_path: Path, write: Any) -> None:
    rows = {"random": 0.2, "dns": 0.4}, {"item_knn": 0.3}
    table = main_table(open_run(write_graded(write, tmp_path, *rows)), vs="item_knn")
    assert {row.label: row.mark for row in table.blocks[0].rows} == {
        "dns": "*=",
        "random": "v",
        "item_knn": "",
    }
    assert "* better, v worse than item_knn in NDCG@20" in table.notes[0].text


def test_a_reference_that_draws_is_said_to_be_one_training(folder: Path, write: Any) -> None:
    """Its one value a user stands under every seed, so no test sees how its trainings differ."""
    values = {band: [0.1, 0.2, 0.3, 0.3] for band in ("all", "head", "mid", "tail")}
    clause = "and no test covers how another would differ."
    assert clause not in " ".join(render(open_run(folder)).split())
    for name in ("ials", "multivae"):
        drawn = lambda record: record["spec"].update(method_config={"seed": 0, "dim": 8})  # noqa: E731
        write(folder, "books", name, 0, values, backbone="reference", change=drawn)
    for form in ("text", "md", "latex", "html"):
        text = " ".join(render(open_run(folder), format=form).split())
        assert (
            text.count(f"ials and multivae draw at random: one training of each counts, {clause}")
            == 1
        ), form
