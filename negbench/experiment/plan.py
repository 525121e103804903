"""The grid: data sets x backbones x methods x seeds, resolved before anything is trained."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from negbench.errors import UserError
from negbench.experiment.cell.spec import REFERENCE, CellSpec, reference_config, unfit
from negbench.experiment.options.options import Options
from negbench.plugins.term_syntax import parse
from negbench.scenario.scenario import Scenario, prepare
from negbench.storage import cell_store
from negbench.training.fit import TrainConfig


@dataclass(frozen=True)
class Planned:
    """One cell to be: what is asked, what that resolves to, and the name of its folder."""

    spec: CellSpec
    resolved: dict[str, object]
    cell: str

    @property
    def label(self) -> str:
        """What a line of progress calls it."""
        return (
            f"{self.resolved['dataset']} {self.spec.backbone} {self.spec.method}/{self.spec.seed}"
        )


@dataclass(frozen=True)
class Plan:
    """All cells in the order they are run, the scenario of each data set, and what was left out."""

    cells: tuple[Planned, ...]
    scenarios: dict[str, Scenario]
    skipped: tuple[str, ...]
    """One sentence for each kind of pairing that cannot be trained."""
    left_out: int = 0
    """How many cells those would have been."""


def scenario_of(
    spec: CellSpec, data_dir: str | None, say: Callable[[str], None] | None = None
) -> Scenario:
    """The scenario of a cell; kept, so that the cells of a process share it."""
    return prepare(
        spec.dataset,
        columns=spec.columns,
        k_core=spec.k_core,
        rule=spec.split,
        exclude=spec.exclude,
        bands=spec.bands,
        plant=spec.plant,
        noise=spec.noise,
        data_dir=data_dir,
        say=say,
    )


def plan(options: Options, say: Callable[[str], None] | None = None) -> Plan:
    """Every cell that can be trained; a pairing that cannot is told, an error if it is all."""
    specs = list(asked(options))
    for spec in specs:
        _check(spec)
    scenarios = {
        spec.dataset: scenario_of(spec, options.data_dir, say)
        for spec in {each.dataset: each for each in specs}.values()
    }
    _distinct(scenarios)
    cells: dict[str, Planned] = {}
    skipped: list[str] = []
    for spec in specs:
        scenario = scenarios[spec.dataset]
        if why := unfit(spec, scenario):
            skipped.append(why)
            continue
        resolved = spec.resolve(scenario)
        name = cell_store.digest(resolved)
        cells.setdefault(name, Planned(spec, resolved, name))
    if not any(not each.spec.is_reference for each in cells.values()) and skipped:
        raise UserError("; ".join(dict.fromkeys(skipped)))
    return Plan(tuple(cells.values()), scenarios, tuple(dict.fromkeys(skipped)), len(skipped))


def asked(options: Options) -> Iterator[CellSpec]:
    """The grid as it was typed: the references of a data set first, then every pairing and seed."""
    for dataset in options.datasets:
        for name in options.references:
            yield _spec(options, dataset, REFERENCE, name, 0)
        for backbone in options.backbones:
            for method in options.methods:
                for seed in options.seeds:
                    yield _spec(options, dataset, backbone, method, seed)


def _spec(options: Options, dataset: str, backbone: str, method: str, seed: int) -> CellSpec:
    return CellSpec(
        dataset=dataset,
        backbone=backbone,
        method=method,
        seed=seed,
        objective=None if backbone == REFERENCE else options.objective,
        columns=options.columns_of(dataset),
        k_core=options.k_core,
        split=options.split,
        exclude=options.exclude,
        bands=options.bands,
        probe=options.probe,
        log_negatives=options.log_negatives,
        plant=options.plant,
        noise=options.noise,
        encoder=options.encoder,
        metrics=options.metrics,
        train=TrainConfig(**options.train),
    )


def _check(spec: CellSpec) -> None:
    """Parameters are refused before data are loaded."""
    if spec.is_reference:
        reference_config(parse(spec.method))
    else:
        spec.backbone_config()
        _ = spec.recipe


def _distinct(scenarios: dict[str, Scenario]) -> None:
    """Two data sets of one name would fall into the same rows of every table."""
    seen: dict[str, str] = {}
    for asked_as, scenario in scenarios.items():
        name = scenario.interactions.name
        if name in seen:
            raise UserError(
                f"data sets of one run must have different names; {seen[name]} and {asked_as} are "
                f"both called {name!r}; rename a file, or use two runs"
            )
        seen[name] = asked_as
