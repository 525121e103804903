"""The grid: data sets x backbones x methods x seeds, resolved before anything is trained."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from shlex import quote

from negbench.composition import NothingToCompare
from negbench.errors import UserError
from negbench.experiment.cell.backbone_settings import check_names
from negbench.experiment.cell.nothing_to_learn import nothing_to_train
from negbench.experiment.cell.spec import REFERENCE, CellSpec, PlannedCell, ScenarioKey, unfit
from negbench.experiment.options.method_words import MethodWord, method_word
from negbench.experiment.options.options import Options
from negbench.experiment.phase_fit import require_a_phase
from negbench.experiment.tuned_rows import TunedRows
from negbench.plugins.term_syntax import parse, settings_text
from negbench.probes.probe_words import probe_words
from negbench.scenario.scenario import Scenario
from negbench.training.config import TrainConfig
from negbench.training.data_parallel import current


@dataclass(frozen=True)
class Plan:
    """All cells in the order they are run, their scenarios, and what was left out."""

    cells: tuple[PlannedCell, ...]
    scenarios: dict[ScenarioKey, Scenario]
    skipped: tuple[str, ...]
    """One sentence for each kind of pairing that cannot be trained."""
    left_out: int = 0
    """How many cells those would have been."""
    notes: tuple[str, ...] = ()
    """One sentence for each method that the budget ends before its own phase begins."""


def plan(options: Options) -> Plan:
    """Every cell that can be trained; pairings that cannot are skipped and named.

    With `--tuned` each cell has the settings of its row's winner, and the budget of its search.

    Raises UserError for a wrong name or parameter, if no pairing can be trained, if the budget
    reaches no method's own phase, and for a row that was not tuned, or not here.
    """
    tuned = TunedRows.read(options.tuned) if options.tuned else None
    specs, skipped = _checked(asked(options))
    keys = dict.fromkeys(spec.scenario_key for spec in specs)
    scenarios = {key: key.prepare(options.data_dir) for key in keys}
    _require_distinct_names(scenarios.items())
    cells: dict[str, PlannedCell] = {}
    pairs: list[tuple[CellSpec, Scenario]] = []
    for spec in specs:
        scenario = scenarios[spec.scenario_key]
        if why := unfit(spec, scenario) or nothing_to_train(spec, scenario):
            skipped.append(why)
        else:
            pairs.append((spec, scenario))
    for spec, scenario in _with_winners(options, pairs, tuned) if tuned and pairs else pairs:
        planned = PlannedCell.of(spec, scenario)
        cells.setdefault(planned.digest, planned)
    if not any(not each.spec.is_reference for each in cells.values()) and skipped:
        raise UserError("; ".join(dict.fromkeys(skipped)))
    late = require_a_phase([each.spec for each in cells.values()])
    reasons = tuple(dict.fromkeys(skipped))
    return Plan(tuple(cells.values()), scenarios, reasons, len(skipped), late)


def _checked(asked: Iterable[CellSpec]) -> tuple[list[CellSpec], list[str]]:
    """The cells that can be built, checked before data are loaded, and why others are left out.

    A row whose loss takes no negatives has no other one: with `--objective` it is left out.
    """
    specs: list[CellSpec] = []
    skipped: list[str] = []
    for spec in asked:
        try:
            spec.check()
        except NothingToCompare as error:
            skipped.append(str(error))
        else:
            specs.append(spec)
    return specs, skipped


def asked(options: Options) -> Iterator[CellSpec]:
    """The grid as it was typed: the references of a data set first, then every pairing and seed."""
    for dataset in options.datasets:
        for name in options.references:
            yield cell_spec(options, dataset, REFERENCE, name, 0)
        for backbone in options.backbones:
            for method in options.methods:
                for seed in options.seeds:
                    yield cell_spec(options, dataset, backbone, method, seed)


def cell_spec(options: Options, dataset: str, backbone: str, method: str, seed: int) -> CellSpec:
    """One cell of the grid: a method's word, or a reference's, with the options of the run.

    Raises UserError for a setting behind the word's `@` that this backbone does not take.
    """
    word = MethodWord(method, None, options.encoder)
    if backbone != REFERENCE:
        word = method_word(method, options.objective, options.encoder)
        check_names(parse(backbone), word.settings)
    return CellSpec(
        dataset=dataset,
        backbone=backbone,
        method=word.method,
        seed=seed,
        objective=word.objective,
        columns=options.columns_of(dataset),
        k_core=options.k_core,
        split=options.split,
        exclude=options.exclude,
        bands=options.bands,
        probe=str(probe_words(options.probe)),
        log_negatives=options.log_negatives,
        watch_test=options.watch_test,
        plant=options.plant,
        noise=options.noise,
        mask=options.mask,
        average=options.average,
        users=options.users,
        repeats=options.repeats,
        ranking=options.ranking,
        encoder=word.encoder,
        metrics=options.metrics,
        settings=settings_text(word.settings),
        backbone_settings=tuple(word.backbone.items()),
        train=TrainConfig(**{**options.train, **word.train}),
        processes=1 if backbone == REFERENCE else current().n,
    )


def _with_winners(
    options: Options, pairs: Sequence[tuple[CellSpec, Scenario]], tuned: TunedRows
) -> Iterator[tuple[CellSpec, Scenario]]:
    """These cells with the settings and the budget that won the search of each row."""
    winners = tuned.winners(pairs, options.train)
    for (spec, scenario), winner in zip(pairs, winners, strict=True):
        own = replace(options, train=winner.budget, objective=spec.objective, encoder=spec.encoder)
        best = cell_spec(own, spec.dataset, spec.backbone, winner.word, spec.seed)
        yield replace(best, tuned=winner.tuned), scenario


def _require_distinct_names(scenarios: Iterable[tuple[ScenarioKey, Scenario]]) -> None:
    """Two data sets of one name would fall into the same rows of every table."""
    seen: dict[str, str] = {}
    for key, scenario in scenarios:
        name = scenario.interactions.name
        if name in seen:
            raise UserError(
                "data sets of one run must have different names; "
                f"{quote(seen[name])} and {quote(key.dataset)} "
                f"are both called {name!r}; rename a file, or use two runs"
            )
        seen[name] = key.dataset
