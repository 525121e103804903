"""One cell of the grid: trained, ranked and written down."""

from collections.abc import Callable, Mapping
from pathlib import Path

import torch

from negbench.errors import UserError
from negbench.evaluation.full_ranking import Ranking, Scorer, evaluate, ndcg_at
from negbench.evaluation.metric_names import parse_metrics
from negbench.evaluation.model_scorer import Trained
from negbench.experiment.cell.record import record_cell
from negbench.experiment.cell.spec import CellSpec, reference_config
from negbench.ops import rng
from negbench.plugins import registry
from negbench.plugins.term_syntax import parse
from negbench.probes import probe_set
from negbench.protocol.context import World
from negbench.protocol.interfaces import Backbone
from negbench.scenario.scenario import Ground
from negbench.storage import cell_store
from negbench.training.checkpoint import Kept
from negbench.training.fit import Fit
from negbench.training.memory import keep_freed
from negbench.training.timing import Clock, reset_peak

Tell = Callable[[Mapping[str, float]], None]


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
    keep_freed()
    where = torch.device(device)
    reset_peak(where)
    if spec.is_reference:
        clock = Clock()
        scorer = reference(spec, ground)
        rankings = rank(spec, ground, scorer, scorer, torch.device("cpu"))
        clock.mark("evaluation")
        return record_cell(spec, ground, out, rankings, clock, where)
    fit = prepare_fit(spec, ground, where)
    kept = Kept(
        out / "checkpoints" / f"{cell_store.digest(spec.resolve(ground))}.pt", checkpoint_every
    )
    kept.load(fit)
    fit.run(tell, lambda: kept.save(fit))
    valid, test = (
        Trained.of(fit.backbone, fit.world, history, fit.method.transform)
        for history in (ground.split.train, ground.seen)
    )
    rankings = rank(spec, ground, valid, test, where)
    fit.clock.mark("evaluation")
    folder = record_cell(spec, ground, out, rankings, fit.clock, where, fit)
    kept.path.unlink(missing_ok=True)
    return folder


def prepare_fit(spec: CellSpec, ground: Ground, device: torch.device) -> Fit:
    """The method, the backbone and the loop of a cell, before its first step."""
    world = ground.world(seed=spec.seed, device=device, encoder=spec.encoder)
    method, backbone = spec.recipe.build(), build_backbone(spec, world)
    (name, k), *_ = parse_metrics(spec.train.select)
    if name != "ndcg":
        raise UserError(f"`select` must be ndcg@K; got {spec.train.select!r}")

    def validate(model: Backbone) -> float:
        scorer = Trained.of(model, world, ground.split.train, method.transform)
        return ndcg_at(scorer, ground.split.valid, ground.masked("valid"), k, device=device)

    judge = validate if len(ground.split.valid) else None
    probes = probe_set.probes_of(spec.probe, spec.log_negatives, ground, world)
    return Fit(method, backbone, world, spec.train, validate=judge, probes=probes)


def build_backbone(spec: CellSpec, world: World) -> Backbone:
    """A fresh backbone; its first weights are drawn on the CPU, alike on every device."""
    module = registry.load("backbones", spec.backbone_term.name)
    made: Backbone = module.build(spec.backbone_config(), world, rng.stream(world.seed, "init"))
    return made


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
    parts = {"test": (test, ground.split.test, ground.masked("test"))}
    if len(ground.split.valid):
        parts = {"valid": (valid, ground.split.valid, ground.masked("valid")), **parts}
    bands = ground.bands
    return {
        part: evaluate(s, *pairs, bands=bands, metrics=metrics, device=device, ranks=part == "test")
        for part, (s, *pairs) in parts.items()
    }
