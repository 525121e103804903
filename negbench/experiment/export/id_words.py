"""Ids as words that other tools read back whole: percent-encoded, as in a URL.

What a tool would split at, drop or take for something else becomes `%` and the hex digits of its
UTF-8 bytes; an empty id becomes a lone `%`. Different ids give different words, and `id_of` gives
the id back.
"""

import unicodedata
from typing import Any
from urllib.parse import unquote_to_bytes

SPLITTING = {"Zs", "Zl", "Zp", "Cc", "Cf", "Cs"}
"""Categories of characters at which some tool splits a line, or which it drops or cannot write."""
MISSING = frozenset(
    "#N/A;#N/A N/A;#NA;-1.#IND;-1.#QNAN;-NaN;-nan;1.#IND;1.#QNAN;<NA>;N/A;NA;NULL;NaN;None;n/a;"
    "nan;null;[PAD]".split(";")
)
"""Words that pandas reads as no value, and RecBole's word for padding."""


def word(text: Any) -> str:
    """An id as one word, without white space or control characters."""
    return "".join(map(_letter, str(text))) or "%"


def token(text: Any) -> str:
    """An id as a token of RecBole's files, which pandas reads: without quotes or missing values."""
    plain = word(text).replace('"', "%22")
    return _encoded(plain[0]) + plain[1:] if str(text) in MISSING else plain


def id_of(encoded: str) -> str:
    """The id, as text, that `word` or `token` wrote."""
    if encoded == "%":
        return ""
    return unquote_to_bytes(encoded).decode(errors="surrogatepass")


def _letter(letter: str) -> str:
    unfit = letter == "%" or letter.isspace() or unicodedata.category(letter) in SPLITTING
    return _encoded(letter) if unfit else letter


def _encoded(letter: str) -> str:
    return "".join(f"%{byte:02X}" for byte in letter.encode(errors="surrogatepass"))
