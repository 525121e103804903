"""Split lists in the repository of a paper's code: `train.txt` and `test.txt` at a pinned commit.

A data set names its folder there and gets its `load` here.
"""

from collections.abc import Callable
from dataclasses import dataclass

from negbench.data.download.file_cache import DatasetFiles, FileCache
from negbench.data.download.mirrors import Download
from negbench.data.interactions import Interactions
from negbench.data.readers.adjacency_lists import read_split_lists

NAMES = ("train.txt", "test.txt")


@dataclass(frozen=True)
class Nothing:
    """No parameters."""


def list_files(
    commit: str, folder: str, digests: tuple[str, str], *, places: tuple[str, ...], terms: str
) -> DatasetFiles:
    """The two files in a folder of a repository, `owner/name/hash`, with their SHA-256.

    `places` are the folders that they are looked for in, beside the download.
    """
    checksums = {n: f"sha256:{digits}" for n, digits in zip(NAMES, digests, strict=True)}
    url = f"https://raw.githubusercontent.com/{commit}/{folder}"
    return DatasetFiles(
        folders=places,
        files=NAMES,
        downloads=tuple(Download(n, (f"{url}/{n}",), checksums[n]) for n in NAMES),
        checksums=checksums,
        terms=terms,
    )


def list_loader(
    files: DatasetFiles, *, name: str, link: str
) -> Callable[[Nothing, FileCache], Interactions]:
    """The `load` of such a data set: all pairs of both files, with their part."""

    def load(config: Nothing, cache: FileCache) -> Interactions:
        del config
        return read_split_lists(cache.find(files), name=name, source=link)

    return load
