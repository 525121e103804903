"""What one cell of the grid is: its words as typed, resolved to full settings, and hashed."""

from dataclasses import asdict, dataclass, fields
from functools import cached_property
from pathlib import Path
from typing import Any

from negbench.composition import Recipe, recipe
from negbench.data.readers.column_roles import Columns
from negbench.evaluation.metric_names import parse_metrics
from negbench.experiment.cell import source_code
from negbench.experiment.cell.backbone_settings import backbone_config
from negbench.experiment.cell.model_inputs import model_inputs
from negbench.plugins import registry
from negbench.plugins.card import recorded
from negbench.plugins.row_terms import backbone_term, method_term
from negbench.plugins.term_syntax import Term, config_of, parse
from negbench.probes import probe_set
from negbench.protocol.encoded_items import CATALOGUE
from negbench.scenario.noise_injection import Noise
from negbench.scenario.ranking_protocol import CHOICES
from negbench.scenario.scenario import Scenario, prepare
from negbench.storage import cell_store
from negbench.texts import encoders, language_models
from negbench.training.config import DEFAULT_OPTIMISER, TrainConfig

WATCHED = ("probe", "log_negatives", "watch_test")
"""What is watched of a training, and changes none; a reference has no training."""
REFERENCE = "reference"
"""The backbone's name in the rows of references, which no sampler touches."""


@dataclass(frozen=True)
class ScenarioKey:
    """Everything in a spec that its scenario depends on: cells with equal keys share a scenario."""

    dataset: str
    columns: Columns
    k_core: int
    split: str
    exclude: str
    bands: str
    plant: float
    noise: Noise
    mask: str
    users: str
    repeats: str

    def prepare(self, data_dir: str | Path | None = None) -> Scenario:
        """Load, split and band the data set; cached, so that the cells of a process share it."""
        given = {each.name: getattr(self, each.name) for each in fields(self)}
        dataset, rule = given.pop("dataset"), given.pop("split")
        return prepare(dataset, rule=rule, data_dir=data_dir, **given)


@dataclass(frozen=True)
class Tuned:
    """What a cell keeps of the search that chose its settings; part of its hash."""

    row: str
    """The row as it was typed, which the winner's settings belong to; tables name it so."""
    protocol: str
    """Hash of the search's protocol: only rows of one protocol are compared."""
    trials: int
    """How many settings were tried for this row, the published default among them."""
    ranges: str = ""
    """Hash of the ranges that all methods of the backbone share; empty for references."""


@dataclass(frozen=True)
class CellSpec:
    """The settings of one cell: every word as the user typed it or as it defaults."""

    dataset: str
    backbone: str
    method: str
    seed: int = 0
    objective: str | None = None
    columns: Columns = Columns()
    k_core: int = 0
    split: str = "auto"
    exclude: str = "train"
    bands: str = "mass"
    probe: str = "sample"
    log_negatives: int = 0
    watch_test: bool = False
    """Log the test metric of each epoch too; nothing reads it for a choice."""
    plant: float = 0.0
    noise: Noise = 0.0
    mask: str = "seen"
    average: str = "users"
    users: str = "all"
    repeats: str = "drop"
    ranking: str = "exact"
    """How pairs are read, ranked and averaged: words of `scenario.ranking_protocol.CHOICES`."""
    encoder: str = encoders.DEFAULT
    """What makes vectors of the items' texts; part of a cell whose method reads them."""
    metrics: tuple[str, ...] = ("recall,ndcg,hit,mrr,map,precision@10,20",)
    settings: str = ""
    """What the method's word carries, `@lr=0.1`: it is in `train` and `backbone_settings`."""
    backbone_settings: tuple[tuple[str, Any], ...] = ()
    """Parameters of the backbone among them; they go over those of its term."""
    train: TrainConfig = TrainConfig()
    processes: int = 1
    """How many processes train it together."""
    tuned: Tuned | None = None
    """Where a search chose the settings: which one."""

    @property
    def is_reference(self) -> bool:
        """Whether this is a reference model, which no negative sampling method trains."""
        return self.backbone == REFERENCE

    @cached_property
    def backbone_term(self) -> Term:
        """The backbone's name and parameters."""
        return parse(self.backbone)

    @cached_property
    def recipe(self) -> Recipe:
        """The method, parsed once; `build` makes fresh parts of it."""
        return recipe(self.method, self.objective)

    @cached_property
    def scenario_key(self) -> ScenarioKey:
        """What the cell's scenario is found by."""
        return ScenarioKey(**{each.name: getattr(self, each.name) for each in fields(ScenarioKey)})

    def backbone_config(self) -> Any:
        """The backbone's settings in full."""
        return backbone_config(self.backbone_term, dict(self.backbone_settings), self.train)

    def check(self) -> None:
        """Check names and parameters without loading data or building the model.

        Raises UserError for an unknown name, or a parameter that is unknown or out of range.
        """
        if self.is_reference:
            reference_config(parse(self.method))
        else:
            self.backbone_config()
            _ = self.recipe  # is checked when it is parsed

    def resolve(self, scenario: Scenario) -> dict[str, Any]:
        """The spec that is hashed: settings in full, the data by name and checksum, not by path.

        Plug-ins that are not negbench's own are in it by the hash of their source.
        """
        term = parse(self.method) if self.is_reference else None
        budget = asdict(self.train)
        if self.train.optimiser == DEFAULT_OPTIMISER:
            del budget["optimiser"]
        resolved: dict[str, Any] = {
            "dataset": scenario.interactions.name,
            "data": {"checksum": scenario.interactions.checksum, "k_core": self.k_core},
            "split": scenario.split.rule,
            "split_hash": scenario.split.hash,
            "exclude": scenario.exclude,
            "bands": scenario.bands.rule,
            "metrics": [f"{name}@{k}" for name, k in parse_metrics(self.metrics)],
            "backbone": REFERENCE if term else self.backbone_term.name,
            "backbone_variant": ""
            if term
            else language_models.recorded_term(self.backbone_term).variant,
            "backbone_config": {}
            if term
            else language_models.with_identity(self._backbone_settings()),
            "method": term.name if term else self.recipe.name,
            "variant": term.variant if term else self.variant,
            "method_config": asdict(reference_config(term)) if term else self._method_settings(),
            "objective": None if term else self.objective,
            "seed": self.seed,
            "train": {} if term else budget,
            **model_inputs(self, scenario),
            **self._non_defaults(),
            **({"tuned": asdict(self.tuned)} if self.tuned else {}),
        }
        return resolved | source_code.of_plugins(self.dataset, resolved)

    @property
    def variant(self) -> str:
        """The method's typed parameters, and a non-default encoder where it reads texts."""
        typed = self.recipe.variant
        if self.encoder == encoders.DEFAULT or "texts" not in self.recipe.needs:
            return typed
        mark = f"encoder={encoders.label(self.encoder)}"
        return f"{typed};{mark}" if typed else mark

    @property
    def backbone_needs(self) -> set[str]:
        """What the backbone, as it is set, needs of the data."""
        card = registry.card("backbones", self.backbone_term.name)
        return {*card.needs, *getattr(self.backbone_config(), "needs", ())}

    def _backbone_settings(self) -> dict[str, Any]:
        return recorded(self.backbone_config(), registry.card("backbones", self.backbone_term.name))

    def _method_settings(self) -> dict[str, Any]:
        return {name: language_models.with_identity(c) for name, c in self.recipe.configs().items()}

    def probe_record(self, scenario: Scenario) -> dict[str, Any]:
        """The probes' entry of a record: settings, and whether rates are exact or lower bounds."""
        return probe_set.probe_record(self.probe, self.log_negatives, self.plant, scenario)

    def _non_defaults(self) -> dict[str, Any]:
        """What differs from the default: probes; changes of train and the ranking's protocol, which
        concern references too."""
        usual = {each.name: each.default for each in fields(self)}
        names = ("plant", "noise", "processes", *CHOICES) + (() if self.is_reference else WATCHED)
        asked = {name: getattr(self, name) for name in names}
        return {name: value for name, value in asked.items() if value != usual[name]}


