"""Load a data set by name, or the user's own file or folder by path."""

import difflib
from dataclasses import fields, replace
from pathlib import Path

from negbench.data import k_core as core
from negbench.data.download.file_cache import FileCache
from negbench.data.interactions import Interactions
from negbench.data.readers.column_roles import Columns
from negbench.errors import DataError, did_you_mean
from negbench.plugins import registry
from negbench.plugins.term_syntax import config_of, parse


def load(
    name_or_path: str,
    *,
    data_dir: str | Path | None = None,
    columns: Columns | None = None,
    k_core: int = 0,
    seed: int = 0,
) -> Interactions:
    """Load a data set; a name wins over a file of that name (write ./name for the file).

    A name may carry parameters, `synthetic(users=500)`. `seed` goes to data sets that are drawn
    and whose own seed was not given.

    Raises DataError if it is neither, and UserError for parameters that the data set lacks.
    """
    text = name_or_path.strip()
    name = text.partition("(")[0].strip()
    if name in registry.names("datasets"):
        interactions = _named(text, FileCache.of(data_dir), seed)
    else:
        interactions = _from_path(text, name, columns)
    return core.k_core(interactions, k_core)


def _named(text: str, cache: FileCache, seed: int) -> Interactions:
    term = parse(text)
    module = registry.load("datasets", term.name)
    config = config_of(module, dict(term.values), term.name)
    if "seed" not in dict(term.values) and "seed" in {each.name for each in fields(config)}:
        config = replace(config, seed=seed)
    data: Interactions = module.load(config, cache)
    name = f"{data.name}({term.variant})" if term.values else data.name
    return replace(data, name=name, notes=tuple(dict.fromkeys(data.notes)))


def _from_path(text: str, name: str, columns: Columns | None) -> Interactions:
    path = Path(text).expanduser()
    if path.exists():
        from negbench.data.readers.user_files import read

        return read(path, columns)
    known = registry.names("datasets")
    raise DataError(f"{text!r} is neither a data set nor a file here; {_remedy(name, path, known)}")


def _remedy(text: str, path: Path, known: list[str]) -> str:
    """Similar names: of files beside it if it looks like a path, else of data sets."""
    if "/" in text or "." in text:
        names = [each.name for each in path.parent.iterdir()] if path.parent.is_dir() else []
        near = difflib.get_close_matches(path.name, names, n=3)
        return f"did you mean {', '.join(near)}?" if near else "check the path"
    return did_you_mean(text, known)
