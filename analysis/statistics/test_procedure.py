"""Procedure: how differences are tested, corrected and said, chosen once and carried along."""

from dataclasses import dataclass

from negbench.errors import UserError, did_you_mean

from ..number_format import counted
from .multiple_testing import CORRECTIONS, Floats
from .paired_tests import TESTS
from .paired_values import Paired

ALPHA = 0.05
NAN = float("nan")
SEEDS = {"average": "seeds averaged within user", "blocks": "one difference a seed"}
"""What seeds are taken as, and how it is said."""


@dataclass(frozen=True)
class Procedure:
    """How differences are tested; an unknown word is refused with the nearest."""

    test: str = "paired-t"
    correction: str = "holm"
    seeds: str = "average"
    alpha: float = ALPHA

    def __post_init__(self) -> None:
        """Refuse what is not known."""
        _require("a test", self.test, list(TESTS))
        _require("a correction", self.correction, list(CORRECTIONS))
        _require("seeds", self.seeds, list(SEEDS))
        if not 0 < self.alpha < 1:
            raise UserError(f"alpha must lie between 0 and 1; got {self.alpha}; 0.05 is usual")

    @property
    def tested(self) -> str:
        """The test, over what it runs."""
        over = "users" if self.seeds == "average" else "seeds"
        name, _, rule = TESTS[self.test].says.partition(", ")
        return f"{name} over {over}" + (f" ({rule})" if rule else "")

    @property
    def pooled(self) -> str:
        """What becomes of the seeds."""
        return SEEDS[self.seeds]

    @property
    def corrected(self) -> str:
        """The correction."""
        return CORRECTIONS[self.correction][0]

    def differences(self, block: Paired, base: int) -> Floats:
        """What is tested: rows less the row `base`, a line a user or a seed."""
        values = block.of_users if self.seeds == "average" else block.of_seeds
        found: Floats = values - values[:, [base]]
        return found

    def compare(self, block: Paired, base: int) -> tuple[Floats, Floats, Floats]:
        """Statistic, p and corrected p of each row against the row `base`; NaN for itself."""
        statistic, p = TESTS[self.test].run(self.differences(block, base))
        statistic[base] = p[base] = NAN
        return statistic, p, CORRECTIONS[self.correction][1](p)

    def require_seeds(self, block: Paired) -> None:
        """Refuse seeds as blocks where there are too few of them."""
        least = TESTS[self.test].least
        if self.seeds == "blocks" and len(block.seeds) < least:
            found = counted(len(block.seeds), "seed")
            raise UserError(
                f"seeds as blocks need {least} seeds or more for {self.test}; {block.dataset} on "
                f"{block.backbone} has {found}; run more or average them"
            )


def _require(what: str, word: str, known: list[str]) -> None:
    if word not in known:
        raise UserError(
            f"{what} must be one of {', '.join(known)}; got {word!r}; {did_you_mean(word, known)}"
        )


DEFAULT = Procedure()
