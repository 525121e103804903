"""The protocol of a search: what every row of it shares, and the hash that tables compare by."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

from negbench.errors import UserError, did_you_mean, shown
from negbench.experiment.default_seeds import FRESH
from negbench.experiment.options.options import Options
from negbench.experiment.tuned_rows import SEARCHED
from negbench.scenario.ranking_protocol import CHOICES, choices_of
from negbench.scenario.scenario import Scenario
from negbench.texts import encoders
from negbench.training.config import DEFAULT_OPTIMISER, TrainConfig
from negbench.tuning.points import SEARCHES

FIDELITIES = ("full", "halving")
TRIAL_SEED = 0
"""The seed of every trial."""
FIRST_TEST_SEED = FRESH
"""Seeds of the final cells begin here, so that none of them was used for a choice."""
NUMBERS = ("trials", "finalists", "final_seeds", "test_seeds", "points_seed", "splits")


@dataclass(frozen=True)
class Protocol:
    """How many trials, how they are placed, and how the winner is chosen."""

    trials: int = 32
    """Settings a row, the published default among them."""
    search: str = "sobol"
    fidelity: str = "full"
    finalists: int = 3
    final_seeds: int = 3
    """Seeds of each finalist beside the trial's own; the best mean of them wins."""
    test_seeds: int = 10
    """Fresh seeds of the winner, tested once."""
    points_seed: int = 0

    def __post_init__(self) -> None:
        """Check the numbers and words. Raises UserError for one that is out of range."""
        for name in ("trials", "finalists", "final_seeds", "test_seeds"):
            if getattr(self, name) < 1:
                flag = name.replace("_", "-")
                raise UserError(f"--{flag} must be 1 or more; got {getattr(self, name)}")
        if self.test_seeds > 900 or self.final_seeds >= FIRST_TEST_SEED:
            raise UserError(
                f"--final-seeds must be below {FIRST_TEST_SEED} and --test-seeds at most 900; got "
                f"{self.final_seeds} and {self.test_seeds}"
            )
        for name, known in (("search", SEARCHES), ("fidelity", FIDELITIES)):
            if getattr(self, name) not in known:
                raise UserError(
                    f"--{name} must be one of {', '.join(known)}; got {getattr(self, name)!r}"
                )
        if self.finalists > self.trials:
            raise UserError(
                f"--finalists must be at most --trials; got {self.finalists} of {self.trials}"
            )

    @property
    def seeds_of_finalists(self) -> tuple[int, ...]:
        """The seeds that choose the winner; the trial's own is not among them."""
        return tuple(range(TRIAL_SEED + 1, TRIAL_SEED + 1 + self.final_seeds))

    @property
    def seeds_of_test(self) -> tuple[int, ...]:
        """The seeds of the final cells."""
        return tuple(range(FIRST_TEST_SEED, FIRST_TEST_SEED + self.test_seeds))

    def record(self, options: Options, scenario: Scenario) -> dict[str, Any]:
        """What the rows of one data set share, as its search files keep it and the hash covers."""
        budget = TrainConfig(**options.train)
        fixed = {n: v for n, v in vars(budget).items() if n not in (*SEARCHED, "select")}
        if budget.optimiser == DEFAULT_OPTIMISER:
            del fixed["optimiser"]  # as in a cell: searches of before the choice go on
        typed = {n: options.train[n] for n in SEARCHED if n in options.train}
        encoder = options.encoder
        named = {} if encoder == encoders.DEFAULT else {"encoder": encoders.label(encoder)}
        return {
            "trials": self.trials,
            "search": self.search,
            "points_seed": self.points_seed,
            "fidelity": self.fidelity,
            "finalists": self.finalists,
            "trial_seed": TRIAL_SEED,
            "final_seeds": list(self.seeds_of_finalists),
            "select": budget.select,
            "budget": {**fixed, **typed},
            "data": scenario.interactions.checksum,
            "k_core": options.k_core,
            "split": scenario.split.rule,
            "split_hash": scenario.split.hash,
            "exclude": scenario.exclude,
            **{n: v for n in ("plant", "noise", "objective") if (v := getattr(options, n))},
            **{n: v for n, v in choices_of(vars(options)).items() if v != CHOICES[n][0]},
            **named,
        }


def section_of(experiment: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """An experiment file's section `tune` (the protocol, and maybe `space`), and the rest of it.

    Raises UserError for a section that is none, or holds an unknown key.
    """
    rest = dict(experiment)
    section = rest.pop("tune", {})
    if not isinstance(section, Mapping):
        raise UserError(f"tune must be a section of settings; got {shown(section)}")
    known = ["space", "splits", *(each.name for each in fields(Protocol))]
    for key in section:
        if key not in known:
            raise UserError(f"[tune] must hold known keys; got {key!r}; {did_you_mean(key, known)}")
    return dict(section), rest


def numbers_of(typed: Mapping[str, Any]) -> tuple[Protocol, int]:
    """The protocol, and the number of splits, from words as typed; None is the default.

    Raises UserError for a number that is none, or out of range.
    """
    given = {key: value for key, value in typed.items() if value is not None}
    for key, value in given.items():
        if key in NUMBERS:
            try:
                given[key] = int(str(value))
            except ValueError:
                flag = key.replace("_", "-")
                raise UserError(f"--{flag} must be a whole number; got {shown(value)}") from None
    splits = int(given.pop("splits", 1))
    if splits < 1:
        raise UserError(f"--splits must be 1 or more; got {splits}")
    if "finalists" not in given and "trials" in given:
        given["finalists"] = max(1, min(Protocol.finalists, given["trials"]))
    return Protocol(**given), splits
