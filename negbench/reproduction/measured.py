"""What a folder holds of a block: the values of each row's finished cells, found by their settings.

No data are loaded: a cell is a row's where data set, model, settings, budget and the ranking's
protocol are those that the row asks for, whatever the seed. A setting that the version of the cell
did not have, or that this one has no more, is not compared unless it was typed.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import fmean, stdev
from typing import Any

from negbench.experiment.cell.spec import REFERENCE, CellSpec, reference_config
from negbench.plugins.term_syntax import parse, split
from negbench.reproduction.experiments import Way, specs
from negbench.reproduction.targets import Block, Target
from negbench.scenario.ranking_protocol import CHOICES
from negbench.storage import cell_store
from negbench.storage.cell_store import Cell

CONFIGS = ("backbone_config", "method_config", "train")
"""What a record keeps of settings in full."""
TYPED = "typed"
"""The names of the settings that were typed."""


@dataclass(frozen=True)
class Measured:
    """The values of one row, by seed."""

    seeds: tuple[int, ...]
    values: tuple[tuple[float, ...], ...]
    """[seeds][metrics]."""
    epochs: tuple[int, ...] = ()
    """The epoch whose weights were tested, by seed; empty for references."""

    def __len__(self) -> int:
        """The number of seeds."""
        return len(self.seeds)

    def mean(self, metric: int) -> float:
        """Mean of the seeds."""
        return fmean(each[metric] for each in self.values)

    def spread(self, metric: int) -> float | None:
        """Standard deviation over the seeds; None of a single one."""
        if len(self) < 2:
            return None
        return stdev(each[metric] for each in self.values)


def measured(block: Block, rows: Sequence[Target], protocol: str, way: Way) -> dict[str, Measured]:
    """The finished cells of these rows under a protocol, by the row's name; others are left out."""
    cells = [(_of_record(cell.spec), cell) for cell in _done(way.folder(block, protocol))]
    if not cells:
        return {}
    wanted = {row.name: _of_spec(spec) for row, spec in specs(block, rows, protocol, way)}
    by_row = {
        name: [cell for kept, cell in cells if alike(kept, asked)] for name, asked in wanted.items()
    }
    return {name: _values(block, each) for name, each in by_row.items() if each}


def _done(folder: Path) -> list[Cell]:
    return [cell for cell in cell_store.read_cells(folder)[0] if cell.done]


def _values(block: Block, cells: Sequence[Cell]) -> Measured:
    """Their values by seed; of a seed that several versions trained the latest counts."""
    by_seed = {
        int(cell.spec["seed"]): cell
        for cell in sorted(cells, key=lambda cell: str(cell.record.get("finished")))
    }
    cells = [by_seed[seed] for seed in sorted(by_seed)]
    epochs = [cell.record["fit"].get("best_epoch") for cell in cells]
    return Measured(
        tuple(int(cell.spec["seed"]) for cell in cells),
        tuple(tuple(_value(cell, each) for each in block.metrics) for cell in cells),
        tuple(int(each) for each in epochs if each is not None),
    )


def _value(cell: Cell, metric: str) -> float:
    name, _, k = metric.partition("@")
    for line in cell.record["metrics"]:
        of = (line["split"], line["metric"], str(line["k"]), line["band"])
        if of == ("test", name, k, "all"):
            return float(line["value"])
    return float("nan")


def alike(kept: Mapping[str, Any], asked: Mapping[str, Any]) -> bool:
    """Whether a cell that was kept is of the settings that are asked for."""
    if any(kept[name] != asked[name] for name in asked if name not in (*CONFIGS, TYPED)):
        return False
    here, there = ({name: dict(_flat(each[name])) for name in CONFIGS} for each in (kept, asked))
    typed = {*kept[TYPED], *asked[TYPED]}
    for name in CONFIGS:
        for path in here[name].keys() | there[name].keys():
            if path in here[name] and path in there[name]:
                if here[name][path] != there[name][path]:
                    return False
            elif path.rpartition(".")[2] in typed:
                return False
    return True


def _flat(config: Mapping[str, Any], path: str = "") -> Iterator[tuple[str, Any]]:
    """Every setting by its path."""
    for name, value in config.items():
        if isinstance(value, Mapping):
            yield from _flat(value, f"{path}{name}.")
        else:
            yield f"{path}{name}", value


def _names(variant: str) -> list[str]:
    """The names of the parameters that a variant gives."""
    pieces = [piece for part in split(variant, ";") for piece in split(part, ",")]
    return [piece.partition("=")[0] for piece in pieces]


def _of_record(spec: Mapping[str, Any]) -> dict[str, Any]:
    usual = {name: words[0] for name, words in CHOICES.items()}
    return {
        **{name: spec[name] for name in ("backbone", "method", "objective", *CONFIGS)},
        **{name: spec.get(name, word) for name, word in usual.items()},
        TYPED: _names(str(spec.get("variant") or "")),
    }


def _of_spec(spec: CellSpec) -> dict[str, Any]:
    """The same of a cell that is asked for."""
    choices = {name: getattr(spec, name) for name in CHOICES}
    if spec.is_reference:
        term = parse(spec.method)
        config = asdict(reference_config(term))
        own: dict[str, Any] = {"backbone": REFERENCE, "backbone_config": {}, "train": {}}
        own |= {"method": term.name, "method_config": config, "objective": None}
        own[TYPED] = _names(term.variant)
    else:
        own = {
            "backbone": spec.backbone_term.name,
            "backbone_config": asdict(spec.backbone_config()),
            "method": spec.recipe.name,
            "method_config": spec.recipe.configs(),
            "objective": spec.objective,
            "train": asdict(spec.train),
            TYPED: [*_names(spec.variant), *(name for name, _ in spec.backbone_settings)],
        }
    plain: dict[str, Any] = json.loads(json.dumps({**own, **choices}))
    return plain
