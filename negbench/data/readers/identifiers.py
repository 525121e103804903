"""Identifiers of users and items: blanks stripped, missing ones marked, one spelling an id.

`1`, ` 1` and, in a column of whole numbers, `1.0` are one id; `001` and `1` are two. Every change
is counted in a note. Only the different values are looked at, not every row.
"""

import re
import string
import unicodedata
from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from negbench.data.number_words import counted

MISSING = frozenset(
    ["", "NULL", "Null", "null", "NA", "<NA>", "N/A", "n/a", "#N/A", "NaN", "Nan", "nan", "NAN"]
    + ["None", "none", "NONE", "NaT", "\\N"]
)
"""How programs write that a value is missing: never an id."""
BLANKS = (
    string.whitespace
    + "\x85\xa0\u1680\u2028\u2029\u202f\u205f\u3000\ufeff\u200b\u2060"
    + ("".join(map(chr, range(0x2000, 0x200B))))
)
"""White space, with no-break spaces and the byte-order mark of joined files."""
NUMBER = re.compile(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]*)?(?:[eE]\+?[0-9]{1,3})?")
LIST = re.compile(r"[\[(]?\s*-?[0-9]+(?:[\s,;|]+-?[0-9]+)+\s*[\])]?")
EXACT = {"float16": 11, "halffloat[pyarrow]": 11, "float32": 24, "float[pyarrow]": 24}
"""By the type of a column (others: 53): floats from 2 to this power on do not tell whole numbers
apart."""
ROUNDED = 10**11
"""Numbers from here on are in short form, 1.2E+11, because a spreadsheet rounded them."""
IN_FULL = "write the ids in full, as whole numbers or as text"
SEEN = 1000
"""Values that are looked at to see whether a column holds lists."""


class BadIds(Exception):
    """A column that holds no identifiers: the reason, and the first such value or its row."""

    def __init__(self, reason: str, remedy: str, value: Any = None, row: int = 0) -> None:
        """Keep the row, so that its line can be found."""
        super().__init__(reason)
        self.reason = reason
        self.remedy = remedy
        self.value = value
        self.row = row


@dataclass(frozen=True, eq=False)
class Identifiers:
    """A column's ids: `values[codes]` [n], code -1 where the id is missing; and notes."""

    codes: NDArray[np.int64]
    values: NDArray[np.object_]
    notes: tuple[str, ...] = ()

    @property
    def missing(self) -> NDArray[np.bool_]:
        """The rows without an id, [n]."""
        return self.codes < 0

    def index(self, keep: NDArray[np.intp]) -> pd.Index:
        """The ids of these rows."""
        categories = pd.Index(self.values)
        return pd.CategoricalIndex(pd.Categorical.from_codes(self.codes[keep], categories))


def identifiers(column: "pd.Series[Any]", role: str) -> Identifiers:
    """The ids of a column of any type.

    Raises BadIds if it holds lists, or numbers that were rounded.
    """
    try:
        raw_codes, uniques = pd.factorize(column)
    except TypeError:
        bad = ~column.map(pd.api.types.is_hashable).to_numpy(bool)
        row = int(bad.argmax())
        seen = f"{column.iloc[row]!r:.60}"
        reason = f"the {role} {seen} is neither text nor a number"
        raise BadIds(reason, f"name another column with --{role}", row=row) from None
    codes = raw_codes.astype(np.int64)
    before = [_plain(each) for each in uniques.tolist()]
    try:
        return _read(codes, before, role, EXACT.get(str(column.dtype).lower(), 53))
    except BadIds as error:
        values = [_stripped(each) if isinstance(each, str) else each for each in before]
        row = int((codes == values.index(error.value)).argmax())
        raise BadIds(error.reason, error.remedy, error.value, row) from None


def _read(codes: NDArray[np.int64], before: list[Any], role: str, exact: int) -> Identifiers:
    """The ids of a column whose different values are `before`, floats good up to 2^exact."""
    typed: tuple[str, ...] = ()
    if not all(isinstance(each, str) for each in before):
        if len({type(each) for each in before}) == 1:
            return _typed(codes, before, role, exact)
        before = [str(each) for each in before]  # an object column may mix 1 and "1"
        typed = (f"{role} ids of several types are read as text",)
    after = [_stripped(each) for each in before]
    lost = np.array([each in MISSING for each in after], bool)
    present = [each for each, gone in zip(after, lost, strict=True) if not gone]
    _refuse_lists(present, role)
    rows = np.bincount(codes[codes >= 0], minlength=len(before))
    notes = typed + _strip_notes(before, after, np.where(lost, 0, rows), role)
    spelling, read_as = _whole_numbers(present, role)
    if spelling:
        after = [spelling.get(each, each) for each in after]
    if after == before and not lost.any() and len(set(after)) == len(after):
        return Identifiers(codes, _objects(after), (*notes, *_twins(after, role)))
    merged, values = pd.factorize(_objects(after))
    merged[lost] = -1
    used, codes = _compact(np.append(merged, -1)[codes], _objects(values))  # -1 stays -1
    return Identifiers(codes, used, (*notes, *read_as, *_twins(used.tolist(), role)))


