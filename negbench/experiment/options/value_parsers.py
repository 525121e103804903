"""Parsers of option values as users write them: `--seeds 0-9`, `--jobs auto`, lists, tables."""

import math
import os
import re
from collections.abc import Callable, Mapping, Sequence
from numbers import Integral
from pathlib import Path
from typing import Any, Literal

from negbench.data import dataset_words, in_memory
from negbench.data.readers.column_roles import Columns
from negbench.errors import UserError, did_you_mean, shown
from negbench.experiment.options.plugin_selection import words
from negbench.experiment.options.seed_words import seeds
from negbench.experiment.options.yes_or_no import yes_or_no
from negbench.plugins import registry
from negbench.plugins.term_syntax import Term
from negbench.storage.search_store import EMBEDDED

_DEVICE = re.compile(r"auto|cpu|cuda(:\d+)?")


def listed(value: Any, key: str) -> tuple[str, ...]:
    """Words from `a,b`, or from a list of such. Raises UserError for anything else."""
    given = [value] if isinstance(value, str) else value
    if not isinstance(given, list | tuple) or not all(isinstance(each, str) for each in given):
        raise UserError(f"--{key} must be words, or a list of them; got {shown(value)}")
    return tuple(words(given))


def methods(value: Any, key: str) -> tuple[str, ...]:
    """Words as of `listed`, and functions that build a method, which are registered by their name.

    Raises UserError for anything else.
    """
    if callable(value):
        return (registry.add_function(value),)
    if isinstance(value, list | tuple):
        value = [registry.add_function(each) if callable(each) else each for each in value]
    return listed(value, key)


def datasets(value: Any, key: str) -> tuple[str, ...]:
    """Names, files and folders from `a,b`, a path, data in Python, or a list of such.

    Raises UserError for anything else.
    """
    del key
    given = value if isinstance(value, list | tuple) else [value]
    return tuple(dataset_words.words(map(_dataset, given)))


def _dataset(value: Any) -> str:
    """A path that is given as such is a file, also where a data set has its name."""
    if in_memory.can_hold(value):
        return in_memory.hold(value)
    if not isinstance(value, str | os.PathLike):
        raise UserError(
            "datasets must be names, files or folders, pandas DataFrames, arrays [n, 2] of users "
            f"and items, or Interactions, or a list of them; got {shown(value)}"
        )
    text = path(value, "datasets")
    return f"./{text}" if isinstance(value, os.PathLike) and dataset_words.is_name(text) else text


def metrics(value: Any, key: str) -> tuple[str, ...]:
    """Metrics stay as typed, joined: `recall,ndcg@10,20` is read as one phrase."""
    return (",".join(listed(value, key)),)


def files(value: Any, key: str) -> tuple[str, ...]:
    """Absolute paths, for workers and later resumes. Raises UserError for anything else."""
    given = value if isinstance(value, list | tuple) else [value]
    if not all(isinstance(each, str | os.PathLike) for each in given):
        raise UserError(f"--{key} must be paths; got {shown(value)}")
    return tuple(str(Path(each).expanduser().resolve()) for each in given)


def whole_number(least: int) -> Callable[[Any, str], int]:
    """A parser of whole numbers from `least` on. Raises UserError (when parsing) for others."""

    def read(value: Any, key: str) -> int:
        text = str(value).strip()
        if isinstance(value, bool) or not text.isdecimal() or int(text) < least:
            option = key.replace("_", "-")
            raise UserError(
                f"--{option} must be a whole number from {least} on; got {shown(value)}"
            )
        return int(text)

    return read


def share(value: Any, key: str) -> float:
    """A number from 0 to below 1. Raises UserError for anything else."""
    try:
        number = float(value)
    except (TypeError, ValueError):
        number = -1.0
    if isinstance(value, bool) or not 0 <= number < 1:
        raise UserError(f"--{key} must be a share from 0 to below 1, as 0.1; got {shown(value)}")
    return number


def noise(value: Any, key: str) -> float | Literal["ratings"]:
    """A share, or the word `ratings`. Raises UserError for anything else."""
    if isinstance(value, str) and value == "ratings":
        return "ratings"
    try:
        return share(value, key)
    except UserError as error:
        raise UserError(str(error).replace("as 0.1;", "as 0.1, or `ratings`;")) from None


def shard(value: Any, key: str) -> tuple[int, int]:
    """`2/8`, the second of eight parts. Raises UserError for anything else."""
    text = "/".join(map(str, value)) if isinstance(value, list | tuple) else str(value)
    match = re.fullmatch(r"\s*(\d+)\s*/\s*(\d+)\s*", text)
    at, of = (int(match[1]), int(match[2])) if match else (0, 0)
    if not 1 <= at <= of:
        raise UserError(f"--{key} must be i/n with i from 1 to n, as 2/8; got {shown(value)}")
    return at, of


def jobs(value: Any, key: str) -> int:
    """A number of workers, or 0 for `auto`."""
    return 0 if str(value).strip().lower() in ("auto", "0") else whole_number(1)(value, key)


def device(value: Any, key: str) -> str:
    """auto, cpu, cuda or cuda:N. Raises UserError for anything else."""
    text = word(value, key).lower()
    if not _DEVICE.fullmatch(text):
        raise UserError(f"--device must be auto, cpu, cuda or cuda:N; got {text!r}")
    return text


