"""Early stopping: validate after an epoch, keep the best weights, stop after `patience`."""

import copy
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from negbench.protocol.interfaces import Backbone
from negbench.training.config import TrainConfig
from negbench.training.snapshot import restore, snapshot

if TYPE_CHECKING:
    from negbench.training.fit import Fit


class EarlyStopping:
    """Stops a training run by its validation metric, its epochs or its time limit."""

    def __init__(self, config: TrainConfig, validate: Callable[[Backbone], float] | None) -> None:
        """`validate` gives the validation metric, higher is better; None for data without one."""
        self.config, self.validate = config, validate
        self.best: dict[str, Any] = {}
        """The snapshot of the best epoch."""

    def after_epoch(self, fit: "Fit", row: dict[str, float], seconds: float) -> None:
        """Validate if it is due, and set `fit.progress.stopped`; `row` gets the metric and times.

        `seconds` is the time since training began.
        """
        now, config = fit.progress, self.config
        last = now.epoch >= config.epochs or 0 < config.time_limit <= seconds
        if self.validate and (last or now.epoch % config.eval_every == 0):
            fit.backbone.train(False)
            value = self.validate(fit.backbone)
            fit.clock.mark("evaluation")
            row[f"valid_{config.select}"] = value
            if value > now.best_valid:
                now.best_epoch, now.best_valid = now.epoch, value
                self.best = copy.deepcopy(snapshot(fit.backbone, fit.method))
            elif now.epoch - now.best_epoch >= config.patience * config.eval_every:
                now.stopped = "patience"
        row["wall"], row["cpu"] = fit.clock.wall["total"], fit.clock.cpu["total"]
        if last and not now.stopped:
            now.stopped = "epochs" if now.epoch >= config.epochs else "time limit"

    def restore_best(self, fit: "Fit") -> None:
        """Restore the weights of the best epoch; the last one's stay where none was validated."""
        if self.best:
            restore(self.best, fit.backbone, fit.method)
        else:
            fit.progress.best_epoch = fit.progress.epoch
        fit.backbone.train(False)
