"""What is written down of a cell: the record, the epochs and the arrays of its users."""

import copy
import os
import platform
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import torch

from negbench.evaluation.full_ranking import Ranking
from negbench.evaluation.popularity_bias import audit
from negbench.experiment.cell.spec import CellSpec
from negbench.experiment.cell.triplet_log import kept_triplets
from negbench.plugins import registry
from negbench.plugins.term_syntax import parse, split
from negbench.probes import probe_set
from negbench.probes.negative_log import Reservoir
from negbench.scenario.scenario import Scenario
from negbench.storage import cell_store
from negbench.training.fit import Fit
from negbench.training.timing import Clock, peak_mb
from negbench.version import __version__


def record_cell(
    spec: CellSpec,
    scenario: Scenario,
    out: Path,
    rankings: Mapping[str, Ranking],
    clock: Clock,
    device: torch.device,
    fit: Fit | None = None,
) -> Path:
    """Write the cell and return its folder; without a `fit` it is a reference's."""
    rows = fit.progress.rows if fit else []
    best = fit.progress.best_epoch if fit else 0
    test = rankings["test"]
    record = {
        "status": "done",
        "reason": "",
        "spec": spec.resolve(scenario),
        **cards(spec),
        **scenario.record(),
        "metrics": [*_accuracy(rankings), *_of_train(rows, best), *audited(test, scenario)],
        "fit": figures(fit) if fit else {"parameters": 0},
        **({"probe": spec.probes_told(scenario)} if fit else {}),
        "seconds": copy.deepcopy(clock.state()),
        "peak_memory_mb": peak_mb(device),
        "environment": environment(device),
    }
    logs = (probe.arrays() for probe in (fit.probes if fit else ()) if isinstance(probe, Reservoir))
    return cell_store.write_cell(
        out,
        record,
        epochs=rows,
        users=_arrays(test, scenario),
        negatives=next(logs, None),
        triplets=kept_triplets(fit, scenario) if fit else None,
    )


def cards(spec: CellSpec) -> dict[str, Any]:
    """The cards of all that a method is composed of; the last is the one it goes by."""
    family = "references" if spec.is_reference else "methods"
    names = [parse(term).name for term in split(spec.method, "+")]
    found = [asdict(registry.card(family, name)) for name in names]
    return {"card": found[-1], "cards": found}


def figures(fit: Fit) -> dict[str, Any]:
    """What a training came to; negatives and dot products are per epoch."""
    now = fit.progress
    return {
        "best_epoch": now.best_epoch,
        "epochs": now.epoch,
        "stopped": now.stopped,
        "best_valid": now.best_valid,
        "n_unfilled": now.n_unfilled,
        "parameters": sum(p.numel() for p in fit.backbone.parameters()),
        "negatives": now.negatives / now.epoch,
        "dots": now.dots / now.epoch,
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


def _accuracy(rankings: Mapping[str, Ranking]) -> list[dict[str, Any]]:
    return [
        {"split": part, "metric": metric, "k": k, "band": band, "value": value}
        for part, ranking in rankings.items()
        for (metric, k, band), value in ranking.means().items()
    ]


def _of_train(rows: Sequence[Mapping[str, float]], best: int) -> list[dict[str, Any]]:
    return [
        {"split": "train", "metric": name, "k": 0, "band": "all", "value": value}
        for name, value in probe_set.pooled(rows, best).items()
    ]


def _arrays(test: Ranking, scenario: Scenario) -> dict[str, cell_store.Array]:
    train = scenario.split.train
    values = {f"{m}@{k}/{band}": v for (m, k, band), v in test.values.items()}
    return {
        "users": test.users.astype(np.int32),
        "top": test.top,
        "activity": train.lengths[test.users].astype(np.int32),
        "item_counts": train.counts.astype(np.int32),
        "item_bands": scenario.bands.labels,
        **values,
    }


def audited(test: Ranking, scenario: Scenario) -> list[dict[str, Any]]:
    """The audit's rows of a record, at every K of the metrics."""
    found = audit(
        test.top,
        test.users,
        test.ranks,
        train=scenario.split.train,
        test=scenario.split.test,
        seen=scenario.masked("test"),
        bands=scenario.bands,
        ks=sorted({k for _, k, _ in test.values}),
    )
    return [
        {"split": "test", "metric": metric, "k": k, "band": band, "value": value}
        for (metric, k, band), value in found.items()
    ]
