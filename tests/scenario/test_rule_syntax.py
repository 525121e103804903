"""Rules as they are typed."""

from fractions import Fraction

import pytest

from negbench.errors import UserError
from negbench.scenario.rule_syntax import Rule, read_rule

DEFAULTS = {"ratio": (0.8, 0.2), "plain": ()}


@pytest.mark.parametrize("text", ["ratio(0.8,0.2)", "ratio:0.8,0.2", " RATIO ( 0.8 , 0.2 ) ", "r"])
def test_spellings_of_one_rule(text: str) -> None:
    rule = read_rule(text, DEFAULTS, "rule", {"r": "ratio"})
    assert rule == Rule("ratio", ("0.8", "0.2"))
    assert rule.numbers == (Fraction(4, 5), Fraction(1, 5)) and str(rule) == "ratio(0.8,0.2)"


def test_a_written_seed_goes_before_the_given_one() -> None:
    assert read_rule("ratio(1/3,2/3, seed = 7)", DEFAULTS, "rule", seed=2).seed == 7
    assert read_rule("plain(seed=7)", DEFAULTS, "rule", seed=2) == Rule("plain", (), 7)
    assert read_rule("ratio", DEFAULTS, "rule", seed=2).seed == 2


@pytest.mark.parametrize("text", ["", "1", "ratio(1", "ratio(1/0,1)", "plain(1)", "ration", "a b"])
def test_refused(text: str) -> None:
    with pytest.raises(UserError):
        read_rule(text, DEFAULTS, "rule")
