"""Status of a search: rows that have a winner, and the cells of its trials and of its winners."""

from dataclasses import dataclass
from pathlib import Path
from shlex import quote

from negbench.errors import NothingToReport, UserError
from negbench.experiment.finished.status import Status
from negbench.experiment.finished.status import status as status_of_run
from negbench.storage.claims import runners
from negbench.storage.search_store import TRIALS, read_searches
from negbench.storage.split_folders import split_folder, split_folders
from negbench.tuning import tune_file


@dataclass(frozen=True)
class SearchStatus:
    """How far a search has come; one a split."""

    name: str
    """Its folder."""
    rows: int
    """Rows of which anything was started."""
    winners: int
    """How many of them have a winner."""
    failed_trials: int
    trials: Status | None
    """The cells of trials and finalists, as far as they are planned; None before any is."""
    final: Status | None
    """The cells of winners; None before any is planned."""
    go_on: str
    """The command that goes on with it; empty while it is alive."""
    alive: tuple[str, ...] = ()
    """Host and number of every live process that carries it out."""

    @property
    def over(self) -> bool:
        """Whether nothing is left to do: each row has a winner, and the final cells have ended."""
        return (
            0 < self.rows == self.winners
            and self.final is not None
            and not self.final.pending
            and not (self.trials and self.trials.pending)
        )


def search_status(out: Path) -> list[SearchStatus]:
    """The status of a folder of `negbench tune`, or of each of its splits, begun or not.

    Raises UserError for a search file that is damaged.
    """
    asked = [split_folder(out, number) for number in range(1, _splits(out) + 1)]
    begun = [each for each in split_folders(out) if each not in asked]
    return [_of(folder, out) for folder in [*asked, *begun] or [out]]


def _splits(out: Path) -> int:
    """On how many splits a search was asked for; 0 for one, and where that cannot be read."""
    try:
        numbers = [each["protocol"].get("splits", 1) for each in tune_file.starts(out)]
        return most if (most := max(map(int, numbers))) > 1 else 0
    except (UserError, LookupError, TypeError, ValueError, AttributeError):
        return 0


def _of(folder: Path, out: Path) -> SearchStatus:
    searches = read_searches(folder)
    trials, final = _of_run(folder / TRIALS), _of_run(folder)
    owners = [f"{each.host} pid {each.process}" for each in runners(folder)]
    owners += [owner for part in (trials, final) if part for owner in part.alive]
    tried = [trial["status"] for each in searches for trial in each["trials"]]
    return SearchStatus(
        name=str(folder),
        rows=len(searches),
        winners=sum(each["winner"] is not None for each in searches),
        failed_trials=tried.count("failed"),
        trials=trials,
        final=final,
        go_on="" if owners else f"negbench resume {quote(str(out))}",
        alive=tuple(dict.fromkeys(owners)),
    )


def _of_run(folder: Path) -> Status | None:
    try:
        return status_of_run(folder)
    except NothingToReport:
        return None
