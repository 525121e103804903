"""Experiment files (TOML, YAML, a run's run.json) and `KEY=VALUE` words, as plain mappings.

A file may hold several experiments of one run folder, as a study has whose settings differ by data
set: a list of tables `experiment`, in TOML `[[experiment]]`. What stands above them is common to
all, and a table's own keys go over it; of a section `train` each of its settings by itself.
"""

import tomllib
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from negbench.data import dataset_words
from negbench.errors import UserError, shown
from negbench.experiment.options.options import ALIASES
from negbench.plugins.term_syntax import literal
from negbench.storage import run_file

ENDINGS = (".toml", ".yaml", ".yml")
SEVERAL = "experiment"
"""The key of a list of experiments."""


def read_experiments(path: Path) -> list[Mapping[str, Any]]:
    """The experiments that a file asks for; all of a run's run.json are in its own folder.

    Raises UserError for a file that is missing, of another kind or not valid.
    """
    if path.name != run_file.NAME:
        return _several(path, read_file(path))
    again = {"out": str(path.parent), "overwrite": "failed", "shard": "1/1"}
    return [{**each, **again} for each in run_file.experiments(run_file.read(path.parent))]


def _several(path: Path, content: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """What the file holds, or each table of its list over what is common to all."""
    if SEVERAL not in content:
        return [content]
    tables = content[SEVERAL]
    if not isinstance(tables, list) or not tables or not all(isinstance(t, dict) for t in tables):
        raise UserError(
            f"{path}: {SEVERAL} must be a list of tables, in TOML [[{SEVERAL}]]; got "
            f"{shown(tables)}"
        )
    common = {key: value for key, value in content.items() if key != SEVERAL}
    return [_over(common, each) for each in tables]


def _over(common: Mapping[str, Any], own: Mapping[str, Any]) -> Mapping[str, Any]:
    """The keys of a table over those that are common, which come first and one setting a key."""
    opened: dict[str, Any] = {}
    for key, value in common.items():
        section = _name(key) == "train" and isinstance(value, Mapping)
        opened |= {f"train.{k}": v for k, v in value.items()} if section else {key: value}
    names = {_name(key) for key in own}
    return {**{key: value for key, value in opened.items() if _name(key) not in names}, **own}


def _name(key: str) -> str:
    """The full name of a key, however it is written."""
    name = key.strip().lower().replace("-", "_")
    return ALIASES.get(name, name)


def of_datasets(
    experiments: Sequence[Mapping[str, Any]], names: Sequence[str]
) -> list[Mapping[str, Any]]:
    """Of a file's several experiments those of these data sets, typed with or without parameters.

    Raises UserError for a data set that none of them has.
    """

    def has(each: Mapping[str, Any], name: str) -> bool:
        given = next((value for key, value in each.items() if _name(key) == "datasets"), ())
        listed = given if isinstance(given, list | tuple) else [given]
        words = [one.get("path") if isinstance(one, Mapping) else one for one in listed]
        known = dataset_words.words(word for word in words if isinstance(word, str))
        return any(name in (word, word.partition("(")[0]) for word in known)

    for name in names:
        if not any(has(each, name) for each in experiments):
            raise UserError(
                f"this file holds several experiments, and -d picks among their data sets; none "
                f"has {name!r}; for other data copy one of them into a file of its own"
            )
    return [each for each in experiments if any(has(each, name) for name in names)]


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
    except (ValueError, RecursionError) as error:  # UnicodeDecodeError and TOMLDecodeError too
        raise UserError(f"{path} must be valid {path.suffix[1:].upper()}: {error}") from error
    if not isinstance(content, Mapping):
        raise UserError(f"{path} must hold keys and values; it holds {type(content).__name__}")
    require_words(content, str(path))
    return content


def require_words(value: Any, where: str) -> None:
    """Raises UserError for a key that is no text, as YAML reads 1, yes or no; also further in."""
    if isinstance(value, Mapping):
        for key, inner in value.items():
            if not isinstance(key, str):
                raise UserError(
                    f"{where}: a key must be text; got {shown(key)}; write it in quotes"
                )
            require_words(inner, where)
    elif isinstance(value, list | tuple):
        for inner in value:
            require_words(inner, where)


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
