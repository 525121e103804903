"""PreferDiff's files: three sets of Amazon reviews, a sequence a line, users split 8:1:1.

They lie in the authors' repository as `data/Beauty/train_data.txt`; copies that stand in one folder
are called `Beauty.train_data.txt`. A data set names its folder there and gets its `load` here.
"""

from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path

from negbench.data.download.file_cache import DatasetFiles, FileCache
from negbench.data.download.mirrors import Download
from negbench.data.interactions import Interactions
from negbench.data.readers.split_sequences import NUMBERS, read_number_lines, users_apart
from negbench.data.unchanged import depends_on

REPOSITORY = "https://raw.githubusercontent.com/lswhim/PreferDiff"
PINNED = "fdf45b0325f2aa19eee4e92196f5b87d5848a1e3"
CLONES = (".", "data", "PreferDiff/data", "PreferDiff")
"""Where a data folder may hold the repository's own folders."""


def preferdiff_files(folder: str, checksums: Mapping[str, str], *, terms: str) -> DatasetFiles:
    """The files of one folder of the repository, with the SHA-256 of train, valid and test."""
    names = {part: f"{folder}.{part}_data.txt" for part in NUMBERS}
    by_name = {names[part]: f"sha256:{digits}" for part, digits in checksums.items()}
    downloads = tuple(
        Download(
            names[part],
            (f"{REPOSITORY}/{PINNED}/data/{folder}/{part}_data.txt",),
            by_name[names[part]],
        )
        for part in NUMBERS
    )
    return DatasetFiles(
        folders=("amazon-preferdiff", "PreferDiff"),
        files=tuple(names.values()),
        downloads=downloads,
        checksums=by_name,
        terms=terms,
    )


def preferdiff_loader(
    files: DatasetFiles, *, name: str, link: str
) -> Callable[[object, FileCache], Interactions]:
    """The `load` of one data set: its own split by users, the last item of a line as target."""

    def load(config: object, cache: FileCache) -> Interactions:
        """All sequences, in the order of the files."""
        del config
        wanted = _as_it_lies(files, cache.data_dir)
        local = cache.find(wanted)
        paths = {part: local[each] for part, each in zip(NUMBERS, wanted.files, strict=True)}
        rows = {part: read_number_lines(path) for part, path in paths.items()}
        return users_apart(rows, paths, name=name, source=link, notes=local.notes)

    return load


def _as_it_lies(files: DatasetFiles, data_dir: Path | None) -> DatasetFiles:
    """The names of the files in a copy of the repository, where `data_dir` holds one."""
    if data_dir is None:
        return files
    own = {name: name.replace(".", "/", 1) for name in files.files}
    depends_on(partial(_clone, data_dir, own[files.files[0]]))
    clone = _clone(data_dir, own[files.files[0]])
    if not clone:
        return files
    return DatasetFiles(
        folders=(clone,),
        files=tuple(own.values()),
        checksums={own[name]: each for name, each in files.checksums.items()},
        terms=files.terms,
    )


def _clone(data_dir: Path, first: str) -> str:
    """The first of CLONES whose folder holds this file, plain or gzipped; else empty."""
    forms = (first, first + ".gz")
    hits = (c for c in CLONES if any((data_dir / c / form).is_file() for form in forms))
    return next(hits, "")
