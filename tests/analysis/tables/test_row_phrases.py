"""Phrases on rows, and sentences that are read together."""

from negbench.analysis.tables.row_phrases import said_once


def test_what_the_first_sentence_says_of_all_rows_is_said_once() -> None:
    rising = "all methods were still rising when the budget ended"
    first = f"dns ranks best (tested over users alone); {rising}; no row was tuned here."
    others = [
        "2 of 2 cells were still rising when the budget ended: with more epochs they may rise.",
        f"dns is above random (tested over users alone); {rising}.",
        "dns shows more (ARP 3.0 to 2.0); dns and random were still rising when the budget ended.",
        f"Best on tail items dns; {rising}. Most even: dns; {rising}; no row was tuned here.",
    ]
    assert said_once([first, *others]) == [
        first,
        others[0],
        "dns is above random.",
        "dns shows more (ARP 3.0 to 2.0).",
        "Best on tail items dns. Most even: dns.",
    ]


def test_what_holds_for_some_rows_stays_where_it_is() -> None:
    texts = ["dns ranks best.", "dns is above random; dns was still rising when the budget ended."]
    assert said_once(texts) == texts and said_once([]) == []
