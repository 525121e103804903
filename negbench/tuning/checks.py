"""What a search must be, checked before anything is written: its rows, its ranges, its folder."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from negbench.composition import recipe
from negbench.errors import UserError, shown
from negbench.experiment.options.method_words import method_word
from negbench.experiment.phase_fit import unreached
from negbench.plugins.term_syntax import parse, settings_apart
from negbench.storage.search_store import FOLDER, TRIALS, protocol_hash, read_searches
from negbench.storage.split_folders import split_folders
from negbench.texts import encoders
from negbench.tuning.protocol import TRIAL_SEED, Protocol
from negbench.tuning.rows import Row
from negbench.tuning.search_record import plain_space
from negbench.tuning.search_state import caps
from negbench.tuning.space import Ranges

BUDGET = ("epochs", "patience", "time_limit")
"""Settings that a word may carry behind an `@`, and that all rows of a search share."""


def require_rows(rows: Sequence[Row], protocol: Protocol, own: Ranges) -> None:
    """Check every row with all its trials, and that every range given for them is searched.

    Raises UserError for a budget of a row's own, a trial that cannot be trained, a range that
    nothing is drawn from, and a method that halving would judge by its warm-up.
    """
    for row in rows:
        _require_common_budget(row)
        _require_phase_in_first_rung(row, protocol)
        for trial in row.trials:
            row.spec(trial.word, TRIAL_SEED).check()
    _require_searched(rows, own)


def _require_common_budget(row: Row) -> None:
    for name, value in settings_apart(row.typed)[1].items():
        if name in BUDGET:
            raise UserError(
                f"the rows of a search have one budget; got {name}={value} behind the @ of "
                f"{row.typed}; leave it out, or give all rows --{name.replace('_', '-')} {value}"
            )


def _require_phase_in_first_rung(row: Row, protocol: Protocol) -> None:
    for cap, _ in caps(row, protocol)[:1]:
        spec = row.cell(row.trials[0], epochs=cap).spec
        phase = None if row.is_reference else unreached(spec)
        if cap is not None and phase is not None:
            raise UserError(
                f"halving compares trials in their methods' own phase; that of {row.typed} "
                f"({phase.name}) begins in epoch {phase.begins}, and the first rung ends at {cap}; "
                "use --fidelity full, more --epochs, or leave the method out"
            )


def _require_searched(rows: Sequence[Row], own: Ranges) -> None:
    """Raises UserError for a range of a method, backbone or reference here that no row draws."""
    here = {section for row in rows for section in _sections(row)}
    drawn = {
        (section, each.name)
        for row in rows
        for _, each in row.space.parameters
        for section in _sections(row)
    }
    for section in here & own.keys():
        for name, entry in own[section].items():
            if (section, name) not in drawn:
                raise UserError(
                    f"every range of a space file must be searched; {name} = {shown(entry)} in "
                    f"[{section}] is not: it was typed, or is a number of negatives, a width, a "
                    "name of the shared part, or beyond the two of a method and three of a "
                    "backbone; leave it out"
                )


def _sections(row: Row) -> Iterator[str]:
    """The sections of a space file that a row reads, beside the shared one."""
    if row.is_reference:
        yield parse(row.typed).name
        return
    yield parse(row.backbone).name
    for term in recipe(method_word(row.typed, None, encoders.DEFAULT).method).terms:
        yield term.name


def require_layout(out: Path, splits: int) -> None:
    """Raises UserError where a folder holds a search on one split, and several are asked for."""
    parts = split_folders(out)
    alone = [name for name in ("cells", TRIALS, FOLDER) if (out / name).exists()]
    if splits == 1 and parts:
        raise UserError(
            f"a folder holds a search on one split or on several; {out} holds {parts[0].name} to "
            f"{parts[-1].name}, and --splits is 1; choose another folder with -o"
        )
    if splits > 1 and alone:
        raise UserError(
            f"a folder holds a search on one split or on several; {out} holds {', '.join(alone)} "
            f"of one, and --splits is {splits}; choose another folder with -o"
        )


def require_same_search(rows: Sequence[Row], protocol: Protocol, out: Path) -> None:
    """Raises UserError if the folder holds a search of these data by another protocol or space.

    Rows of a backbone share their ranges, and a row that was searched keeps its own.
    """
    for known in read_searches(out):
        for row in rows:
            if row.scenario.interactions.name != known["dataset"]:
                continue
            record = protocol.record(row.options, row.scenario)
            if known["hash"] != protocol_hash(record):
                _refuse("protocol", out, known["protocol"], record)
            if row.backbone != known["backbone"]:
                continue
            _refuse("space", out, known.get("ranges") or {}, row.ranges)
            if row.typed == known["row"]:
                _refuse(f"space of {row.typed}", out, _words(known["space"]), _words_of(row))


def _refuse(word: str, out: Path, then: Mapping[str, Any], now: Mapping[str, Any]) -> None:
    before, after = _flat(then), _flat(now)
    differ = [
        f"{name} was {shown(before.get(name))} and is {shown(after.get(name))}"
        for name in sorted({*before, *after})
        if before.get(name) != after.get(name)
    ]
    if differ:
        raise UserError(
            f"a folder holds searches by one {word}; in {out} {', '.join(differ)}; choose another "
            "folder with -o"
        )


def _flat(record: Mapping[str, Any]) -> dict[str, Any]:
    """A section's keys beside the others, as budget.epochs, so that a message names the one."""
    flat: dict[str, Any] = {}
    for name, value in record.items():
        inner = {f"{name}.{key}": v for key, v in value.items()} if isinstance(value, dict) else {}
        flat.update(inner or {name: value})
    return flat


def _words(space: Sequence[Mapping[str, Any]]) -> dict[str, str]:
    return {str(each["name"]): f"{each['kind']} {each['values']}" for each in space}


def _words_of(row: Row) -> dict[str, str]:
    return _words(plain_space(row.space))
