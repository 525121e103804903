"""One file over HTTP that survives a cut connection: what has arrived is kept and continued."""

import http.client
import urllib.error
import urllib.request
from dataclasses import dataclass
from pathlib import Path

from tqdm import tqdm

ATTEMPTS = 5
BLOCK = 1 << 18


class Cut(Exception):
    """The connection ended before the file did."""


@dataclass(frozen=True)
class Resuming:
    """A downloader for pooch: called with the address and the file to write.

    The part that has arrived lies in `part`, beside it the server's mark of that version (ETag or
    date). A later call continues from there if the server still offers the same version, and
    starts afresh if it does not, or if it cannot continue.
    """

    part: Path
    progress: bool = True
    timeout: float = 30.0

    def __call__(self, url: str, output_file: str, pooch: object = None) -> None:
        """Fetch `url` into `output_file`, going on after each cut as long as bytes arrive."""
        del pooch
        for attempt in range(ATTEMPTS):
            try:
                self._continue(url)
                break
            except (Cut, http.client.HTTPException, TimeoutError, ConnectionError):
                if attempt == ATTEMPTS - 1:
                    raise
        self._mark.unlink(missing_ok=True)
        self.part.replace(output_file)

    @property
    def _mark(self) -> Path:
        return self.part.with_name(self.part.name + ".mark")

    def _continue(self, url: str) -> None:
        start, mark = self._arrived()
        headers = {"Accept-Encoding": "identity", "User-Agent": "negbench"}
        if start:
            headers |= {"Range": f"bytes={start}-", "If-Range": mark}
        request = urllib.request.Request(url, headers=headers)
        try:
            with urllib.request.urlopen(request, timeout=self.timeout) as answer:
                resumed = answer.status == 206 and _starts_at(answer, start)
                self._receive(answer, start if resumed else 0)
        except urllib.error.HTTPError as error:
            if error.code != 416:
                raise
            self.part.unlink(missing_ok=True)  # the part is longer than the file: begin again
            raise Cut("the server refused to continue") from error

    def _arrived(self) -> tuple[int, str]:
        """How much is here and of which version; nothing counts without the server's mark."""
        if self.part.exists() and self._mark.exists():
            return self.part.stat().st_size, self._mark.read_text()
        return 0, ""

    def _receive(self, answer: http.client.HTTPResponse, start: int) -> None:
        mark = _version(answer)
        self._mark.write_text(mark) if mark else self._mark.unlink(missing_ok=True)
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
            raise Cut(f"{self.part.stat().st_size} of {total} bytes arrived")


def _version(answer: http.client.HTTPResponse) -> str:
    """The server's mark of this version; weak ETags cannot vouch for bytes."""
    etag = answer.headers.get("ETag", "")
    return etag if etag.startswith('"') else answer.headers.get("Last-Modified", "")


def _starts_at(answer: http.client.HTTPResponse, start: int) -> bool:
    return answer.headers.get("Content-Range", "").startswith(f"bytes {start}-")
