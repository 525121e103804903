"""Experiment files (TOML, YAML, a run's run.json) and `KEY=VALUE` words, as plain mappings."""

import tomllib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from negbench.errors import UserError
from negbench.plugins.term_syntax import literal
from negbench.storage import run_file

ENDINGS = (".toml", ".yaml", ".yml")


def read_experiments(path: Path) -> list[Mapping[str, Any]]:
    """The experiments that a file asks for: one, or all of a run's run.json, in its own folder.

    Raises UserError for a file that is missing, of another kind or not valid.
    """
    if path.name != run_file.NAME:
        return [read_file(path)]
    again = {"out": str(path.parent), "overwrite": "failed", "shard": "1/1"}
    return [{**each, **again} for each in run_file.experiments(run_file.read(path.parent))]


def read_file(path: Path) -> Mapping[str, Any]:
    """The mapping that a TOML or YAML file holds; nothing in it is executed.

    Raises UserError for a file that is missing, of another kind or not valid.
    """
    if path.suffix not in ENDINGS or not path.is_file():
        raise UserError(
            f"an experiment file must be there and end in {', '.join(ENDINGS)}, or be the "
            f"{run_file.NAME} of a run; got {str(path)!r}"
        )
    try:
        text = path.read_text("utf-8")
        content = tomllib.loads(text) if path.suffix == ".toml" else _yaml(text)
    except ValueError as error:  # UnicodeDecodeError and TOMLDecodeError are both such
        raise UserError(f"{path} must be valid {path.suffix[1:].upper()}: {error}") from error
    if not isinstance(content, Mapping):
        raise UserError(f"{path} must hold keys and values; it holds {type(content).__name__}")
    return content


def _yaml(text: str) -> Any:
    import yaml

    try:
        return yaml.safe_load(text) or {}
    except yaml.YAMLError as error:
        raise ValueError(" ".join(str(error).split())) from error


def divide(words: Iterable[str]) -> tuple[Path | None, dict[str, Any]]:
    """The experiment file and the overrides among the plain words of a command line.

    Raises UserError for a word that is neither, and for a second file.
    """
    file: Path | None = None
    overrides: dict[str, Any] = {}
    for word in words:
        key, mark, value = word.partition("=")
        if mark and "/" not in key:
            overrides[key] = _value(value)
        elif file is None:
            file = Path(word)
            if file.suffix not in ENDINGS and file.name != run_file.NAME:
                raise UserError(
                    "plain words must be one experiment file (.toml, .yaml, run.json of a run) or "
                    f"KEY=VALUE; got {word!r}; methods are chosen with -m, data sets with -d"
                )
        else:
            raise UserError(f"one experiment file can be run at a time; got {file} and {word}")
    return file, overrides


def _value(text: str) -> Any:
    """A number, true, false or a list as such; anything else stays text."""
    value = literal(text)
    return value if isinstance(value, int | float | list | None) else text
