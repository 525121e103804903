from pathlib import Path

import pytest

from negbench.storage.without_paths import (
    paths_of,
    values_without_paths,
    without_paths,
    without_prefixes,
)


@pytest.mark.parametrize(
    ("text", "clean"),
    [
        ("negbench run -d /home/me/my.csv -o /tmp/x/run", "negbench run -d my.csv -o run"),
        ("a cell in /home/me/runs/a/cells/0a1b is not whole", "a cell in 0a1b is not whole"),
        ("'/home/me/a.csv', and ~/data/b.csv", "'a.csv', and b.csv"),
        ("C:\\Users\\me\\my.csv and D:/x/y.csv", "my.csv and y.csv"),
        ("file:///home/me/x.html", "x.html"),
    ],
)
def test_a_path_is_shortened_to_its_last_name(text: str, clean: str) -> None:
    assert without_paths(text) == clean


@pytest.mark.parametrize(
    "text",
    [
        "https://github.com/zygmuntz/goodbooks-10k; see http://x.org/a/b",
        "mass:1/3,2/3 and ndcg@20/tail; 3 s/epoch; and/or; a / b",
        "10.1145/2484028.2484126",
        "\\frac{a}{b} // comment",
        "ratio(0.8,0.1,0.1)",
    ],
)
def test_what_is_no_path_stays(text: str) -> None:
    assert without_paths(text) == text


def test_a_tree_of_values_and_a_path_with_spaces() -> None:
    tree = {"out": "/home/my name/run 1", "n": [1, None, {"/home/me/p.py": "x /a/b/c"}]}
    assert values_without_paths(tree) == {"out": "run 1", "n": [1, None, {"p.py": "x c"}]}
    assert list(paths_of(tree)) == ["/home/my name/run 1"]


def test_a_page_loses_known_folders_alone() -> None:
    page = "<td>/home/me/run/cells/1</td> /x/y"
    assert without_prefixes(page, [Path("/home/me"), Path("/home/me/run")]) == (
        "<td>cells/1</td> /x/y"
    )
