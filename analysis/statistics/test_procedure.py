"""The test procedure: test, correction, alpha and margin, with their wording."""

from dataclasses import dataclass

from negbench.errors import UserError, did_you_mean

from .margin import Margin
from .multiple_testing import CORRECTIONS, Floats
from .paired_values import Paired
from .pairwise import TESTS, Pairwise, pairwise

ALPHA = 0.05
SEEDS_TOO, USERS_ALONE = "users and seeds", "users alone"
"""What a test speaks of: other users and other seeds, or other users and these trained models."""


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

    def words(self, n_seeds: int) -> str:
        """The words for the test at this number of seeds, and what it covers."""
        if self.covers(n_seeds) == SEEDS_TOO:
            return f"{TESTS[self.test]} (covers users and seeds)"
        name = TESTS["paired-t" if self.test == "crossed" else self.test]
        why = "one seed" if n_seeds == 1 else "seeds averaged within user"
        return f"{name}, {why} (covers users alone: these trained models, no other seed)"

    def covers(self, n_seeds: int) -> str:
        """What the test speaks of at this number of seeds."""
        return SEEDS_TOO if self.test == "crossed" and n_seeds > 1 else USERS_ALONE

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


def _require(what: str, word: str, known: list[str]) -> None:
    if word not in known:
        raise UserError(
            f"{what} must be one of {', '.join(known)}; got {word!r}; {did_you_mean(word, known)}"
        )


DEFAULT = Procedure()
