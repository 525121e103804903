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
from negbench.protocol.context import TrainContext
from negbench.protocol.interfaces import Backbone
from negbench.scenario.scenario import Scenario
from negbench.storage import cell_store
from negbench.training.checkpoint import Kept
from negbench.training.fit import Fit
from negbench.training.memory import keep_freed
from negbench.training.timing import Clock, reset_peak

Tell = Callable[[Mapping[str, float]], None]


def run_cell(
    spec: CellSpec,
    scenario: Scenario,
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
        scorer = reference(spec, scenario)
        rankings = rank(spec, scenario, scorer, scorer, torch.device("cpu"))
        clock.mark("evaluation")
        return record_cell(spec, scenario, out, rankings, clock, where)
    fit = prepare_fit(spec, scenario, where)
    kept = Kept(
        out / "checkpoints" / f"{cell_store.digest(spec.resolve(scenario))}.pt", checkpoint_every
    )
    kept.load(fit)
    fit.run(tell, lambda: kept.save(fit))
    valid, test = (
        Trained.of(fit.backbone, fit.context, history, fit.method.transform)
        for history in (scenario.split.train, scenario.seen)
    )
    rankings = rank(spec, scenario, valid, test, where)
    fit.clock.mark("evaluation")
    folder = record_cell(spec, scenario, out, rankings, fit.clock, where, fit)
    kept.path.unlink(missing_ok=True)
    return folder


def prepare_fit(spec: CellSpec, scenario: Scenario, device: torch.device) -> Fit:
    """The method, the backbone and the loop of a cell, before its first step."""
    context = scenario.train_context(seed=spec.seed, device=device, encoder=spec.encoder)
    method, backbone = spec.recipe.build(), build_backbone(spec, context)
    (name, k), *_ = parse_metrics(spec.train.select)
    if name != "ndcg":
        raise UserError(f"`select` must be ndcg@K; got {spec.train.select!r}")

    def validate(model: Backbone) -> float:
        scorer = Trained.of(model, context, scenario.split.train, method.transform)
        return ndcg_at(scorer, scenario.split.valid, scenario.masked("valid"), k, device=device)

    judge = validate if len(scenario.split.valid) else None
    probes = probe_set.probes_of(spec.probe, spec.log_negatives, scenario, context)
    return Fit(method, backbone, context, spec.train, validate=judge, probes=probes)


def build_backbone(spec: CellSpec, context: TrainContext) -> Backbone:
    """A fresh backbone; its first weights are drawn on the CPU, alike on every device."""
    module = registry.load("backbones", spec.backbone_term.name)
    made: Backbone = module.build(spec.backbone_config(), context, rng.stream(context.seed, "init"))
    return made


def reference(spec: CellSpec, scenario: Scenario) -> Scorer:
    """A guard, fitted on train alone."""
    term = parse(spec.method)
    made: Scorer = registry.load("references", term.name).build(
        reference_config(term), scenario.split.train
    )
    return made


def rank(
    spec: CellSpec, scenario: Scenario, valid: Scorer, test: Scorer, device: torch.device
) -> dict[str, Ranking]:
    """Full rankings of the valid part (train masked) and the test part (train and valid masked)."""
    metrics = parse_metrics(spec.metrics)
    parts = {"test": (test, scenario.split.test, scenario.masked("test"))}
    if len(scenario.split.valid):
        parts = {"valid": (valid, scenario.split.valid, scenario.masked("valid")), **parts}
    bands = scenario.bands
    return {
        part: evaluate(s, *pairs, bands=bands, metrics=metrics, device=device, ranks=part == "test")
        for part, (s, *pairs) in parts.items()
    }
