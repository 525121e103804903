import csv
import io
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from negbench.analysis.runs.frames import open_run
from negbench.analysis.tables.comparison import comparison
from negbench.analysis.tables.comparison_text import LAYOUTS, render
from negbench.errors import NothingToReport, UserError


def one_line(run: Path, **options: str) -> str:
    """The text form as one line, so that wrapping parts nothing."""
    return " ".join(render(open_run(run), **options).split())


@pytest.fixture
def wide(tmp_path: Path, write: Any) -> Path:
    """Eight data sets, four methods that keep their order."""
    rng = np.random.default_rng(0)
    for dataset in "abcdefgh":
        for at, method in enumerate(("random", "popularity", "dns", "mixed")):
            values = rng.uniform(0, 0.02, 6) + 0.1 * at
            write(tmp_path / "wide", dataset, method, 0, {"all": values})
    return tmp_path / "wide"


def test_rows_stand_by_value_with_their_verdict(folder: Path) -> None:
    values = comparison(open_run(folder))
    books = values.blocks[0]
    assert (books.dataset, books.backbone) == ("books", "mf")
    assert [(line["row"], line["conclusion"]) for line in books.lines] == [
        ("dns", "not told apart"),
        ("random", "baseline"),
        ("most_popular", "not told apart"),
        ("popularity", "not told apart"),
    ]
    users = comparison(open_run(folder), test="paired-t").blocks[0]
    assert users.lines[0]["conclusion"] == "better"


def test_the_text_holds_the_figures_of_a_row(folder: Path) -> None:
    lines = render(open_run(folder)).splitlines()
    assert max(map(len, lines)) <= 100
    dns = next(line for line in lines if line.startswith("dns")).split()
    # Standard error .025 with 1 degree of freedom, t = 7 (test_significance.py): p = .090, three
    # times that by Holm; .025 * 12.71 = .3177 at either side; 16.33 * .025 = .4084.
    assert dns[:6] == ["dns", "0.4000", "+0.1750", "[-0.1427,", "0.4927]", "+77.8"]
    assert dns[6:8] == ["0.271", "0.4084"]  # p, corrected
    assert dns[8:] == ["not", "told", "apart", "1", "(1-4)", "="]
    assert any(line.startswith("most_popular (ref.)") for line in lines)


def test_the_footnotes_say_what_a_reviewer_asks(folder: Path) -> None:
    text = one_line(folder)
    for word in (
        "hash 7c1e09",
        "Negatives exclude the user's train items",
        "Means over 2 seeds (0, 1)",
        "better, worse than random in NDCG@20: t test with users and seeds as crossed random "
        "effects (covers users and seeds), Holm-corrected within data set and backbone (3 "
        "comparisons each), p < 0.05",
        "Holm-corrected; = best, or not told apart from it by them (p >= 0.05); references count",
        "go unseen more than one time in five (power 0.8); the largest not told apart, dns "
        "(+0.1750), would need",
        "No test over blocks: a Friedman test and its critical difference need 8 blocks",
        "this run has 2 blocks",
        "Mean rank over 2 blocks dns 1.00 random 2.00 most_popular 3.00 popularity 4.00",
    ):
        assert word in text
    other = one_line(folder, test="permutation", correction="none", metric="recall@20")
    assert "in Recall@20: sign-flip permutation test over users (9,999 draws), seeds aver" in other
    assert "covers users alone: these trained models, no other seed" in other
    assert "not corrected" in other


def test_eight_blocks_are_tested_across(wide: Path) -> None:
    values = comparison(open_run(wide))
    assert values.test is not None
    text = one_line(wide)
    # Always one order: chi2 = N (k - 1) = 24.
    assert "Mean rank over 8 blocks mixed 1.00 = dns 2.00 = popularity 3.00 random 4.00" in text
    assert "Friedman over 8 blocks: chi2 = 24.00, p < 0.001" in text
    assert "critical difference of mean ranks at 0.05: 1.66" in text


def test_rows_that_one_block_lacks_are_named(wide: Path, write: Any) -> None:
    write(wide, "a", "adaptive", 0, {"all": [0.9, 0.8, 0.9, 0.8, 0.9, 0.7]})
    text = one_line(wide)
    assert "Left out, for not every block holds them: adaptive." in text
    assert "(3 to 4 comparisons)" in text


def test_one_seed_speaks_of_users_alone(wide: Path) -> None:
    text = one_line(wide)
    assert "paired t test over users, one seed (covers users alone" in text
    assert "One seed does not show how much seeds differ; run 5 or more (--seeds 5)." in text
    assert "covers users and seeds" not in text and "chance" not in text


def test_a_reference_may_be_compared_with(folder: Path) -> None:
    values = comparison(open_run(folder), vs="most_popular")
    assert [line["conclusion"] for line in values.blocks[0].lines].count("baseline") == 1
    assert "against most_popular" in render(open_run(folder), vs="most_popular")


