"""`negbench tune`: the searches of one command, one a split of the data, into one folder."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from negbench.errors import UserError
from negbench.experiment import run_grid
from negbench.experiment.cell.spec import REFERENCE
from negbench.experiment.options.command_line import IN_PYTHON, command_line
from negbench.experiment.options.options import Options
from negbench.experiment.plan import cell_spec
from negbench.scenario.split_variants import split_variants
from negbench.storage.split_folders import split_folder
from negbench.tuning.checks import require_layout
from negbench.tuning.protocol import TRIAL_SEED, Protocol
from negbench.tuning.run_search import Search, check, prepare
from negbench.tuning.space import Ranges


@dataclass(frozen=True, eq=False)
class Part:
    """One search and its folder: of all data sets on their one split, or of one on each split."""

    search: Search
    out: Path

    def check(self) -> None:
        """Check the folder before anything is written.

        Raises UserError if it holds cells of other data, or searches by another protocol.
        """
        check(self.search, self.out)


def refuse_what_is_chosen(flat: Mapping[str, Any]) -> None:
    """Raises UserError for what a search chooses itself, as seeds, and for --overwrite all."""
    if "seeds" in flat:
        raise UserError(
            f"a search has seeds of its own; got --seeds {flat['seeds']}; use --final-seeds for "
            "those that choose the winner and --test-seeds for those that test it"
        )
    if flat.get("tuned"):
        raise UserError(
            f"--tuned takes settings from a search; got {flat['tuned']!r} in one; leave it out"
        )
    if flat.get("overwrite") == "all":
        raise UserError(
            "--overwrite must be missing or failed in a search; got 'all'; use another folder"
        )


def folder_of(options: Options) -> Path:
    """The folder of a search: the one asked for, else runs/tuned-NAMES."""
    usual = run_grid.folder_of(options)
    if options.out or options.name:
        return usual
    return usual.with_name(f"tuned-{usual.name}")


def with_its_settings(options: Options, out: Path) -> str:
    """The command for another run of the rows and data of a search, with the settings that won.

    Empty where no command can give its data.
    """
    usual = Options()
    again = {n: getattr(usual, n) for n in ("out", "name", "seeds", "overwrite", "shard", "train")}
    line = command_line(replace(options, tuned=str(out), **again))
    return "" if line == IN_PYTHON else line


def parts_of(
    options: Options, protocol: Protocol, own: Ranges, splits: int, out: Path
) -> list[Part]:
    """The searches of a command; nothing is written.

    Raises UserError for a wrong option, a split rule that cannot be repeated, and a folder that
    holds a search on another number of splits.
    """
    require_layout(out, splits)
    if splits == 1:
        return [Part(prepare(options, protocol, own), out)]
    return [
        Part(prepare(replace(options, datasets=(name,), split=rule), protocol, own), folder)
        for name, rule, folder in _splits(options, splits, out)
    ]


def _splits(options: Options, splits: int, out: Path) -> Iterator[tuple[str, str, Path]]:
    """Data set, split rule and folder of each part, split by split."""
    rules = {name: _rules(options, name, splits) for name in options.datasets}
    for at in range(splits):
        for name in options.datasets:
            yield name, rules[name][at], split_folder(out, at + 1)


def _rules(options: Options, name: str, splits: int) -> tuple[str, ...]:
    """The versions of the split rule on a data set."""
    key = cell_spec(options, name, REFERENCE, "most_popular", TRIAL_SEED).scenario_key
    data = key.prepare(options.data_dir).interactions
    return split_variants(options.split, splits, data)
