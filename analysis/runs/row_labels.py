"""Row labels: a method as it is typed, with the settings in which rows of one run differ.

`dns@lr=0.01` beside `dns`: such a label can be typed back. What a method's word cannot say (other
probes, another version of texts) stands in brackets behind it: `dns [probe=full]`.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from negbench.plugins.row_terms import SETTINGS, method_term
from negbench.plugins.term_syntax import settings_text
from negbench.storage.cell_store import Cell

# These make cells incomparable, are checked elsewhere, or do not change what was trained.
_NOT_SETTINGS = {"dataset", "backbone", "method", "variant", "method_config", "seed"}
_NOT_SETTINGS |= {"backbone_variant"}  # in full in backbone_config
_NOT_SETTINGS |= {"data", "split", "exclude", "bands", "metrics"}
_TRAIN = "train."


def row_labels(cells: Sequence[Cell]) -> list[str]:
    """The row of each cell."""
    labels = [method_term(cell.spec) for cell in cells]
    settings = [dict(_settings(cell.spec)) for cell in cells]
    alike = defaultdict(list)
    for at, cell in enumerate(cells):
        alike[cell.spec["dataset"], cell.backbone, labels[at]].append(at)
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
    """What stands behind a method: its training settings as typed, and others in brackets."""
    typed = [name for name in SETTINGS if f"{_TRAIN}{name}" in differ]
    given = {name: settings.get(f"{_TRAIN}{name}") for name in typed}
    word = settings_text({name: value for name, value in given.items() if value is not None})
    rest = [n for n in differ if n.rpartition(".")[2] not in typed]
    inside = dict.fromkeys(f"{n.rpartition('.')[2]}={settings.get(n)}" for n in rest)
    return f"{word} [{','.join(inside)}]" if inside else word


def _settings(spec: Mapping[str, Any], start: str = "") -> Iterator[tuple[str, Any]]:
    """Each setting of a spec by its path: `train.lr`."""
    for name, value in spec.items():
        if start or name not in _NOT_SETTINGS:
            if isinstance(value, Mapping):
                yield from _settings(value, f"{start}{name}.")
            else:
                yield f"{start}{name}", value
