"""SASRec's text files: `user item` per line, each user's lines in time order; four data sets.

They lie in the authors' repository; a data set names its file and gets its `load` here.
"""

from collections.abc import Callable

import numpy as np
import pandas as pd

from negbench.data.download.file_cache import DatasetFiles, FileCache
from negbench.data.download.mirrors import Download
from negbench.data.interactions import Interactions
from negbench.data.raw_rows import RawRows
from negbench.data.readers.adjacency_lists import read_words, whole_numbers
from negbench.data.reindex import reindex
from negbench.errors import DataError

REPOSITORY = "https://raw.githubusercontent.com/kang205/SASRec"
PINNED = "641c378fcfac265ea8d1e5fe51d4d53eb892d1b4"


def sasrec_file(name: str, checksum: str = "", *, terms: str) -> DatasetFiles:
    """A file of SASRec's repository, at the pinned commit or else at the newest one."""
    urls = tuple(f"{REPOSITORY}/{commit}/data/{name}" for commit in (PINNED, "master"))
    return DatasetFiles(
        folders=("sasrec", "SASRec", "data"),
        files=(name,),
        downloads=(Download(name, urls, checksum),),
        checksums={name: checksum} if checksum else {},
        terms=terms,
    )


def sasrec_loader(
    files: DatasetFiles, *, name: str, link: str
) -> Callable[[object, FileCache], Interactions]:
    """The `load` of a data set of one such file; the order of its rows is each user's order.

    Raises DataError in `load`, with its line, for a line that is not two numbers.
    """

    def load(config: object, cache: FileCache) -> Interactions:
        """All pairs, in the order of the file."""
        del config
        local = cache.find(files)
        path = local[files.files[0]]
        words, lines = read_words(path)
        counts = np.bincount(lines)
        if len(wrong := np.flatnonzero((counts != 2) & (counts != 0))):
            raise DataError(
                f"{path}, line {wrong[0]}: {counts[wrong[0]]} words where a user and an item are"
                " expected; the file is not in SASRec's layout"
            )
        pairs = whole_numbers(path, words, lines).reshape(-1, 2)
        rows = RawRows(pd.Index(pairs[:, 0]), pd.Index(pairs[:, 1]), notes=local.notes)
        note = "the rows of the file are in time order per user"
        return reindex(rows, name=name, order="rows", source=link, notes=(note,))

    return load
