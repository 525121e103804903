"""Pairs are passed on only under licences that are known to allow it."""

import pytest

from negbench.plugins import registry
from negbench.plugins.redistribution import refusal

FREE = {"goodbooks", "goodbooks_10k", "kuairec", "kuairec_full", "kuairand_pure", "synthetic"}
FREE |= {"yambda"}


def test_of_our_data_sets_these_may_be_passed_on() -> None:
    cards = {name: registry.card("datasets", name) for name in registry.names("datasets")}
    assert {name for name, card in cards.items() if not refusal(card.licence, card.terms)} == FREE


@pytest.mark.parametrize(
    ("licence", "terms", "why"),
    [
        ("", "", "no licence is known"),
        ("", "CC BY 4.0 they say", "no licence is known"),
        ("MIT", "research use", 'its terms say "research use"'),
        ("CC BY-NC 4.0", "", 'its licence is "CC BY-NC 4.0"'),
        ("CC BY-ND 4.0", "", 'its licence is "CC BY-ND 4.0"'),
        ("GroupLens terms: research, no redistribution", "", 'its terms say "no redistribution"'),
    ],
)
def test_anything_else_is_refused(licence: str, terms: str, why: str) -> None:
    assert refusal(licence, terms) == why
