"""File cache of data sets: files at hand first, then the cache, then a download.

An official name means the official bytes. What lies in the cache was downloaded, or unpacked from
an archive with the right checksum, and is verified before each use. Files at hand are used where
they are, and a note says how they compare with the official ones; nothing of them gets into the
cache but an archive whose checksum is the published one.
"""

import os
import shutil
import tempfile
import weakref
from collections.abc import Hashable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path

from negbench.data.download.archives import is_archive, unpack
from negbench.data.download.checksums import UNREADABLE, checksum_of
from negbench.data.download.mirrors import Download, expected_checksum, fetch
from negbench.data.download.unpacked import listed_files, unpack_listed
from negbench.data.unchanged import depends_on
from negbench.errors import DataError
from negbench.ops.file_stamp import stamp, stamps_in

AT_HAND = "files at hand in "
"""How the note begins that names the folder of files at hand."""


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

    @property
    def names(self) -> tuple[str, ...]:
        """The names of all files."""
        return (*self.files, *self.optional)

    @property
    def official(self) -> dict[str, str]:
        """The checksums that are known, by file name: also those of single downloads."""
        single = {each.name: each.checksum for each in self.downloads if each.checksum}
        return {**{name: single[name] for name in self.names if name in single}, **self.checksums}


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
        depends_on(_environment)
        named = data_dir or os.environ.get("NEGBENCH_DATA") or None
        folder = Path(named).expanduser() if named else None
        if folder is not None and not folder.is_dir():
            origin = "--data-dir" if data_dir else "NEGBENCH_DATA"
            raise DataError(f"{origin} must name a folder; {folder} is none")
        return cls(data_dir=folder)

    def find(self, wanted: DatasetFiles) -> LocalFiles:
        """Locate or download every file of a data set.

        Raises DataError if a required file is neither local nor downloadable, or if an archive at
        hand is not the official one.
        """
        try:
            return self._in_folder(wanted) or self._in_archive(wanted) or self._official(wanted)
        finally:
            depends_on(partial(replace(self)._state, wanted))  # self may own unpacked files

    def _in_folder(self, wanted: DatasetFiles) -> LocalFiles | None:
        """The files at hand, all of one folder; None if there is none that holds them."""
        for folder in self._folders(wanted):
            paths = _located(folder, wanted.names)
            if all(name in paths for name in wanted.files):
                notes = _compared(paths, wanted)
                return LocalFiles(paths, (f"{AT_HAND}{folder}", *notes))
        return None

    def _in_archive(self, wanted: DatasetFiles) -> LocalFiles | None:
        """The files of archives at hand that no checksum is known of, unpacked for this use only.

        Raises DataError for an archive whose checksum is not the published one.
        """
        paths: dict[str, Path] = {}
        notes = []
        for download in wanted.downloads:
            archive = self._archive(download)
            if archive is None or _is_official(archive, download):
                continue
            aside = Path(tempfile.mkdtemp(prefix="negbench-"))
            weakref.finalize(self, shutil.rmtree, aside, ignore_errors=True)
            unpacked = unpack(archive, aside / "files")
            for folder in [unpacked, *sorted(p for p in unpacked.rglob("*") if p.is_dir())]:
                paths = _located(folder, wanted.names) | paths
            notes.append(
                f"read from {archive} at hand, used for this command only: no checksum of the"
                " official archive is known, so it was not verified"
            )
        return LocalFiles(paths, tuple(notes)) if _complete(paths, wanted) else None

    def _official(self, wanted: DatasetFiles) -> LocalFiles:
        """The verified files of the cache; what is missing or damaged is fetched again."""
        home = self._home(wanted)
        paths: dict[str, Path] = {}
        for download in wanted.downloads:
            if is_archive(download.name):
                paths = self._unpacked(download, home, wanted) | paths
            elif download.name in wanted.names:
                paths.setdefault(download.name, self._fetched(download, home, wanted))
        if not _complete(paths, wanted):
            raise DataError(self._absent(wanted))
        at_hand = self.data_dir is None or any(map(self._archive, wanted.downloads))
        elsewhere = f"{', '.join(wanted.files)} not in {self.data_dir}: the official files are used"
        return LocalFiles(paths, () if at_hand else (elsewhere,))

    def _unpacked(self, download: Download, home: Path, wanted: DatasetFiles) -> dict[str, Path]:
        """The files of an archive of the cache, which is unpacked again if one has changed."""
        folder = _unpack_folder(home, download)
        expected = expected_checksum(download, home)
        paths = listed_files(folder, expected, wanted.names)
        if paths is None:
            archive = self._archive(download)
            if archive is None or not download.checksum:
                archive = self._fetched(download, home, wanted)
            try:
                unpack_listed(archive, folder, expected_checksum(download, home))
            except OSError as error:
                raise DataError(
                    f"the cache must be a folder that can be written to; got {home}"
                    f" ({error.strerror}); set XDG_CACHE_HOME to one that can"
                ) from None
            paths = listed_files(folder, expected_checksum(download, home), wanted.names)
        return paths or {}

    def _fetched(self, download: Download, home: Path, wanted: DatasetFiles) -> Path:
        return fetch(download, home, terms=wanted.terms, progress=self.progress)

    def _home(self, wanted: DatasetFiles) -> Path:
        if self.cache_dir is not None:
            return self.cache_dir / wanted.folders[0]
        import pooch

        return Path(pooch.os_cache("negbench")) / wanted.folders[0]

    def _folders(self, wanted: DatasetFiles) -> list[Path]:
        """Where files at hand may lie."""
        if self.data_dir is None:
            return []
        return [*(self.data_dir / name for name in wanted.folders), self.data_dir]

    def _archive(self, download: Download) -> Path | None:
        """The archive at hand."""
        path = self.data_dir / download.name if self.data_dir else None
        return path if path and is_archive(path.name) and path.is_file() else None

    def _state(self, wanted: DatasetFiles) -> Hashable:
        """The stamps of every file that a search looks at, absent ones too."""
        at_hand = [
            stamp(folder / form)
            for folder in self._folders(wanted)
            for name in (*wanted.names, *(each.name for each in wanted.downloads))
            for form in (name, name + ".gz")
        ]
        return (*at_hand, *stamps_in(self._home(wanted), deep=True))

    def _absent(self, wanted: DatasetFiles) -> str:
        names = ", ".join(wanted.files)
        where = self.data_dir or "any place, for no folder of data was named"
        return (
            f"the files {names} are needed (plain or gzipped, alone or in a folder"
            f" {wanted.folders[0]}) and are not in {where}; name the folder that holds them with"
            " --data-dir or NEGBENCH_DATA"
        )


