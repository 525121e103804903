"""Settings of the training as options, files and method words give them, checked."""

from collections.abc import Mapping
from typing import Any

from negbench.errors import UserError, shown
from negbench.plugins.term_syntax import configure, literal


def budget(given: Mapping[str, Any]) -> dict[str, Any]:
    """Training settings, checked. Raises UserError for one that is unknown or out of range."""
    from negbench.evaluation.metric_names import parse_metrics
    from negbench.training.config import TrainConfig

    values = {k: literal(v) if isinstance(v, str) else v for k, v in given.items()}
    if not isinstance(optimiser := values.get("optimiser", ""), str):
        raise UserError(f"train(optimiser=...) must be a name; got {shown(optimiser)}")
    budget = configure(TrainConfig, values, "train")
    for name in ("lr", "dim", "batch_size"):
        value = getattr(budget, name)
        if value is not None and not value > 0:
            raise UserError(f"{name} must be above 0; got {value}")
    for name in ("l2", "time_limit"):
        value = getattr(budget, name)
        if value is not None and not value >= 0:
            raise UserError(f"{name} must be 0 or more; got {value}")
    chosen = parse_metrics(budget.select)
    if len(chosen) != 1:
        raise UserError(f"select must be one metric@K; got {budget.select!r}; write ndcg@20")
    return {name: getattr(budget, name) for name in values}
