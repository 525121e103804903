"""What run.json keeps of a start: the command, what was asked for, and the cells it planned."""

from datetime import UTC, datetime
from typing import Any

from negbench.experiment.cell.spec import PlannedCell
from negbench.experiment.options.options import TRAIN, Options
from negbench.experiment.plan import Plan
from negbench.plugins.row_terms import backbone_term, method_term
from negbench.storage import run_file
from negbench.training.config import TrainConfig
from negbench.training.data_parallel import current
from negbench.version import __version__


def start_record(options: Options, plan: Plan, command: str) -> dict[str, Any]:
    """What run.json keeps of a start."""
    given, budget = options.as_flat(), TrainConfig(**options.train)
    names = () if options.tuned else TRAIN  # a tuned row has the budget of its search
    return {
        "command": command,
        "started": datetime.now(UTC).isoformat(timespec="seconds"),
        "negbench": __version__,
        "options": given,
        "experiment": {**given, **{f"train.{name}": getattr(budget, name) for name in names}},
        "cells": [_entry(planned) for planned in plan.cells],
        "skipped": list(plan.skipped),
        "configs": _configs(plan),
        **({"processes": current().n} if current().n > 1 else {}),
    }


def _entry(planned: PlannedCell) -> dict[str, Any]:
    names = {name: planned.resolved[name] for name in run_file.ENTRY}
    settings = {"settings": planned.spec.settings} if planned.spec.settings else {}
    return {"cell": planned.digest, **names, **settings, "label": planned.label}


def _configs(plan: Plan) -> dict[str, dict[str, Any]]:
    """The settings in full of each backbone, method and reference, by what is typed."""
    configs: dict[str, dict[str, Any]] = {"backbones": {}, "methods": {}, "references": {}}
    for planned in plan.cells:
        own, kind = planned.resolved, "references" if planned.spec.is_reference else "methods"
        configs[kind][method_term(own)] = own["method_config"]
        if not planned.spec.is_reference:
            configs["backbones"][backbone_term(own)] = own["backbone_config"]
    return configs
