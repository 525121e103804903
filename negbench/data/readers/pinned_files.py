"""Files of a public repository whose checksums nobody published, or only some of them.

The address has a commit where one is known, so the bytes cannot change. A checksum that is known is
checked; of the other files the first download's is kept, and files at hand are noted as not
verified.
"""

from collections.abc import Mapping

from negbench.data.download.file_cache import DatasetFiles
from negbench.data.download.mirrors import Download

RAW = "https://raw.githubusercontent.com"


def github(repository: str, commit: str, path: str) -> str:
    """The address of a file or folder of `owner/name` at a commit."""
    return f"{RAW}/{repository}/{commit}/{path}"


def pinned_files(
    addresses: tuple[str, ...],
    names: tuple[str, ...],
    *,
    places: tuple[str, ...],
    terms: str,
    checksums: Mapping[str, str] | None = None,
) -> DatasetFiles:
    """The files `names` of a folder, which has one or more addresses.

    `places` are the folders that they are looked for in, beside the download; `checksums` those
    that are known, by file name.
    """
    known = dict(checksums or {})
    return DatasetFiles(
        folders=places,
        files=names,
        downloads=tuple(
            Download(name, tuple(f"{each}/{name}" for each in addresses), known.get(name, ""))
            for name in names
        ),
        checksums=known,
        terms=terms,
    )
