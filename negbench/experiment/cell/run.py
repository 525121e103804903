"""One cell of the grid: train the model, rank all items, write the record."""

from collections.abc import Callable
from functools import partial
from pathlib import Path

import torch

from negbench.evaluation.full_ranking import FoldsIn, Ranking, Scorer, evaluate, metric_at
from negbench.evaluation.index_scorer import indexed_items, scorer_of
from negbench.evaluation.metric_names import parse_metric, parse_metrics
from negbench.evaluation.model_scorer import ModelScorer
from negbench.experiment.cell.code_mark import code_mark
from negbench.experiment.cell.nothing_to_learn import (
    notes_before,
    notes_of_reference,
    require_learnt,
    weights_mark,
)
from negbench.experiment.cell.record import record_cell
from negbench.experiment.cell.spec import CellSpec, PlannedCell, reference_config
from negbench.experiment.cell.watched_test import OnEpoch, logging_test
from negbench.ops import rng, row_kernels
from negbench.plugins import registry
from negbench.plugins.term_syntax import parse
from negbench.probes import probe_set
from negbench.protocol.context import TrainContext
from negbench.protocol.interfaces import Backbone
from negbench.scenario.scenario import Scenario
from negbench.training.checkpoint import Checkpoint
from negbench.training.config import Progress
from negbench.training.data_parallel import ALONE, DataParallel, current
from negbench.training.fit import Diverged, Fit
from negbench.training.memory import keep_freed_memory
from negbench.training.timing import Clock, reset_peak

LIST_DEPTH = 100
"""Length of the lists that a cell keeps, so that measures at another K need no training."""
OnProgress = Callable[[Progress], None]
"""Called after each epoch with how far the training has come."""


def run_cell(
    planned: PlannedCell,
    scenario: Scenario,
    out: Path,
    *,
    device: str = "cpu",
    threads: int = 1,
    on_epoch: OnEpoch | None = None,
    on_progress: OnProgress | None = None,
    checkpoint_every: int = 0,
) -> Path:
    """Train, rank and write one cell; return its folder. Every error is passed on.

    `on_epoch` gets the metrics of each epoch, `on_progress` then how far the training has come.

    A cell that was killed goes on from its last checkpoint: one every `checkpoint_every` epochs,
    or with 0 after every five minutes of training.
    """
    run_settings(threads)
    where, spec = torch.device(device), planned.spec
    reset_peak(where)
    if spec.is_reference:
        clock = Clock()
        scorer = reference(spec, scenario)
        rankings = rank(spec, scenario, scorer, scorer, torch.device("cpu"))
        clock.mark("evaluation")
        notes = notes_before(spec, scenario)
        notes += notes_of_reference(spec, scorer, torch.from_numpy(rankings["test"].users))
        return record_cell(planned, scenario, out, rankings, clock, where, notes=notes)
    together = current() if spec.processes > 1 else ALONE
    with together.ready():
        fit = prepare_fit(spec, scenario, where, together)
        first_weights = weights_mark(fit.backbone)
        kept, mark = out / "checkpoints", code_mark(spec, where, threads)
        checkpoint = Checkpoint(kept / f"{planned.digest}.{mark}.pt", checkpoint_every)
        checkpoint.load(fit)
    listener = logging_test(fit, scenario, on_epoch, spec) if spec.watch_test else on_epoch

    def after_epoch() -> None:
        checkpoint.save(fit)
        if on_progress is not None:
            on_progress(fit.progress)

    with together.in_step(Diverged):
        fit.run(listener, after_epoch)
    model = partial(scorer_of, fit.backbone, fit.context, fit.method.transform, spec.ranking)
    valid = model(scenario.history("valid"))
    test = model(scenario.history("test"), like=valid)
    rankings = rank(spec, scenario, valid, test, where)
    fit.clock.mark("evaluation")
    require_learnt(fit, first_weights, test, torch.from_numpy(rankings["test"].users).to(where))
    notes = (*notes_before(spec, scenario), *together.notes)
    folder = record_cell(planned, scenario, out, rankings, fit.clock, where, fit, notes=notes)
    for path in kept.glob(f"{planned.digest}.*"):  # those of earlier code too
        path.unlink(missing_ok=True)
    return folder


def run_settings(threads: int) -> None:
    """Set what a process has before it trains a cell: torch's threads, and what memory it keeps."""
    torch.set_num_threads(threads)
    keep_freed_memory()


def prepare_fit(
    spec: CellSpec, scenario: Scenario, device: torch.device, together: DataParallel = ALONE
) -> Fit:
    """Build the method, the backbone and the training loop of a cell, before its first step.

    `together` are the processes that train it.
    """
    row_kernels.name(device.type)  # loaded here, before the clock of the training starts
    context = scenario.train_context(seed=spec.seed, device=device, encoder=spec.encoder)
    method, backbone = spec.recipe.build(), build_backbone(spec, context)
    select = parse_metric(spec.train.select)

    def validate(model: Backbone) -> float:
        scorer = scorer_of(
            model, context, method.transform, spec.ranking, scenario.history("valid")
        )
        pairs = scenario.split.valid, scenario.masked("valid")
        return metric_at(scorer, *pairs, select, average=spec.average, device=device)

    if spec.ranking != "exact":  # refused now, not after the training
        history = scenario.history("valid")
        indexed_items(ModelScorer.of(backbone, context, history, method.transform))
    judge = validate if len(scenario.split.valid) else None
    probes = probe_set.probes_of(spec.probe, spec.log_negatives, scenario, context)
    return Fit(
        method, backbone, context, spec.train, validate=judge, probes=probes, together=together
    )


def build_backbone(spec: CellSpec, context: TrainContext) -> Backbone:
    """A fresh backbone; its first weights are drawn on the CPU, alike on every device."""
    module = registry.load("backbones", spec.backbone_term.name)
    weights = rng.stream(context.seed, "init")
    backbone: Backbone = module.build(spec.backbone_config(), context, weights)
    return backbone


def reference(spec: CellSpec, scenario: Scenario) -> Scorer:
    """A reference model, as most_popular or EASE, fitted on train alone.

    Users who are not trained on are scored by what is folded in of them.
    """
    term = parse(spec.method)
    scorer: Scorer = registry.load("references", term.name).build(
        reference_config(term), scenario.split.train.distinct
    )
    if scenario.split.fold_in is not None and isinstance(scorer, FoldsIn):
        return scorer.fold_in(scenario.history("valid").distinct)
    return scorer


def rank(
    spec: CellSpec, scenario: Scenario, valid: Scorer, test: Scorer, device: torch.device
) -> dict[str, Ranking]:
    """Full rankings of the valid part (train masked) and the test part (train and valid masked).

    The lists of the test part are the ones that a cell keeps, so they are deeper; so are all where
    an index finds them, as ranks below them are not known.
    """
    metrics = parse_metrics(spec.metrics)
    parts = {"test": (test, scenario.split.test, scenario.masked("test"))}
    if len(scenario.split.valid):
        parts = {"valid": (valid, scenario.split.valid, scenario.masked("valid")), **parts}
    bands, deep = scenario.bands, min(LIST_DEPTH, scenario.split.n_items)
    return {
        part: evaluate(
            s,
            *pairs,
            bands=bands,
            metrics=metrics,
            average=spec.average,
            device=device,
            depth=deep * (part == "test" or spec.ranking != "exact"),
        )
        for part, (s, *pairs) in parts.items()
    }
