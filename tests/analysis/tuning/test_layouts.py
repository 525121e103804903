"""The tables of a search: their order, their notes, and that protocols never share one."""

import io
import json
import shutil
import subprocess

import pandas as pd
import pytest
from helpers.search_files import PROTOCOL, M, pending, search, three_rows, trial, write

from negbench.analysis.tuning.layouts import LAYOUTS, render
from negbench.analysis.tuning.page import page_of, tuning_page
from negbench.analysis.tuning.searches import Searched
from negbench.errors import UserError

NASTY = 'a_b&c^{x}\\y~<i>"%$#'


@pytest.fixture
def run(tmp_path):
    return write(tmp_path / "run", three_rows())


def notes(page):
    return " ".join(note.text for block in page.blocks for note in block.notes)


def one(*given):
    return page_of([Searched(each) for each in given])


def test_best_first_and_references_last(run):
    (block,) = tuning_page(run).blocks
    assert [each.searched.row for each in block.lines] == ["dns", "random", "ease"]
    text = render(run)
    assert text.startswith("books · mf: NDCG@20 on test, one seed")
    assert "dns" in text.splitlines()[4] and "+60.0 %" in text.splitlines()[4]
    assert max(map(len, text.splitlines())) <= 100


def test_the_protocol_stands_under_the_table_in_words(run):
    text = " ".join(render(run).split())
    for sentence in (
        "4 trials a row that has anything to search, the first the row as typed, all else as "
        "published, the others points of one scrambled Sobol sequence (seed 0), the same shared "
        "coordinates for all",
        "Every trial of every row has the whole budget: at most 100 epochs, patience 10.",
        "Selection: validation NDCG@20 of seed 0 picks 2 finalists, the mean over seeds 1 and 2 "
        "the winner, which is tested on seeds 100 to 102; a reference has no seed, so the best on "
        "validation wins.",
        "Split ratio(0.8,0.1,0.1) (acaba2f11571), data 08234362a9da, exclusion train.",
        "No test score of a trial was read to choose a setting",
        "Winner's curse: validation NDCG@20 of a winner on the seed that made it a finalist, "
        "against its mean on the seeds after: +20.0 % for dns.",
        "A failed trial counts in the last place, with the lowest test score of a trial of its "
        "row that finished.",
        "!: this value of the winner lies in the outer tenth of its range or beyond it",
    ):
        assert sentence in text
    assert three_rows()[0]["hash"] in text


def test_what_does_not_apply_is_left_out():
    page = one(search("random", [(0.1, 0.2), (0.3, 0.4)], winner=1))
    text = LAYOUTS["text"](page)
    for word in ("failed", "!", "curse", "WARNING", "Oracle epoch", "n>random", "R2"):
        assert word not in text.replace("failed ones in brackets", "")


def test_rows_of_another_protocol_have_a_table_of_their_own_with_the_reason():
    other = search("dns", [(0.9, 0.9)], protocol={"trials": 32, "finalists": 3})
    page = one(*three_rows(), other)
    assert [len(block.lines) for block in sorted(page.blocks, key=lambda b: len(b.lines))] == [1, 3]
    assert notes(page).count("Not compared with the rows of books under protocol") == 2
    assert f"{other['hash']} (another finalists and trials)" in notes(page)
    (alone,) = (block for block in page.blocks if len(block.lines) == 1)
    assert alone.lines[0].to_pass is None  # the random of the other protocol is no bar


def test_rows_searched_over_other_shared_ranges_do_not_meet_either():
    other = search("dns", [(0.9, 0.9)], ranges_hash="0ther")
    page = one(*three_rows(), other)
    assert [len(block.methods) for block in page.blocks] in ([1, 2], [2, 1])
    assert "another shared ranges" in notes(page)
    assert all(len(block.references) == 1 for block in page.blocks)


def test_backbones_have_tables_of_their_own_and_need_no_reason():
    page = one(*three_rows(), search("dns", [(0.9, 0.9)], backbone="lightgcn", ranges_hash="g"))
    assert [block.backbone for block in page.blocks] == ["lightgcn", "mf"]
    assert "Not compared" not in notes(page)


def test_references_alone_are_a_table():
    page = one(three_rows()[2])
    assert [block.backbone for block in page.blocks] == ["reference"]
    assert "ease" in LAYOUTS["text"](page) and "ease" in LAYOUTS["latex"](page)


def test_pending_trials_are_a_warning_and_a_count():
    page = one(search("random", [(0.1, 0.2), pending(1)]), search("dns", [pending(0)]))
    text = LAYOUTS["text"](page)
    assert "WARNING: 2 of 2 rows have trials pending" in text
    assert "1 of 2" in text and "0 of 1" in text


def test_nothing_finished_is_still_a_table():
    text = LAYOUTS["text"](one(search("dns", [pending(0)])))
    assert "0 of 1" in text and "WARNING" in text


def test_halving_says_what_it_leaves_out():
    cut = trial(1, 0.2, 0.1, status="cut")
    rungs = [{"epochs": 25, "trials": [0, 1], "valid": [0.1, 0.2], "correlation": 0.6}]
    halved = search(
        "dns", [(0.1, 0.2), cut], protocol={"fidelity": "halving"}, rungs=rungs, winner=0
    )
    text = notes(one(halved))
    assert "Successive halving, at rungs that are the same for every row" in text
    assert "1 row has no expected score below E_N: halving cut some trials" in text
    assert "0.60 in the mean, least 0.60 (dns at 25 epochs)" in text


