"""Tables for a paper of 3, 9 and 40 rows: sound without LaTeX, and compiled where it is here."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from helpers.latex_tables import assert_sound, rows
from helpers.pdflatex import compiled, needs_pdflatex
from helpers.run_on_paper import write_run_on_paper

from negbench.analysis.report.appendix import appendix
from negbench.analysis.runs.frames import open_run
from negbench.analysis.tables import audit_text, comparison_text
from negbench.analysis.tables.paper_latex import render

Write = Callable[..., Path]


@pytest.fixture(params=[3, 9, 40])
def many(request: pytest.FixtureRequest, tmp_path: Path, write: Write) -> tuple[Path, int]:
    """A run of so many rows on three data sets, one of them a reference."""
    run, n = tmp_path / "many", request.param
    for at in range(n - 1):
        label = "random" if at == 0 else f"dns_mn{at}"
        for dataset in ("books", "films", "games_of_chess"):
            for seed in (0, 1):
                draw = np.random.default_rng([at, seed, len(dataset)]).random(6) / 2
                write(run, dataset, label, seed, {"all": draw.tolist()})
    for dataset in ("books", "films", "games_of_chess"):
        write(run, dataset, "most_popular", 0, {"all": [0.1] * 6}, backbone="reference")
    return run, n


def texts(run: Path) -> list[str]:
    records = open_run(run)
    return [
        render(records, spread=True),
        render(records, columns=("ndcg@20",), label="tab:narrow"),
        appendix(records),
        comparison_text.render(records, format="latex"),
    ]


def test_every_row_stands_once_in_every_panel(many: tuple[Path, int]) -> None:
    run, n = many
    for text in texts(run):
        assert_sound(text)
    spread, narrow, *_ = texts(run)
    body = {label: cells for label, cells in rows(spread).items() if label not in ("", "Method")}
    assert len(body) == n and {len(cells) for cells in body.values()} == {6}
    assert narrow.count("\\begin{table*}") == 1, "one column a data set fits one float"
    labels = [line for line in spread.splitlines() if line.startswith("\\label")]
    assert len(set(labels)) == spread.count("\\begin{table*}")


@needs_pdflatex
@pytest.mark.parametrize("options", ["", "twocolumn"])
def test_it_compiles_and_fits(many: tuple[Path, int], tmp_path: Path, options: str) -> None:
    log = compiled(tmp_path, "\n\\clearpage\n".join(texts(many[0])), options)
    assert "Overfull \\hbox" not in log
    assert "Float too large" not in log


def test_the_audit_holds_in_each_float_what_its_numbers_need(tmp_path: Path) -> None:
    text = audit_text.render(open_run(write_run_on_paper(tmp_path, exact=False)), format="latex")
    assert_sound(text)
    floats = text.split("\\begin{table*}")[1:]
    for each in floats:
        assert "2 seeds (0, 1)" in each and "exclude the user's train items" in each
    rates = [each for each in floats if "FN rate" in each.partition("\\toprule")[0]]
    assert rates and all("lower bound" in each for each in rates)


@needs_pdflatex
def test_the_audit_compiles(tmp_path: Path) -> None:
    text = audit_text.render(open_run(write_run_on_paper(tmp_path)), format="latex")
    assert "Overfull \\hbox" not in compiled(tmp_path, text)
