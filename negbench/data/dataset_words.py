"""Data sets as users type them: names with or without parameters, files and folders, lists of them.

A registered name, alone or with parameters, wins over a file of the same spelling; a file that is
there wins over anything else, whatever its name holds: blanks, brackets and commas too.
"""

import difflib
import os
from collections.abc import Iterable
from pathlib import Path
from shlex import quote

from negbench.errors import UserError, did_you_mean
from negbench.plugins import registry
from negbench.plugins.term_syntax import parse, split


def is_name(word: str) -> bool:
    """Whether this is a registered data set, alone or with parameters."""
    word = word.strip()
    names = registry.names("datasets")
    if word in names:
        return True
    try:
        return word.partition("(")[0].strip() in names and bool(parse(word).name)
    except UserError:  # `goodbooks (1)` is a folder that a browser named
        return False


def is_file(word: str) -> bool:
    """Whether this is no name and there is a file or folder of exactly this spelling."""
    return not is_name(word) and _exists(word)


def looks_like_path(word: str) -> bool:
    """Whether this can only be meant as a file: with a slash, or a dot outside of parameters."""
    head = word.partition("(")[0]
    return "/" in head or "." in head or ("." in word and not word.rstrip().endswith(")"))


def nearest(word: str) -> str:
    """The remedy for a word that is nothing: the most similar data sets and files."""
    names, path = registry.names("datasets"), Path(word).expanduser()
    plain = word.partition("(")[0].strip().lower().replace("-", "_")
    beside = os.listdir(path.parent) if path.parent.is_dir() else []
    files = [str(path.parent / each) for each in difflib.get_close_matches(path.name, beside, n=3)]
    if looks_like_path(word):
        return f"did you mean {', '.join(map(quote, files))}?" if files else "check the path"
    similar = difflib.get_close_matches(plain, names, n=3)
    if files:
        return f"did you mean {', '.join([*similar, *map(quote, files)])}?"
    return did_you_mean(plain, names)


def words(texts: Iterable[str]) -> list[str]:
    """The words of `-d goodbooks -d 'a.csv,ratings (1).csv,synthetic(users=60,items=90)'`.

    A comma parts two words unless a file with it is there, or it is inside brackets. Raises
    UserError if brackets or quotes are not closed.
    """
    return [word for text in texts for word in _words(text)]


def both_meanings(datasets: Iterable[str], data_dir: str | Path | None = None) -> list[str]:
    """One sentence for each word that is a data set and a file here: which of them is taken."""
    named = data_dir or os.environ.get("NEGBENCH_DATA")
    official = Path(named).expanduser().resolve() if named else None
    sentences = []
    for word in dict.fromkeys(datasets):
        plain = word.strip()
        if not _exists(plain) or looks_like_path(plain):
            continue
        if is_name(plain):
            if official in (Path.cwd(), Path(plain).resolve()):
                continue  # it is where the data set of that name is read from
            sentences.append(
                f"{quote(plain)} is the data set of that name; the file or folder {quote(plain)} "
                f"here is not read: write {quote('./' + plain)} for it"
            )
        elif other := _also(plain):
            sentences.append(f"{quote(plain)} is the file or folder here, not {other}")
    return sentences


def _words(text: str) -> list[str]:
    """The longest pieces that are files come first, then terms with their brackets closed."""
    pieces, chosen, start = text.split(","), [], 0
    while start < len(pieces):
        word, start = _next(pieces, start)
        chosen += [word] if _exists(word) else [word.strip()] if word.strip() else []
    return chosen


def _next(pieces: list[str], start: int) -> tuple[str, int]:
    """The word that begins with this piece, and the piece after it."""
    ends = range(len(pieces), start, -1)
    joined = {end: ",".join(pieces[start:end]) for end in ends}
    for end, word in joined.items():
        several = end > start + 1 and all(is_name(piece) for piece in pieces[start:end])
        if word.strip() and not several and (_exists(word) or _exists(word.strip())):
            return word if _exists(word) else word.strip(), end
    for end in reversed(ends):
        try:
            split(joined[end], ",")
        except UserError:
            continue
        return joined[end], end
    if looks_like_path(pieces[start]):  # a file that is not there, with one bracket in its name
        return pieces[start], start + 1
    split(joined[len(pieces)], ",")
    raise AssertionError("brackets that are never closed are refused above")


def _exists(word: str) -> bool:
    """Like `Path.exists`, and False for what can be no path."""
    return bool(word) and os.path.exists(os.path.expanduser(word))


def _also(word: str) -> str:
    """What else of the registry this word could mean."""
    plain, names = word.lower().replace("-", "_"), registry.names("datasets")
    if plain in names:
        return f"the data set {plain}"
    if plain in {registry.card("datasets", name).family for name in names}:
        return f"the data sets of the family {plain}"
    return ""
