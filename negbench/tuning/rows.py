"""The rows of a search: each pairing of data set, backbone and method with its trials."""

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from functools import cached_property
from typing import Any

from negbench.experiment.cell.nothing_to_learn import nothing_to_train
from negbench.experiment.cell.spec import REFERENCE, CellSpec, PlannedCell, reference_config, unfit
from negbench.experiment.options.options import Options
from negbench.experiment.plan import cell_spec
from negbench.plugins.term_syntax import parse
from negbench.scenario.scenario import Scenario
from negbench.storage.search_store import protocol_hash
from negbench.tuning.points import unit_points
from negbench.tuning.protocol import TRIAL_SEED, Protocol
from negbench.tuning.space import Ranges, Space, reference_space, shared_ranges, space_of


@dataclass(frozen=True)
class Trial:
    """One setting of a row."""

    number: int
    word: str
    """The method with this setting, as it is typed."""
    settings: Mapping[str, Any]


@dataclass(frozen=True, eq=False)
class Row:
    """One row of a search: what is tuned, where, over what."""

    options: Options
    scenario: Scenario
    dataset: str
    """As it was typed."""
    backbone: str
    typed: str
    """The method or reference as it was typed."""
    space: Space
    trials: tuple[Trial, ...]
    ranges: Mapping[str, str]
    """The ranges that it shares with the other methods of its backbone."""

    def cell(self, trial: Trial, seed: int = TRIAL_SEED, epochs: int | None = None) -> PlannedCell:
        """The cell of a trial; `epochs` is the cap of a rung of halving."""
        word = trial.word
        if epochs is not None and not self.is_reference:
            word = self.space.word({**self._given(trial), "epochs": epochs})
        return PlannedCell.of(self.spec(word, seed), self.scenario)

    def spec(self, word: str, seed: int) -> CellSpec:
        """The settings of a cell of this row's data set and backbone."""
        return cell_spec(self.options, self.dataset, self.backbone, word, seed)

    def _given(self, trial: Trial) -> Mapping[str, Any]:
        return trial.settings if trial.number else {}

    @property
    def is_reference(self) -> bool:
        """Whether it is a reference, which has no seed and no training settings."""
        return self.backbone == REFERENCE

    @property
    def ranges_hash(self) -> str:
        """Hash of the shared ranges; empty for a reference, which has none."""
        return protocol_hash(self.ranges) if self.ranges else ""

    @cached_property
    def name(self) -> str:
        """How messages name it: data set, backbone, method."""
        return f"{self.scenario.interactions.name} {self.backbone} {self.typed}"


def rows_of(
    options: Options, protocol: Protocol, scenarios: Mapping[Any, Scenario], own: Ranges
) -> Iterator[Row]:
    """Every pairing that can be trained, references first; the order is that of the plan."""
    points = unit_points(protocol.trials - 1, protocol.search, protocol.points_seed)
    for dataset in options.datasets:
        pairs = [(REFERENCE, text) for text in options.references]
        pairs += [(backbone, text) for backbone in options.backbones for text in options.methods]
        for backbone, text in pairs:
            spec = cell_spec(options, dataset, backbone, text, TRIAL_SEED)
            scenario = scenarios[spec.scenario_key]
            if unfit(spec, scenario) or nothing_to_train(spec, scenario):
                continue
            if spec.is_reference:
                space, ranges = reference_space(text, own), {}
            else:
                space = space_of(text, backbone, options.train, own, options.objective)
                ranges = shared_ranges(backbone, own)
            settings = [space.settings_at(point) for point in points] if space.parameters else []
            trials = [Trial(0, text, _defaults(spec, space))]
            trials += [Trial(at, space.word(each), each) for at, each in enumerate(settings, 1)]
            yield Row(options, scenario, dataset, backbone, text, space, tuple(trials), ranges)


def _defaults(spec: CellSpec, space: Space) -> dict[str, Any]:
    """The values that the searched parameters have in the published default."""
    if spec.is_reference:
        config = asdict(reference_config(parse(spec.method)))
        return {each.name: config.get(each.name) for _, each in space.parameters}
    backbone, of_terms = asdict(spec.backbone_config()), list(spec.recipe.configs().values())
    return {
        each.name: (of_terms[space.terms[each.name]] if each.owner == "method" else backbone).get(
            each.name
        )
        for _, each in space.parameters
    }
