"""The shelf: a data set's files at hand, in the cache, or fetched, always in official layout."""

import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from negbench.data.download.archives import is_archive, unpack
from negbench.data.download.checksums import UNREADABLE, fingerprint
from negbench.data.download.mirrors import Download, Say, fetch, silent
from negbench.errors import DataError


@dataclass(frozen=True)
class Source:
    """What a data set is read from: official names of its files and where they can be had."""

    folders: tuple[str, ...]
    """Names that people's folders for it bear; the first names it in the cache."""
    files: tuple[str, ...]
    """All must be there."""
    downloads: tuple[Download, ...] = ()
    optional: tuple[str, ...] = ()
    checksums: Mapping[str, str] = field(default_factory=dict)
    """Official checksum by file name: a file at hand that differs is used, and that is said."""
    terms: str = ""


@dataclass(frozen=True)
class Found:
    """Where the files of a data set lie, by official name, and what must be said about them."""

    paths: Mapping[str, Path]
    notes: tuple[str, ...] = ()

    def __getitem__(self, name: str) -> Path:
        """The path of a file that is surely there."""
        return self.paths[name]

    def get(self, name: str) -> Path | None:
        """The path of an optional file."""
        return self.paths.get(name)


@dataclass(frozen=True)
class Shelf:
    """Finds files: first in `data_dir`, then in the cache, then by download into the cache."""

    data_dir: Path | None = None
    cache: Path | None = None
    say: Say = silent
    progress: bool = True

    @classmethod
    def of(cls, data_dir: str | Path | None = None, *, say: Say = silent) -> "Shelf":
        """The shelf of `data_dir`, or of NEGBENCH_DATA; the cache is the user's cache folder."""
        named = data_dir or os.environ.get("NEGBENCH_DATA") or None
        folder = Path(named).expanduser() if named else None
        if folder is not None and not folder.is_dir():
            origin = "--data-dir" if data_dir else "NEGBENCH_DATA"
            raise DataError(f"{origin} must name a folder; {folder} is none")
        return cls(data_dir=folder, say=say)

    def find(self, source: Source) -> Found:
        """Every file of a source, wherever it lies; a DataError if one cannot be had."""
        if self.data_dir is not None:
            found = _look(source, _at_hand(self.data_dir, source))
            if found is not None:
                folder = found[source.files[0]].parent
                return Found(found, (f"files at hand in {folder}", *_differing(found, source)))
        home = self._home(source)
        found = _look(source, [home, *_unpacked(home)])
        if found is None or not self._complete(home, source):
            self._bring(source, home)
            found = _look(source, [home, *_unpacked(home)])
        if found is None:
            raise DataError(self._absent(source))
        return Found(found)

    def _home(self, source: Source) -> Path:
        if self.cache is not None:
            return self.cache / source.folders[0]
        import pooch

        return Path(pooch.os_cache("negbench")) / source.folders[0]

    def _complete(self, home: Path, source: Source) -> bool:
        """Whether nothing needs fetching: plain downloads are verified again by `fetch`."""
        return all(is_archive(each.name) and _bag(home, each).is_dir() for each in source.downloads)

    def _bring(self, source: Source, home: Path) -> None:
        if not source.downloads:
            raise DataError(self._absent(source))
        if self.data_dir is not None:
            self.say(f"{', '.join(source.files)} not in {self.data_dir}; looking further")
        for download in source.downloads:
            path = self._archive_at_hand(download) or fetch(
                download, home, terms=source.terms, say=self.say, progress=self.progress
            )
            if is_archive(download.name):
                unpack(path, _bag(home, download))

    def _archive_at_hand(self, download: Download) -> Path | None:
        path = self.data_dir / download.name if self.data_dir else None
        return path if path and is_archive(path.name) and path.is_file() else None

    def _absent(self, source: Source) -> str:
        names = ", ".join(source.files)
        where = self.data_dir or "any place, for no folder of data was named"
        return (
            f"the files {names} are needed (plain or gzipped, alone or in a folder"
            f" {source.folders[0]}) and are not in {where}; name the folder that holds them with"
            " --data-dir or NEGBENCH_DATA"
        )


def _at_hand(data_dir: Path, source: Source) -> list[Path]:
    return [*(data_dir / name for name in source.folders), data_dir]


def _bag(home: Path, download: Download) -> Path:
    return home / f"{download.name}.unpacked"


def _unpacked(home: Path) -> list[Path]:
    """Archives hold their files one or more folders down."""
    bags = sorted(home.glob("*.unpacked"))
    return [each for bag in bags for each in [bag, *(p for p in bag.rglob("*") if p.is_dir())]]


def _look(source: Source, places: Iterable[Path]) -> dict[str, Path] | None:
    """The paths of all files, from whichever places; None if one that must be there is not."""
    places = list(places)
    paths: dict[str, Path] = {}
    for name in (*source.files, *source.optional):
        tries = [place / form for place in places for form in (name, name + ".gz")]
        hit = next((each for each in tries if each.is_file()), None)
        if hit is not None:
            paths[name] = hit
    return paths if all(name in paths for name in source.files) else None


def _differing(found: Mapping[str, Path], source: Source) -> Iterable[str]:
    for name, official in source.checksums.items():
        if name in found:
            try:
                seen = fingerprint(found[name], official.partition(":")[0], unzipped=True)
            except UNREADABLE as error:
                raise DataError(f"{found[name]} cannot be read ({error})") from None
            if seen != official:
                yield (
                    f"{found[name].name} at hand differs from the official file"
                    f" ({seen}, not {official})"
                )
