"""The recommendation of runs whose answer is known before."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
from helpers.graded_run import rising, warm_up, write_graded
from helpers.two_rates_run import write_two_rates

from negbench.analysis.runs.frames import open_run
from negbench.analysis.tables.main_table import main_table
from negbench.analysis.verdict.choice import Why
from negbench.analysis.verdict.recommendation import Recommendation, recommendation
from negbench.errors import NothingToReport

References = Mapping[str, float | Mapping[str, float]]
POPULAR: References = {"most_popular": 0.1}


def page_of(folder: Path, vs: str = "random") -> Recommendation:
    run = open_run(folder)
    return recommendation(run, main_table(run, vs=vs))


def both(write: Any, folder: Path, methods: Any, references: Any = POPULAR, **options: Any) -> Path:
    """Two data sets of the same means."""
    for dataset in ("books", "films"):
        write_graded(write, folder, methods, references, dataset=dataset, **options)
    return folder


def chosen(page: Recommendation) -> dict[str, str]:
    return {advice.purpose: advice.choice.row for advice in page.advices}


def taking(seconds: float) -> Callable[[dict[str, Any]], None]:
    """A change: the cell took so many seconds, on both clocks."""

    def change(record: dict[str, Any]) -> None:
        for clock in ("wall", "cpu"):
            record["seconds"][clock] |= {"update": seconds, "total": 10 * seconds}

    return change


def test_a_clear_winner_is_chosen(tmp_path: Path, write: Any) -> None:
    page = page_of(both(write, tmp_path, {"random": 0.2, "dns": 0.3}))
    assert chosen(page) == {"all": "dns", "head": "dns", "tail": "dns", "cheap": "dns"}
    assert page.sentences[0] == (
        "Choice by NDCG@20: dns (untuned, as every row): no row is significantly above it in 2 of "
        "2 blocks; it is significantly above random in 2 of 2 (+50.0 % on average, +50.0 to "
        "+50.0) and significantly above the best reference (most_popular) in 2 of 2 (+200.0 % "
        "on average, +200.0 to +200.0); mean rank 1.0 of 3."
    )
    assert page.sentences[1] == (
        "Price and risk of dns (untuned, as every row): an epoch takes 1.00 times the seconds of "
        "random; on head items a row is significantly above it in 0 of 2 blocks; on tail items a "
        "row is significantly above it in 0 of 2 blocks."
    )


def test_within_noise_there_is_no_choice(tmp_path: Path, write: Any) -> None:
    rows = {"random": 0.2, "dns": 0.201}
    page = page_of(both(write, tmp_path, rows, {"most_popular": 0.2005}, spread=0.1))
    assert set(chosen(page).values()) == {""}
    assert page.sentences[0].startswith(
        "No choice by NDCG@20: no method is significantly above the best reference "
        "(most_popular) in more than half of 2 blocks; the closest is dns (untuned, as every row), "
        "in 0 of 2; no reference"
    )
    assert page.advices[-1].choice.why == Why.ALL_LEVEL
    assert "nothing shows that a cheap row loses nothing" in page.advices[-1].sentences[0]


def test_above_the_reference_and_not_above_random_is_no_choice(tmp_path: Path, write: Any) -> None:
    page = page_of(both(write, tmp_path, {"random": 0.2, "dns": 0.201}, spread=0.05))
    assert page.choice.row == "" and page.choice.why == Why.NONE_PASSES
    assert "significantly above random in 0 of 2" in page.sentences[0]
    assert chosen(page)["cheap"] in ("random", "dns")


def test_where_the_reference_wins_it_is_the_choice(tmp_path: Path, write: Any) -> None:
    references = {"most_popular": 0.1, "item_knn": 0.4}
    page = page_of(both(write, tmp_path, {"random": 0.2, "dns": 0.3}, references))
    assert page.choice.row == "item_knn"
    assert page.sentences[0].startswith(
        "Choice by NDCG@20: item_knn (untuned, as every row), a reference: no row is significantly "
        "above it in 2 of 2 blocks; it is significantly above random in 2 of 2 ("
    )
    assert page.sentences[0].endswith(
        "; no method is significantly above the best reference (item_knn) in more than half of 2 "
        "blocks; the closest is dns (untuned, as every row), in 0 of 2."
    )


def test_the_tail_may_have_another_winner(tmp_path: Path, write: Any) -> None:
    rows = {
        "random": {"all": 0.2, "head": 0.3, "tail": 0.1},
        "dns": {"all": 0.4, "head": 0.5, "tail": 0.12},
        "pop": {"all": 0.3, "head": 0.3, "tail": 0.3},
    }
    references = {"most_popular": {"all": 0.1, "head": 0.2, "tail": 0.01}}
    page = page_of(both(write, tmp_path, rows, references))
    assert chosen(page) == {"all": "dns", "head": "dns", "tail": "pop", "cheap": "dns"}
    assert "on tail items a row is significantly above it in 2 of 2 blocks" in page.sentences[1]


def test_of_rows_that_are_not_told_apart_the_cheaper_is_chosen(tmp_path: Path, write: Any) -> None:
    rows = {"random": 0.2, "dns": 0.301, "cml": 0.3}
    changes = {"dns": taking(9.0), "cml": taking(2.0)}
    page = page_of(both(write, tmp_path, rows, changes=changes, spread=0.02))
    assert (page.choice.row, page.choice.tied) == ("cml", ("dns",))
    assert (
        "; dns meets the rule too; the cheapest epoch is chosen (cml 0.83, dns 2.00 times random)."
        in page.sentences[0]
    )
    assert chosen(page)["cheap"] == "cml"
    assert (
        page.advices[-1]
        .sentences[0]
        .startswith(
            "Cheap: cml (untuned, as every row): 20.0 wall s a run with evaluation, without any "
            "search, the least of 2 rows that no row is significantly above in 2 of 2 blocks, "
            "in most not below random."
        )
    )


def test_a_row_far_below_its_baseline_is_no_cheap_choice_where_seeds_are_few(
    tmp_path: Path, write: Any
) -> None:
    rows = {"random": 0.2, "dns": 0.19}
    page = page_of(both(write, tmp_path, rows, changes={"dns": taking(0.1)}, spread=0.05))
    assert page.advices[-1].choice.row == "random"
    cheap = page.advices[-1].sentences[0]
    assert cheap.endswith("significantly above in 2 of 2 blocks, in most not below random.")


def test_one_block_says_nothing_of_others(tmp_path: Path, write: Any) -> None:
    run = write_graded(write, tmp_path, {"random": 0.2, "dns": 0.3}, POPULAR)
    page = page_of(run)
    assert page.choice.row == "dns"
    assert page.summary[1:3] == (
        "Nothing can be concluded for other data sets than books or backbones than mf.",
        "Few test users (40 in books · mf): only wide differences are told apart, so little can be "
        "concluded from rows that are not.",
    )
    assert "no row is significantly above it; it is significantly above random" in page.summary[0]


def test_one_seed_carries_no_choice(tmp_path: Path, write: Any) -> None:
    page = page_of(both(write, tmp_path, {"random": 0.2, "dns": 0.3}, seeds=(0,)))
    assert set(chosen(page).values()) == {""}
    assert page.sentences[0] == (
        "No choice by NDCG@20: one seed in half or more of 2 blocks, so another training may turn "
        "the order (--seeds 5)."
    )
    assert any(text.startswith("One seed in books · mf and films · mf") for text in page.summary)


def test_one_block_is_not_called_half_of_the_blocks(tmp_path: Path, write: Any) -> None:
    page = page_of(write_graded(write, tmp_path, {"random": 0.2, "dns": 0.3}, seeds=(0,)))
    start = "No choice by NDCG@20: one seed, so another training may turn the order (--seeds 5)."
    assert page.sentences[0] == start
    assert page.advices[-1].sentences[0] == (
        "No cheap choice: no two rows are told apart over users and seeds, so nothing shows that a "
        "cheap row loses nothing."
    )


def test_what_a_row_must_be_marked_with_stands_in_every_sentence_on_it(
    tmp_path: Path, write: Any
) -> None:
    def sampled(record: dict[str, Any]) -> None:
        rising(record)
        line = {"split": "train", "metric": "fnr_lift", "k": 0, "band": "all", "value": 3.0}
        record["metrics"].append(line)
        record["probe"] = {"mode": "full", "exact": False}

    rows = {"random": 0.2, "dns": 0.3}
    page = page_of(both(write, tmp_path, rows, changes={"dns": sampled}))
    on_dns = [text for advice in page.advices for text in advice.sentences]
    assert len(on_dns) == 5
    for text in on_dns:
        assert "dns (untuned, as every row; still rising in 6 of 6 cells)" in text
    assert on_dns[1].endswith(
        "its negatives were held-out positives 3.00 times as often as uniform draws, a part of the "
        "true false negatives, so its share of these is a lower bound."
    )


def test_rows_compared_with_that_were_still_rising_are_named(tmp_path: Path, write: Any) -> None:
    rows = {"random": 0.2, "dns": 0.301, "cml": 0.3, "ccl": 0.25}
    changes = dict.fromkeys(("random", "dns", "ccl"), rising) | {"cml": taking(1.0)}
    page = page_of(both(write, tmp_path, rows, changes=changes, spread=0.02))
    assert page.choice.row == "cml"
    end = "; dns and random were still rising when the budget ended."
    assert page.sentences[0].endswith(end)


def test_the_trials_of_a_tuned_choice_are_told(tmp_path: Path, write: Any) -> None:
    def tuned(record: dict[str, Any]) -> None:
        record["spec"]["tuned"] = {"trials": 16, "protocol": "3f2a"}

    rows = {"random": 0.2, "dns": 0.3}
    changes = dict.fromkeys([*rows, *POPULAR], tuned)
    write_graded(write, tmp_path, rows, POPULAR, changes=changes)
    assert "dns (16 trials): no row" in page_of(tmp_path).sentences[0]
    write_graded(write, tmp_path, rows, POPULAR, dataset="films")
    marked = "dns (16 trials; untuned, as every row, in 1 of 2 blocks): no row"
    assert marked in page_of(tmp_path).sentences[0]


def test_without_a_reference_it_is_said_in_the_same_line(tmp_path: Path, write: Any) -> None:
    page = page_of(both(write, tmp_path, {"random": 0.2, "dns": 0.3}, None))
    assert page.choice.row == "dns"
    assert "no reference was run, so it is not known to be above most_popular" in page.sentences[0]


def test_a_row_of_one_data_set_alone_is_no_candidate(tmp_path: Path, write: Any) -> None:
    both(write, tmp_path, {"random": 0.2, "dns": 0.3}, changes={"dns": warm_up})
    write_graded(write, tmp_path, {"cml": 0.3})
    page = page_of(tmp_path)
    assert page.choice.row == ""
    assert any(text.startswith("Not a candidate: cml and dns: absent") for text in page.open_points)


def test_a_baseline_that_most_blocks_lack_is_not_said_to_be_reached(
    tmp_path: Path, write: Any
) -> None:
    write_graded(write, tmp_path, {"random": 0.2, "dns": 0.3}, POPULAR)
    for dataset in ("films", "songs"):
        write_graded(write, tmp_path, {"cml": 0.2, "dns": 0.3}, POPULAR, dataset=dataset)
    (cheap,) = page_of(tmp_path).advices[-1].sentences
    assert cheap.startswith("Cheap: dns") and cheap.endswith("above in 3 of 3 blocks.")


def test_what_is_missing_stays_open(tmp_path: Path, write: Any) -> None:
    def elsewhere(record: dict[str, Any]) -> None:
        record["environment"]["threads"] = 4

    def oracle(record: dict[str, Any]) -> None:
        record["spec"]["exclude"] = "train+test"

    change = dict.fromkeys(("ccl", "dns", "most_popular"), oracle)
    write_graded(write, tmp_path, {"ccl": 0.2, "dns": 0.3}, POPULAR, changes=change)
    write_graded(write, tmp_path, {"ccl": 0.2}, dataset="films", changes={"ccl": elsewhere})
    points = page_of(tmp_path).open_points
    for start in (
        "No reference was run in films · mf, so no method is above one there.",
        "No finished row of random in books · mf and films · mf, so no row is above it there.",
        "Not a candidate: dns and most_popular: absent, unfinished",
        "Cells ran on several machines or numbers of threads, so seconds do not compare.",
        "books: ORACLE: negatives exclude train+test",
    ):
        assert any(text.startswith(start) for text in points), start


def test_rows_of_two_rates_are_above_random_of_their_own(tmp_path: Path, write: Any) -> None:
    page = page_of(write_two_rates(write, tmp_path))
    assert page.choice.row == ""  # the best is not above random of its own rate
    assert "random of the same settings (lr)" in page.sentences[0]


def test_the_order_of_the_rows_changes_nothing(tmp_path: Path, write: Any) -> None:
    rows = {"random": 0.2, "dns": 0.301, "cml": 0.3, "ccl": 0.25}
    one = page_of(both(write, tmp_path / "one", rows, spread=0.02))
    turned = dict(reversed(rows.items()))
    other = page_of(both(write, tmp_path / "other", turned, spread=0.02))
    assert one.sentences == other.sentences
    assert one.standings == other.standings
    assert page_of(tmp_path / "one").advices == one.advices


def test_a_run_without_a_finished_method_is_refused(tmp_path: Path, write: Any) -> None:
    write_graded(write, tmp_path, {}, POPULAR)
    with pytest.raises(NothingToReport, match="run it to the end first"):
        page_of(tmp_path)
