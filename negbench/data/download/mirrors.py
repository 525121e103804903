"""Downloads from mirrors: one after another, verified by checksum, terms of use logged once.

Log lines go to the logger of this module: INFO, and WARNING where a cached file is damaged.
"""

import hashlib
import http.client
import logging
from dataclasses import dataclass
from pathlib import Path

from negbench.data.download.checksums import checksum_of
from negbench.data.download.resumable import ConnectionCut, ResumableDownload, claimed
from negbench.errors import DataError

logger = logging.getLogger(__name__)

DOWNLOAD_ERRORS = (OSError, ValueError, http.client.HTTPException, ConnectionCut)


@dataclass(frozen=True)
class Download:
    """A file to download: its name in the cache, its mirrors and its checksum.

    `checksum` is `sha256:`, `md5:` or `git:` and the digits, as published. Where nothing is
    published it is empty: the SHA-256 of the first download is then kept and holds from there on.
    """

    name: str
    urls: tuple[str, ...]
    checksum: str = ""
    size: int = 0
    """Bytes, 0 where not known."""


def fetch(download: Download, folder: Path, *, terms: str = "", progress: bool = True) -> Path:
    """Download a file into `folder` and verify it; a verified file there is not fetched again.

    A file there that no checksum is known of was not downloaded by this function: it is set aside,
    for it may be anything. Raises DataError if no mirror gives the file, or if the folder cannot be
    written to.
    """
    path = folder / download.name
    if path.exists() and not expected_checksum(download, folder):
        _set_aside(path)
    elif path.exists():
        if (mismatch := _mismatch(path, path, download)) is None:
            return path
        path.unlink(missing_ok=True)
        logger.warning(
            "%s is not the file it should be (%s); it was removed and is fetched again",
            path,
            mismatch,
        )
    try:
        folder.mkdir(parents=True, exist_ok=True)
        _log_terms(terms, folder)
    except OSError as error:
        raise DataError(
            f"the cache must be a folder that can be written to; got {folder} ({error.strerror});"
            " set XDG_CACHE_HOME to one that can"
        ) from None
    failures = []
    for url in download.urls:
        failure = _from_mirror(url, download, path, progress)
        if failure is None:
            return path
        failures.append(f"{url}: {failure}")
    raise DataError(
        f"no mirror gave {download.name} ({'; '.join(failures)}); check the network and run again,"
        " or put the file into a folder and name that with --data-dir"
    )


def expected_checksum(download: Download, folder: Path) -> str:
    """The published checksum, else the one kept of the first download into `folder`, else empty."""
    if download.checksum:
        return download.checksum
    kept = _checksum_file(folder / download.name)
    return kept.read_text().strip() if kept.exists() else ""


def _set_aside(path: Path) -> None:
    aside = path.with_name(path.name + ".unverified")
    try:
        path.replace(aside)
    except FileNotFoundError:  # another process was first
        return
    logger.warning(
        "%s was not downloaded here and no checksum of it is known; it is now %s, and the official"
        " file is fetched; to use yours, name its folder with --data-dir",
        path,
        aside.name,
    )


def _from_mirror(url: str, download: Download, path: Path, progress: bool) -> str | None:
    """Fetch and verify; None on success, else the reason; a rejected file is removed."""
    # A part is continued from its own mirror only: unpublished checksums cannot tell two apart.
    part = path.with_name(f"{path.name}.part-{hashlib.sha256(url.encode()).hexdigest()[:8]}")
    size = f" ({download.size / 1e6:.1f} MB)" if download.size else ""
    logger.info("fetching %s%s", url, size)
    try:
        with claimed(part) as own:
            return _verified(url, download, path, ResumableDownload(own, progress))
    except DOWNLOAD_ERRORS as error:
        return str(error).removeprefix("<urlopen error ").removesuffix(">") or type(error).__name__


def _verified(
    url: str, download: Download, path: Path, downloader: ResumableDownload
) -> str | None:
    """As `_from_mirror`. The file takes its place verified and after its checksum, so that another
    process never sees one without the other."""
    import pooch

    whole = downloader.part.with_name(downloader.part.name + ".whole")
    whole.unlink(missing_ok=True)  # that of a killed process
    pooch.get_logger().setLevel("WARNING")  # the progress is logged here
    pooch.retrieve(url, None, fname=whole.name, path=path.parent, downloader=downloader)
    if mismatch := _mismatch(whole, path, download):
        whole.unlink()
        return f"{mismatch}; the file was refused and removed"
    if not download.checksum:
        _keep_checksum(whole, path)
    whole.replace(path)
    return None


def _mismatch(content: Path, path: Path, download: Download) -> str | None:
    """None if `content` has the checksum expected of `path`, else a clause with both."""
    expected = expected_checksum(download, path.parent)
    if not expected:
        return None
    seen = checksum_of(content, expected.partition(":")[0])
    return None if seen == expected else f"wrong checksum: expected {expected}, got {seen}"


def _checksum_file(path: Path) -> Path:
    return path.with_name(path.name + ".sha256")


def _keep_checksum(content: Path, path: Path) -> None:
    seen = checksum_of(content, "sha256")
    draft = _checksum_file(content)
    draft.write_text(seen + "\n")
    draft.replace(_checksum_file(path))  # at once: half a checksum would refuse the file
    logger.info(
        "no checksum is published for %s; kept %s of this first download instead", path.name, seen
    )


def _log_terms(terms: str, folder: Path) -> None:
    """Log the terms of use, once for each cache folder."""
    marker = folder / ".terms-shown"
    if terms and not (marker.exists() and marker.read_text() == terms):
        logger.info("terms: %s", terms)
        marker.write_text(terms)
