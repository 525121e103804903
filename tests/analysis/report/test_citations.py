"""The bibliography of a run."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

from negbench.analysis.report.citations import bibliography
from negbench.analysis.runs.frames import open_run
from negbench.plugins import registry

Write = Callable[..., Path]
ONES = {"all": [0.1, 0.2]}


def carded(**fields: Any) -> Callable[[dict[str, Any]], None]:
    """A change of a record to a card of these fields."""
    return lambda record: record.update(card={"title": "T", **fields})


def entries(text: str) -> dict[str, str]:
    """The entries by key, without the lines between them."""
    pattern = r"^@\w+\{(\w+),\n(.*?)\n\}$"
    return dict(re.findall(pattern, text, re.MULTILINE | re.DOTALL))


def test_a_paper_of_several_methods_stands_once(tmp_path: Path, write: Write) -> None:
    one = {"authors": "Wang and Li", "year": 2021, "venue": "WSDM", "paper": "On x"}
    write(tmp_path, "books", "tce", 0, ONES, change=carded(**one))
    write(tmp_path, "books", "rce", 0, ONES, change=carded(**one))
    write(tmp_path, "books", "dns", 0, ONES, change=carded(**{**one, "paper": "X again"}))
    text = bibliography(open_run(tmp_path))
    assert "% method rce and method tce\n@inproceedings{wang2021x," in text
    assert "% method dns\n@inproceedings{wang2021x_2," in text, "another paper, another key"
    assert len(re.findall(r"^@", text, re.MULTILINE)) == len(entries(text)) == 5


def test_a_record_of_family_names_is_cited_with_the_names_of_now(
    tmp_path: Path, write: Write
) -> None:
    now = registry.card("methods", "dns")
    earlier = {"authors": "Zhang, Chen, Wang and Yu", "paper": now.paper, "venue": now.venue}
    write(tmp_path, "books", "dns", 0, ONES, change=carded(**earlier, year=now.year))
    text = bibliography(open_run(tmp_path))
    assert "author = {Zhang, Weinan and Chen, Tianqi and Wang, Jun and Yu, Yong}" in text
    write(tmp_path, "books", "dns", 0, ONES, change=carded(authors="Li", paper="Another"))
    assert "author = {Li}" in bibliography(open_run(tmp_path)), "another paper keeps its authors"


def test_backbones_data_and_negbench_are_cited(tmp_path: Path, write: Write) -> None:
    write(tmp_path, "ml_1m", "dns", 0, ONES, change=carded(authors="Doe", paper="P"))
    text = bibliography(open_run(tmp_path))
    cited = entries(text)
    for name in ("mf", "ml_1m"):
        card = registry.card("backbones" if name == "mf" else "datasets", name)
        for title in card.paper.split("; "):
            plain = re.sub("[{}]", "", text)
            assert f"title = {title}" in plain
    assert "Version 0.1.0" in cited["negbench"]
    assert "% data set ml_1m: https://grouplens.org/datasets/movielens/1m/; " in text
    assert "no redistribution" in text


def test_what_cannot_be_cited_is_named(tmp_path: Path, write: Write) -> None:
    write(tmp_path, "me@home.csv", "own", 0, ONES, change=carded())
    text = bibliography(open_run(tmp_path))
    assert "% data set me(at)home.csv: no card is at hand; cite its source by hand" in text
    assert "% method own: its card names no paper" in text
    assert text.count("@") == len(entries(text)), "no line between entries begins one"
