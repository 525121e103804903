"""Column roles: which column is user, item, time and rating, by option or by its usual name."""

from collections.abc import Sequence
from dataclasses import dataclass, fields

from negbench.errors import UserError, did_you_mean

USUAL = {
    "user": "user user_id userid uid user_idx reviewer reviewer_id reviewerid customer"
    " customer_id customerid visitor visitor_id visitorid session session_id sessionid",
    "item": "item item_id itemid iid item_idx movie movie_id movieid book book_id bookid asin"
    " parent_asin sku product product_id productid video video_id videoid track track_id artist"
    " artist_id artistid song_id business_id article_id news_id poi location_id",
    "time": "time timestamp ts date datetime unixreviewtime unix_time event_time created_at",
    "rating": "rating ratings score stars overall rate star_rating",
}
NAMES = frozenset(name for names in USUAL.values() for name in names.split())
LAYOUTS = {
    "pairs": "a user and an item in columns",
    "lists": "a user and the user's items on each line",
    "sequences": "one user's items in order on each line",
    "sessions": "a column of items in order",
}
ORDERS = {
    "time": "by the column of times",
    "rows": "by the rows of the file",
    "none": "times are not read",
}


@dataclass(frozen=True)
class Columns:
    """Columns given by the user: names, or numbers from 1 for a file without header.

    Raises UserError for an unknown layout or order.
    """

    user: str | None = None
    item: str | None = None
    time: str | None = None
    rating: str | None = None
    min_rating: float | None = None
    """Rows rated below are dropped; without it every row counts as a positive."""
    layout: str | None = None
    """How a line holds pairs, where the looks of a file do not tell it."""
    order: str | None = None
    """What orders a user's pairs; without it the times, where there are any."""
    user_features: str | None = None
    item_features: str | None = None
    """Files with a row for each user or item: its id, and its columns."""
    test_file: str | None = None
    """Of a folder with several test files, the one to rank: its name, with or without ending."""

    def __post_init__(self) -> None:
        """Check the words."""
        for key, known in (("layout", LAYOUTS), ("order", ORDERS)):
            word = getattr(self, key)
            if word is not None and word not in known:
                near = did_you_mean(word, list(known))
                raise UserError(f"--{key} must be one of {', '.join(known)}; got {word!r}; {near}")
        if self.order in ("rows", "none") and self.time is not None:
            raise UserError(
                f"--time {self.time} and --order {self.order} exclude each other; leave one out"
            )

    @property
    def named(self) -> dict[str, str]:
        """The columns that were given, by role."""
        roles = (each.name for each in fields(self) if each.name in USUAL)
        return {role: name for role in roles if (name := getattr(self, role)) is not None}

    @property
    def positional(self) -> bool:
        """Whether columns are given by number, as for a file without header."""
        return bool(self.named) and all(
            name.isdigit() and int(name) > 0 for name in self.named.values()
        )

    @property
    def wanted(self) -> tuple[str, ...]:
        """The roles that are looked for."""
        return tuple(role for role in USUAL if role != "time" or self.order in (None, "time"))


@dataclass(frozen=True)
class ColumnChoice:
    """Position of each role's column, and a note on how it was chosen."""

    positions: dict[str, int]
    note: str
    lists: int = -1
    """The column of lists of a session file; -1 where there is none."""

    @property
    def used(self) -> dict[str, int]:
        """Position of each column that is read, "list" among them."""
        return {**self.positions, **({"list": self.lists} if self.lists >= 0 else {})}


def plain_names(header: Sequence[str]) -> list[str]:
    """The names of a header without RecBole's types, quotes, byte-order marks and a leading #."""
    names = [name.strip("\ufeff ").split(":")[0].strip(' "\t') for name in header]
    return [name.lstrip("# ") if at == 0 else name for at, name in enumerate(names)]


def is_usual(field: str) -> bool:
    """Whether a field is a usual name of a column."""
    return plain_names([field])[0].lower().replace(" ", "_") in NAMES


