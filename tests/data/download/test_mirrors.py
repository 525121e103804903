"""Downloads against a real server on this machine: good, wrong, dead, cut half way."""

import hashlib
import socket
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from negbench.data.download import mirrors
from negbench.data.download.checksums import checksum_of
from negbench.data.download.mirrors import Download, fetch
from negbench.data.download.resumable import claimed
from negbench.errors import DataError

BODY = bytes(range(256)) * 4000
SHA256 = "sha256:" + hashlib.sha256(BODY).hexdigest()


@dataclass
class Site:
    """A server and what it was asked."""

    port: int
    body: bytes = BODY
    etag: str = '"one"'
    ranges: bool = True
    cuts: int = 0
    """How many answers break off half way."""
    asked: list[str | None] = field(default_factory=list)

    def url(self, path: str = "file") -> str:
        return f"http://127.0.0.1:{self.port}/{path}"


class Handler(BaseHTTPRequestHandler):
    site: Site

    def do_GET(self) -> None:
        site, asked = self.site, self.headers.get("Range")
        site.asked.append(asked)
        if self.path == "/absent":
            self.send_error(404)
            return
        start = 0
        if asked and site.ranges and self.headers.get("If-Range") == site.etag:
            start = int(asked.removeprefix("bytes=").rstrip("-"))
        rest = site.body[start:]
        self.send_response(206 if start else 200)
        self.send_header("Content-Length", str(len(rest)))
        if site.etag:
            self.send_header("ETag", site.etag)
        if start:
            total = len(site.body)
            self.send_header("Content-Range", f"bytes {start}-{total - 1}/{total}")
        self.end_headers()
        if site.cuts:
            site.cuts -= 1
            self.wfile.write(rest[: len(rest) // 2])
            self.wfile.flush()
            self.connection.shutdown(socket.SHUT_RDWR)
            return
        self.wfile.write(rest)

    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture
def site() -> Iterator[Site]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Mine", (Handler,), {}))
    here = Site(server.server_address[1])
    server.RequestHandlerClass.site = here  # type: ignore[attr-defined]
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield here
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def dead() -> str:
    """An address at which nobody answers."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{free.getsockname()[1]}/file"


@pytest.mark.parametrize("kind", ["sha256", "md5", "git"])
def test_a_good_file_is_verified_and_asked_for_once(
    site: Site, tmp_path: Path, kind: str, capfd: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "body").write_bytes(BODY)
    download = Download("f.bin", (site.url(),), checksum_of(tmp_path / "body", kind))
    for _ in range(2):
        assert fetch(download, tmp_path / "cache").read_bytes() == BODY
    assert site.asked == [None]
    assert [each.name for each in (tmp_path / "cache").iterdir()] == ["f.bin"]
    assert capfd.readouterr() == ("", "")  # it only logs, and shows a bar on a terminal


def test_git_blob_id_is_that_of_git(tmp_path: Path) -> None:
    (tmp_path / "hello").write_bytes(b"hello\n")
    expected = "git:ce013625030ba8dba906f756967f9e9ca394464a"  # `git hash-object` of "hello\n"
    assert checksum_of(tmp_path / "hello", "git") == expected


@pytest.mark.parametrize("checksum", ["sha256:" + "0" * 64, "md5:" + "0" * 32, "git:" + "0" * 40])
def test_a_wrong_checksum_is_refused_and_removed(site: Site, tmp_path: Path, checksum: str) -> None:
    with pytest.raises(
        DataError, match="wrong checksum: expected .* refused and removed"
    ) as caught:
        fetch(Download("f.bin", (site.url(),), checksum), tmp_path)
    assert caught.value.exit_code == 3
    assert "\n" not in str(caught.value)
    assert list(tmp_path.iterdir()) == []


def test_a_damaged_cache_is_removed_and_fetched_again(
    site: Site, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "f.bin").write_bytes(b"damaged")
    path = fetch(Download("f.bin", (site.url(),), SHA256), tmp_path)
    assert path.read_bytes() == BODY
    warnings = [record for record in caplog.records if record.levelname == "WARNING"]
    assert any("it was removed" in record.getMessage() for record in warnings)


@pytest.mark.parametrize("first", ["dead", "absent"])
def test_the_second_mirror_serves_when_the_first_does_not(
    site: Site, dead: str, tmp_path: Path, first: str
) -> None:
    urls = (dead if first == "dead" else site.url("absent"), site.url())
    assert fetch(Download("f.bin", urls, SHA256), tmp_path).read_bytes() == BODY


def test_no_mirror_is_one_sentence_naming_each(site: Site, dead: str, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no mirror gave f.bin") as caught:
        fetch(Download("f.bin", (dead, site.url("absent")), SHA256), tmp_path)
    assert dead in str(caught.value) and "404" in str(caught.value)
    assert "--data-dir" in str(caught.value)


def test_a_cut_connection_is_resumed_where_it_broke(site: Site, tmp_path: Path) -> None:
    site.cuts = 2
    assert fetch(Download("f.bin", (site.url(),), SHA256), tmp_path).read_bytes() == BODY
    half = len(BODY) // 2
    assert site.asked == [None, f"bytes={half}-", f"bytes={half + half // 2}-"]


def test_what_arrived_is_kept_for_a_later_call(site: Site, tmp_path: Path) -> None:
    site.cuts = 5
    with pytest.raises(DataError):
        fetch(Download("f.bin", (site.url(),), SHA256), tmp_path)
    assert [path.stat().st_size for path in tmp_path.glob("f.bin.part-????????")][0] > len(BODY) / 2
    assert not (tmp_path / "f.bin").exists()
    fetch(Download("f.bin", (site.url(),), SHA256), tmp_path)
    assert site.asked[-1] is not None
    assert [each.name for each in tmp_path.iterdir()] == ["f.bin"]


@pytest.mark.parametrize("lacking", ["ranges", "etag"])
def test_a_server_that_cannot_continue_is_asked_for_the_whole(
    site: Site, tmp_path: Path, lacking: str
) -> None:
    setattr(site, lacking, False if lacking == "ranges" else "")
    site.cuts = 1
    assert fetch(Download("f.bin", (site.url(),), SHA256), tmp_path).read_bytes() == BODY


def test_a_part_that_another_process_writes_is_left_to_it(site: Site, tmp_path: Path) -> None:
    """Two downloads into one file mixed it up: too many bytes, or a wrong checksum."""
    site.cuts = 5
    download = Download("f.bin", (site.url(),), SHA256)
    with pytest.raises(DataError):
        fetch(download, tmp_path)
    (part,) = tmp_path.glob("f.bin.part-????????")
    there, before = part.read_bytes(), {each.name for each in tmp_path.iterdir()}
    with claimed(part) as own:
        assert own == part
        assert fetch(download, tmp_path).read_bytes() == BODY and site.asked[-1] is None
        assert part.read_bytes() == there
        now = {each.name for each in tmp_path.iterdir()}
        assert now == before | {"f.bin", f"{part.name}.lock"}
    (tmp_path / "f.bin").unlink()
    fetch(download, tmp_path)  # the lock has ended with its process, so the part is continued
    assert site.asked[-1] == f"bytes={len(there)}-"
    assert [each.name for each in tmp_path.iterdir()] == ["f.bin"]


def test_two_downloads_at_once_are_both_whole(site: Site, tmp_path: Path) -> None:
    download, bodies = Download("f.bin", (site.url(),)), list[bytes]()
    both = [
        threading.Thread(target=lambda: bodies.append(fetch(download, tmp_path).read_bytes()))
        for _ in range(2)
    ]
    for each in both:
        each.start()
    for each in both:
        each.join()
    assert bodies == [BODY, BODY]


def test_a_file_is_never_there_without_its_checksum(
    site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One process set the file of another aside, and that one failed."""
    download = Download("f.bin", (site.url(),))
    whole = mirrors.checksum_of

    def with_another_in_between(path: Path, kind: str) -> str:
        monkeypatch.setattr(mirrors, "checksum_of", whole)
        assert fetch(download, tmp_path).read_bytes() == BODY
        return whole(path, kind)

    monkeypatch.setattr(mirrors, "checksum_of", with_another_in_between)
    assert fetch(download, tmp_path).read_bytes() == BODY
    assert {each.name for each in tmp_path.iterdir()} == {"f.bin", "f.bin.sha256"}


def test_a_part_of_another_version_is_not_continued(site: Site, tmp_path: Path) -> None:
    site.cuts = 5
    with pytest.raises(DataError):
        fetch(Download("f.bin", (site.url(),)), tmp_path)
    site.body, site.etag = BODY[::-1], '"two"'
    assert fetch(Download("f.bin", (site.url(),)), tmp_path).read_bytes() == BODY[::-1]


def test_terms_are_logged_once(
    site: Site, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO", "negbench")
    for name in ("a.bin", "b.bin", "a.bin"):
        fetch(Download(name, (site.url(),), SHA256), tmp_path, terms="research only")
    assert caplog.messages.count("terms: research only") == 1


def test_without_a_checksum_the_first_download_holds(
    site: Site, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO", "negbench")
    download = Download("f.bin", (site.url(),))
    path = fetch(download, tmp_path)
    assert any(SHA256 in line and "no checksum is published" in line for line in caplog.messages)
    path.unlink()
    site.body = b"another file"
    with pytest.raises(DataError, match="wrong checksum"):
        fetch(download, tmp_path)
