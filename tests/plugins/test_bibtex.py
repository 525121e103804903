import pytest

from negbench.analysis.report.bibtex import bibtex


def test_an_entry_holds_the_fields_of_the_card_and_no_others() -> None:
    card = {
        "title": "Dynamic negative sampling",
        "authors": "Zhang, Chen, Wang and Yu",
        "year": 2013,
        "venue": "SIGIR",
        "link": "https://doi.org/10.1145/2484028.2484126",
    }
    assert bibtex("dns", card) == "\n".join(
        [
            "@misc{zhang2013dns,",
            "  author = {Zhang and Chen and Wang and Yu},",
            "  year = {2013},",
            "  howpublished = {SIGIR},",
            "  doi = {10.1145/2484028.2484126},",
            "  url = {https://doi.org/10.1145/2484028.2484126},",
            "  note = {Method: Dynamic negative sampling}",
            "}",
        ]
    )


def test_unknown_fields_are_left_out() -> None:
    card = {"title": "Mine", "authors": "", "year": 0, "venue": "", "link": ""}
    assert bibtex("mine", card) == ""
    entry = bibtex("mine", {**card, "authors": "Doe"})
    assert entry == "@misc{doemine,\n  author = {Doe},\n  note = {Method: Mine}\n}"


@pytest.mark.parametrize(
    ("authors", "names"),
    [
        ("Doe & Roe", "Doe and Roe"),
        ("Rendle et al.", "Rendle and others"),
        (
            "Koren, Bell and Volinsky; Rendle et al.",
            "Koren and Bell and Volinsky and Rendle and others",
        ),
        ("Doe, J. and Roe, R.-S.", "Doe, J. and Roe, R.-S."),
        ("Schmidt-Thieme", "Schmidt-Thieme"),
        ("Anderson and Sand", "Anderson and Sand"),
        ("O_Brien {x} \\input", "O\\_Brien \\{x\\} \\textbackslash{}input"),
    ],
)
def test_authors_are_parted_and_escaped(authors: str, names: str) -> None:
    assert f"author = {{{names}}}" in bibtex("m", {"authors": authors})


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
