"""Checksums as their publishers give them: SHA-256, MD5, or the id git gives a file's bytes."""

import gzip
import hashlib
import zlib
from pathlib import Path
from typing import IO

KINDS = ("sha256", "md5", "git")
UNREADABLE = (OSError, EOFError, zlib.error)
"""What reading a file may raise that is there but damaged: cut short, or garbled inside a .gz."""


def open_bytes(path: Path) -> IO[bytes]:
    """The bytes of a file, unzipped on the way if its name ends in .gz."""
    if path.suffix == ".gz":
        return gzip.open(path)  # type: ignore[return-value]
    return path.open("rb")


def fingerprint(path: Path, kind: str, *, unzipped: bool = False) -> str:
    """`kind:digits` of a file; `unzipped` looks inside a .gz, as for a file gzipped by hand."""
    if kind not in KINDS:
        raise ValueError(f"a checksum must be one of {', '.join(KINDS)}; got {kind!r}")
    opener = open_bytes if unzipped else (lambda file: file.open("rb"))
    digest = hashlib.sha1() if kind == "git" else hashlib.new(kind)
    if kind == "git":
        digest.update(f"blob {_length(path, unzipped)}\0".encode())
    with opener(path) as stream:
        while block := stream.read(1 << 20):
            digest.update(block)
    return f"{kind}:{digest.hexdigest()}"


def _length(path: Path, unzipped: bool) -> int:
    if not (unzipped and path.suffix == ".gz"):
        return path.stat().st_size
    with open_bytes(path) as stream:
        return stream.seek(0, 2)
