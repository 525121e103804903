"""Citations: a plug-in that is not ours names authors, year and paper, or what is not known."""

import re

import pytest

from negbench.plugins import registry

NOT_KNOWN = re.compile(r"not known|unknown|could not be read|no paper", re.IGNORECASE)
PAPERS = [
    (kind, name)
    for kind in ("methods", "backbones", "references")
    for name in registry.names(kind)
    if registry.card(kind, name).provenance != "ours"
]
AS_PRINTED = {
    "bc_loss": ("An Zhang, Wenchang Ma, Xiang Wang and Tat-Seng Chua", 2022, "2210.11054"),
    "bsl": (
        "Junkang Wu, Jiawei Chen, Jiancan Wu, Wentao Shi, Jizhi Zhang and Xiang Wang",
        2024,
        "2312.12882",
    ),
    "psl": (
        "Weiqin Yang, Jiawei Chen, Xin Xin, Sheng Zhou, Binbin Hu, Yan Feng, Chun Chen and "
        "Can Wang",
        2024,
        "2411.00163",
    ),
    "til": (
        "Haolun Wu, Chen Ma, Yingxue Zhang, Xue Liu, Ruiming Tang and Mark Coates",
        2022,
        "2208.01709",
    ),
    "dns_mn": (
        "Wentao Shi, Jiawei Chen, Fuli Feng, Jizhi Zhang, Junkang Wu, Chongming Gao and "
        "Xiangnan He",
        2023,
        "2302.03472",
    ),
    "adv_infonce": (
        "An Zhang, Leheng Sheng, Zhibo Cai, Xiang Wang and Tat-Seng Chua",
        2023,
        "2310.18700",
    ),
}


@pytest.mark.parametrize(("kind", "name"), PAPERS)
def test_it_is_cited_or_says_that_it_cannot_be(kind: str, name: str) -> None:
    card = registry.card(kind, name)
    missing = [field for field in ("authors", "year", "paper") if not getattr(card, field)]
    text = card.differs + registry.docstring(kind, name)
    assert not missing or NOT_KNOWN.search(text), (
        f"the card of {name} has no {', '.join(missing)}; give what is known for certain, and say "
        "in `differs` or the docstring what is not known"
    )


@pytest.mark.parametrize(("kind", "name"), PAPERS)
def test_a_paper_has_an_address(kind: str, name: str) -> None:
    """An arXiv number, a DOI or a page: where the reader of a bibliography finds it."""
    card = registry.card(kind, name)
    assert not card.paper or card.link.startswith("https://"), name


@pytest.mark.parametrize("name", AS_PRINTED)
def test_authors_year_and_number_are_those_of_the_paper(name: str) -> None:
    card, (authors, year, number) = registry.card("methods", name), AS_PRINTED[name]
    assert (card.authors, card.year) == (authors, year)
    assert card.link == f"https://arxiv.org/abs/{number}" and card.paper
    assert card.citation == f'{authors}, "{card.paper}", {card.venue} {year}'


def test_every_author_has_a_given_name_or_an_initial() -> None:
    """So that a bibliography does not take a family name for a whole name."""
    for kind in ("methods", "backbones", "references", "datasets"):
        for name in registry.names(kind):
            authors = registry.card(kind, name).authors
            people = (
                [each.strip() for each in re.split(r"[,;]|\band\b", authors)] if authors else []
            )
            assert all(" " in person for person in people), (name, authors)


def test_a_data_set_of_a_paper_gives_its_title() -> None:
    """A venue is that of a paper."""
    for name in registry.names("datasets"):
        card = registry.card("datasets", name)
        assert card.paper or not card.venue, f"the card of {name} has a venue and no paper"