def word(value: Any, key: str) -> str:
    """A plain text. Raises UserError for anything else."""
    if not isinstance(value, str):
        raise UserError(f"--{key.replace('_', '-')} must be text; got {shown(value)}")
    return value.strip()


def path(value: Any, key: str) -> str:
    """A path as text. Raises UserError for anything else."""
    text = os.fspath(value) if isinstance(value, os.PathLike) else value
    if not isinstance(text, str):
        raise UserError(f"--{key.replace('_', '-')} must be a path; got {shown(value)}")
    if key != "datasets" and text.encode(errors="replace").decode() != text:  # no record holds it
        raise UserError(f"--{key.replace('_', '-')} must be a path in UTF-8; got {text!r}")
    return text if isinstance(value, os.PathLike) else text.strip()


def folder(value: Any, key: str) -> str:
    """The absolute path of a folder, for workers and later resumes; empty stays empty."""
    text = path(value, key)
    return str(Path(text).expanduser().absolute()) if text else text


def encoder(value: Any, key: str) -> str:
    """A name, or the absolute path of a file or folder that is there."""
    from negbench.texts.encoders import NAMES

    text = path(value, key)
    file = Path(text).expanduser()
    return text if text in NAMES or not file.exists() else str(file.resolve())


def trackers(value: Any, key: str) -> tuple[str, ...]:
    """Names of trackers from `a,b`, or from a list. Raises UserError for anything else."""
    from negbench.tracking.track import TRACKERS

    names = listed(value, key)
    for name in names:
        if name not in TRACKERS:
            near = did_you_mean(name, list(TRACKERS))
            raise UserError(f"--{key} must be of {', '.join(TRACKERS)}; got {name!r}; {near}")
    return names


def rule(value: Any, key: str) -> str:
    """A rule, `ratio(0.8,0.1,0.1)`, or a list of its pieces as a file might break it."""
    pieces = value if isinstance(value, list | tuple) else [value]
    return ",".join(word(piece, key) for piece in pieces)


def column(value: Any, key: str) -> Any:
    """A column's name or number, the least rating, a test file, or the full path of features.

    Raises UserError if the least rating is no number, a column neither a name nor a number, or a
    file no path.
    """
    if key.endswith("_features"):
        return str(Path(path(value, key)).expanduser().resolve())
    if key == "test_file":
        return word(value, "test-file")
    if key != "min_rating":
        if isinstance(value, bool) or not isinstance(value, str | Integral):
            raise UserError(f"--{key} must be a column's name or number; got {shown(value)}")
        return str(value)
    try:
        least = float(value)
    except (TypeError, ValueError):
        least = math.nan
    if isinstance(value, bool) or not math.isfinite(least):
        raise UserError(f"--min-rating must be a number; got {shown(value)}")
    return least


def variants(table: Mapping[str, Any]) -> tuple[list[str], list[str]]:
    """Methods and plug-in files from a table: a method to its settings, or to a list of them.

    Raises UserError for settings that are no table.
    """
    methods, plugins = [], []
    for name, value in table.items():
        for settings in value if isinstance(value, list) else [value]:
            if not isinstance(settings, Mapping):
                raise UserError(
                    f"methods.{name} must be a table of settings or a list; got {shown(settings)}"
                )
            inner = dict(settings)
            if "plugin" in inner:
                plugins.append(word(inner.pop("plugin"), "plugin"))
            methods.append(str(Term(str(name), tuple(sorted(inner.items())))))
    return methods, list(dict.fromkeys(plugins))


def own_data(entries: Sequence[Any]) -> tuple[list[str], list[dict[str, Any]]]:
    """Data sets from a list: words, and tables with a `path` and names of columns.

    Raises UserError for a table without `path` or with an unknown key.
    """
    if not isinstance(entries, list | tuple):
        raise UserError(f"own must be a list of tables with a path; got {shown(entries)}")
    texts, own = [], []
    allowed = {"path", *Columns.__dataclass_fields__}
    for entry in entries:
        if not isinstance(entry, Mapping):
            texts.append(_dataset(entry))
            continue
        if "path" not in entry or set(entry) - allowed:
            raise UserError(
                f"a table in datasets must have path and may have {', '.join(sorted(allowed))}; "
                f"got {', '.join(map(str, entry))}"
            )
        given = entry["path"]
        file = _dataset(Path(given) if isinstance(given, str) else given)
        texts.append(file)
        own.append({**entry, "path": file})
    return texts, own


PARSERS: dict[str, Callable[[Any, str], Any]] = {
    "name": word,
    "datasets": datasets,
    "methods": methods,
    "backbones": listed,
    "references": listed,
    "seeds": seeds,
    "k_core": whole_number(0),
    "split": rule,
    "exclude": word,
    "bands": rule,
    "metrics": metrics,
    "objective": word,
    "probe": rule,
    "log_negatives": whole_number(0),
    "watch_test": yes_or_no,
    "plant": share,
    "noise": noise,
    "mask": word,
    "average": word,
    "users": word,
    "repeats": word,
    "ranking": word,
    "encoder": encoder,
    "track": trackers,
    "tuned": lambda value, key: EMBEDDED if value == EMBEDDED else folder(value, key),
    "jobs": jobs,
    "threads": whole_number(1),
    "device": device,
    "out": path,
    "data_dir": folder,
    "plugins": files,
    "overwrite": word,
    "checkpoint_every": whole_number(0),
    "engine": word,
    "scheduler": word,
    "workers": whole_number(0),
    "shard": shard,
}
