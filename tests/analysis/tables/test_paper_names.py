"""The file of names of a table for a paper."""

from pathlib import Path

import pytest
from helpers.latex_tables import assert_sound, rows

from negbench.analysis.runs.frames import open_run
from negbench.analysis.tables.paper_latex import render
from negbench.analysis.tables.paper_names import read_names
from negbench.errors import UserError

KNOWN = ("dns", "random", "dns_mn(candidates=8,n=2)", "books")


def file(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "names.txt"
    path.write_text(text, "utf-8")
    return path


def test_names_are_text_or_latex(tmp_path: Path) -> None:
    lines = '# rows\ndns, \\textsc{Dns}\n\n"dns_mn(candidates=8,n=2)", DNS_MN 50 %\n'
    names = read_names(file(tmp_path, lines), KNOWN)
    assert names.latex("dns") == "\\textsc{Dns}"
    assert names.latex("dns_mn(candidates=8,n=2)") == "DNS\\_MN 50 \\%"
    assert names.latex("a_b") == "a\\_b"
    assert names.latex("ndcg@20", "NDCG@20") == "NDCG@20"


def test_a_mark_of_the_encoding_is_no_part_of_the_first_word(tmp_path: Path) -> None:
    names = read_names(file(tmp_path, "\ufeffdns, DNS\r\nrandom, Uniform\r\n"), KNOWN)
    assert names.shown == {"dns": "DNS", "random": "Uniform"}


@pytest.mark.parametrize(
    ("line", "sentence"),
    [
        ("dnss, DNS", "--names must name words of the run; got 'dnss'"),
        ("dns", "--names needs `word, name` on each line; got 'dns'"),
        ("dns,", "--names needs `word, name` on each line"),
        ("dns, A\ndns, B", "names 'dns' twice"),
        ("dns, A\nrandom, A", "dns and random are 'A'"),
        ("dns, random", "dns and random are 'random'"),
        ("dns, \\textsc{Dns", "closed braces"),
        ("dns, \\textsc{Dns} % rest", "closed braces"),
        ("dns, a & \\b", "closed braces"),
    ],
)
def test_a_mistake_is_one_sentence(tmp_path: Path, line: str, sentence: str) -> None:
    with pytest.raises(UserError) as error:
        read_names(file(tmp_path, line), KNOWN)
    assert sentence in str(error.value)


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="--names must be a text file"):
        read_names(tmp_path / "no.txt", KNOWN)


def test_the_table_prints_them_and_says_what_was_typed(folder: Path, tmp_path: Path) -> None:
    lines = "dns, \\textsc{Dns}\nbooks, Goodreads\nmf, MF\nndcg@20, N20\n"
    text = render(open_run(folder), names=file(tmp_path, lines))
    assert_sound(text)
    assert "\\textsc{Dns}" in rows(text) and "dns" not in rows(text)
    assert "Recall@20 and N20 of" in text and "on Goodreads and films, MF." in text
    assert "Rows as they are typed: \\textsc{Dns} is dns." in text
