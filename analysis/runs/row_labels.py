"""Row labels: a method as it is typed, with the settings in which rows of one run differ.

`dns@lr=0.01` beside `dns`, `dns@layers=2` beside `dns@layers=3`: such a label can be typed back.
What a method's word cannot say (other probes, another version of texts) stands in brackets behind
it: `dns [probe=full]`.

A tuned row is labelled as it was typed, without the settings that its search chose: it is typed
back with `--tuned`. Rows of one word that two winners trained have in brackets what differs.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from negbench.plugins.row_terms import SETTINGS
from negbench.plugins.term_syntax import settings_text
from negbench.scenario.ranking_protocol import CHOICES
from negbench.storage.cell_code import CODE
from negbench.storage.cell_store import Cell

from .tuned_rows import row_word, tuned_of

# These make cells incomparable, are checked elsewhere, or do not change what was trained.
_NOT_SETTINGS = {"dataset", "backbone", "method", "variant", "method_config", "seed"}
_NOT_SETTINGS |= {"backbone_variant", "tuned"}  # in full in backbone_config; in the label
_NOT_SETTINGS |= {"data", "split", "split_hash", "exclude", "bands", "metrics", "watch_test", CODE}
_NOT_SETTINGS |= set(CHOICES)
_TRAIN, _BACKBONE = "train.", "backbone_config."


def row_labels(cells: Sequence[Cell]) -> list[str]:
    """The row of each cell."""
    labels = [row_word(cell.spec) for cell in cells]
    settings = [dict(_settings(cell.spec)) for cell in cells]
    alike = defaultdict(list)
    for at, cell in enumerate(cells):
        # Each split has a search of its own, with a winner of its own.
        split = getattr(cell, "partition", 0) if tuned_of(cell.spec) else 0
        alike[cell.spec["dataset"], cell.backbone, labels[at], split].append(at)
    for places in alike.values():
        differ = _differing([settings[at] for at in places])
        for at in places if differ else ():
            labels[at] += _in_words(settings[at], differ)
    return labels


def _differing(settings: Sequence[Mapping[str, Any]]) -> list[str]:
    """The names of the settings that are not the same in all."""
    names = sorted({name for each in settings for name in each})
    return [n for n in names if len({repr(each.get(n)) for each in settings}) > 1]


def _in_words(settings: Mapping[str, Any], differ: Sequence[str]) -> str:
    """What stands behind a method: settings of training and backbone as typed, others in brackets.

    A training setting that is not given is left out; a backbone's always has a value.
    """
    typed = [name for name in SETTINGS if f"{_TRAIN}{name}" in differ]
    given = {name: settings.get(f"{_TRAIN}{name}") for name in typed}
    given = {name: value for name, value in given.items() if value is not None}
    own = {n: n.removeprefix(_BACKBONE) for n in differ if n.startswith(_BACKBONE)}
    own = {n: name for n, name in own.items() if name.isidentifier() and name not in SETTINGS}
    given |= {name: settings[n] for n, name in own.items() if n in settings}
    word = settings_text(given)
    rest = [n for n in differ if n not in own and n.rpartition(".")[2] not in typed]
    inside = dict.fromkeys(f"{n.rpartition('.')[2]}={settings.get(n)}" for n in rest)
    return f"{word} [{','.join(inside)}]" if inside else word


def _settings(spec: Mapping[str, Any], start: str = "") -> Iterator[tuple[str, Any]]:
    """Each setting of a spec by its path: `train.lr`."""
    chosen = {"method_config"} if tuned_of(spec) else set()  # not in the word of the row
    for name, value in spec.items():
        if start or name in chosen or name not in _NOT_SETTINGS:
            if isinstance(value, Mapping):
                yield from _settings(value, f"{start}{name}.")
            else:
                yield f"{start}{name}", value
