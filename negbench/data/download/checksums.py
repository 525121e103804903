"""File checksums as publishers give them: SHA-256, MD5 or git blob id."""

import gzip
import hashlib
import zlib
from pathlib import Path
from typing import IO

KINDS = ("sha256", "md5", "git")
UNREADABLE = (OSError, EOFError, zlib.error)
"""Exceptions of reading a damaged file: truncated, or corrupt inside a .gz."""


def open_bytes(path: Path) -> IO[bytes]:
    """Open a file for reading bytes; decompressed if its name ends in .gz, in any case."""
    if path.suffix.lower() == ".gz":
        return gzip.open(path)  # type: ignore[return-value]
    return path.open("rb")


def checksum_of(path: Path, kind: str, *, unzipped: bool = False) -> str:
    """Checksum of a file, as `kind:digits`; `unzipped` means of the content of a .gz.

    Raises ValueError for an unknown kind.
    """
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
