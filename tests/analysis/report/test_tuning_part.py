"""The part of the page on searches: whole and escaped where they are, and absent elsewhere."""

import re
from pathlib import Path

import pytest
from helpers.search_files import M, search, three_rows, write

from negbench.analysis.report.tuning_part import tuning_parts
from negbench.analysis.report.write import page, write_report
from negbench.analysis.runs.frames import open_run
from negbench.errors import NothingToReport

NASTY = "<script>alert(1)</script>"


@pytest.fixture
def bare(monkeypatch: pytest.MonkeyPatch) -> None:
    """Draw no figures, where a test looks at words."""
    monkeypatch.setattr("negbench.analysis.report.page.KINDS", {})


def part_of(text: str) -> str:
    """The part of the page, without its marks."""
    whole = text[text.index('id="tuning"') : text.index('id="protocol"')]
    return " ".join(re.sub(r"<[^>]+>", " ", whole).split())


def test_without_searches_there_is_nothing_of_it(folder: Path) -> None:
    text = page(open_run(folder))
    assert 'id="tuning"' not in text and "#tuning" not in text
    assert "a plot `tuning" not in text  # a run that was not tuned lacks nothing
    with pytest.raises(NothingToReport):
        tuning_parts(open_run(folder))


@pytest.mark.usefixtures("bare")
def test_scores_choices_spaces_and_protocol_stand_there(folder: Path) -> None:
    rows = three_rows()
    rows[1] = {**rows[1], "space": [*rows[1]["space"], M]}
    text = page(open_run(write(folder, rows)))
    assert text.count('<a href="#tuning">Tuning</a>') == 1
    part = part_of(text)
    for phrase in (
        "books · mf",
        "Test NDCG@20, one seed. No test score of a trial was read to choose a setting",
        "+60.0 %",  # dns: 0.4 over its default of 0.25
        "lr=0.09!, l2=0.0001",  # the edge of its range
        "!: this value of the winner lies in the outer tenth of its range",
        "Searched for every method: lr log [0.0001, 0.1]; l2 log [1e-08, 0.01], or 0 (10%)",
        "dns candidates {2, 4, 8, 16}",
        f"Protocol {rows[0]['hash']}: 4 trials a row",
        "picks 2 finalists",
        "Split ratio(0.8,0.1,0.1) (acaba2f11571)",
    ):
        assert phrase in part, phrase


def test_each_figure_stands_in_its_part_once(folder: Path) -> None:
    other = search("dns", [(0.1, 0.2)] * 4, protocol={"points_seed": 1}, winner=0)
    text = page(open_run(write(folder, [*three_rows(), other])))
    sections = re.findall(r'<section id="t\d+">(.*?)</section>', text, re.DOTALL)
    captions = [re.findall(r"<figcaption>(.*?)</figcaption>", each) for each in sections]
    hashes = sorted({other["hash"], three_rows()[0]["hash"]})
    assert len(sections) == 2
    for digest, of_part in zip(hashes, captions, strict=True):
        assert [caption.partition(" ")[0] for caption in of_part] == ["Expected", "Validation"]
        assert all(f"Protocol {digest}." in caption for caption in of_part)
        assert f"<h3>books · mf · protocol {digest}</h3>" in text
    assert len(re.findall(r"<figcaption>Expected test", text)) == 2


@pytest.mark.usefixtures("bare")
def test_names_are_escaped(folder: Path) -> None:
    row = {**three_rows()[0], "row": NASTY}
    text = page(open_run(write(folder, [row])))
    assert NASTY not in text and "&lt;script&gt;alert(1)" in part_of(text)


def test_a_damaged_search_is_named_once_and_stops_nothing(folder: Path, tmp_path: Path) -> None:
    write(folder, three_rows())
    (folder / "searches" / "damaged.json").write_text("{", "utf-8")
    text = write_report(open_run(folder), tmp_path / "report.html").read_text("utf-8")
    assert 'id="tuning"' not in text
    assert text.count("a search must be whole; ") == 1


@pytest.mark.usefixtures("bare")
def test_several_folders_are_read_as_one(folder: Path, tmp_path: Path) -> None:
    random, dns, ease = three_rows()
    write(folder, [random])
    other = write(tmp_path / "other", [dns, ease])
    (part,) = tuning_parts(open_run([folder, other]))
    assert [row[0].text for row in part.tables[0].rows] == ["dns", "random"]
    assert [row[0].text for row in part.tables[0].references] == ["ease"]