def _compact(
    codes: NDArray[np.int64], values: NDArray[np.object_]
) -> tuple[NDArray[np.object_], NDArray[np.int64]]:
    """The values that occur, and the codes among them."""
    occurs = np.zeros(len(values), bool)
    occurs[codes[codes >= 0]] = True
    return values[occurs], np.append(np.cumsum(occurs) - 1, -1)[codes].astype(np.int64)


def _typed(codes: NDArray[np.int64], values: list[Any], role: str, exact: int) -> Identifiers:
    """Ids of one type that is not text; floats that are whole numbers become such."""
    notes: tuple[str, ...] = ()
    if values and isinstance(values[0], float):
        if not all(np.isfinite(values)):
            infinite = next(each for each in values if not np.isfinite(each))
            raise BadIds(f"the {role} is {infinite}", IN_FULL, infinite)
        if all(each.is_integer() for each in values):
            if far := next((each for each in values if abs(each) >= 2**exact), None):
                reason = (
                    f"the {role} {far:.0f} is a float beyond 2^{exact}, where ids fall together"
                )
                raise BadIds(reason, IN_FULL, far)
            values = [int(each) for each in values]
            notes = (f"{role} ids are floats, all of them whole numbers: 1.0 is read as 1",)
    return Identifiers(codes, _objects(values), notes)


def _plain(value: Any) -> Any:
    """Bytes as text, where they are text, and decimal numbers as whole ones."""
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() else str(value)
    if isinstance(value, bytes):
        try:
            return value.decode()
        except UnicodeDecodeError:
            return value
    return value


def _stripped(text: str) -> str:
    text = text.strip(BLANKS)
    if len(text) > 1 and text[0] == text[-1] == '"':
        text = text[1:-1].strip(BLANKS)
    return text


def _strip_notes(
    before: Sequence[str], after: Sequence[str], rows: NDArray[np.intp], role: str
) -> tuple[str, ...]:
    """How many rows had blanks or quotes around their id."""
    blank = quoted = 0
    if before != after:
        for old, new, n in zip(before, after, rows.tolist(), strict=True):
            if old != new:
                by_quotes = '"' in old.removesuffix(new)
                quoted, blank = quoted + n * by_quotes, blank + n * (not by_quotes)
    counts = (("blanks", blank), ("quotes", quoted))
    return tuple(
        f"{what} around the {role} id stripped in {counted(n, 'row')}" for what, n in counts if n
    )


def _whole_numbers(values: Sequence[str], role: str) -> tuple[dict[str, str], tuple[str, ...]]:
    """How to spell `1.0` and `1e+05` where all values are whole numbers, and a note."""
    text = "\n".join(values)
    if not ("." in text or "e" in text or "E" in text):
        return {}, ()
    if not all(NUMBER.fullmatch(each) for each in values):
        return {}, ()
    spelling = {}
    for each in values:
        if each.lstrip("-").isdigit():
            continue
        mantissa, short, _ = each.lower().partition("e")
        whole = mantissa.partition(".")[0] if not short else f"{float(each):.0f}"
        if float(each) != float(whole):
            return {}, ()
        if short and abs(float(each)) >= ROUNDED:
            raise BadIds(f"the {role} {each} is a rounded number", IN_FULL, each)
        spelling[each] = "0" if whole == "-0" else whole
    old, new = next(iter(spelling.items()))
    return spelling, (f"{role} ids are whole numbers: {old} is read as {new}",)


def _refuse_lists(values: Sequence[str], role: str) -> None:
    """Refuse a column whose cells hold several ids each."""
    some = values[:SEEN]
    if some and sum(LIST.fullmatch(each) is not None for each in some) * 2 > len(some):
        at = next(each for each in some if LIST.fullmatch(each))
        raise BadIds(
            f"the {role} {at[:40]!r} is a list of ids",
            "--layout sessions reads a column of lists, --layout lists and --layout sequences lines"
            " of them",
            at,
        )


def _twins(values: Sequence[Hashable], role: str) -> tuple[str, ...]:
    """A note on ids that differ in spelling alone and are kept apart."""
    texts = [each for each in values if isinstance(each, str)]
    whole = "\n".join(texts)
    known, pairs = set(texts), []
    if ".0" in whole:
        pairs = [(each[:-2], each) for each in texts if each.endswith(".0") and each[:-2] in known]
    if not whole.isascii():
        for each in texts:
            if (usual := unicodedata.normalize("NFC", each)) != each and usual in known:
                pairs.append((usual, each))
    if not pairs:
        return ()
    one = f"{pairs[0][0]!r} and {ascii(pairs[0][1])}"
    n = counted(len(pairs), f"pair of {role} ids differs", f"pairs of {role} ids differ")
    return (f"{n} in spelling alone, as {one}: kept apart",)


def _objects(values: Sequence[Any] | NDArray[Any]) -> NDArray[np.object_]:
    array = np.empty(len(values), object)
    array[:] = values
    return array