def choose_columns(
    header: Sequence[str], columns: Columns, where: str, lists: int = -1, *, numbered: bool = True
) -> ColumnChoice:
    """The columns to read: the given ones, else those of usual names; guesses are noted.

    Raises UserError if user or item has no column, a role has several or two roles one.
    """
    plain = plain_names(header)
    if lists >= 0 and (columns.min_rating is not None or {"time", "rating"} & set(columns.named)):
        raise UserError(
            f"{where}: {plain[lists]} is a list of items, which have no time or rating each; leave"
            " out --time, --rating and --min-rating, or read the item column alone with --layout"
            " pairs"
        )
    positions: dict[str, int] = {}
    for role, name in columns.named.items():
        positions[role] = _position(role, name, plain, header, where)
    guessed = []
    if positions.get("item") == lists >= 0:
        del positions["item"]
    for role in columns.wanted if lists < 0 else ("user", "item"):
        taken = {**positions, "list": lists}
        if role not in positions and (at := _usual(role, plain, taken, where)) is not None:
            positions[role] = at
            guessed.append(role)
    for role in ("user", "item"):
        if role not in positions and (role == "user" or lists < 0):
            by_number = ", or by its number, as --user 1 --item 2, if the first line is a row"
            raise UserError(
                f"{where}: no column for the {role} among {', '.join(plain)}; name it with"
                f" --{role} COLUMN{by_number if numbered else ''}"
            )
    _check_roles(columns, positions, where)
    parts = [f"{role}={plain[positions[role]]}" for role in USUAL if role in positions]
    parts += [f"list={plain[lists]}"] if lists >= 0 else []
    how = "as told" if not guessed else f"{', '.join(guessed)} guessed from the header"
    return ColumnChoice(positions, f"columns {' '.join(parts)} ({how})", lists)


def by_position(width: int, columns: Columns, where: str, header: bool = False) -> ColumnChoice:
    """The columns given as 1, 2, 3 ..., of a file without header or with unusual names.

    Raises UserError if user or item is not given, or a number is no column.
    """
    positions = {}
    for role, number in columns.named.items():
        if not 1 <= int(number) <= width:
            raise UserError(f"{where}: --{role} {number} must be a column from 1 to {width}")
        positions[role] = int(number) - 1
    if missing := {"user", "item"} - positions.keys():
        role = sorted(missing)[0]
        raise UserError(f"{where}: say which column is the {role} too, with --{role} N")
    _check_roles(columns, positions, where)
    parts = [f"{role}={at + 1}" for role, at in positions.items()]
    first = "the first line is a header" if header else "no header"
    return ColumnChoice(positions, f"columns {' '.join(parts)} (as told; {first})")


def _position(role: str, name: str, plain: list[str], header: Sequence[str], where: str) -> int:
    for names in (list(header), plain):
        if names.count(name) > 1:
            raise UserError(
                f"{where}: {names.count(name)} columns are called {name}; give --{role} another"
                " name in the file"
            )
        if name in names:
            return names.index(name)
    raise UserError(
        f"{where}: --{role} {name} must name a column; there are {', '.join(plain) or 'none'}"
    )


def _usual(role: str, plain: list[str], taken: dict[str, int], where: str) -> int | None:
    usual = USUAL[role].split()
    free = [at for at in range(len(plain)) if at not in taken.values()]
    hits = [at for at in free if plain[at].lower().replace(" ", "_") in usual]
    if len(hits) > 1:
        names = " and ".join(plain[at] for at in hits)
        raise UserError(f"{where}: {names} could each be the {role}; say which with --{role}")
    return hits[0] if hits else None


def _check_roles(columns: Columns, positions: dict[str, int], where: str) -> None:
    """Two roles have two columns, and options have the column that they speak of."""
    by_column = {at: role for role, at in positions.items()}
    for role, at in positions.items():
        if by_column[at] != role:
            raise UserError(
                f"{where}: column {at + 1} cannot be both {role} and {by_column[at]}; give each a"
                f" column of its own, as --{role} COLUMN"
            )
    check_rating(columns, positions, where)
    if columns.order == "time" and "time" not in positions:
        raise UserError(
            f"{where}: --order time needs a column of times; name it with --time COLUMN"
        )


def check_rating(columns: Columns, positions: dict[str, int], where: str) -> None:
    """Raises UserError if a least rating is given and there is no column of ratings."""
    if columns.min_rating is not None and "rating" not in positions:
        raise UserError(
            f"{where}: --min-rating {columns.min_rating:g} needs a column of ratings and none was"
            " found; name it with --rating COLUMN"
        )
