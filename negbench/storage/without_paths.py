"""Texts without the paths of a machine: of each its last name is kept.

What leaves the machine shall not say whose it was, nor name folders that no other machine has.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

_WORD = r"[^\s/\\\"'<>|:;,()\[\]{}]+"
_UNIX = re.compile(rf"(?<![\w.:/<~-])(?:~|file://)?/(?:{_WORD}/)+({_WORD})?")
_WINDOWS = re.compile(rf"(?<!\w)[A-Za-z]:[\\/]+(?:{_WORD}[\\/]+)*({_WORD})?")
_HOME = re.compile(rf"(?<![\w/])~/(?:{_WORD}/)*({_WORD})?")


def without_paths(text: str) -> str:
    """The text with every absolute path shortened to its last name; addresses of the web stay."""
    for pattern in (_WINDOWS, _HOME, _UNIX):
        text = pattern.sub(lambda path: path[1] or path[0].rstrip("/\\")[-1:], text)
    return text


def without_prefixes(text: str, folders: Iterable[Path]) -> str:
    """The text without these folders alone, for a form in which other slashes have a meaning."""
    for folder in sorted({str(each) for each in folders}, key=len, reverse=True):
        if len(folder) > 1:
            text = text.replace(f"{folder}/", "").replace(folder, Path(folder).name)
    return text


def values_without_paths(value: Any) -> Any:
    """A tree of JSON whose texts have no paths; keys too, and a whole text may be one path."""
    if isinstance(value, Mapping):
        return {without_paths(str(k)): values_without_paths(inner) for k, inner in value.items()}
    if isinstance(value, list | tuple):
        return [values_without_paths(inner) for inner in value]
    if isinstance(value, str):
        return Path(value).name if _whole(value) else without_paths(value)
    return value


def paths_of(value: Any) -> Iterator[str]:
    """Every text of a tree that is a path as a whole."""
    if isinstance(value, Mapping):
        for inner in value.values():
            yield from paths_of(inner)
    elif isinstance(value, list | tuple):
        for inner in value:
            yield from paths_of(inner)
    elif isinstance(value, str) and _whole(value):
        yield value


def _whole(text: str) -> bool:
    """Whether a text is an absolute path and nothing else; it may hold spaces."""
    return text.startswith(("/", "~/")) and "\n" not in text and len(text) > 1
