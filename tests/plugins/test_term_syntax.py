from dataclasses import dataclass
from typing import Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from negbench.errors import UserError
from negbench.plugins.term_syntax import Term, configure, parse, split


@dataclass(frozen=True)
class Config:
    candidates: int = 8
    rate: float = 0.5
    keep: Literal["one", "all"] = "one"
    correct: bool = True
    file: str | None = None
    widths: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        if self.candidates < 1:
            raise ValueError(f"`candidates` must be at least 1; got {self.candidates}")


def test_a_term_with_values_of_every_kind() -> None:
    term = parse("dns ( candidates=32, rate = 1e-3,keep=all,correct=FALSE,file=None,widths=[1,2] )")
    assert term.name == "dns"
    assert dict(term.values) == {
        "candidates": 32,
        "rate": 1e-3,
        "keep": "all",
        "correct": False,
        "file": None,
        "widths": [1, 2],
    }


def test_equal_terms_have_equal_texts() -> None:
    assert str(parse("dns(b=1,a=x)")) == str(parse("dns( a='x', b = 1 )")) == "dns(a=x,b=1)"
    assert str(parse("dns()")) == str(parse("dns")) == "dns"


names = st.from_regex(r"[a-z_][a-z0-9_]{0,8}", fullmatch=True)
words = st.text(st.sampled_from("ab1 ./-,=+()[]'_"), min_size=1, max_size=8)
numbers = st.one_of(st.integers(), st.floats(allow_nan=False, allow_infinity=False))
values = st.one_of(numbers, st.booleans(), st.none(), words, st.lists(numbers | words, max_size=3))


@given(names, st.dictionaries(names, values, max_size=4))
def test_the_text_of_a_term_parses_back(name: str, given_values: dict[str, object]) -> None:
    term = Term(name, tuple(sorted(given_values.items())))
    assert parse(str(term)) == term
    assert split(f"{term}+x", "+") == [str(term), "x"]


@pytest.mark.parametrize(
    "text,word",
    [
        ("", "must read like"),
        ("2dns", "must read like"),
        ("dns(8)", "must be name=value; got '8'"),
        ("dns(=8)", "must be name=value"),
        ("dns(a=1,a=2)", "'a' twice"),
        ("dns(a=(1)", "must read like|brackets and quotes must be closed"),
        ("dns(a='x)", "brackets and quotes must be closed"),
        ("dns(a=1", "must read like"),
    ],
)
def test_a_malformed_term_is_one_sentence(text: str, word: str) -> None:
    with pytest.raises(UserError, match=word):
        parse(text)


def test_split_outside_brackets_and_quotes_only() -> None:
    assert split("a(b=1,c=[2,3]),d='x,y', e", ",") == ["a(b=1,c=[2,3])", "d='x,y'", "e"]
    assert split("", ",") == []
    for broken in ("a(", "a)", "a'b"):
        with pytest.raises(UserError, match="closed"):
            split(broken, ",")


def test_values_become_what_the_fields_say() -> None:
    config = configure(Config, {"candidates": 4.0, "rate": 1, "widths": [3, 4], "file": "x"}, "dns")
    assert config == Config(4, 1.0, widths=(3, 4), file="x")
    assert isinstance(config.candidates, int) and isinstance(config.rate, float)


@pytest.mark.parametrize(
    "key,value,word",
    [
        ("candidate", 3, r"no parameter 'candidate'; did you mean candidates"),
        ("candidates", 2.5, r"dns\(candidates=...\) must be a whole number; got 2.5"),
        ("candidates", True, "a whole number"),
        ("candidates", float("inf"), "a whole number"),
        ("candidates", float("nan"), "a whole number"),
        ("rate", "fast", "a number; got 'fast'"),
        ("keep", "some", "one or all; got 'some'"),
        ("correct", 1, "true or false; got 1"),
        ("widths", 3, "a list, each a whole number; got 3"),
        ("widths", [3, "x"], "a list, each a whole number; got"),
        ("candidates", 0, "dns: `candidates` must be at least 1; got 0"),
    ],
)
def test_what_does_not_fit_is_the_users_mistake(key: str, value: object, word: str) -> None:
    with pytest.raises(UserError, match=word):
        configure(Config, {key: value}, "dns")