def halved(**correlations):
    """The notes of rows whose first rung has these rank correlations."""
    rung = {"epochs": 25, "trials": [0, 1], "valid": [0.1, 0.2]}
    cut = trial(1, 0.2, 0.1, status="cut")
    rows = [
        search(
            name,
            [(0.1, 0.2), cut],
            protocol={"fidelity": "halving"},
            rungs=[{**rung, "correlation": value}],
            winner=0,
        )
        for name, value in correlations.items()
    ]
    return notes(one(*rows))


@pytest.mark.parametrize(("value", "trusted"), [(0.6951, True), (0.694, False), (0.7, True)])
def test_a_rung_is_judged_by_the_number_that_is_shown(value, trusted):
    text = halved(dns=value)
    assert ("not to be trusted" not in text) == trusted == ("least 0.70 (dns" in text)


def test_the_rows_for_which_halving_is_not_to_be_trusted_are_named():
    text = halved(dns=0.8, random=0.5, popularity=None)
    assert "0.65 in the mean, least 0.50 (random at 25 epochs)" in text
    assert "below 0.7 in random and not known in popularity: not to be trusted there." in text
    assert "end, over the trials that reached it: not known; not known in dns" in halved(dns=None)


def test_the_long_form_has_every_point_once(run):
    frame = pd.read_csv(io.StringIO(render(run, format="csv")))
    points = frame[frame["measure"] == "expected"]
    assert len(points) == 12 and not points.duplicated(["row", "n"]).any()
    dns = points[points["row"] == "dns"].set_index("n")
    assert dns["value"][4] == pytest.approx(0.4) and dns["cpu_seconds"][2] == 120
    assert dns["dots"][4] == 4000 and (dns["low"] <= dns["high"]).all()
    passed = frame[frame["measure"] == "n_to_pass_random"].set_index("row")
    assert passed["value"]["dns"] == 1 and pd.isna(passed["value"]["ease"])
    assert passed["detail"]["ease"] == "mf"


def test_a_reference_beside_two_backbones_is_one_row_of_the_long_form():
    random = search("random", [(0.5, 0.5)], backbone="lightgcn", ranges_hash="g")
    text = LAYOUTS["csv"](one(*three_rows(), random))
    frame = pd.read_csv(io.StringIO(text))
    ease = frame[frame["row"] == "ease"]
    assert (ease["measure"] == "expected").sum() == 4
    assert set(ease[ease["measure"] == "n_to_pass_random"]["detail"]) == {"mf", "lightgcn"}


def test_json_has_the_curve_and_the_winner(run):
    (block,) = json.loads(render(run, format="json"))["blocks"]
    dns = block["rows"][0]
    assert dns["n_to_pass_random"] == 1 and dns["edges"] == ["lr"]
    assert [point["n"] for point in dns["curve"]] == [1, 2, 3, 4]
    assert dns["values"]["oracle_epoch_inflation"] is None
    assert block["rows"][2]["n_to_pass_random"] == "never" and block["rows"][2]["kind"]
    assert block["protocol"] == three_rows()[0]["hash"]


def test_markdown_escapes_names():
    text = LAYOUTS["md"](one(search(NASTY, [(0.1, 0.2)], winner=0)))
    assert "<i>" not in text and "a\\_b" in text


def test_an_unknown_format_is_refused(run):
    with pytest.raises(UserError, match="must be one of text, md, csv, latex, json"):
        render(run, format="html")


def test_the_appendix_has_spaces_and_choices(run):
    text = render(run, format="latex")
    assert text.count("\\begin{table*}") == 2
    assert "Searched for every method: lr log {[}0.0001, 0.1{]}; l2 log" in text
    assert "dns & - & 4 (1) & 4.00 \\\\" in text
    assert "ease & l2 log {[}1, 10000{]} & 4 & 4.00 \\\\" in text
    assert "dns & lr=0.09!, l2=0.0001 & 0.4000 & +60.0 \\% \\\\" in text


@pytest.mark.skipif(
    shutil.which("pdflatex") is None, reason="no pdflatex here: apt-get install texlive-latex-base"
)
@pytest.mark.parametrize("case", ["plain", "nasty"])
def test_the_appendix_compiles(tmp_path, case):
    given = three_rows()
    if case == "nasty":
        space = (M, *search("dns", [])["space"])
        given.append(search(NASTY, [(0.1, 0.2)], space=space, winner=0))
        given.append(search("dns", [pending(0)], protocol={**PROTOCOL, "trials": 9}))
    start = "\\documentclass{article}\n\\usepackage{booktabs}\n\\begin{document}\n"
    body = LAYOUTS["latex"](one(*given))
    (tmp_path / "t.tex").write_text(f"{start}{body}\\listoftables\n\\end{{document}}\n", "utf-8")
    command = ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", "t.tex"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, timeout=120)
    log = done.stdout.decode("utf-8", "replace")
    assert done.returncode == 0, log[-2000:]
    assert "Missing character" not in log and "Overfull" not in log
