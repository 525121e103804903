"""Notes on the splits of one data set: one, or several that a run is repeated over."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from ..number_format import listed
from ..runs.frames import REFERENCE, Run
from ..runs.notes import Note
from ..runs.ranked_cells import RankedCell

PARTS = ("train", "valid", "test")


def by_split(cells: Iterable[RankedCell]) -> dict[int, RankedCell]:
    """The first cell of each split, by the number of the split."""
    first: dict[int, RankedCell] = {}
    for cell in cells:
        first.setdefault(cell.partition, cell)
    return dict(sorted(first.items()))


def of_split(cells: Sequence[RankedCell]) -> Note:
    """The rule, the order, the hash and the sizes of the split, or of each of several."""
    splits = {at: cell.record["split"] for at, cell in by_split(cells).items()}
    parts = next(iter(splits.values()))
    if len(splits) == 1:
        return Note(
            "split",
            f"Split {parts['rule']}, order: {parts['order']}, hash {parts['hash'][:12]}; "
            f"{parts['train']:,} train, {parts['valid']:,} valid, {parts['test']:,} test pairs.",
        )
    each = listed([f"{at}: {x['rule']} (hash {x['hash'][:12]})" for at, x in splits.items()])
    sizes = ", ".join(f"{_range(x[part] for x in splits.values())} {part}" for part in PARTS)
    return Note(
        "split", f"{len(splits)} splits, {each}; order: {parts['order']}; {sizes} pairs each."
    )


def of_records(
    cells: Sequence[RankedCell], texts_of: Callable[[RankedCell], Iterable[str]]
) -> list[str]:
    """The texts of cells, each once; of several splits with the split that a text is about."""
    seen: dict[str, dict[int, None]] = {}
    for cell in cells:
        for text in texts_of(cell):
            seen.setdefault(text, {})[cell.partition] = None
    n_splits = len(by_split(cells))
    return [
        text
        if len(here) == n_splits
        else f"In split {listed([str(at) for at in sorted(here)])}: {text}"
        for text, here in seen.items()
    ]


def of_bands(cells: Sequence[RankedCell], text: Callable[[Mapping[str, Any]], str]) -> Note:
    """The bands; several splits cut them by train counts of their own."""
    splits = by_split(cells)
    first, cell = next(iter(splits.items()))
    end = f" These are the sizes in split {first}; each split has its own."
    return Note("bands", f"{text(cell.record['bands'])}{end if len(splits) > 1 else ''}")


def over_splits(run: Run) -> str:
    """What a caption's seeds are where the run is repeated over splits, else empty."""
    n = len(run.partitions)
    if n < 2:
        return ""
    trained: dict[int, set[int]] = {}
    for cell, _ in run.done:
        if cell.spec["backbone"] != REFERENCE:
            trained.setdefault(cell.partition, set()).add(int(cell.spec["seed"]))
    if len({tuple(sorted(seeds)) for seeds in trained.values()}) > 1:
        return (
            f"Repeated over {n} splits of the data, not each with every seed; all trainings count."
        )
    return f"Repeated over {n} splits of the data: each of them trains each seed, and all count."


def _range(counts: Iterable[int]) -> str:
    known = sorted(counts)
    return f"{known[0]:,}" if known[0] == known[-1] else f"{known[0]:,} to {known[-1]:,}"
