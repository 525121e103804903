"""What tables, comparisons, verdicts and pages say of a run that is repeated over splits."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from helpers.split_runs import drawn, in_split, rule_of, write_run

from negbench.analysis.runs import frames
from negbench.analysis.statistics.significance import significance
from negbench.analysis.statistics.told_apart import told_apart
from negbench.analysis.tables.split_notes import over_splits
from negbench.experiment.finished.run import open_run
from negbench.storage.split_folders import split_folder

Write = Callable[..., Path]
TEST = "t test with users and splits as crossed random effects, seeds averaged within split"
SIZES = "(3 splits x 2 seeds; the split is a random effect; covers users, splits and seeds)"


@pytest.fixture
def splits(tmp_path: Path, write: Write) -> Path:
    return write_run(tmp_path, write)


def flat(text: str) -> str:
    return " ".join(text.split())


def test_the_test_of_two_rows_is_that_over_splits(splits: Path) -> None:
    frame = significance(frames.open_run(splits)).set_index("row")
    dns, reference = frame.loc["dns"], frame.loc["most_popular"]
    assert (dns["n_seeds"], dns["n_splits"], dns["n_users"]) == (2, 3, 40)
    assert dns["covers"] == "users, splits and seeds"
    by_split = [
        np.mean([drawn(number, seed, 0.36) - drawn(number, seed, 0.30) for seed in (0, 1)])
        for number in (1, 2, 3)
    ]
    assert dns["difference"] == pytest.approx(np.mean(by_split), abs=1e-7)
    assert dns["conclusion"] == "better" and frame.loc["mixed", "conclusion"] == "not told apart"
    alone = [drawn(n, 0, 0.2).mean() for n in (1, 2, 3)]
    assert reference["mean"] == pytest.approx(np.mean(alone))
    pairs = told_apart(frames.open_run(splits), frames.PRIMARY)["books", "mf"]
    assert pairs.side("dns", "random") == 1 and pairs.covers_seeds


def test_table_and_comparison_say_that_the_split_is_a_random_effect(splits: Path) -> None:
    run = open_run(splits)
    for text in (run.table(), run.compare()):
        assert f"{TEST} {SIZES}" in flat(text)
        assert "over 3 splits x 2 seeds (0, 1): each split trains each seed." in flat(text)
        for number in (1, 2, 3):
            assert f"{number}: {rule_of(number)} (hash hash{number})" in flat(text)
        assert "81 to 83 train, 9 valid, 10 test pairs each." in flat(text)
        assert "In split 2: 2 of 40 test users have no train pair." in flat(text)
        assert "in split 1; each split has its own" in flat(text)
        assert "one seed" not in text.lower()


def test_splits_that_lack_a_seed_are_not_said_to_train_each(tmp_path: Path, write: Write) -> None:
    """As of a run that was stopped: no row has the second seed in the third split."""
    write_run(tmp_path, write, splits=(1, 2))
    write_run(tmp_path, write, splits=(3,), seeds=(0,))
    run = open_run(tmp_path)
    text = flat(run.table())
    assert "over 5 trainings: 3 splits, not each with each of 2 seeds (0, 1)." in text
    assert "each split trains each seed" not in text
    words = over_splits(frames.open_run(tmp_path))
    assert words.endswith("3 splits of the data, not each with every seed; all trainings count.")


def test_power_is_counted_in_splits(splits: Path) -> None:
    text = flat(open_run(splits).compare())
    assert "With 3 splits x 2 seeds, differences to random under" in text
    assert " splits or more." in text or "splits: it needs more users." in text
    lines = json.loads(open_run(splits).compare("json"))["blocks"][0]["rows"]
    assert {line["n_splits"] for line in lines} == {3}


def test_a_test_over_users_says_that_it_knows_no_other_split(splits: Path) -> None:
    text = flat(open_run(splits).compare(test="wilcoxon"))
    assert "3 splits x 2 seeds averaged within user (covers users alone: these trained" in text
    assert "random effect" not in text


def test_one_seed_a_split_is_no_warning_for_splits_are_trained_apart(
    tmp_path: Path, write: Write
) -> None:
    run = open_run(write_run(tmp_path, write, seeds=(0,)))
    assert "over 3 splits x 1 seed (0)" in flat(run.table())
    assert "WARNING: one seed" not in run.table() + run.compare()
    assert "users alone" not in flat(run.compare())


def test_the_report_and_every_figure_of_it_are_made(splits: Path) -> None:
    pytest.importorskip("matplotlib")
    page = flat(open_run(splits).report(splits / "report.html").read_text("utf-8"))
    assert "the split is a random effect" in page
    assert "3 splits x 2 seeds, 40 test users" in page
    assert (
        "Repeated over 3 splits of the data: each of them trains each seed, and all count" in page
    )
    assert open_run(splits).plot("ranks", "convergence", folder=splits / "plots")


def test_users_who_are_tested_in_some_splits_alone_are_counted_too(
    tmp_path: Path, write: Write
) -> None:
    write_run(tmp_path, write, splits=(1, 2))
    for method, mean in (("random", 0.3), ("dns", 0.36), ("mixed", 0.3)):
        for seed in (0, 1):
            values = {"all": drawn(3, seed, mean)[:30]}
            write(split_folder(tmp_path, 3), "books", method, seed, values, change=in_split(3))
    frame = significance(frames.open_run(tmp_path)).set_index("row")
    assert frame.loc["dns", "n_users"] == 40
    means = [
        np.mean([drawn(n, s, 0.36)[: 30 if n == 3 else 40].mean() for s in (0, 1)])
        for n in (1, 2, 3)
    ]
    assert frame.loc["dns", "mean"] == pytest.approx(np.mean(means))


def test_an_ordinary_run_says_nothing_of_splits(splits: Path) -> None:
    run = open_run(split_folder(splits, 1))
    text = flat(run.table() + run.compare())
    assert "splits" not in text and "random effects (covers users and seeds)" in text
    assert {line["n_splits"] for line in json.loads(run.compare("json"))["blocks"][0]["rows"]} == {
        1
    }


def test_a_tuned_row_is_one_row_though_each_split_chose_its_own_settings(
    tmp_path: Path, write: Write
) -> None:
    for number in (1, 2, 3):
        for method, mean in (("random", 0.3), ("dns", 0.36)):
            variant = f"candidates={8 * number}" if method == "dns" else ""

            def tuned(record: dict[str, Any], number: int = number, method: str = method) -> None:
                in_split(number)(record)
                of = {"row": method, "protocol": f"hash{number}", "trials": 16}
                record["spec"] |= {"tuned": of, "method_config": {"candidates": 8 * number}}
                record["spec"]["train"] = {**record["spec"]["train"], "lr": 10.0**-number}

            for seed in (100, 101):
                values = {"all": drawn(number, seed, mean)}
                folder = split_folder(tmp_path, number)
                write(folder, "books", method, seed, values, variant=variant, change=tuned)
    frame = significance(frames.open_run(tmp_path))
    assert sorted(frame["row"]) == ["dns", "random"]
    assert set(frame["n_splits"]) == {3} and not frame["mean"].isna().any()
