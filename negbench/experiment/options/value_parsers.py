"""Parsers of option values as users write them: `--seeds 0-9`, `--jobs auto`, lists, tables."""

import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

from negbench.data.readers.column_roles import Columns
from negbench.errors import UserError
from negbench.experiment.options.plugin_selection import words
from negbench.plugins.term_syntax import Term

_SPAN = re.compile(r"(\d+)\s*-\s*(\d+)")
_DEVICE = re.compile(r"auto|cpu|cuda(:\d+)?")


def seeds(value: Any, key: str) -> tuple[int, ...]:
    """A number N is the seeds 0 to N-1; `0-9` a range (`7-7` is seed 7); `4,7` a list.

    Raises UserError for anything else.
    """
    del key
    if isinstance(value, int) and not isinstance(value, bool):
        value = str(value)
    if isinstance(value, str) and value.strip().isdecimal():
        numbers = list(range(int(value)))
    else:
        parts = value.split(",") if isinstance(value, str) else value
        if not isinstance(parts, list | tuple):
            parts = [parts]
        numbers = [seed for part in parts for seed in _span(part)]
    if not numbers:
        raise UserError(f"--seeds must name at least one seed; got {value!r}; write 3 for 0, 1, 2")
    return tuple(dict.fromkeys(numbers))


def _span(part: Any) -> list[int]:
    text = str(part).strip()
    if not isinstance(part, bool) and text.isdecimal():
        return [int(text)]
    if (span := _SPAN.fullmatch(text)) and int(span[1]) <= int(span[2]):
        return list(range(int(span[1]), int(span[2]) + 1))
    raise UserError(f"--seeds must be a number, a range 0-9 or a list 4,7; got {text!r}")


def listed(value: Any, key: str) -> tuple[str, ...]:
    """Words from `a,b`, or from a list of such. Raises UserError for anything else."""
    given = [value] if isinstance(value, str) else value
    if not isinstance(given, list | tuple) or not all(isinstance(each, str) for each in given):
        raise UserError(f"--{key} must be words, or a list of them; got {value!r}")
    return tuple(words(given))


def metrics(value: Any, key: str) -> tuple[str, ...]:
    """Metrics stay as typed, joined: `recall,ndcg@10,20` is read as one phrase."""
    return (",".join(listed(value, key)),)


def files(value: Any, key: str) -> tuple[str, ...]:
    """Absolute paths, for workers and later resumes. Raises UserError for anything else."""
    given = [value] if isinstance(value, str) else value
    if not isinstance(given, list | tuple) or not all(isinstance(each, str) for each in given):
        raise UserError(f"--{key} must be paths; got {value!r}")
    return tuple(str(Path(each).expanduser().resolve()) for each in given)


def whole_number(least: int) -> Callable[[Any, str], int]:
    """A parser of whole numbers from `least` on. Raises UserError (when parsing) for others."""

    def read(value: Any, key: str) -> int:
        text = str(value).strip()
        if isinstance(value, bool) or not text.isdecimal() or int(text) < least:
            option = key.replace("_", "-")
            raise UserError(f"--{option} must be a whole number from {least} on; got {value!r}")
        return int(text)

    return read


def share(value: Any, key: str) -> float:
    """A number from 0 to below 1. Raises UserError for anything else."""
    try:
        number = float(value)
    except (TypeError, ValueError):
        number = -1.0
    if isinstance(value, bool) or not 0 <= number < 1:
        raise UserError(f"--{key} must be a share from 0 to below 1, as 0.1; got {value!r}")
    return number


def noise(value: Any, key: str) -> float | Literal["ratings"]:
    """A share, or the word `ratings`. Raises UserError for anything else."""
    if value == "ratings":
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
        raise UserError(f"--{key} must be i/n with i from 1 to n, as 2/8; got {text!r}")
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
        raise UserError(f"--{key.replace('_', '-')} must be text; got {value!r}")
    return value.strip()


def encoder(value: Any, key: str) -> str:
    """A name, or the absolute path of a file or folder that is there."""
    from negbench.texts.encoders import NAMES

    text = word(value, key)
    path = Path(text).expanduser()
    return text if text in NAMES or not path.exists() else str(path.resolve())


def rule(value: Any, key: str) -> str:
    """A rule, `ratio(0.8,0.1,0.1)`, or a list of its pieces as a file might break it."""
    return ",".join(value) if isinstance(value, list | tuple) else word(value, key)


def column(value: Any, key: str) -> Any:
    """A column's name or number, or the least rating.

    Raises UserError if the least rating is no number.
    """
    if key != "min_rating":
        return str(value)
    try:
        return float(value)
    except (TypeError, ValueError):
        raise UserError(f"--min-rating must be a number; got {value!r}") from None


def variants(table: Mapping[str, Any]) -> tuple[list[str], list[str]]:
    """Methods and plug-in files from a table: a method to its settings, or to a list of them.

    Raises UserError for settings that are no table.
    """
    methods, plugins = [], []
    for name, value in table.items():
        for settings in value if isinstance(value, list) else [value]:
            if not isinstance(settings, Mapping):
                raise UserError(
                    f"methods.{name} must be a table of settings or a list; got {settings!r}"
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
    texts, own = [], []
    allowed = {"path", *Columns.__dataclass_fields__}
    for entry in entries:
        if not isinstance(entry, Mapping):
            texts.append(word(entry, "datasets"))
            continue
        if "path" not in entry or set(entry) - allowed:
            raise UserError(
                f"a table in datasets must have path and may have {', '.join(sorted(allowed))}; "
                f"got {', '.join(map(str, entry))}"
            )
        texts.append(word(entry["path"], "datasets"))
        own.append(dict(entry))
    return texts, own


PARSERS: dict[str, Callable[[Any, str], Any]] = {
    "name": word,
    "datasets": listed,
    "methods": listed,
    "backbones": listed,
    "references": listed,
    "seeds": seeds,
    "k_core": whole_number(0),
    "split": rule,
    "exclude": word,
    "bands": rule,
    "metrics": metrics,
    "objective": word,
    "probe": word,
    "log_negatives": whole_number(0),
    "plant": share,
    "noise": noise,
    "encoder": encoder,
    "jobs": jobs,
    "threads": whole_number(1),
    "device": device,
    "out": word,
    "data_dir": word,
    "plugins": files,
    "overwrite": word,
    "checkpoint_every": whole_number(0),
    "engine": word,
    "scheduler": word,
    "workers": whole_number(0),
    "shard": shard,
}
