"""One cell of the grid: resolved and hashed, then trained, ranked and written down."""

import copy
import os
import platform
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

from negbench import __version__, records, registry, rng
from negbench.checkpoint import Kept
from negbench.clock import Clock, peak_mb, reset_peak
from negbench.data.columns import Columns
from negbench.errors import UserError
from negbench.evaluate import Ranking, Scorer, evaluate, ndcg_at
from negbench.ground import Ground
from negbench.kinds import Backbone
from negbench.metrics import parse_metrics
from negbench.recipes import Recipe, recipe
from negbench.train import Fit, TrainConfig
from negbench.trained import Trained
from negbench.values import World
from negbench.wording import Term, config_of, parse

REFERENCE = "reference"
"""The backbone's name in the rows of references, which no sampler touches."""
Tell = Callable[[Mapping[str, float]], None]


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

    def resolve(self, ground: Ground) -> dict[str, Any]:
        """The spec that is hashed: settings in full, the data by name and checksum, not by path."""
        term = parse(self.method) if self.is_reference else None
        made = None if term else self.recipe
        budget = asdict(self.train)
        return {
            "dataset": ground.interactions.name,
            "data": {"checksum": ground.interactions.checksum, "k_core": self.k_core},
            "split": ground.split.rule,
            "split_hash": ground.split.hash,
            "exclude": ground.exclude,
            "bands": ground.bands.rule,
            "metrics": [f"{name}@{k}" for name, k in parse_metrics(self.metrics)],
            "backbone": REFERENCE if term else self.backbone_term.name,
            "backbone_variant": "" if term else self.backbone_term.variant,
            "backbone_config": {} if term else asdict(self.backbone_config()),
            "method": term.name if term else made.name if made else "",
            "variant": term.variant if term else made.variant if made else "",
            "method_config": asdict(reference_config(term))
            if term
            else made.configs()
            if made
            else {},
            "objective": None if term else self.objective,
            "seed": self.seed,
            "train": {} if term else budget,
        }


def unfit(spec: CellSpec, ground: Ground) -> str | None:
    """One sentence why this method, backbone and data cannot go together; None where they can."""
    if spec.is_reference:
        return None
    name = spec.backbone_term.name
    card = registry.card("backbones", name)
    if missing := sorted(set(card.needs) - ground.provides):
        return (
            f"backbone {name} needs {' and '.join(missing)}, which {ground.interactions.name} "
            "does not provide"
        )
    offered = ground.provides | set(card.provides)
    if missing := sorted(set(spec.recipe.needs) - offered):
        return (
            f"method {spec.method} needs {' and '.join(missing)}, which backbone {name} on "
            f"{ground.interactions.name} does not provide"
        )
    return None


def run_cell(
    spec: CellSpec,
    ground: Ground,
    out: Path,
    *,
    device: str = "cpu",
    threads: int = 1,
    tell: Tell | None = None,
    checkpoint_every: int = 0,
) -> Path:
    """Train, rank and write one cell; its folder. What goes wrong is raised."""
    torch.set_num_threads(threads)
    where = torch.device(device)
    reset_peak(where)
    if spec.is_reference:
        clock = Clock()
        scorer = reference(spec, ground)
        rankings = rank(spec, ground, scorer, scorer, torch.device("cpu"))
        clock.mark("evaluation")
        return _write(spec, ground, out, rankings, clock, where, {"parameters": 0}, [])
    fit = prepare_fit(spec, ground, where)
    kept = Kept(
        out / "checkpoints" / f"{records.digest(spec.resolve(ground))}.pt", checkpoint_every
    )
    kept.load(fit)
    progress = fit.run(tell, lambda: kept.save(fit))
    valid, test = (
        Trained.of(fit.backbone, fit.world, history, fit.method.transform)
        for history in (ground.split.train, ground.seen)
    )
    rankings = rank(spec, ground, valid, test, where)
    fit.clock.mark("evaluation")
    figures = {
        "best_epoch": progress.best_epoch,
        "epochs": progress.epoch,
        "stopped": progress.stopped,
        "best_valid": progress.best_valid,
        "n_unfilled": progress.n_unfilled,
        "parameters": sum(p.numel() for p in fit.backbone.parameters()),
    }
    folder = _write(spec, ground, out, rankings, fit.clock, where, figures, progress.rows)
    kept.path.unlink(missing_ok=True)
    return folder


