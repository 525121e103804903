"""The cells of a block's rows: ordinary experiments, under the published protocol or under ours.

`theirs` has the options of the publication as far as the suite has them; `ours` are the suite's
defaults: the lists leave out all that was seen, training ends by validation after each epoch. The
settings of a row, its loss, learning rate and backbone, are the published ones under both.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

from negbench.experiment.cell.spec import REFERENCE, CellSpec
from negbench.experiment.options.options import Options, build
from negbench.experiment.plan import asked
from negbench.plugins.term_syntax import settings_text
from negbench.reproduction.targets import Block, Target, why_not

THEIRS, OURS = "theirs", "ours"
PROTOCOLS = (THEIRS, OURS)


@dataclass(frozen=True)
class Way:
    """How a reproduction is carried out: what the command line gives."""

    out: Path
    seeds: tuple[int, ...] = (0, 1, 2)
    data_dir: str | None = None
    jobs: str = "1"
    threads: str = "1"
    device: str = "auto"

    def folder(self, block: Block, protocol: str) -> Path:
        """The run folder of a block under a protocol."""
        return self.out / block.name / protocol


def runnable(block: Block, rows: Sequence[Target]) -> tuple[Target, ...]:
    """The rows that can be run here."""
    return tuple(row for row in rows if not why_not(block, row))


def experiments(
    block: Block, rows: Sequence[Target], protocol: str, way: Way
) -> list[tuple[Options, tuple[Target, ...]]]:
    """Options of a block's rows, one for each backbone, and the rows in the order of their cells.

    References need no backbone: they are part of the first.
    """
    chosen = runnable(block, rows)
    references = [row for row in chosen if row.reference]
    groups: dict[str, list[Target]] = {}
    for row in chosen:
        if not row.reference:
            groups.setdefault(row.backbone, []).append(row)
    if references and not groups:
        groups[REFERENCE] = []
    listed = []
    for backbone, group in groups.items():
        options = _options(block, backbone, group, references, protocol, way)
        listed.append((options, (*references, *group)))
        references = []
    return listed


def _options(
    block: Block,
    backbone: str,
    rows: Sequence[Target],
    references: Sequence[Target],
    protocol: str,
    way: Way,
) -> Options:
    rules: Mapping[str, Any] = block.theirs if protocol == THEIRS else {}
    return build(
        {
            "datasets": [block.dataset],
            "probe": "off",
            **block.options,
            **{_key(name): value for name, value in rules.items()},
            "methods": [row.method + _settings(row, protocol) for row in rows],
            "references": [row.reference for row in references],
            **({"backbones": [backbone]} if rows else {}),
            "seeds": list(way.seeds),
            "out": str(way.folder(block, protocol)),
            "jobs": way.jobs,
            "threads": way.threads,
            "device": way.device,
            **({"data_dir": way.data_dir} if way.data_dir else {}),
        }
    )


def _key(name: str) -> str:
    from negbench.experiment.options.options import TRAIN

    return f"train.{name}" if name in TRAIN else name


def _settings(row: Target, protocol: str) -> str:
    return settings_text({**row.settings, **(row.theirs if protocol == THEIRS else {})})


def specs(
    block: Block, rows: Sequence[Target], protocol: str, way: Way
) -> Iterator[tuple[Target, CellSpec]]:
    """Every cell of these rows; no data are loaded for it.

    Raises UserError for a term or a setting that this version does not take.
    """
    for options, group in experiments(block, rows, protocol, way):
        for row, cells in zip(group, _by_row(asked(options), group, way), strict=True):
            yield from ((row, spec) for spec in cells)


def _by_row(
    cells: Iterator[CellSpec], rows: Sequence[Target], way: Way
) -> Iterator[list[CellSpec]]:
    """The cells of each row in turn: one of a reference, one a seed of a method."""
    for row in rows:
        yield list(islice(cells, 1 if row.reference else len(way.seeds)))