def _environment() -> Hashable:
    return (os.environ.get("NEGBENCH_DATA", ""),)


def _unpack_folder(home: Path, download: Download) -> Path:
    return home / f"{download.name}.unpacked"


def _located(folder: Path, names: Iterable[str]) -> dict[str, Path]:
    """The files of these names in a folder, plain before gzipped."""
    forms = {name: (folder / name, folder / (name + ".gz")) for name in names}
    hits = {name: next((p for p in paths if p.is_file()), None) for name, paths in forms.items()}
    return {name: path for name, path in hits.items() if path is not None}


def _complete(paths: Mapping[str, Path], wanted: DatasetFiles) -> bool:
    return all(name in paths for name in wanted.files)


def _is_official(archive: Path, download: Download) -> bool:
    """Whether an archive at hand has the published checksum; False where none is published.

    Raises DataError if it has another.
    """
    if not download.checksum:
        return False
    seen = _checksum(archive, download.checksum)
    if seen != download.checksum:
        raise DataError(
            f"{archive} is not the official archive ({seen}, not {download.checksum}), so it is"
            " refused; remove it and the official one is fetched, or, if you mean these files,"
            " unpack them there: they are used with a note"
        )
    return True


def _checksum(path: Path, like: str, *, unzipped: bool = False) -> str:
    """The checksum of a file, of the kind of another. Raises DataError if it cannot be read."""
    try:
        return checksum_of(path, like.partition(":")[0], unzipped=unzipped)
    except UNREADABLE as error:
        raise DataError(f"{path} cannot be read ({error})") from None


def _compared(paths: Mapping[str, Path], wanted: DatasetFiles) -> Iterator[str]:
    """Notes on files at hand: those that differ from the official ones or cannot be compared."""
    official = wanted.official
    for name in (each for each in wanted.names if each in paths and each in official):
        seen = _checksum(paths[name], official[name], unzipped=True)
        if seen != official[name]:
            yield (
                f"{paths[name].name} at hand differs from the official file"
                f" ({seen}, not {official[name]})"
            )
    if unknown := [path.name for name, path in paths.items() if name not in official]:
        names = " and ".join(unknown)
        yield f"no checksum of the official {names} is known, so the files at hand are not verified"
