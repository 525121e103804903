"""`negbench factors`: the design is read, checked and laid out; what is not balanced is refused."""

import json
from collections.abc import Callable
from io import StringIO
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner

from negbench.analysis.figures._factor_shares import factor_plots
from negbench.analysis.runs.factorial import combination, factorials
from negbench.analysis.runs.frames import PRIMARY
from negbench.analysis.runs.joined_runs import joined
from negbench.analysis.tables.factors import factors
from negbench.cli import main
from negbench.errors import UserError
from negbench.storage.search_store import write_search

Write = Callable[..., Path]
SAMPLERS, OBJECTIVES, BACKBONES = ("random", "dns"), ("bpr", "softmax"), ("mf", "lightgcn")
LIFT = {"dns": 0.3, "softmax": 0.05}
"""dns is far above random, softmax a little above bpr, and backbones do not matter."""
USERS = 30


def values(sampler: str, objective: str, backbone: str, seed: int) -> list[float]:
    words = (sampler, objective, backbone)
    rng = np.random.default_rng([seed, *(ord(word[0]) for word in words)])
    users = np.random.default_rng(1).uniform(0.1, 0.5, USERS)
    lift = sum(LIFT.get(word, 0.0) for word in words)
    return list(users + lift + rng.normal(0, 0.002) + rng.normal(0, 0.01, USERS))


@pytest.fixture
def runs(tmp_path: Path, write: Write) -> list[Path]:
    """A run for each objective, as a user makes them, with a reference that is no sampler."""
    for objective in OBJECTIVES:
        for sampler, backbone, seed in product(SAMPLERS, BACKBONES, (0, 1, 2)):
            add(write, tmp_path / objective, sampler, objective, backbone, seed)
        flat = {"all": [0.2] * USERS, "head": [0.2] * USERS}
        write(tmp_path / objective, "books", "most_popular", 0, flat, backbone="reference")
    return [tmp_path / objective for objective in OBJECTIVES]


def add(
    write: Write,
    run: Path,
    sampler: str,
    objective: str,
    backbone: str,
    seed: int,
    change: Callable[[dict[str, Any]], Any] = lambda record: None,
) -> Path:
    of_users = values(sampler, objective, backbone, seed)
    bands = {"all": of_users, "head": of_users, "mid": [0.1, *[float("nan")] * (USERS - 1)]}

    def asked(record: dict[str, Any]) -> None:
        record["spec"]["objective"] = objective
        change(record)

    return write(run, "books", sampler, seed, bands, backbone=backbone, change=asked)


def call(*words: Any):
    return CliRunner().invoke(main, ["factors", *map(str, words)])


def test_the_design_is_read_from_the_cells(runs):
    (design,) = factorials(joined(runs))
    assert design.levels == {
        "sampler": ("dns", "random"),
        "objective": ("bpr", "softmax"),
        "backbone": ("lightgcn", "mf"),
    }
    array = design.values(PRIMARY)
    assert array.shape == (USERS, 2, 2, 2, 3)
    expected = np.float32(values("dns", "softmax", "mf", 1))
    np.testing.assert_array_equal(array[:, 0, 1, 1, 1], expected)


def test_the_largest_factor_is_named_and_every_form_has_it(runs):
    result = call(*runs)
    assert result.exit_code == 0, result.output
    assert "books · variance of NDCG@20 · 2 samplers x 2 objectives x 2 backbones x 3 seeds" in (
        result.output
    )
    assert "The largest main effect on all items is that of the sampler: 9" in result.output
    assert "it is the largest in 100 % of the draws" in result.output.replace("\n", " ")
    assert "References sample nothing and are left out." in result.output
    lines = pd.read_csv(StringIO(call(*runs, "--format", "csv").output))
    everywhere = lines[lines["band"] == "all"].set_index("source")
    assert everywhere["omega2"].sum() == pytest.approx(1)
    assert everywhere.loc["sampler", "omega2"] > 0.9 > 0.1 > everywhere.loc["backbone", "omega2"]
    assert everywhere.loc["sampler", "low"] <= everywhere.loc["sampler", "omega2"]
    assert set(lines["band"]) == {"all", "head"}, "one user is no sample"
    assert list(everywhere.index[-2:]) == ["sampler x objective x backbone", "seeds"]
    tree = json.loads(call(*runs, "--format", "json").output)
    assert tree["blocks"][0]["means"]["objective"]["softmax"] > 0.4
    assert "| source |" in call(*runs, "--format", "md").output
    assert "\\begin{tabular}" in call(*runs, "--format", "latex").output


def test_the_file_is_written_and_a_wrong_format_writes_none(runs, tmp_path):
    out = tmp_path / "factors.md"
    assert call(*runs, "--format", "pdf", "-o", out).exit_code == 2 and not out.exists()
    assert call(*runs, "--format", "md", "-o", out).exit_code == 0
    assert out.read_text().startswith("### books")


def test_the_figure_shows_the_shares_of_the_table(runs, tmp_path):
    result = call(*runs, "--format", "csv", "--plot", tmp_path / "plots")
    assert result.exit_code == 0, result.output
    files = sorted(path.name for path in (tmp_path / "plots").iterdir())
    assert files == ["factors-books.csv", "factors-books.pdf", "factors-books.png"]
    drawn = pd.read_csv(tmp_path / "plots" / "factors-books.csv")
    pd.testing.assert_frame_equal(drawn, pd.read_csv(StringIO(result.stdout)))
    page = factors(joined(runs))
    (plot,) = factor_plots(page)
    axes = plot.figure.axes
    assert [ax.get_title() for ax in axes] == ["all", "head"]
    widths = [patch.get_width() for patch in axes[0].patches]
    assert widths == pytest.approx([part.share for part in page.blocks[0].splits["all"].parts])
    names = [text.get_text() for text in axes[0].get_yticklabels()]
    assert names[0] == "sampler" and names[-1] == "seeds"


