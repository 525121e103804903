"""File cache of data sets: local files first, then the cache, then a download, in official layout.

Log lines go to the logger of this module, level INFO.
"""

import logging
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from negbench.data.download.archives import is_archive, unpack
from negbench.data.download.checksums import UNREADABLE, checksum_of
from negbench.data.download.mirrors import Download, fetch
from negbench.errors import DataError

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class DatasetFiles:
    """The official files of a data set: their names, downloads and checksums."""

    folders: tuple[str, ...]
    """Usual names of a folder with these files; the first is its name in the cache."""
    files: tuple[str, ...]
    """Required files."""
    downloads: tuple[Download, ...] = ()
    optional: tuple[str, ...] = ()
    checksums: Mapping[str, str] = field(default_factory=dict)
    """Official checksum by file name: a local file that differs is used, with a note."""
    terms: str = ""


@dataclass(frozen=True)
class LocalFiles:
    """Paths of a data set's files by official name, and notes on them."""

    paths: Mapping[str, Path]
    notes: tuple[str, ...] = ()

    def __getitem__(self, name: str) -> Path:
        """The path of a required file."""
        return self.paths[name]

    def get(self, name: str) -> Path | None:
        """The path of an optional file, None if it is absent."""
        return self.paths.get(name)


@dataclass(frozen=True)
class FileCache:
    """Finds files: first in `data_dir`, then in the cache, then by download into the cache."""

    data_dir: Path | None = None
    cache_dir: Path | None = None
    """The user's cache folder if None."""
    progress: bool = True

    @classmethod
    def of(cls, data_dir: str | Path | None = None) -> "FileCache":
        """With files of `data_dir`, else of the folder that NEGBENCH_DATA names.

        Raises DataError if that is no folder.
        """
        named = data_dir or os.environ.get("NEGBENCH_DATA") or None
        folder = Path(named).expanduser() if named else None
        if folder is not None and not folder.is_dir():
            origin = "--data-dir" if data_dir else "NEGBENCH_DATA"
            raise DataError(f"{origin} must name a folder; {folder} is none")
        return cls(data_dir=folder)

    def find(self, wanted: DatasetFiles) -> LocalFiles:
        """Locate or download every file of a data set.

        Raises DataError if a required file is neither local nor downloadable.
        """
        if self.data_dir is not None:
            paths = _locate(wanted, _local_folders(self.data_dir, wanted))
            if paths is not None:
                folder = paths[wanted.files[0]].parent
                return LocalFiles(paths, (f"files at hand in {folder}", *_differing(paths, wanted)))
        home = self._home(wanted)
        paths = _locate(wanted, [home, *_unpacked(home)])
        if paths is None or not self._complete(home, wanted):
            self._download(wanted, home)
            paths = _locate(wanted, [home, *_unpacked(home)])
        if paths is None:
            raise DataError(self._absent(wanted))
        return LocalFiles(paths)

    def _home(self, wanted: DatasetFiles) -> Path:
        if self.cache_dir is not None:
            return self.cache_dir / wanted.folders[0]
        import pooch

        return Path(pooch.os_cache("negbench")) / wanted.folders[0]

    def _complete(self, home: Path, wanted: DatasetFiles) -> bool:
        """Whether nothing needs fetching: plain downloads are verified again by `fetch`."""
        return all(
            is_archive(each.name) and _unpack_folder(home, each).is_dir()
            for each in wanted.downloads
        )

    def _download(self, wanted: DatasetFiles, home: Path) -> None:
        if not wanted.downloads:
            raise DataError(self._absent(wanted))
        if self.data_dir is not None:
            logger.info("%s not in %s; looking further", ", ".join(wanted.files), self.data_dir)
        for download in wanted.downloads:
            path = self._local_archive(download) or fetch(
                download, home, terms=wanted.terms, progress=self.progress
            )
            if is_archive(download.name):
                unpack(path, _unpack_folder(home, download))

    def _local_archive(self, download: Download) -> Path | None:
        path = self.data_dir / download.name if self.data_dir else None
        return path if path and is_archive(path.name) and path.is_file() else None

    def _absent(self, wanted: DatasetFiles) -> str:
        names = ", ".join(wanted.files)
        where = self.data_dir or "any place, for no folder of data was named"
        return (
            f"the files {names} are needed (plain or gzipped, alone or in a folder"
            f" {wanted.folders[0]}) and are not in {where}; name the folder that holds them with"
            " --data-dir or NEGBENCH_DATA"
        )


def _local_folders(data_dir: Path, wanted: DatasetFiles) -> list[Path]:
    return [*(data_dir / name for name in wanted.folders), data_dir]


def _unpack_folder(home: Path, download: Download) -> Path:
    return home / f"{download.name}.unpacked"


def _unpacked(home: Path) -> list[Path]:
    """All folders of unpacked archives, which hold their files one or more levels down."""
    roots = sorted(home.glob("*.unpacked"))
    return [each for root in roots for each in [root, *(p for p in root.rglob("*") if p.is_dir())]]


def _locate(wanted: DatasetFiles, folders: Iterable[Path]) -> dict[str, Path] | None:
    """The path of each file, plain or gzipped; None if a required one is in no folder."""
    folders = list(folders)
    paths: dict[str, Path] = {}
    for name in (*wanted.files, *wanted.optional):
        candidates = [folder / form for folder in folders for form in (name, name + ".gz")]
        hit = next((each for each in candidates if each.is_file()), None)
        if hit is not None:
            paths[name] = hit
    return paths if all(name in paths for name in wanted.files) else None


def _differing(paths: Mapping[str, Path], wanted: DatasetFiles) -> Iterable[str]:
    for name, official in wanted.checksums.items():
        if name in paths:
            try:
                seen = checksum_of(paths[name], official.partition(":")[0], unzipped=True)
            except UNREADABLE as error:
                raise DataError(f"{paths[name]} cannot be read ({error})") from None
            if seen != official:
                yield (
                    f"{paths[name].name} at hand differs from the official file"
                    f" ({seen}, not {official})"
                )
