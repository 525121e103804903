"""LaTeX text: any name or note without markup, in the characters that plain LaTeX has.

Names, labels and notes come from users and from data: every special character is escaped, and a
character that plain LaTeX lacks is written by its number.
"""

import unicodedata

_TEX = {
    "\\": "\\textbackslash{}",
    "{": "\\{",
    "}": "\\}",
    "$": "\\$",
    "&": "\\&",
    "#": "\\#",
    "_": "\\_",
    "%": "\\%",
    "~": "\\textasciitilde{}",
    "^": "\\textasciicircum{}",
    "<": "\\textless{}",
    ">": "\\textgreater{}",
    "|": "\\textbar{}",
    '"': "''",
    "[": "{[}",
    "]": "{]}",
    "\n": " ",
    "±": "$\\pm$",
    "·": "$\\cdot$",
    "×": "$\\times$",
    "≤": "$\\leq$",
    "≥": "$\\geq$",
    "→": "$\\to$",
    "µ": "$\\mu$",
    "–": "--",
    "—": "---",
    "‘": "`",
    "’": "'",
    "“": "``",
    "”": "''",
    "…": "\\dots{}",
    "ß": "\\ss{}",
    "æ": "\\ae{}",
    "Æ": "\\AE{}",
    "ø": "\\o{}",
    "Ø": "\\O{}",
    "ł": "\\l{}",
    "Ł": "\\L{}",
    "ı": "\\i{}",
}
_ACCENTS = dict(zip("\u0300\u0301\u0302\u0303\u0304\u0306\u0307\u0308", "`'^~=u.\"", strict=True))
_ACCENTS |= dict(zip("\u030a\u030b\u030c\u0323\u0327\u0328", "rHvdck", strict=True))
_GREEK = "GREEK SMALL LETTER "


def escaped(text: str) -> str:
    """A text in which LaTeX finds no markup, in characters that plain LaTeX has."""
    return "".join(map(_letter, unicodedata.normalize("NFC", text)))


def _letter(char: str) -> str:
    """One character: itself, its command, its letter with an accent, or its number."""
    if char in _TEX:
        return _TEX[char]
    if " " <= char <= "~":
        return char
    letter, *accents = list(unicodedata.normalize("NFKD", char))
    if letter.isascii() and letter.isalnum() and all(a in _ACCENTS for a in accents):
        for accent in accents:
            letter = f"\\{_ACCENTS[accent]}{{{letter}}}"
        return letter
    name = unicodedata.name(char, "")
    greek = name.removeprefix(_GREEK).lower().replace("lamda", "lambda")
    if name.startswith(_GREEK) and greek in _LETTERS:
        return f"$\\{greek}$"
    return " " if char.isspace() else f"U+{ord(char):04X}"


_LETTERS = "alpha beta gamma delta epsilon zeta eta theta iota kappa lambda mu nu xi pi rho".split()
_LETTERS += "sigma tau upsilon phi chi psi omega".split()
