"""Sweeps of a run: rows of one method that differ in one setting alone, and their accuracy.

A curve holds the rows of a data set, a backbone and a method whose settings in full are all equal
but one. Rows that were tuned are in none: a search chose their settings. A row without the setting
in its words has the default, and is a point of the curve like any other.
"""

import json
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import pandas as pd

from negbench.errors import UserError
from negbench.plugins.row_terms import SETTINGS, method_term
from negbench.plugins.term_syntax import parse, settings_text, split

from ..runs.frames import REFERENCE, ROW, MetricLike, Run
from ..runs.tuned_rows import tuned_of
from .accuracy import accuracy

METHOD, TRAINING, OTHER = "method", "training", "other"
COLUMNS = [*ROW, "setting", "curve", "value", "mean", "std", "seeds", "metric"]


@dataclass(frozen=True, order=True)
class Setting:
    """A setting by its owner (`method`, `training` with the backbone's, `other`) and its name."""

    owner: str
    name: str
    method: str = ""
    """The method whose parameter it is; of a composition, or beside another of this name."""

    @property
    def label(self) -> str:
        """How panels are called: `candidates`, `lr`, `l2 of ease`."""
        return f"{self.name} of {self.method}" if self.method else self.name


@dataclass(frozen=True)
class _Row:
    """A row with its settings in full."""

    key: tuple[str, ...]
    """Its values of ROW."""
    term: str
    settings: Mapping[Setting, Any]

    def without(self, setting: Setting) -> tuple[tuple[Setting, str], ...]:
        """All other settings, to find the rows that differ in this one alone."""
        rest = ((each, as_text(v)) for each, v in self.settings.items() if each != setting)
        return tuple(sorted(rest))


def sweeps(run: Run, metric: MetricLike = None) -> pd.DataFrame:
    """One line a point: `curve` at `value` of `setting`, mean and std over seeds of the metric.

    Sorted by data set, backbone, setting, curve and value; a row may be a point of several curves.
    Empty if no two rows differ in one setting alone.
    """
    means = accuracy(run, metric).dropna(subset=["mean"]).set_index(ROW)
    alike: dict[tuple[str, ...], list[_Row]] = defaultdict(list)
    for row in _rows(run):
        if row.key in means.index:
            alike[row.key[:3]].append(row)
    points = [point for rows in alike.values() for point in _points(rows)]
    points.sort(key=lambda point: (point.row.key[:2], point.setting))
    lines = []
    for point in points:
        names = {"setting": point.setting.label, "curve": point.curve, "value": point.value}
        known = means.loc[[point.row.key]].iloc[0][COLUMNS[-4:]]
        lines.append({**dict(zip(ROW, point.row.key, strict=True)), **names, **known})
    values = pd.Series([point.value for point in points], dtype=object)  # 2 stays 2, beside 0.5
    return pd.DataFrame(lines, columns=COLUMNS).assign(value=values)


@dataclass(frozen=True)
class _Point:
    """One row as a point of one curve."""

    row: _Row
    setting: Setting
    curve: str

    @property
    def value(self) -> Any:
        """The row's value of the swept setting."""
        return self.row.settings[self.setting]


def _points(rows: Sequence[_Row]) -> Iterator[_Point]:
    """The points of the curves of one method, along each curve."""
    for setting in sorted({each for row in rows for each in row.settings}):
        groups: dict[Any, dict[str, _Row]] = defaultdict(dict)
        for row in rows:
            if setting in row.settings:
                groups[row.without(setting)].setdefault(as_text(row.settings[setting]), row)
        curves = [list(group.values()) for group in groups.values() if len(group) > 1]
        differ = _differing([curve[0] for curve in curves], setting)
        curves.sort(key=lambda points: [order(points[0].settings.get(each)) for each in differ])
        for curve in curves:
            label = min((_label(row, setting, differ) for row in curve), key=len)
            for row in sorted(curve, key=lambda row: order(row.settings[setting])):
                yield _Point(row, setting, label)


def order(value: Any) -> tuple[bool, float, str]:
    """The place of a value on its axis: numbers first, in their order, then words."""
    return (not is_number(value), float(value) if is_number(value) else 0.0, as_text(value))


def is_number(value: Any) -> bool:
    """Whether a value of a setting is a number."""
    return isinstance(value, int | float) and not isinstance(value, bool)


def _differing(rows: Sequence[_Row], setting: Setting) -> list[Setting]:
    """The settings that are not the same in all curves, but for the swept one."""
    known = sorted({each for row in rows for each in row.settings} - {setting})
    return [s for s in known if len({as_text(row.settings.get(s)) for row in rows}) > 1]


def _label(row: _Row, swept: Setting, differ: Sequence[Setting]) -> str:
    """The row as it is typed without the swept setting, with what tells the curves apart."""
    try:
        terms = [parse(term) for term in split(row.term, "+")]
    except UserError:  # a record of another version
        return row.term
    if swept.owner in (METHOD, REFERENCE) or swept.name == "objective":
        kept = [
            tuple(pair for pair in each.values if pair[0] != swept.name)
            if swept.method in ("", each.name)
            else each.values
            for each in terms
        ]
        terms = [replace(each, values=own) for each, own in zip(terms, kept, strict=True)]
    behind = {s.name: row.settings.get(s) for s in differ if s.owner == TRAINING}
    word = settings_text({name: value for name, value in behind.items() if value is not None})
    others = [f"{s.name}={row.settings.get(s)}" for s in differ if s.owner == OTHER]
    others = [text for text in others if not text.startswith("objective=")]  # is in the term
    return "+".join(map(str, terms)) + word + (f" [{','.join(others)}]" if others else "")


def _rows(run: Run) -> Iterator[_Row]:
    """Each row that was not tuned, with the settings of its first cell."""
    seen: dict[tuple[str, ...], None] = {}
    for cell, label in run.done:
        spec = cell.spec
        kind = REFERENCE if spec["backbone"] == REFERENCE else "method"
        key = (spec["dataset"], cell.backbone, spec["method"], spec["variant"], label, kind)
        if key not in seen and tuned_of(spec) is None:
            seen[key] = None
            yield _Row(key, method_term(spec), dict(_settings(spec)))


def _settings(spec: Mapping[str, Any]) -> Iterator[tuple[Setting, Any]]:
    """The settings of a cell that change what is trained, in full."""
    methods = spec.get("method_config") or {}
    if spec["backbone"] == REFERENCE:
        yield from ((Setting(REFERENCE, n, str(spec["method"])), v) for n, v in methods.items())
        return
    backbone, train = spec.get("backbone_config") or {}, spec.get("train") or {}
    # A backbone's own settings are those it was trained with: options went into them.
    of_training = {**{n: v for n, v in train.items() if n not in backbone}, **backbone}
    names = [n for config in methods.values() if isinstance(config, Mapping) for n in config]
    for method, config in methods.items():
        for name, value in (config if isinstance(config, Mapping) else {}).items():
            shared = name in of_training or name in SETTINGS or names.count(name) > 1
            yield Setting(METHOD, name, method if shared else ""), value
    yield from ((Setting(TRAINING, name), value) for name, value in of_training.items())
    yield Setting(OTHER, "objective"), spec.get("objective") or "its own"
    yield from ((Setting(OTHER, name), spec.get(name)) for name in ("noise", "plant", "texts"))


def as_text(value: Any) -> str:
    """A value as text, the same for equal values: 0.1, true, [8, 4]."""
    if is_number(value):
        return repr(float(value))
    return json.dumps(value, sort_keys=True, default=str)