@dataclass(frozen=True)
class PlannedCell:
    """A cell with its identity: the spec, its resolved settings, and their hash."""

    spec: CellSpec
    resolved: dict[str, Any]
    digest: str
    """Names the cell's folder and its checkpoint."""

    @classmethod
    def of(cls, spec: CellSpec, scenario: Scenario) -> "PlannedCell":
        """Resolve a spec on its scenario."""
        resolved = spec.resolve(scenario)
        return cls(spec, resolved, cell_store.digest(resolved))

    @property
    def label(self) -> str:
        """How progress lines and failures name it."""
        own = self.resolved
        method = f"{method_term(own)}{self.spec.settings}"
        return f"{own['dataset']} {backbone_term(own)} {method}/{own['seed']}"


def reference_config(term: Term) -> Any:
    """The settings of a reference."""
    return config_of(registry.load("references", term.name), dict(term.values), term.name)


def unfit(spec: CellSpec, scenario: Scenario) -> str | None:
    """One sentence why this method, backbone and data cannot go together; None where they can."""
    if scenario.split.fold_in is not None and (why := _cannot_fold_in(spec, scenario)):
        return why
    if spec.is_reference:
        return None
    name = spec.backbone_term.name
    card = registry.card("backbones", name)
    if missing := sorted(spec.backbone_needs - scenario.provides):
        return (
            f"backbone {spec.backbone} needs {' and '.join(missing)}, which "
            f"{scenario.interactions.name} does not provide{_remedy(missing)}"
        )
    offered = scenario.provides | set(card.provides) | {CATALOGUE}
    if scenario.has_item_texts(spec.encoder):
        offered |= {"texts"}
    if missing := sorted(set(spec.recipe.needs) - offered):
        return (
            f"method {spec.method} needs {' and '.join(missing)}, which backbone {name} on "
            f"{scenario.interactions.name} does not provide{_remedy(missing)}"
        )
    return None


def _remedy(missing: list[str]) -> str:
    """What a user can give of the missing, as the end of a sentence; empty for nothing."""
    if "texts" in missing:
        return "; --encoder FILE.npy gives vectors of yours"
    flags = [f"--{word.replace('_', '-')} FILE" for word in missing if word.endswith("_features")]
    return f"; {' and '.join(flags)} gives those of a file of yours" if flags else ""


def _cannot_fold_in(spec: CellSpec, scenario: Scenario) -> str | None:
    """Why this model cannot rank users who were not trained on; None where it reads histories."""
    family = "references" if spec.is_reference else "backbones"
    name = parse(spec.method).name if spec.is_reference else spec.backbone_term.name
    able = [each for each in registry.names(family) if _folds_in(family, each)]
    if name in able:
        return None
    return (
        f"{family.removesuffix('s')} {name} knows only the users it is trained on, and split "
        f"{scenario.split.rule} of {scenario.interactions.name} ranks others by their history; "
        f"use one that reads histories ({', '.join(able)}), or another --split"
    )


def _folds_in(family: str, name: str) -> bool:
    return bool({"sequence", "fold_in"} & set(registry.card(family, name).provides))
