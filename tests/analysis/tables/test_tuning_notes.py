"""What every output says of tuned rows: how many trials, chosen by what, under which protocol."""

import re

import pytest
from helpers.graded_run import write_graded

from negbench.analysis.report.page import content
from negbench.analysis.report.settings import settings
from negbench.analysis.runs.frames import open_run
from negbench.analysis.tables import audit_text, comparison_text
from negbench.analysis.tables.main_table import main_table, render
from negbench.analysis.verdict.verdict import verdicts
from negbench.errors import UserError
from negbench.storage.search_store import protocol_hash, write_search

PROTOCOL = {"trials": 16, "search": "sobol", "finalists": 3, "final_seeds": [1, 2]}
PROTOCOL |= {"select": "ndcg@20", "fidelity": "full", "budget": {}}
HASH = protocol_hash(PROTOCOL)
RANGES = "abc"


def by(trials, row, protocol=HASH, ranges=RANGES):
    """A change: the cell was tuned so."""

    def change(record):
        record["spec"]["tuned"] = {"row": row, "protocol": protocol, "trials": trials}
        record["spec"]["tuned"]["ranges"] = ranges
        record["spec"]["train"]["lr"] = 0.01 * len(row)
        record["spec"]["method_config"] = {"candidates": 16} if row == "dns" else {}
        record["spec"]["variant"] = "candidates=16" if row == "dns" else ""

    return change


def tuned_run(write, folder, **more):
    changes = {
        "random": by(16, "random"),
        "dns": by(16, "dns"),
        "most_popular": by(1, "m", ranges=""),
    }
    rows = {"random": 0.3, "dns": 0.4}, {"most_popular": 0.2}
    return write_graded(write, folder, *rows, changes={**changes, **more})


def search(folder, dataset="books"):
    keys = ("ranges", "rungs", "test_seeds", "space", "trials", "finalists")
    empty = {key: [] for key in keys}
    names = {"dataset": dataset, "backbone": "mf", "row": "dns", "ranges_hash": RANGES}
    write_search(folder, {**empty, **names, "protocol": PROTOCOL, "hash": HASH, "winner": None})


def flat(text):
    return " ".join(re.sub(r"\\|%(?= )", "", text).split())


CLAUSE = (
    "every row but m (nothing to search) was tuned: 16 trials each, chosen on validation "
    f"(protocol {HASH})."
)
SHORT = (
    "Tuned: 16 trials each; nothing to search in m; chosen on the validation part alone "
    f"(protocol {HASH})."
)
LONG = (
    "Tuned: 16 trials each; nothing to search in m; the published default and sobol points; "
    "validation NDCG@20 of one seed chose 3 finalists, its mean over 2 other seeds the winner "
    f"(protocol {HASH})."
)


def test_every_output_says_so(write, tmp_path):
    run = open_run(tuned_run(write, tmp_path))
    table = main_table(run)
    assert table.blocks[0].headline.endswith(CLAUSE)
    outputs = [render(run, format=form) for form in ("text", "md", "html", "latex")]
    outputs += [comparison_text.render(run, format=form) for form in ("text", "md")]
    outputs += [audit_text.render(run, format=form) for form in ("text", "md")]
    for text in outputs:
        assert SHORT in flat(text) and "no row was tuned" not in text
        assert "differ in lr" not in flat(text)
    sentences = " ".join(verdicts(run, table)[0].sentences)
    assert CLAUSE in sentences and "not tuned" not in sentences and "no row" not in sentences
    assert sentences.count("was tuned") == 1
    assert "and settings that were chosen on validation among 16 trials each." in sentences


def test_the_search_is_told_where_it_is_at_hand(write, tmp_path):
    out = tuned_run(write, tmp_path)
    search(out, "films")
    assert SHORT in flat(render(open_run(out)))
    search(out)
    text = flat(render(open_run(out)))
    assert f"{LONG} Seeds 0, 1 and 2 served the choice too (--seeds 100-104: fresh ones)." in text


def test_the_report_shows_the_settings_that_were_chosen(write, tmp_path):
    run = open_run(tuned_run(write, tmp_path))
    lines = settings(run).set_index("row")
    assert sorted(lines.index) == ["dns", "m", "random"]
    assert "candidates=16" in lines.loc["dns", "parameters"]
    page = content(run)
    notes = [note.text for part in page["parts"] for note in part.block.notes]
    assert SHORT in notes


def test_one_trial_each_is_no_tuning(write, tmp_path):
    changes = {name: by(1, name) for name in ("random", "dns")} | {
        "most_popular": by(1, "m", ranges="")
    }
    table = main_table(open_run(tuned_run(write, tmp_path, **changes)))
    assert table.blocks[0].headline.endswith("; no row was tuned here.")
    assert not [note for note in table.blocks[0].notes if note.kind == "tuning"]


def test_rows_of_unequal_trials_are_said_to_be(write, tmp_path):
    table = main_table(open_run(tuned_run(write, tmp_path, random=by(4, "random"))))
    assert "was tuned: 4 to 16 trials each, chosen" in table.blocks[0].headline


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (by(16, "random", "f00"), "share their tuning to be compared, but books has rows tuned by"),
        (lambda record: None, "and rows that are not tuned (1 cells"),
        (by(16, "random", ranges="wide"), "share their search space to be compared"),
    ],
)
def test_rows_that_were_tuned_otherwise_are_not_compared(write, tmp_path, change, words):
    name = "most_popular" if "1 cells" in words else "random"
    with pytest.raises(UserError) as refused:
        open_run(tuned_run(write, tmp_path, **{name: change}))
    assert words in str(refused.value)
