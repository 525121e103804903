import re
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path

import pytest

from negbench.plugins import registry
from negbench.plugins.bibtex import TITLE, Entry, bibtex, entries, negbench_entry

CITED = [
    (kind, name)
    for kind in ("methods", "backbones", "references", "datasets")
    for name in registry.names(kind)
]


def test_an_entry_holds_the_fields_of_the_card_and_no_others() -> None:
    card = {
        "title": "Dynamic negative sampling",
        "authors": "Weinan Zhang, Tianqi Chen, Jun Wang and Yong Yu",
        "paper": "Optimizing Top-N Collaborative Filtering",
        "year": 2013,
        "venue": "SIGIR",
        "link": "https://doi.org/10.1145/2484028.2484126",
    }
    assert bibtex("dns", card) == "\n".join(
        [
            "@inproceedings{zhang2013optimizing,",
            "  author = {Zhang, Weinan and Chen, Tianqi and Wang, Jun and Yu, Yong},",
            "  title = {Optimizing {Top-N} Collaborative Filtering},",
            "  booktitle = {International ACM SIGIR Conference on Research and Development in "
            "Information Retrieval (SIGIR)},",
            "  year = {2013},",
            "  doi = {10.1145/2484028.2484126},",
            "  url = {https://doi.org/10.1145/2484028.2484126}",
            "}",
        ]
    )


def test_unknown_fields_are_left_out() -> None:
    card = {"title": "Mine", "authors": "", "year": 0, "venue": "", "link": ""}
    assert bibtex("mine", card) == ""
    entry = bibtex("mine", {**card, "authors": "Doe"})
    assert entry == "@misc{doemine,\n  author = {Doe},\n  note = {Method: Mine}\n}"


@pytest.mark.parametrize(
    ("venue", "start", "line"),
    [
        ("TOIS", "@article", "journal = {ACM Transactions on Information Systems}"),
        ("arXiv", "@misc", "howpublished = {arXiv}"),
        ("arXiv 2403.03952", "@misc", "eprint = {2403.03952}"),
        ("Workshop of nobody", "@misc", "howpublished = {Workshop of nobody}"),
    ],
)
def test_venues_are_written_out_where_they_are_known(venue: str, start: str, line: str) -> None:
    entry = bibtex("m", {"authors": "Li", "paper": "On x", "venue": venue, "year": 2020})
    assert entry.startswith(f"{start}{{li2020x,") and line in entry


@pytest.mark.parametrize(
    ("authors", "names"),
    [
        ("Doe & Roe", "Doe and Roe"),
        ("Rendle et al.", "Rendle and others"),
        ("Hou, Li, He and others", "Hou and Li and He and others"),
        (
            "Koren, Bell and Volinsky; Rendle et al.",
            "Koren and Bell and Volinsky and Rendle and others",
        ),
        ("Doe, J. and Roe, R.-S.", "Doe, J. and Roe, R.-S."),
        ("Schmidt-Thieme", "Schmidt-Thieme"),
        ("Anderson and Sand", "Anderson and Sand"),
        ("A. Ploshkin, Ed H. Chi and others", "Ploshkin, A. and Chi, Ed H. and others"),
        (
            "Aäron van den Oord, Marthinus C. du Plessis & Lars Schmidt-Thieme",
            "van den Oord, Aäron and du Plessis, Marthinus C. and Schmidt-Thieme, Lars",
        ),
        ("van den Oord, Li and Vinyals", "van den Oord and Li and Vinyals"),
        ("O_Brien {x} \\input", "\\textbackslash{}input, O\\_Brien \\{x\\}"),
    ],
)
def test_authors_are_parted_and_escaped(authors: str, names: str) -> None:
    assert f"author = {{{names}}}" in bibtex("m", {"authors": authors})


