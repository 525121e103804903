"""An incomplete card or docstring of a method fails the conformance suite."""

import importlib.util
import sys
from pathlib import Path
from typing import Any

import pytest

from negbench.testing import conforms

GOOD = '''"""Ours.

    s = 1

Cost per step: nothing."""
from dataclasses import dataclass
from negbench.parts import BPR, Uniform
from negbench.protocol import Card, Method
CARD = Card(
    title="Ours",
    moves=("sampler",),
    search={"n": ("int", 1, 9)},
    controls={"ours(n=2)": "two of them"},
)
@dataclass(frozen=True)
class Config:
    n: int = 1
    def __post_init__(self) -> None:
        if not 1 <= self.n <= 9:
            raise ValueError(f"n is 1 to 9; got {self.n}")
def build(config):
    return Method(Uniform(config.n), BPR())
'''


@pytest.mark.parametrize(
    "old,new,word",
    [
        ("CARD = Card(", "CARD = (lambda **k: 1)(", "must hold CARD = Card"),
        ('"Ours",', 'str("Ours"),', "of literals"),
        ('("sampler",)', "()", "must name a choice"),
        ('("sampler",)', '("stages",)', "names stages, but the method has none"),
        ('("sampler",)', '("transform",)', "names transform, but there is none"),
        ('"n": (', '"m": (', "'m' must be a setting"),
        ("1, 9)", "1, 12)", "n=12 is refused: n is 1 to 9"),
        ('"int", 1, 9', '"int", 9, 1', "low, high"),
        ('"int", 1, 9', '"log", 0, 9', "starts above 0"),
        ('"int", 1, 9', '"of",', "must give values"),
        ("(frozen=True)", "", "must be frozen"),
        ("@dataclass(frozen=True)", "", "must be a dataclass"),
        ("ours(n=2)", "ours(n=12)", "cannot be run"),
        ("two of them", "", "must say what"),
        ("n: int = 1", "n: int", "must have a default"),
        ("n: int = 1", "m: object = object\n    n: int = 1", "plain values"),
        ("    s = 1", "s is 1", "must give the formula"),
        ("Cost", "Price", "what a step costs"),
    ],
)
def test_an_incomplete_card_or_docstring_fails(
    old: str, new: str, word: str, tmp_path: Path
) -> None:
    conforms(module_at(write(tmp_path / "good", GOOD)))
    path = write(tmp_path / "bad", GOOD.replace(old, new))
    with pytest.raises(AssertionError, match=word):
        conforms(module_at(path), "says_what_it_is")


def write(folder: Path, text: str) -> Path:
    folder.mkdir()
    path = folder / "ours.py"
    path.write_text(text)
    return path


def module_at(path: Path) -> Any:
    spec = importlib.util.spec_from_file_location("ours", path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["ours"] = module
    spec.loader.exec_module(module)
    return module