def prepare_fit(spec: CellSpec, ground: Ground, device: torch.device) -> Fit:
    """The method, the backbone and the loop of a cell, before its first step."""
    world = ground.world(seed=spec.seed, device=device)
    method, backbone = spec.recipe.build(), build_backbone(spec, world)
    (name, k), *_ = parse_metrics(spec.train.select)
    if name != "ndcg":
        raise UserError(f"`select` must be ndcg@K; got {spec.train.select!r}")

    def validate(model: Backbone) -> float:
        scorer = Trained.of(model, world, ground.split.train, method.transform)
        return ndcg_at(scorer, ground.split.valid, ground.split.train, k, device=device)

    judge = validate if len(ground.split.valid) else None
    return Fit(method, backbone, world, spec.train, validate=judge)


def build_backbone(spec: CellSpec, world: World) -> Backbone:
    """A fresh backbone; its first weights are drawn on the CPU, alike on every device."""
    module = registry.load("backbones", spec.backbone_term.name)
    made: Backbone = module.build(spec.backbone_config(), world, rng.stream(world.seed, "init"))
    return made


def reference_config(term: Term) -> Any:
    """The settings of a reference."""
    return config_of(registry.load("references", term.name), dict(term.values), term.name)


def reference(spec: CellSpec, ground: Ground) -> Scorer:
    """A guard, fitted on train alone."""
    term = parse(spec.method)
    made: Scorer = registry.load("references", term.name).build(
        reference_config(term), ground.split.train
    )
    return made


def rank(
    spec: CellSpec, ground: Ground, valid: Scorer, test: Scorer, device: torch.device
) -> dict[str, Ranking]:
    """Full rankings of the valid part (train masked) and the test part (train and valid masked)."""
    metrics = parse_metrics(spec.metrics)
    parts = {"test": (test, ground.split.test, ground.seen)}
    if len(ground.split.valid):
        parts = {"valid": (valid, ground.split.valid, ground.split.train), **parts}
    return {
        part: evaluate(scorer, target, seen, bands=ground.bands, metrics=metrics, device=device)
        for part, (scorer, target, seen) in parts.items()
    }


def environment(device: torch.device) -> dict[str, Any]:
    """What the figures were made with."""
    return {
        "negbench": __version__,
        "torch": torch.__version__,
        "numpy": np.__version__,
        "python": platform.python_version(),
        "system": f"{platform.system()} {platform.machine()}",
        "cpus": os.cpu_count(),
        "device": torch.cuda.get_device_name(device) if device.type == "cuda" else "cpu",
        "threads": torch.get_num_threads(),
    }


def _write(
    spec: CellSpec,
    ground: Ground,
    out: Path,
    rankings: dict[str, Ranking],
    clock: Clock,
    device: torch.device,
    figures: dict[str, Any],
    rows: list[dict[str, float]],
) -> Path:
    family = "references" if spec.is_reference else "methods"
    names = [spec.method] if spec.is_reference else [t.name for t in spec.recipe.terms]
    cards = [asdict(registry.card(family, parse(name).name)) for name in names]
    test = rankings["test"]
    record = {
        "status": "done",
        "reason": "",
        "spec": spec.resolve(ground),
        "card": cards[-1],
        "cards": cards,
        **ground.record(),
        "metrics": [
            {"split": part, "metric": metric, "k": k, "band": band, "value": value}
            for part, ranking in rankings.items()
            for (metric, k, band), value in ranking.means().items()
        ],
        "fit": figures,
        "seconds": copy.deepcopy(clock.state()),
        "peak_memory_mb": peak_mb(device),
        "environment": environment(device),
    }
    users = {"users": test.users.astype(np.int32), "top": test.top}
    values = {f"{m}@{k}/{band}": v for (m, k, band), v in test.values.items()}
    return records.write_cell(out, record, epochs=rows, users={**users, **values})
