"""Balanced factorials of a run: every sampler under every objective on every backbone.

    sampler     the method as it is typed, without its objective
    objective   of --objective, or of the word: `dns(objective=bce)`; "its own" where none was given
    backbone    as it is typed

References sample nothing and are left out. A factor with one level is held fixed.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import product

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from negbench.errors import UserError, did_you_mean
from negbench.evaluation.metric_names import Metric
from negbench.plugins.term_syntax import Term, parse, settings_apart, split

from ..number_format import counted
from .frames import REFERENCE, Run, user_values
from .ranked_cells import RankedCell
from .tuned_rows import row_word

FACTORS = ("sampler", "objective", "backbone")
OWN = "its own"
"""The level of a method without a given objective."""
NAMED = 6
"""How many missing combinations a message names before it counts the others."""
Floats = NDArray[np.float64]
Combination = tuple[str, ...]
"""A level of each of FACTORS."""


@dataclass(frozen=True, eq=False)
class Factorial:
    """The trainings of one data set, one under each seed for each combination of levels."""

    dataset: str
    levels: Mapping[str, tuple[str, ...]]
    """Of each of FACTORS, sorted."""
    seeds: tuple[int, ...]
    cells: Mapping[Combination, Mapping[int, RankedCell]]

    @property
    def factors(self) -> tuple[str, ...]:
        """The factors with two levels or more."""
        return tuple(name for name in FACTORS if len(self.levels[name]) > 1)

    def values(self, metric: Metric, band: str = "all") -> Floats:
        """The values [users, levels of each factor of `factors`, seeds] of users whom all have."""
        combos = list(product(*(self.levels[name] for name in FACTORS)))
        columns = [
            user_values(self.cells[combo][seed], metric, band)
            for combo in combos
            for seed in self.seeds
        ]
        table = pd.concat(columns, axis=1, join="inner").sort_index().to_numpy(float)
        shape = [len(self.levels[name]) for name in self.factors]
        return table.reshape(len(table), *shape, len(self.seeds))


def factorials(run: Run, only: Mapping[str, Sequence[str]] | None = None) -> list[Factorial]:
    """The factorial of each data set; `only` keeps these levels of a factor.

    Raises UserError for an unknown level, a run over several splits, one seed, fewer than two
    factors with two levels, and an unbalanced design, whose missing combinations it names.
    """
    if len(run.partitions) > 1:
        raise UserError(
            f"a factorial is of one split; the run is repeated over {len(run.partitions)}; give "
            "one of its folders, as RUN/split-1"
        )
    by_data: dict[str, dict[Combination, dict[int, RankedCell]]] = {}
    known: dict[str, dict[str, None]] = {name: {} for name in FACTORS}
    for cell, _ in run.done:
        if cell.spec["backbone"] == REFERENCE:
            continue
        combo = combination(cell)
        for name, level in zip(FACTORS, combo, strict=True):
            known[name][level] = None
        if all(level in asked for level, asked in zip(combo, _asked(combo, only), strict=True)):
            cells = by_data.setdefault(str(cell.spec["dataset"]), {}).setdefault(combo, {})
            _add(cells, cell, combo)
    for name, levels in (only or {}).items():
        for level in levels:
            if level not in known[name]:
                raise UserError(
                    f"a level of {name} must be in the run; got {level!r}; "
                    f"{did_you_mean(level, list(known[name]))}"
                )
    return [_factorial(dataset, cells) for dataset, cells in by_data.items()]


def combination(cell: RankedCell) -> Combination:
    """The level of each factor of a cell."""
    spec = cell.spec
    return _sampler(row_word(spec)), str(spec.get("objective") or OWN), cell.backbone


def _sampler(word: str) -> str:
    """A row's word without its objective: `dns` of `dns(objective=bce)`."""
    try:
        method, _ = settings_apart(word)
        terms = [parse(term) for term in split(method, "+")]
    except UserError:  # a record of another version
        return word
    kept = [Term(t.name, tuple((k, v) for k, v in t.values if k != "objective")) for t in terms]
    return "+".join(map(str, kept)) + word.removeprefix(method)


def _asked(combo: Combination, only: Mapping[str, Sequence[str]] | None) -> list[Sequence[str]]:
    """The levels that are kept of each factor; where none were named, all."""
    named = only or {}
    return [named.get(name) or [own] for name, own in zip(FACTORS, combo, strict=True)]


def _add(cells: dict[int, RankedCell], cell: RankedCell, combo: Combination) -> None:
    seed = int(cell.spec["seed"])
    if seed in cells:
        raise UserError(
            "a combination must be trained once under each seed; "
            f"{_words(combo)} has seed {seed} in {cells[seed].folder} and in {cell.folder}, which "
            "differ in other settings; give runs that hold one of them"
        )
    cells[seed] = cell


def _factorial(dataset: str, cells: Mapping[Combination, Mapping[int, RankedCell]]) -> Factorial:
    levels = {
        name: tuple(sorted({combo[at] for combo in cells})) for at, name in enumerate(FACTORS)
    }
    seeds = tuple(sorted({seed for of_seeds in cells.values() for seed in of_seeds}))
    _require_balance(dataset, levels, seeds, cells)
    if sum(len(each) > 1 for each in levels.values()) < 2:
        has = ", ".join(counted(len(levels[name]), name) for name in FACTORS)
        raise UserError(
            f"a factorial needs two factors of two levels or more; {dataset} has {has}; add runs "
            "of other samplers (-m), objectives (--objective) or backbones (-b)"
        )
    if len(seeds) < 2:
        raise UserError(
            f"a factorial needs two seeds or more, to tell its factors from chance; {dataset} has "
            "one; run it with --seeds 5"
        )
    return Factorial(dataset, levels, seeds, cells)


def _require_balance(
    dataset: str,
    levels: Mapping[str, Sequence[str]],
    seeds: Sequence[int],
    cells: Mapping[Combination, Mapping[int, RankedCell]],
) -> None:
    """Refuse a design that lacks a combination, or a seed of one."""
    combos = list(product(*(levels[name] for name in FACTORS)))
    lacking = []
    for combo in combos:
        missing = [seed for seed in seeds if seed not in cells.get(combo, {})]
        if missing:
            some = "" if len(missing) == len(seeds) else _seeds(missing)
            lacking.append(f"{_words(combo)}{some}")
    if lacking:
        more = len(lacking) - NAMED
        names = ", ".join(lacking[:NAMED]) + (f" and {more} more" if more > 0 else "")
        raise UserError(
            "a factorial must hold every combination of its levels under every seed; "
            f"{dataset} lacks {len(lacking)} of {len(combos)}: {names}; train them, or leave "
            "levels out by -m, --objective or -b"
        )


def _seeds(seeds: Sequence[int]) -> str:
    word = "seed" if len(seeds) == 1 else "seeds"
    return f" ({word} {', '.join(map(str, seeds))})"


def _words(combo: Combination) -> str:
    """A combination in words: `dns x bpr x mf`."""
    return " x ".join(combo)