def test_the_margin_is_explained_and_shown(folder: Path) -> None:
    text = one_line(folder, margin="2%", test="paired-t")
    assert "lies wholly beyond the margin of 2% of random; same: it lies within" in text
    assert "undecided" in text and "not told apart 2" not in text
    page = json.loads(render(open_run(folder), format="json", margin="0.99"))
    assert page["margin"] == "0.99"
    assert {row["conclusion"] for row in page["blocks"][0]["rows"]} == {"same", "baseline"}


def test_a_row_that_is_told_apart_within_the_margin_needs_no_seeds(
    tmp_path: Path, write: Any
) -> None:
    rng = np.random.default_rng(0)
    base = rng.uniform(0.3, 0.5, 400)
    for method, shift in (("random", 0.0), ("open", 0.008)):
        for seed in range(3):
            noise = rng.normal(0, 0.02, 400) + rng.normal(0, 0.0005)
            write(tmp_path, "books", method, seed, {"all": base + shift + noise})
    text = one_line(tmp_path, margin="2%")
    assert "undecided" in text and "go unseen" in text
    assert "not told apart, open" not in text


def test_a_row_whose_budget_ended_too_early_is_marked(folder: Path, write: Any) -> None:
    for seed in (0, 1):
        write(
            folder,
            "books",
            "mixed",
            seed,
            {"all": [0.1, 0.2, 0.3, 0.3]},
            change=lambda record: record["fit"].update(capped=True),
        )
    assert "mixed^ " in render(open_run(folder))


def test_one_block_has_no_ranks_across(folder: Path, tmp_path: Path, write: Any) -> None:
    for method in ("random", "dns"):
        write(tmp_path / "one", "books", method, 0, {"all": [0.1, 0.2, 0.3]})
    values = comparison(open_run(tmp_path / "one"))
    assert values.across == ()
    assert "this run has 1 block;" in values.across_notes[0].text


def test_csv_and_json_hold_every_figure(folder: Path) -> None:
    run = open_run(folder)
    rows = list(csv.DictReader(io.StringIO(render(run, format="csv", test="wilcoxon"))))
    assert len(rows) == 8
    assert {row["test"] for row in rows} == {"wilcoxon"}
    assert float(rows[0]["difference"]) == pytest.approx(0.175)
    page = json.loads(render(run, format="json", correction="bh"))
    assert (page["correction"], page["vs"], page["metric"]) == ("bh", "random", "ndcg@20")
    base = next(row for row in page["blocks"][0]["rows"] if row["row"] == "random")
    assert base["verdict"] == "baseline" and base["p"] is None
    for name in ("low", "high", "detectable", "seeds_needed", "covers", "df", "conclusion"):
        assert name in base
    assert page["across"]["friedman"] is None and "8 blocks" in page["across"]["notes"][0]


def test_json_holds_the_test_over_blocks(wide: Path) -> None:
    page = json.loads(render(open_run(wide), format="json"))
    assert page["across"]["friedman"]["chi2"] == pytest.approx(24)
    assert page["across"]["friedman"]["f"] is None  # infinite
    assert page["across"]["friedman"]["critical_difference"] == pytest.approx(1.658, abs=2e-3)


def test_markdown_escapes_names(folder: Path, write: Any) -> None:
    for seed in (0, 1):
        write(folder, "books", "my|own_one", seed, {"all": [0.1, 0.2, 0.3, 0.4]})
    text = render(open_run(folder), format="md")
    assert r"| my\|own\_one | 0.2500 |" in text
    assert r"\[" in text


def test_without_the_baseline_the_ties_remain(folder: Path) -> None:
    text = one_line(folder, vs="nothing")
    assert "No test against nothing: no row of it has every seed finished" in text


@pytest.mark.parametrize("format_", LAYOUTS)
def test_long_names_and_missing_values_break_nothing(
    folder: Path, write: Any, format_: str
) -> None:
    for seed in (0, 1):
        name = "a_method_with_a_name_that_is_long"
        path = write(folder, "books", name, seed, {"all": [0.1] * 4})
        with np.load(path / "users.npz") as arrays:
            kept = {key: arrays[key] for key in arrays.files if key != "ndcg@20/all"}
        np.savez(path / "users.npz", **kept)
    assert "a_method" in render(open_run(folder), format=format_).replace("\\", "")


def test_wrong_words_are_refused(folder: Path, tmp_path: Path, write: Any) -> None:
    run = open_run(folder)
    with pytest.raises(UserError, match="did you mean json"):
        render(run, format="jsn")
    with pytest.raises(UserError, match="a test must be one of .* did you mean wilcoxon"):
        render(run, test="wilcox")
    write(tmp_path / "half", "books", "dns", 0, {"all": [0.1]}, backbone="reference")
    with pytest.raises(NothingToReport, match="every seed finished"):
        comparison(open_run(tmp_path / "half"))