def test_levels_are_chosen_and_one_that_is_not_there_is_refused(runs):
    chosen = call(*runs, "-b", "mf")
    assert "2 samplers x 2 objectives x 3 seeds" in chosen.output
    assert "Held fixed: backbone mf." in chosen.output
    wrong = call(*runs, "-m", "random,dnss")
    assert wrong.exit_code == 2
    assert "a level of sampler must be in the run; got 'dnss'" in wrong.output


def test_missing_combinations_are_named_in_one_sentence(runs, write, tmp_path):
    for seed in (0, 1, 2):
        add(write, tmp_path / "more", "mixed", "bpr", "mf", seed)
    add(write, tmp_path / "more", "mixed", "softmax", "mf", 0)
    result = call(*runs, tmp_path / "more")
    assert result.exit_code == 2
    assert "books lacks 3 of 12: " in result.output
    assert "mixed x softmax x mf (seeds 1, 2)" in result.output
    assert "mixed x bpr x lightgcn" in result.output and "mixed x bpr x mf" not in result.output
    assert call(*runs, tmp_path / "more", "-m", "random,dns").exit_code == 0


def test_a_failed_cell_is_a_missing_one(runs, write, tmp_path):
    def fail(record: dict[str, Any]) -> None:
        record.update(status="failed", reason="loss is NaN")

    add(write, tmp_path / "more", "mixed", "bpr", "mf", 0)
    add(write, tmp_path / "more", "mixed", "bpr", "lightgcn", 0, change=fail)
    result = call(tmp_path / "more", *runs)
    assert "mixed x bpr x lightgcn" in result.output and result.exit_code == 2


def other_split(record: dict[str, Any]) -> None:
    record["split"]["hash"] = record["spec"]["split_hash"] = "another"


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (lambda r: r["spec"]["train"].update(epochs=9), "share their budget; books has epochs"),
        (other_split, "must share their split"),
        (lambda r: r["spec"].update(exclude="all"), "must share their exclusion"),
        (lambda r: r["spec"].update(tuned={"row": "dns", "protocol": "x"}), "all be tuned, or"),
        (lambda r: r["spec"].update(probe="full"), "dns x bpr x mf has seed 0 in"),
    ],
)
def test_runs_that_differ_in_more_than_the_objective_are_refused(
    runs, write, tmp_path, change, sentence
):
    add(write, tmp_path / "other", "dns", "bpr", "mf", 0, change=change)
    result = call(*runs, tmp_path / "other")
    assert result.exit_code == 2 and sentence in result.output
    assert result.output.count("\n") == 1


def test_a_run_given_twice_counts_once(runs):
    once, twice = (call(*runs, *more, "--format", "csv").output for more in ((), runs[:1]))
    assert once == twice and "omega2" in once


def test_one_factor_one_seed_or_several_splits_are_refused(runs, write, tmp_path):
    one = call(runs[0], "-b", "mf")
    assert one.exit_code == 2 and "a factorial needs two factors of two levels" in one.output
    for sampler, objective in product(SAMPLERS, OBJECTIVES):
        add(write, tmp_path / "short", sampler, objective, "mf", 0)
    seed = call(tmp_path / "short")
    assert seed.exit_code == 2 and "needs two seeds or more" in seed.output


def tuned(record: dict[str, Any], protocol: str, objective: str) -> None:
    row = f"{record['spec']['method']}(objective={objective})"
    mark = {"row": row, "protocol": protocol, "trials": 4, "ranges": "r"}
    record["spec"].update(tuned=mark)


def searched(run: Path, protocol: dict[str, Any], name: str) -> None:
    search = {"dataset": "books", "backbone": "mf", "row": "dns", "protocol": protocol}
    search |= {"hash": name, "space": [], "trials": [], "finalists": [], "winner": None}
    write_search(run, search)


@pytest.mark.parametrize(
    ("other", "sentence"),
    [
        ({"trials": 4, "objective": "softmax"}, ""),
        ({"trials": 8, "objective": "softmax"}, "trials is 4 by protocol bpr and 8 by softmax"),
        (None, "no search of books by protocol softmax is in the folders"),
    ],
)
def test_searches_may_differ_in_the_objective_alone(write, tmp_path, other, sentence):
    for objective in OBJECTIVES:
        run = tmp_path / objective
        for sampler, seed in product(SAMPLERS, (0, 1)):
            add(
                write,
                run,
                sampler,
                objective,
                "mf",
                seed,
                change=lambda record, o=objective: tuned(record, o, o),
            )
    searched(tmp_path / "bpr", {"trials": 4, "objective": "bpr"}, "bpr")
    if other is not None:
        searched(tmp_path / "softmax", other, "softmax")
    result = call(tmp_path / "bpr", tmp_path / "softmax")
    assert result.exit_code == (2 if sentence else 0), result.output
    assert sentence in result.output
    if not sentence:
        assert "Rows tuned, 4 trials each, by one protocol but for the objective" in result.output


def test_the_objective_is_taken_off_the_word_of_a_sampler(runs):
    cells = [cell for cell, _ in joined(runs).done if cell.backbone != "reference"]
    assert {combination(cell)[0] for cell in cells} == set(SAMPLERS)


def test_a_run_over_splits_is_refused(runs):
    run = joined(runs)
    for at, cell in enumerate(run.cells):
        object.__setattr__(cell, "partition", at % 2 + 1)
    with pytest.raises(UserError, match="a factorial is of one split"):
        factorials(run)
