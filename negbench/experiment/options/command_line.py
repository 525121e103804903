"""The command that repeats a run: its options as words, quoted for the shell."""

import shlex
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from negbench.data import dataset_words
from negbench.data.in_memory import MARK
from negbench.errors import UserError
from negbench.experiment.options.options import Options
from negbench.plugins.term_syntax import split

IN_PYTHON = "negbench.run(...)"
"""Stands for a call whose data, or columns of single files, no command can give."""
_LISTS = ("datasets", "methods", "backbones", "references")
_NAMES = {"plugins": "plugin"}


def command_line(options: Options) -> str:
    """`negbench run` with every option that is not the default."""
    flat = options.as_flat()
    if "own" in flat or any(str(each).startswith(MARK) for each in flat["datasets"]):
        return IN_PYTHON
    return shlex.join(["negbench", "run", *_words(flat, Options().as_flat())])


def _words(flat: Mapping[str, Any], usual: Mapping[str, Any]) -> Iterator[str]:
    for key, value in flat.items():
        if value is None or value == usual.get(key):
            continue
        name = key.removeprefix("train.")
        flag = f"--{_NAMES.get(name, name).replace('_', '-')}"
        if key == "plugins":
            yield from (f"{flag}={each}" for each in value)
        elif key in _LISTS:
            yield from (f"{flag}={each}" for each in _joined(key, list(value)))
        elif key == "shard":
            yield f"{flag}={value[0]}/{value[1]}"
        elif key == "seeds" and len(value) == 1:  # a number alone says how many
            yield f"{flag}={value[0]}-{value[0]}"
        elif value is True:
            yield flag
        elif isinstance(value, list):
            yield f"{flag}={','.join(map(str, value))}"
        else:
            yield f"{flag}={value}"


def _joined(key: str, values: Sequence[str]) -> Sequence[str]:
    """The values as one, with commas, where it is parted into them again; else each by itself."""
    text = ",".join(values)
    try:
        parted = dataset_words.words([text]) if key == "datasets" else split(text, ",")
    except UserError:
        return values
    return [text] if parted == values else values
