"""The test procedure: test, correction, alpha and margin, with their wording."""

from dataclasses import dataclass

import pandas as pd

from negbench.errors import UserError, did_you_mean

from ..number_format import counted
from .margin import Margin
from .multiple_testing import CORRECTIONS, Floats
from .paired_values import Paired
from .pairwise import TESTS, Pairwise, pairwise

ALPHA = 0.05
SEEDS_TOO, USERS_ALONE = "users and seeds", "users alone"
SPLITS_TOO = "users, splits and seeds"
"""What a test speaks of: other users, and other seeds and splits too or these trained models."""


@dataclass(frozen=True)
class Procedure:
    """Test, correction, alpha and margin; an unknown name raises UserError."""

    test: str = "crossed"
    correction: str = "holm"
    alpha: float = ALPHA
    margin: Margin = Margin()

    def __post_init__(self) -> None:
        """Refuse unknown names; raises UserError with the nearest known one."""
        _require("a test", self.test, list(TESTS))
        _require("a correction", self.correction, list(CORRECTIONS))
        if not 0 < self.alpha < 1:
            raise UserError(f"alpha must lie between 0 and 1; got {self.alpha}; 0.05 is usual")

    @property
    def tested(self) -> str:
        """The words for the test where rows have several seeds."""
        return TESTS[self.test]

    def words(self, n_seeds: int, n_splits: int = 1) -> str:
        """The words for the test at this number of seeds and splits, and what it covers."""
        if n_splits > 1:
            return self._words_over_splits(design(n_seeds, n_splits))
        if self.covers(n_seeds) == SEEDS_TOO:
            return f"{TESTS[self.test]} (covers users and seeds)"
        name = TESTS["paired-t" if self.test == "crossed" else self.test]
        why = "one seed" if n_seeds == 1 else "seeds averaged within user"
        return f"{name}, {why} (covers users alone: these trained models, no other seed)"

    def _words_over_splits(self, sizes: str) -> str:
        if self.test == "crossed":
            return (
                "t test with users and splits as crossed random effects, seeds averaged within "
                f"split ({sizes}; the split is a random effect; covers users, splits and seeds)"
            )
        return (
            f"{TESTS[self.test]}, {sizes} averaged within user (covers users alone: these trained "
            "models, no other seed or split)"
        )

    def covers(self, n_seeds: int, n_splits: int = 1) -> str:
        """What the test speaks of at this number of seeds and splits."""
        if self.test == "crossed" and n_splits > 1:
            return SPLITS_TOO
        return SEEDS_TOO if self.test == "crossed" and n_seeds > 1 else USERS_ALONE

    def words_for(self, tests: pd.DataFrame) -> list[str]:
        """The words for each number of seeds and splits in the lines of `significance`."""
        sizes = tests[["n_seeds", "n_splits"]].drop_duplicates()
        pairs = sorted(sizes.itertuples(index=False, name=None), reverse=True)
        return list(dict.fromkeys(self.words(int(seeds), int(splits)) for seeds, splits in pairs))

    @property
    def corrected(self) -> str:
        """The words for the correction."""
        return CORRECTIONS[self.correction][0]

    def correct(self, p: Floats) -> Floats:
        """The corrected p values of a family of comparisons."""
        return CORRECTIONS[self.correction][1](p)

    def pairwise(self, block: Paired) -> Pairwise:
        """The tests of all pairs of a block."""
        return pairwise(block, self.test)


def design(n_seeds: int, n_splits: int = 1) -> str:
    """The trainings of a row in words: 5 seeds, or 3 splits x 5 seeds."""
    seeds = counted(n_seeds, "seed")
    return f"{n_splits} splits x {seeds}" if n_splits > 1 else seeds


def _require(what: str, word: str, known: list[str]) -> None:
    if word not in known:
        raise UserError(
            f"{what} must be one of {', '.join(known)}; got {word!r}; {did_you_mean(word, known)}"
        )


DEFAULT = Procedure()