def test_several_papers_on_a_card_are_several_entries_without_its_link() -> None:
    card = {"authors": "Koren; Rendle et al.", "paper": "Matrix x; BPR: y", "year": 2009}
    card |= {"venue": "Computer; UAI", "link": "https://arxiv.org/abs/1205.2618"}
    matrix, bpr = entries("mf", card)
    assert (matrix.kind, matrix.key) == ("article", "koren2009matrix")
    assert (bpr.kind, bpr.key) == ("inproceedings", "rendle2009bpr")
    assert "url" not in matrix.text + bpr.text
    (one,) = entries("mf", {**card, "venue": "Computer"})
    assert one.fields["title"] == "Matrix x; {BPR:} y", "what does not part alike stays whole"


def test_data_are_cited_by_their_paper_or_by_their_own_name() -> None:
    card = {"title": "Books 1M", "authors": "Doe", "year": 2015, "link": "https://x.org/books"}
    entry = bibtex("books", card, data=True)
    assert "title = {Books {1M}}" in entry and "url = {https://x.org/books}" in entry
    entry = bibtex("books", {**card, "paper": "The Books", "venue": "ACM TiiS"}, data=True)
    assert entry.startswith("@article{doe2015books,") and "x.org" not in entry


def test_keys_are_plain_and_stay() -> None:
    card = {"authors": "Müller & O'Brien", "year": 2026}
    assert bibtex("my_own", card).startswith("@misc{muller2026my_own,")
    assert bibtex("my_own", card) == bibtex("my_own", dict(reversed(card.items())))
    assert bibtex("<b>, }", {"authors": "Li", "year": 1}).startswith("@misc{li1b,")


def test_links_that_are_none_are_left_out_and_others_cannot_break_the_entry() -> None:
    assert bibtex("m", {"authors": "Li", "link": "javascript:alert(1)"}).count("=") == 1
    assert "url" not in bibtex("m", {"authors": "Li", "link": "https://x.org/}{"})
    entry = bibtex("m", {"link": "https://x.org/a_b?c=1&d=50%"})
    assert "url = {https://x.org/a\\_b?c=1\\&d=50\\%}" in entry
    entry = bibtex("m", {"link": "https://arxiv.org/abs/2410.17276"})
    assert "eprint = {2410.17276}" in entry and "archiveprefix = {arXiv}" in entry


def test_negbench_is_cited_as_its_citation_file_says() -> None:
    citation = Path(__file__).parents[2] / "CITATION.cff"
    assert f'title: "{TITLE}"' in citation.read_text("utf-8")
    assert "note = {Version 0.1.0, 0.2.0}" in negbench_entry(["0.1.0", "0.2.0"]).text


def of_every_card() -> Iterator[tuple[str, Entry]]:
    for kind, name in CITED:
        card = asdict(registry.card(kind, name))
        for entry in entries(name, card, data=kind == "datasets"):
            yield card["paper"], entry


def test_every_card_gives_sound_entries_of_its_own_paper() -> None:
    titles: dict[str, set[str]] = {}
    for paper, entry in of_every_card():
        assert entry.text.count("{") == entry.text.count("}")
        title = entry.fields.get("title", "").replace("{", "").replace("}", "").replace("\\", "")
        assert not paper or title in paper
        titles.setdefault(entry.key, set()).add(entry.fields.get("title", ""))
    assert not {key: each for key, each in titles.items() if len(each) > 1}, "one key, one paper"


@pytest.mark.skipif(shutil.which("bibtex") is None, reason="no bibtex here: it comes with LaTeX")
def test_bibtex_reads_every_entry(tmp_path: Path) -> None:
    every = {entry.key: entry for _, entry in of_every_card()}
    text = "\n\n".join(entry.text for entry in every.values())
    (tmp_path / "t.bib").write_text(f"% a line between\n{text}\n", "utf-8")
    (tmp_path / "t.aux").write_text("\\citation{*}\n\\bibstyle{plain}\n\\bibdata{t}\n", "utf-8")
    done = subprocess.run(["bibtex", "t"], cwd=tmp_path, capture_output=True, timeout=60)
    log = done.stdout.decode("utf-8", "replace")
    assert done.returncode == 0, log
    unexpected = [
        line
        for line in re.findall(r"Warning--(.*)", log)
        if not re.match("empty (pages|author|title|year)|to sort, need", line)
    ]
    assert not unexpected, log
    assert (tmp_path / "t.bbl").read_text("utf-8").count("\\bibitem") == len(every)
