"""Column roles: which column is user, item, time and rating, by option or by its usual name."""

from collections.abc import Sequence
from dataclasses import dataclass, fields

from negbench.errors import UserError

USUAL = {
    "user": "user user_id userid uid user_idx reviewer reviewer_id reviewerid customer"
    " customer_id customerid visitor visitor_id visitorid session session_id sessionid",
    "item": "item item_id itemid iid item_idx movie movie_id movieid book book_id bookid asin"
    " parent_asin sku product product_id productid video video_id videoid track track_id artist"
    " artist_id artistid song_id business_id article_id news_id poi location_id",
    "time": "time timestamp ts date datetime unixreviewtime unix_time event_time created_at",
    "rating": "rating ratings score stars overall rate star_rating",
}


@dataclass(frozen=True)
class Columns:
    """Columns given by the user: names, or numbers from 1 for a file without header."""

    user: str | None = None
    item: str | None = None
    time: str | None = None
    rating: str | None = None
    min_rating: float | None = None
    """Rows rated below are dropped; without it every row counts as a positive."""

    @property
    def named(self) -> dict[str, str]:
        """The names that were given, by role."""
        roles = (each.name for each in fields(self) if each.name != "min_rating")
        return {role: name for role in roles if (name := getattr(self, role)) is not None}

    @property
    def positional(self) -> bool:
        """Whether columns are given by number, as for a file without header."""
        return bool(self.named) and all(name.isdigit() for name in self.named.values())


@dataclass(frozen=True)
class ColumnChoice:
    """Position of each role's column, and a note on how it was chosen."""

    positions: dict[str, int]
    note: str


def choose_columns(header: Sequence[str], columns: Columns, where: str) -> ColumnChoice:
    """The columns to read: the given ones, else those of usual names; guesses are noted.

    Raises UserError if user or item has no column, or a role has several.
    """
    plain = [name.split(":")[0].strip() for name in header]  # RecBole writes user_id:token
    positions: dict[str, int] = {}
    for role, name in columns.named.items():
        positions[role] = _position(role, name, plain, header, where)
    guessed = []
    for role in USUAL:
        if role not in positions and (at := _usual(role, plain, positions, where)) is not None:
            positions[role] = at
            guessed.append(role)
    for role in ("user", "item"):
        if role not in positions:
            raise UserError(
                f"{where}: no column for the {role} among {', '.join(plain)};"
                f" name it with --{role} COLUMN"
            )
    check_rating(columns, positions, where)
    parts = [f"{role}={plain[positions[role]]}" for role in USUAL if role in positions]
    how = "as told" if not guessed else f"{', '.join(guessed)} guessed from the header"
    return ColumnChoice(positions, f"columns {' '.join(parts)} ({how})")


def by_position(width: int, columns: Columns, where: str) -> ColumnChoice:
    """The columns of a file without header, given as 1, 2, 3 ...

    Raises UserError if user or item is not given, or a number is no column.
    """
    positions = {}
    for role, number in columns.named.items():
        if not 1 <= int(number) <= width:
            raise UserError(
                f"{where}: --{role} {number} must be a column from 1 to {width} (no header there)"
            )
        positions[role] = int(number) - 1
    if missing := {"user", "item"} - positions.keys():
        role = sorted(missing)[0]
        raise UserError(f"{where}: has no header; say which column is the {role} with --{role} N")
    check_rating(columns, positions, where)
    parts = [f"{role}={at + 1}" for role, at in positions.items()]
    return ColumnChoice(positions, f"columns {' '.join(parts)} (as told; no header)")


def _position(role: str, name: str, plain: list[str], header: Sequence[str], where: str) -> int:
    for names in (list(header), plain):
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


def check_rating(columns: Columns, positions: dict[str, int], where: str) -> None:
    """Raises UserError if a least rating is given and there is no column of ratings."""
    if columns.min_rating is not None and "rating" not in positions:
        raise UserError(
            f"{where}: --min-rating {columns.min_rating:g} needs a column of ratings and none was"
            " found; name it with --rating COLUMN"
        )
