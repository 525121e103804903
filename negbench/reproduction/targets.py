"""Published numbers and what they need to be run again: blocks of rows of `published/*.toml`.

A block is one table of one publication: its data set, backbone, protocol and source. A row is one
line of it: a method with its settings, or a reference, and the printed values. A row that cannot be
run here has a sentence why not; so has one whose data set, method or backbone is not registered.

Keys of a block: name, title, dataset, backbone, source, selected, tolerance, metrics, notes;
`theirs` (options and training settings of the published protocol), `options` (those of both
protocols), `settings` (of every row) and `rows`. Of a row: name, label, values (one a metric of the
block), `method` or `reference`; `settings`, `theirs` (settings under the published protocol alone),
backbone, source, selected, note, why, exact.
"""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files
from typing import Any

from negbench.errors import UserError, did_you_mean
from negbench.plugins import registry
from negbench.plugins.term_syntax import parse, split

CHOSEN = {
    "V": "epoch and settings by validation",
    "Vt": "epoch by validation, settings on test",
    "T": "epoch on test",
    "?": "not stated",
}
"""How a published number was selected, by the mark that tables print."""
UPPER = ("Vt", "T")
"""Selected on test: an upper kind of number, which an honest run need not reach."""


@dataclass(frozen=True)
class Target:
    """One published row."""

    name: str
    label: str
    values: tuple[float, ...]
    """As printed, one for each metric of the block."""
    backbone: str
    source: str
    selected: str
    """A mark of `CHOSEN`."""
    method: str = ""
    reference: str = ""
    settings: Mapping[str, Any] = field(default_factory=dict)
    """Of the training and the backbone, under either protocol."""
    theirs: Mapping[str, Any] = field(default_factory=dict)
    """Those under the published protocol alone."""
    note: str = ""
    why: str = ""
    """Why it cannot be run here; empty where it can."""
    exact: bool = False
    """Whether it must agree to the printed digits: what has no random part."""


@dataclass(frozen=True)
class Block:
    """One published table."""

    name: str
    title: str
    dataset: str
    tolerance: float
    """Relative difference of the first metric within which a row counts as reproduced."""
    metrics: tuple[str, ...]
    rows: tuple[Target, ...]
    theirs: Mapping[str, Any] = field(default_factory=dict)
    """Options and training settings of the published protocol."""
    options: Mapping[str, Any] = field(default_factory=dict)
    """Options under either protocol."""
    notes: tuple[str, ...] = ()
    """What differs from the publication, and what was assumed."""

    def row(self, name: str) -> Target:
        """The row of a name. Raises UserError, with the nearest name, for an unknown one."""
        names = [each.name for each in self.rows]
        if name not in names:
            near = did_you_mean(name, names)
            raise UserError(f"rows of {self.name} must be known; got {name!r}; {near}")
        return self.rows[names.index(name)]


@cache
def blocks() -> dict[str, Block]:
    """Every block by its name, in the order of the files.

    Raises ValueError for a file that is not in this layout: it is the suite's own.
    """
    texts = sorted(
        (each.name, each.read_text("utf-8"))
        for each in (files(__package__) / "published").iterdir()
        if each.name.endswith(".toml")
    )
    every = [block_of(raw) for _, text in texts for raw in tomllib.loads(text)["block"]]
    if len({each.name for each in every}) < len(every):
        raise ValueError("two blocks of targets have one name")
    return {each.name: each for each in every}


def block_of(raw: Mapping[str, Any]) -> Block:
    """A block of its TOML. Raises ValueError for a key that is not in the layout."""
    every = dict(raw)
    shared = {key: every.pop(key) for key in ("backbone", "source", "selected")}
    settings, listed = every.pop("settings"), every.pop("rows")
    every |= {key: tuple(every.get(key, ())) for key in ("metrics", "notes")}
    try:
        rows = tuple(_row(each, shared, settings) for each in listed)
        block = Block(rows=rows, **every)
    except TypeError as error:
        raise ValueError(f"{raw.get('name')}: {error}") from None
    for each in block.rows:
        _check(block, each)
    return block


def _row(raw: Mapping[str, Any], shared: Mapping[str, Any], settings: Mapping[str, Any]) -> Target:
    given = {**shared, "label": raw["name"], **raw, "values": tuple(raw["values"])}
    if "method" in raw:
        given["settings"] = {**settings, **raw.get("settings", {})}
    return Target(**given)


def _check(block: Block, row: Target) -> None:
    at = f"{block.name}:{row.name}"
    if len(row.values) != len(block.metrics):
        raise ValueError(f"{at}: {len(row.values)} values for {len(block.metrics)} metrics")
    if row.selected not in CHOSEN:
        raise ValueError(f"{at}: selected must be of {', '.join(CHOSEN)}; got {row.selected!r}")
    if bool(row.method) + bool(row.reference) + bool(row.why) == 0:
        raise ValueError(f"{at}: neither a method, a reference nor a reason why it is not run")
    if row.method and row.reference:
        raise ValueError(f"{at}: both a method and a reference")


def why_not(block: Block, row: Target) -> str:
    """One sentence why a row cannot be run here; empty where it can."""
    if row.why:
        return row.why
    wanted = [("datasets", block.dataset)]
    if row.reference:
        wanted.append(("references", row.reference))
    else:
        wanted += [("backbones", row.backbone), *(("methods", m) for m in split(row.method, "+"))]
    known = {family: registry.names(family) for family, _ in wanted}
    absent = [
        f"{family.removesuffix('s').replace('dataset', 'data set')} {name}"
        for family, text in wanted
        if (name := parse(text).name) not in known[family]
    ]
    return f"{' and '.join(absent)} is not registered" if absent else ""


def choose(words: tuple[str, ...]) -> list[tuple[Block, tuple[Target, ...]]]:
    """Blocks and rows of words: `health-mf`, `health-mf:bsl,sl`, or `all`.

    Raises UserError for an unknown block or row.
    """
    known = blocks()
    if "all" in words:
        return [(each, each.rows) for each in known.values()]
    chosen: dict[str, list[Target]] = {}
    for word in words:
        name, mark, listed = word.partition(":")
        if name not in known:
            near = did_you_mean(name, [*known, "all"])
            raise UserError(f"blocks must be known; got {name!r}; {near}")
        block = known[name]
        names = [each.strip() for each in listed.split(",") if each.strip()]
        if mark and not names:
            raise UserError(f"rows must follow the colon, as in {name}:{block.rows[0].name}")
        rows = [block.row(each) for each in names] if mark else list(block.rows)
        before = chosen.setdefault(name, [])
        before += [row for row in rows if row not in before]
    return [(known[name], tuple(rows)) for name, rows in chosen.items()]
