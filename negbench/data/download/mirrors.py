"""Downloads: mirrors in turn, a checksum before anything is used, the terms said once."""

import hashlib
import http.client
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from negbench.data.download.checksums import fingerprint
from negbench.data.download.resumable import Cut, Resuming
from negbench.errors import DataError

Say = Callable[[str], None]

TROUBLE = (OSError, ValueError, http.client.HTTPException, Cut)


def silent(text: str) -> None:
    """Say nothing."""
    del text


@dataclass(frozen=True)
class Download:
    """One file to be had: its name in the cache, its mirrors, and what its bytes must be.

    `checksum` is `sha256:`, `md5:` or `git:` and the digits, as published. Where nothing is
    published it is empty: the SHA-256 of the first download is then kept and holds from there on.
    """

    name: str
    urls: tuple[str, ...]
    checksum: str = ""
    size: int = 0
    """Bytes, 0 where not known."""


def fetch(
    download: Download, folder: Path, *, terms: str = "", say: Say = silent, progress: bool = True
) -> Path:
    """The file, verified, in `folder`; taken from there if it is there already."""
    path = folder / download.name
    if path.exists():
        if (wrong := _wrong(path, download)) is None:
            return path
        path.unlink()
        say(f"{path} is not the file it should be ({wrong}); it was removed and is fetched again")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        _say_terms(terms, folder, say)
    except OSError as error:
        raise DataError(
            f"the cache must be a folder that can be written to; got {folder} ({error.strerror});"
            " set XDG_CACHE_HOME to one that can"
        ) from None
    failures = []
    for url in download.urls:
        failure = _from_mirror(url, download, path, say, progress)
        if failure is None:
            return path
        failures.append(f"{url}: {failure}")
    raise DataError(
        f"no mirror gave {download.name} ({'; '.join(failures)}); check the network and run again,"
        " or put the file into a folder and name that with --data-dir"
    )


def _from_mirror(url: str, download: Download, path: Path, say: Say, progress: bool) -> str | None:
    """Fetch and verify; None on success, else what went wrong, with nothing bad left behind."""
    import pooch

    pooch.get_logger().setLevel("WARNING")  # what is done is said through `say`
    # A part is continued from its own mirror only: unpublished checksums cannot tell two apart.
    part = path.with_name(f"{path.name}.part-{hashlib.sha256(url.encode()).hexdigest()[:8]}")
    size = f" ({download.size / 1e6:.1f} MB)" if download.size else ""
    say(f"fetching {url}{size}")
    try:
        pooch.retrieve(
            url, None, fname=path.name, path=path.parent, downloader=Resuming(part, progress)
        )
    except TROUBLE as error:
        return str(error).removeprefix("<urlopen error ").removesuffix(">") or type(error).__name__
    if wrong := _wrong(path, download):
        path.unlink()
        return f"{wrong}; the file was refused and removed"
    if not download.checksum:
        _trust(path, say)
    return None


def _wrong(path: Path, download: Download) -> str | None:
    """None if the bytes are those expected, else which checksum was expected and which was seen."""
    expected = download.checksum
    if not expected:
        kept = _kept(path)
        if not kept.exists():
            return None
        expected = kept.read_text().strip()
    seen = fingerprint(path, expected.partition(":")[0])
    return None if seen == expected else f"wrong checksum: expected {expected}, got {seen}"


def _kept(path: Path) -> Path:
    return path.with_name(path.name + ".sha256")


def _trust(path: Path, say: Say) -> None:
    seen = fingerprint(path, "sha256")
    _kept(path).write_text(seen + "\n")
    say(f"no checksum is published for {path.name}; kept {seen} of this first download instead")


def _say_terms(terms: str, folder: Path, say: Say) -> None:
    marker = folder / ".terms-shown"
    if terms and not (marker.exists() and marker.read_text() == terms):
        say(f"terms: {terms}")
        marker.write_text(terms)
