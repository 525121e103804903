"""The test procedure: paired test, correction, use of seeds and alpha, with their wording."""

from dataclasses import dataclass

from negbench.errors import UserError, did_you_mean

from ..number_format import counted
from .multiple_testing import CORRECTIONS, Floats
from .paired_tests import TESTS
from .paired_values import Paired

ALPHA = 0.05
NAN = float("nan")
SEEDS = {"average": "seeds averaged within user", "blocks": "one difference a seed"}
"""Use of the seeds: its name, and the words for a footnote."""


@dataclass(frozen=True)
class Procedure:
    """Paired test, correction, use of seeds, and alpha; an unknown name raises UserError."""

    test: str = "paired-t"
    correction: str = "holm"
    seeds: str = "average"
    alpha: float = ALPHA

    def __post_init__(self) -> None:
        """Refuse unknown names; raises UserError with the nearest known one."""
        _require("a test", self.test, list(TESTS))
        _require("a correction", self.correction, list(CORRECTIONS))
        _require("seeds", self.seeds, list(SEEDS))
        if not 0 < self.alpha < 1:
            raise UserError(f"alpha must lie between 0 and 1; got {self.alpha}; 0.05 is usual")

    @property
    def tested(self) -> str:
        """The words for the test and its unit: users or seeds."""
        over = "users" if self.seeds == "average" else "seeds"
        name, _, rule = TESTS[self.test].description.partition(", ")
        return f"{name} over {over}" + (f" ({rule})" if rule else "")

    @property
    def pooled(self) -> str:
        """The words for the use of the seeds."""
        return SEEDS[self.seeds]

    @property
    def corrected(self) -> str:
        """The words for the correction."""
        return CORRECTIONS[self.correction][0]

    def differences(self, block: Paired, base: int) -> Floats:
        """The tested differences to the row `base`: [users, rows] or [seeds, rows]."""
        values = block.of_users if self.seeds == "average" else block.of_seeds
        differences: Floats = values - values[:, [base]]
        return differences

    def compare(self, block: Paired, base: int) -> tuple[Floats, Floats, Floats]:
        """Statistic, p and corrected p [rows] against the row `base`, for which they are NaN."""
        statistic, p = TESTS[self.test].run(self.differences(block, base))
        statistic[base] = p[base] = NAN
        return statistic, p, CORRECTIONS[self.correction][1](p)

    def require_seeds(self, block: Paired) -> None:
        """Check the number of seeds. Raises UserError if seeds are blocks and too few."""
        least = TESTS[self.test].least
        if self.seeds == "blocks" and len(block.seeds) < least:
            seeds = counted(len(block.seeds), "seed")
            raise UserError(
                f"seeds as blocks need {least} seeds or more for {self.test}; {block.dataset} on "
                f"{block.backbone} has {seeds}; run more or average them"
            )


def _require(what: str, word: str, known: list[str]) -> None:
    if word not in known:
        raise UserError(
            f"{what} must be one of {', '.join(known)}; got {word!r}; {did_you_mean(word, known)}"
        )


DEFAULT = Procedure()
