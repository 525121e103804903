"""How a part is ranked and averaged where papers differ: who, how, what is masked, mean over what.

Most studies rank for every user with test items, mask all that he has met, and average over users.
Others leave seen items in the list, leave out users without history, or average over test events.
Numbers of two such protocols are not comparable, so each choice is named wherever it is not the
usual one. A catalogue too large for the scores of all its items is ranked by an approximate index,
whose lists miss some items of the exact ones, so its numbers are apart too.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from importlib.util import find_spec
from shlex import quote
from typing import Any

import numpy as np
from numpy.typing import NDArray

from negbench.data.interactions import Csr, Split
from negbench.data.repeats import WORDS
from negbench.errors import UserError

CHOICES = {
    "mask": ("seen", "train", "none"),
    "average": ("users", "events"),
    "users": ("all", "with-history"),
    "repeats": WORDS,
    "ranking": ("exact", "hnsw"),
}
"""The options and their words; the first is the usual one."""
MASKS = {
    "train": "RANKING: only train items are masked: items of the valid part stay in the list.",
    "none": "RANKING: no item is masked: items that the user has met stay in the list.",
}
EVENTS = (
    "RANKING: metrics are means over test events, each with one relevant item, not over users; "
    "tests resample users with their events."
)


def choices_of(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Each choice by the settings of a run, a cell or a search; what they do not name is usual."""
    return {name: settings.get(name, usual) for name, (usual, *_) in CHOICES.items()}


def in_words(settings: Mapping[str, Any]) -> str:
    """The choices as they are typed: `--mask none, --average users, ...`."""
    return ", ".join(f"--{name} {word}" for name, word in choices_of(settings).items())


def require_index(ranking: str, references: Sequence[str]) -> None:
    """Raises UserError if an index is asked for beside references, or without its library.

    The library is looked up here, not loaded: a run by exact ranks never imports it.
    """
    if ranking == "exact":
        return
    if references:
        raise UserError(
            f"--ranking {ranking} finds items by their vectors, and references score without any; "
            f"got --references {quote(','.join(references))}; leave it out, or use --ranking exact"
        )
    if find_spec("faiss") is None:
        raise UserError(
            f"--ranking {ranking} needs faiss, which is not installed; "
            "run pip install 'negbench[ann]'"
        )


def require_repeats_counted(repeats: str, average: str, plant: float) -> None:
    """Raises UserError if kept repeats meet an option that takes a pair once.

    A user's recall or NDCG is of a set of items; a hidden pair may not be in train a second time.
    """
    if repeats != "keep":
        return
    if average != "events":
        raise UserError(
            "--repeats keep counts a test item each time that it comes, which only means over "
            "events do; add --average events"
        )
    if plant:
        raise UserError(
            "--plant hides train pairs, and with --repeats keep a hidden pair may be in train once "
            "more; use --repeats drop"
        )


def of_users_with_history(parts: Split) -> Split:
    """The split without held-out pairs of users who have nothing before them.

    That is no train pair for the valid part, and neither a train nor a valid pair for the test
    part. A note says how many users and pairs went. Raises UserError if no test user has any.
    """
    before = {"valid": _known(parts.train), "test": _known(parts.train) | _known(parts.valid)}
    if parts.fold_in is not None:
        before = {part: known | _known(parts.fold_in) for part, known in before.items()}
    kept = {part: _only(getattr(parts, part), known) for part, known in before.items()}
    users, pairs = (
        int((parts.test.lengths > 0).sum() - (kept["test"].lengths > 0).sum()),
        len(parts.test) - len(kept["test"]),
    )
    if not len(kept["test"]):
        raise UserError(
            f"--users with-history ranks test users who are in train or valid; split {parts.rule} "
            "has none; use another --split, or leave it out"
        )
    note = (
        f"RANKING: {users:,} of {int((parts.test.lengths > 0).sum()):,} test users have no history "
        f"and are not ranked ({pairs:,} of {len(parts.test):,} test pairs)."
    )
    return replace(parts, valid=kept["valid"], test=kept["test"], notes=(*parts.notes, note))


def _known(pairs: Csr) -> NDArray[np.bool_]:
    known: NDArray[np.bool_] = pairs.lengths > 0
    return known


def _only(pairs: Csr, users: NDArray[np.bool_]) -> Csr:
    keep = users[pairs.rows]
    shape = {"n_rows": pairs.n_rows, "n_columns": pairs.n_columns}
    return Csr.of(pairs.rows[keep], pairs.indices[keep], **shape)
