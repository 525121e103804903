"""Text files, read as bytes."""

from pathlib import Path

from negbench.data.download.checksums import UNREADABLE, open_bytes
from negbench.errors import DataError

BOM = b"\xef\xbb\xbf"


def text_bytes(path: Path, remedy: str) -> bytes:
    """The bytes of a text file without a byte-order mark.

    Raises DataError if the file is damaged or no text.
    """
    try:
        with open_bytes(path) as stream:
            blob = stream.read()
    except UNREADABLE as error:
        raise DataError(f"{path} cannot be read ({error})") from None
    if b"\0" in blob:
        raise DataError(f"{path} holds NUL bytes, so it is no text; {remedy}")
    return blob.removeprefix(BOM)
