"""The files of a cell: its record, the metrics of each epoch, and the per-user arrays."""

import copy
import math
import os
import platform
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import torch

from negbench.evaluation.found_lists import sample_of
from negbench.evaluation.full_ranking import Ranking
from negbench.evaluation.item_index import settings
from negbench.evaluation.popularity_bias import audit
from negbench.experiment.cell import kept_arrays, source_code
from negbench.experiment.cell.spec import CellSpec, PlannedCell
from negbench.experiment.cell.triplet_log import recorded_triplets
from negbench.ops import row_kernels
from negbench.plugins import registry
from negbench.plugins.term_syntax import parse, split
from negbench.probes import probe_set
from negbench.probes.negative_log import NegativeLog
from negbench.scenario.scenario import Scenario
from negbench.storage import cell_store
from negbench.storage.training_end import capped, phase_record
from negbench.training.batches import Pairs
from negbench.training.fit import Fit
from negbench.training.optimisers import updated_by_rows
from negbench.training.timing import Clock, peak_mb
from negbench.version import __version__


def record_cell(
    planned: PlannedCell,
    scenario: Scenario,
    out: Path,
    rankings: Mapping[str, Ranking],
    clock: Clock,
    device: torch.device,
    fit: Fit | None = None,
    notes: Sequence[str] = (),
) -> Path:
    """Write the cell and return its folder; without a `fit` it is a reference's.

    `notes` are the cell's own, beside those of its scenario.
    """
    rows = fit.progress.rows if fit else []
    test = rankings["test"]
    record = {
        "status": "done",
        "reason": "",
        "spec": planned.resolved,
        **source_code.of_builtins(planned.resolved),
        **cards(planned.spec),
        **scenario.record(),
        "notes": [*scenario.notes, *notes],
        "metrics": [*_accuracy(rankings), *_of_train(fit), *_audit(test, scenario)],
        **_of_index(planned.spec, rankings),
        "fit": _fit_summary(fit) if fit else {"parameters": 0},
        **({"probe": planned.spec.probe_record(scenario)} if fit else {}),
        "seconds": copy.deepcopy(clock.state()),
        "peak_memory_mb": peak_mb(device),
        "environment": environment(device),
        "finished": datetime.now(UTC).isoformat(timespec="seconds"),
    }
    probes = fit.probes if fit else ()
    logs = (probe.arrays() for probe in probes if isinstance(probe, NegativeLog))
    return cell_store.write_cell(
        out,
        record,
        epochs=rows,
        users=kept_arrays.of_users(test, scenario),
        ranks=kept_arrays.of_held_out(rankings, scenario),
        negatives=next(logs, None),
        triplets=recorded_triplets(fit, scenario) if fit else None,
    )


def cards(spec: CellSpec) -> dict[str, Any]:
    """The cards of all methods that a composition is made of; `card` is the last one's."""
    family = "references" if spec.is_reference else "methods"
    names = [parse(term).name for term in split(spec.method, "+")]
    all_cards = [asdict(registry.card(family, name)) for name in names]
    return {"card": all_cards[-1], "cards": all_cards}


def environment(device: torch.device) -> dict[str, Any]:
    """Versions, machine and device that produced the results."""
    return {
        "negbench": __version__,
        "torch": torch.__version__,
        "numpy": np.__version__,
        "python": platform.python_version(),
        "system": f"{platform.system()} {platform.machine()}",
        "processor": processor(),
        "cpus": os.cpu_count(),
        "device": torch.cuda.get_device_name(device) if device.type == "cuda" else "cpu",
        "threads": torch.get_num_threads(),
        "kernels": row_kernels.name(device.type),
    }


@cache
def processor() -> str:
    """The processor's name as the system has it; empty where it has none."""
    try:
        lines = Path("/proc/cpuinfo").read_text("utf-8", "replace").splitlines()
    except OSError:
        lines = []
    names = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(names, "") or platform.processor()


def _fit_summary(fit: Fit) -> dict[str, Any]:
    """Epochs, stop and size of a training; negatives and dot products are per epoch."""
    now, phase = fit.progress, fit.method.own_phase
    summary = {
        "best_epoch": now.best_epoch,
        "epochs": now.epoch,
        "stopped": now.stopped,
        "best_valid": now.best_valid,
        "n_unfilled": now.n_unfilled,
        "rows": now.n_rows,
        "rows_without_negative": now.n_unusable,
        "parameters": sum(p.numel() for p in fit.backbone.parameters()),
        "negatives": now.negatives / now.epoch,
        "dots": now.dots / now.epoch,
        **({"adam": "by rows"} if updated_by_rows(fit.optimisers) else {}),
    }
    validated = now.best_valid > -math.inf
    return summary | {
        "capped": validated and capped(summary, asdict(fit.config)),
        "phase": phase and phase_record(phase.name, phase.begins, now.best_epoch, now.epoch),
    }


def _accuracy(rankings: Mapping[str, Ranking]) -> list[dict[str, Any]]:
    return [
        _row(part, metric, k, band, value)
        for part, ranking in rankings.items()
        for (metric, k, band), value in ranking.means().items()
    ]


def _of_train(fit: Fit | None) -> list[dict[str, Any]]:
    """What the probes measured while training, pooled up to the best epoch."""
    if fit is None:
        return []
    values = probe_set.pooled(fit.progress.rows, fit.progress.best_epoch)
    values |= probe_set.closed_form_rate(
        fit.probes,
        fit.method,
        fit.batches.rows_per_user,
        of_pairs=isinstance(fit.batches, Pairs),
    )
    return [_row("train", name, 0, "all", value) for name, value in values.items()]


def _audit(test: Ranking, scenario: Scenario) -> list[dict[str, Any]]:
    """Popularity bias of the recommended lists, at every K of the metrics."""
    measures = audit(
        test.top,
        test.users,
        None if test.index_recall else test.ranks,  # measures of full ranks
        train=scenario.split.train,
        profiles=scenario.profiles,
        test=scenario.split.test,
        seen=scenario.masked("test"),
        bands=scenario.bands,
        ks=sorted({k for _, k, _ in test.values}),
    )
    return [_row("test", metric, k, band, value) for (metric, k, band), value in measures.items()]


def _of_index(spec: CellSpec, rankings: Mapping[str, Ranking]) -> dict[str, Any]:
    """The entry `ranking` where an index found the lists: its settings, and what they miss."""
    if spec.ranking == "exact":
        return {}
    recall = {
        part: {str(k): value for k, value in ranking.index_recall.items()}
        for part, ranking in rankings.items()
    }
    test = rankings["test"]
    sample = {"users": len(sample_of(len(test.users))), "depth": test.top.shape[1]}
    return {"ranking": {"kind": spec.ranking, **settings(), **sample, "index_recall": recall}}


def _row(part: str, metric: str, k: int, band: str, value: float) -> dict[str, Any]:
    return {"split": part, "metric": metric, "k": k, "band": band, "value": value}
