"""A zip archive of texts and bytes that is the same, bit for bit, whenever it is made.

Files are sorted, and have one time and one mode, so that two archives of the same files compare
equal. SHA256SUMS holds the hash of every file, as `sha256sum -c` and `shasum -a 256 -c` read it.
"""

import hashlib
import io
import zipfile
from collections.abc import Mapping

SUMS = "SHA256SUMS"
_TIME = (1980, 1, 1, 0, 0, 0)
"""The first that zip knows."""
_MODE = 0o644 << 16


def archive(files: Mapping[str, bytes], root: str) -> bytes:
    """The archive of these files, all in one folder `root`, with their hashes."""
    content = io.BytesIO()
    every = {**files, SUMS: hashes(files).encode()}
    with zipfile.ZipFile(content, "w") as packed:
        for name in sorted(every):
            entry = zipfile.ZipInfo(f"{root}/{name}", _TIME)
            entry.create_system, entry.external_attr = 3, _MODE  # as on Unix, wherever it is made
            entry.compress_type = zipfile.ZIP_DEFLATED
            packed.writestr(entry, every[name])
    return content.getvalue()


def hashes(files: Mapping[str, bytes]) -> str:
    """One line a file: its SHA-256 and its name, sorted by name."""
    lines = (f"{hashlib.sha256(files[name]).hexdigest()}  {name}" for name in sorted(files))
    return "".join(f"{line}\n" for line in lines)
