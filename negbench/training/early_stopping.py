"""Early stopping: validate after an epoch, keep the best weights, stop after `patience`.

Where a method has a phase of its own (`Phases`) that the budget reaches, best and patience start
anew when it begins, and patience stops nothing before: the weights kept are then the method's, not
those of its warm-up. The best epoch alone tells where training stands, so a resumed run goes on
alike.
"""

import copy
import math
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from negbench.protocol.interfaces import Backbone, Phase
from negbench.training.config import TrainConfig
from negbench.training.snapshot import restore, snapshot

if TYPE_CHECKING:
    from negbench.training.fit import Fit


class EarlyStopping:
    """Stops a training run by its validation metric, its epochs or its time limit."""

    def __init__(
        self,
        config: TrainConfig,
        validate: Callable[[Backbone], float] | None,
        phase: Phase | None = None,
    ) -> None:
        """`validate` gives the validation metric, higher is better; None for data without one.

        `phase` is the method's own; one that these epochs never reach changes nothing.
        """
        self.config, self.validate = config, validate
        self.begins = phase.begins if phase is not None and phase.begins <= config.epochs else 1
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
            value = float(self.validate(fit.backbone))  # one of numpy cannot be resumed from
            fit.clock.mark("evaluation")
            row[f"valid_{config.select}"] = value
            if now.best_epoch < self.begins <= now.epoch:
                now.best_valid = -math.inf
            waited = now.epoch - now.best_epoch
            if value > now.best_valid:
                now.best_epoch, now.best_valid = now.epoch, value
                self.best = copy.deepcopy(snapshot(fit.backbone, fit.method))
            elif now.epoch >= self.begins and waited >= config.patience * config.eval_every:
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
