"""Resumable HTTP download of one file: a partial file is kept and continued.

Two processes that wrote one partial file would mix it up, so it is claimed by a lock of the system,
which ends with its process. Who comes second downloads into a file of its own.
"""

import http.client
import os
import urllib.error
import urllib.request
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tqdm import tqdm

try:
    import fcntl
except ImportError:  # Windows has no such locks: there the first one's file is continued
    fcntl = None  # type: ignore[assignment]

ATTEMPTS = 5
BLOCK = 1 << 18
"""Bytes read at once."""


class ConnectionCut(Exception):
    """The connection ended before the file was complete."""


@dataclass(frozen=True)
class ResumableDownload:
    """Downloader for pooch: called with the URL and the file to write.

    The partial file is `part`; a file beside it holds the server's version (ETag or date). A later
    call continues the partial file if the server still offers that version, and starts again if it
    does not, or if the server cannot continue.
    """

    part: Path
    progress: bool = True
    timeout: float = 30.0

    def __call__(self, url: str, output_file: str, pooch: object = None) -> None:
        """Download `url` into `output_file`; after a cut connection it is tried ATTEMPTS times."""
        del pooch
        for attempt in range(ATTEMPTS):
            try:
                self._continue(url)
                break
            except (ConnectionCut, http.client.HTTPException, TimeoutError, ConnectionError):
                if attempt == ATTEMPTS - 1:
                    raise
        self._version_file.unlink(missing_ok=True)
        self.part.replace(output_file)

    @property
    def _version_file(self) -> Path:
        return self.part.with_name(self.part.name + ".mark")

    def _continue(self, url: str) -> None:
        start, version = self._received()
        headers = {"Accept-Encoding": "identity", "User-Agent": "negbench"}
        if start:
            headers |= {"Range": f"bytes={start}-", "If-Range": version}
        request = urllib.request.Request(url, headers=headers)
        try:
            with urllib.request.urlopen(request, timeout=self.timeout) as answer:
                resumed = answer.status == 206 and _starts_at(answer, start)
                self._receive(answer, start if resumed else 0)
        except urllib.error.HTTPError as error:
            if error.code != 416:
                raise
            self.part.unlink(missing_ok=True)  # it is longer than the file: start again
            raise ConnectionCut("the server refused to continue") from error

    def _received(self) -> tuple[int, str]:
        """Bytes of the partial file, and its version; 0 where no version was kept."""
        if self.part.exists() and self._version_file.exists():
            return self.part.stat().st_size, self._version_file.read_text()
        return 0, ""

    def _receive(self, answer: http.client.HTTPResponse, start: int) -> None:
        if version := _version(answer):
            self._version_file.write_text(version)
        else:
            self._version_file.unlink(missing_ok=True)
        length = answer.headers.get("Content-Length")
        total = start + int(length) if length else None
        quiet = None if self.progress else True  # None: only where there is a terminal
        name = self.part.name.split(".part")[0]
        with (
            self.part.open("ab" if start else "wb") as out,
            tqdm(
                total=total, initial=start, desc=name, unit="B", unit_scale=True, disable=quiet
            ) as bar,
        ):
            while block := answer.read(BLOCK):
                out.write(block)
                bar.update(len(block))
        if total is not None and self.part.stat().st_size != total:
            raise ConnectionCut(f"{self.part.stat().st_size} of {total} bytes arrived")


@contextmanager
def claimed(part: Path) -> Iterator[Path]:
    """The partial file to write: `part`, or one of this process alone while another writes it."""
    if fcntl is None:
        yield part
        return
    lock = part.with_name(part.name + ".lock")
    held = os.open(lock, os.O_RDWR | os.O_CREAT)
    mine = _locks(held, lock)
    own = part if mine else part.with_name(f"{part.name}-{os.getpid()}-{uuid.uuid4().hex[:8]}")
    try:
        yield own
    finally:
        for each in (lock,) if mine else (own, own.with_name(own.name + ".mark")):
            each.unlink(missing_ok=True)
        os.close(held)


def _locks(held: int, lock: Path) -> bool:
    """Whether this process alone has the open lock file, which still stands there."""
    try:
        fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
        return os.path.samestat(os.fstat(held), os.stat(lock))
    except (BlockingIOError, FileNotFoundError):
        return False
    except OSError:  # a disk without locks
        return True


def _version(answer: http.client.HTTPResponse) -> str:
    """The server's version: a strong ETag (weak ones do not identify bytes), else the date."""
    etag = answer.headers.get("ETag", "")
    return etag if etag.startswith('"') else answer.headers.get("Last-Modified", "")


def _starts_at(answer: http.client.HTTPResponse, start: int) -> bool:
    return answer.headers.get("Content-Range", "").startswith(f"bytes {start}-")
