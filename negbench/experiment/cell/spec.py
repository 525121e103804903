"""What one cell of the grid is: asked in words, resolved and hashed, before anything is trained."""

from dataclasses import asdict, dataclass, fields, replace
from typing import Any

from negbench.composition import Recipe, recipe
from negbench.data.readers.column_roles import Columns
from negbench.evaluation.metric_names import parse_metrics
from negbench.plugins import registry
from negbench.plugins.term_syntax import Term, config_of, parse
from negbench.probes import probe_set
from negbench.scenario.noise_injection import Noise
from negbench.scenario.scenario import Scenario
from negbench.texts import encoders, language_models
from negbench.training.fit import TrainConfig

REFERENCE = "reference"
"""The backbone's name in the rows of references, which no sampler touches."""


@dataclass(frozen=True)
class CellSpec:
    """What one cell is: every word as the user typed it or as it defaults."""

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
    plant: float = 0.0
    noise: Noise = 0.0
    encoder: str = encoders.DEFAULT
    """What makes vectors of the items' texts; part of a cell whose method reads them."""
    metrics: tuple[str, ...] = ("recall,ndcg,hit,mrr,map,precision@10,20",)
    train: TrainConfig = TrainConfig()

    @property
    def is_reference(self) -> bool:
        """Whether this is a guard row that no method trains."""
        return self.backbone == REFERENCE

    @property
    def backbone_term(self) -> Term:
        """The backbone's name and parameters."""
        return parse(self.backbone)

    @property
    def recipe(self) -> Recipe:
        """The method, ready to build."""
        return recipe(self.method, self.objective)

    def backbone_config(self) -> Any:
        """The backbone's settings: its defaults, what was typed, and the budget's overrides."""
        term = self.backbone_term
        config = config_of(registry.load("backbones", term.name), dict(term.values), term.name)
        known = {field.name for field in fields(config)} - {name for name, _ in term.values}
        asked = {name: getattr(self.train, name) for name in ("lr", "l2", "dim", "batch_size")}
        return replace(config, **{k: v for k, v in asked.items() if v is not None and k in known})

    def resolve(self, scenario: Scenario) -> dict[str, Any]:
        """The spec that is hashed: settings in full, the data by name and checksum, not by path."""
        term = parse(self.method) if self.is_reference else None
        budget = asdict(self.train)
        return {
            "dataset": scenario.interactions.name,
            "data": {"checksum": scenario.interactions.checksum, "k_core": self.k_core},
            "split": scenario.split.rule,
            "split_hash": scenario.split.hash,
            "exclude": scenario.exclude,
            "bands": scenario.bands.rule,
            "metrics": [f"{name}@{k}" for name, k in parse_metrics(self.metrics)],
            "backbone": REFERENCE if term else self.backbone_term.name,
            "backbone_variant": "" if term else language_models.marked(self.backbone_term).variant,
            "backbone_config": {}
            if term
            else language_models.identified(asdict(self.backbone_config())),
            "method": term.name if term else self.recipe.name,
            "variant": term.variant if term else self.variant,
            "method_config": asdict(reference_config(term)) if term else self._method_settings(),
            "objective": None if term else self.objective,
            "seed": self.seed,
            "train": {} if term else budget,
            **self._worded(scenario),
            **self._watched(),
        }

    @property
    def variant(self) -> str:
        """What was typed of the method, and another encoder than the default where it reads one."""
        typed = self.recipe.variant
        if self.encoder == encoders.DEFAULT or "texts" not in self.recipe.needs:
            return typed
        mark = f"encoder={encoders.mark(self.encoder)}"
        return f"{typed};{mark}" if typed else mark

    def _worded(self, scenario: Scenario) -> dict[str, Any]:
        """The encoder and the texts, where the method reads vectors of them, and the texts alone
        where a language model may read them itself."""
        if self.is_reference:
            return {}
        texts, told = scenario.interactions.item_texts, {}
        if "texts" in self.recipe.needs:
            told["texts"] = encoders.told(self.encoder, texts)
        learning = [asdict(self.backbone_config()), *self.recipe.configs().values()]
        if texts is not None and any(each.get("model") for each in learning):
            told["read"] = {"texts": encoders.key("", texts)[:12]}
        return told

    def _method_settings(self) -> dict[str, Any]:
        return {name: language_models.identified(c) for name, c in self.recipe.configs().items()}

    def probes_told(self, scenario: Scenario) -> dict[str, Any]:
        """What a record says of the probes, and whether their rates are exact or a lower bound."""
        return probe_set.told(self.probe, self.log_negatives, self.plant, scenario)

    def _watched(self) -> dict[str, Any]:
        """What differs from the default: probes, and changes of train, which concern references."""
        plain = CellSpec(self.dataset, self.backbone, self.method)
        names = ("plant", "noise") + (() if self.is_reference else ("probe", "log_negatives"))
        asked = {name: getattr(self, name) for name in names}
        return {name: value for name, value in asked.items() if value != getattr(plain, name)}


def reference_config(term: Term) -> Any:
    """The settings of a reference."""
    return config_of(registry.load("references", term.name), dict(term.values), term.name)


def unfit(spec: CellSpec, scenario: Scenario) -> str | None:
    """One sentence why this method, backbone and data cannot go together; None where they can."""
    if spec.is_reference:
        return None
    name = spec.backbone_term.name
    card = registry.card("backbones", name)
    needs = {*card.needs, *getattr(spec.backbone_config(), "needs", ())}
    if missing := sorted(needs - scenario.provides):
        return (
            f"backbone {spec.backbone} needs {' and '.join(missing)}, which "
            f"{scenario.interactions.name} does not provide"
        )
    offered = scenario.provides | set(card.provides)
    if scenario.worded(spec.encoder):
        offered |= {"texts"}
    if missing := sorted(set(spec.recipe.needs) - offered):
        remedy = "; --encoder FILE.npy gives vectors of yours" if "texts" in missing else ""
        return (
            f"method {spec.method} needs {' and '.join(missing)}, which backbone {name} on "
            f"{scenario.interactions.name} does not provide{remedy}"
        )
    return None
