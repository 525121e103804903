"""Load a data set by name, or the user's own file or folder by path."""

from dataclasses import fields, replace
from functools import partial
from pathlib import Path

from negbench.data import in_memory, repeats
from negbench.data import k_core as core
from negbench.data.checked_interactions import checked, is_utf8
from negbench.data.dataset_words import is_file, looks_like_path, nearest
from negbench.data.download.file_cache import FileCache
from negbench.data.interactions import Interactions
from negbench.data.readers.column_roles import Columns
from negbench.data.unchanged import depends_on, unknown
from negbench.errors import DataError
from negbench.ops.file_stamp import stamps_in
from negbench.plugins import registry
from negbench.plugins.term_syntax import config_of, parse


def load(
    name_or_path: str,
    *,
    data_dir: str | Path | None = None,
    columns: Columns | None = None,
    k_core: int = 0,
    seed: int = 0,
    repeated: str = "drop",
) -> Interactions:
    """Load a data set; a name wins over a file of that name (write ./name for the file).

    A name may carry parameters, `synthetic(users=500)`. `seed` goes to data sets that are drawn
    and whose own seed was not given. `repeated` is what happens to pairs that come again: drop,
    or keep, and then a k-core counts each time.

    Raises DataError if it is neither, and UserError for parameters that the data set lacks.
    """
    text = name_or_path.strip()
    name = text.partition("(")[0].strip()
    with repeats.reading(repeated):
        if text.startswith(in_memory.MARK):
            interactions = in_memory.load(text, columns)
        elif name in registry.names("datasets") and not (is_file(text) or looks_like_path(text)):
            interactions = _named(text, FileCache.of(data_dir), seed)
        else:
            interactions = _from_path(text, columns)
    interactions = repeats.with_note(interactions) if repeated == "keep" else interactions
    return core.k_core(interactions, k_core)


def _named(text: str, cache: FileCache, seed: int) -> Interactions:
    term = parse(text)
    if not registry.is_packaged("datasets", term.name):
        depends_on(unknown)  # code of the user's, which may read any file
    module = registry.load("datasets", term.name)
    config = config_of(module, dict(term.values), term.name)
    if "seed" not in dict(term.values) and "seed" in {each.name for each in fields(config)}:
        config = replace(config, seed=seed)
    data: Interactions = module.load(config, cache)
    if not registry.is_packaged("datasets", term.name):
        data = checked(data, f"{term.name}.load")
    name = f"{data.name}({term.variant})" if term.values else data.name
    return replace(data, name=name, notes=tuple(dict.fromkeys(data.notes)))


def _from_path(text: str, columns: Columns | None) -> Interactions:
    path = Path(text).expanduser()
    if not is_utf8(str(path)):
        raise DataError(f"the path of a data set must be UTF-8; got {text!a}; rename it")
    if path.exists():
        from negbench.data.readers.user_files import read

        depends_on(partial(stamps_in, path))
        return read(path, columns)
    raise DataError(f"{text!r} is neither a data set nor a file here; {nearest(text)}")
