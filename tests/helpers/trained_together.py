"""Trainings in one of two processes, imported by both: what each of them ends with."""

import copy
import os
from dataclasses import dataclass, field
from pathlib import Path

import torch
from helpers.toy_data import small_context
from torch.distributed import FileStore

from negbench.backbones import mf, two_tower
from negbench.composition import recipe
from negbench.ops import rng
from negbench.ops.add_rows import add_rows
from negbench.parts import BPR
from negbench.protocol import Method, Negatives
from negbench.protocol.step import Batch
from negbench.training import row_adam, shared_gradients
from negbench.training.config import TrainConfig
from negbench.training.data_parallel import DataParallel, Parted, PeerGone, joined, mark
from negbench.training.fit import Fit

CONTEXT = small_context(n_users=300, n_items=200, n=900)
BATCH = 65
"""Rows of a batch: 33 and 32, so that the processes weigh unequally."""
BACKBONES = {
    "mf": (mf, mf.Config(dim=8, batch_size=BATCH)),
    "two_tower": (two_tower, two_tower.Config(dim=8, embedding=4, hidden=8, batch_size=BATCH)),
}
WAYS = ("whole", "touched", "by_rows")
"""How the table's gradient is exchanged."""
CASES = [f"{backbone} {way}" for backbone in BACKBONES for way in WAYS]


@dataclass(eq=False)
class Watched(DataParallel):
    """Processes whose mean gradients are kept."""

    gradients: list = field(default_factory=list)

    def average(self, optimisers, rows):
        super().average(optimisers, rows)
        late = [o.table for o in optimisers if isinstance(o, row_adam.RowAdam) and o.by_rows]
        of_rows = {id(table.parameter): table for table in late}
        each = shared_gradients.parameters_of(optimisers)
        self.gradients.append([dense(p, of_rows.get(id(p))) for p in each])


def dense(parameter, table):
    gradient = torch.zeros_like(parameter) if parameter.grad is None else parameter.grad.clone()
    if table is not None and parameter.grad is None:
        for ids, rows in table.received:
            add_rows(gradient, ids, rows)
    return gradient


@dataclass
class Given:
    """A sampler of the ids that it is given."""

    ids: torch.Tensor

    def sample(self, step):
        return Negatives(ids=self.ids)


LIMITS = {
    row_adam: (
        "LEAST_ROWS",
        "ROWS_PER_READ",
        "ROWS_PER_UPDATE",
        "COMPILED_ROWS_PER_READ",
        "COMPILED_ROWS_PER_UPDATE",
        "SHARE_OF_INPUT",
    ),
    shared_gradients: ("ROWS",),
}
"""What `fit_of` sets, in each process."""


def fit_of(case, together, method=None, validate=None, **budget):
    backbone, way = case.split()
    row_adam.LEAST_ROWS = 0 if way == "by_rows" else 10**9
    row_adam.ROWS_PER_READ = row_adam.ROWS_PER_UPDATE = 0  # by rows, whatever it costs
    row_adam.COMPILED_ROWS_PER_READ = row_adam.COMPILED_ROWS_PER_UPDATE = 0
    row_adam.SHARE_OF_INPUT = 10**9
    shared_gradients.ROWS = 10**9 if way == "whole" else 0
    module, config = BACKBONES[backbone]
    model = module.build(config, CONTEXT, rng.stream(0, "init"))
    method = method or recipe("dns(candidates=3)").build()
    train = TrainConfig(**{"epochs": 4, **budget})
    return Fit(method, model, CONTEXT, train, validate=validate, together=together)


def first_step(fit):
    """The rows of the first batch, the negatives, and the gradients that the step has taken."""
    batch = next(fit.batches.epoch(fit.streams["batches"]))
    outcome = fit.step(batch, 1, 1)
    gradients = fit.together.gradients[0]
    return {
        "users": batch.users,
        "items": batch.items,
        "ids": outcome.used.ids,
        "gradients": gradients,
    }


def teacher_step(case, shares):
    """The gradients of a single process that is given the rows and negatives of all shares."""
    users, items, ids = (torch.cat([s[k] for s in shares]) for k in ("users", "items", "ids"))
    fit = fit_of(case, Watched(), Method(sampler=Given(ids), objective=BPR()))
    fit.step(Batch(users, items), 1, 1)
    return fit.together.gradients[0]


def weights(fit):
    return mark(fit.backbone.parameters())


def trained(case, together):
    """A run, one that went on from its checkpoint of epoch 2, and one that the first one stops."""
    states = []
    whole = fit_of(case, together)
    save = lambda: states.append(copy.deepcopy(whole.state_dict()))  # noqa: E731
    whole.run(save=save if together.rank == 0 else None)
    resumed = fit_of(case, together)
    if together.rank == 0:
        resumed.load_state_dict(states[1])
    resumed.run()
    better = iter(range(9))
    stopped = fit_of(
        case,
        together,
        validate=lambda model: (1 if together.rank else -1) * next(better),
        patience=2,
        epochs=9,
    )
    stopped.run()
    table = whole.backbone.rows
    return {
        "whole": weights(whole),
        "resumed": weights(resumed),
        "stopped": stopped.progress.epoch,
        "rows": whole.progress.n_rows,
        "losses": [row["loss"] for row in whole.progress.rows],
        "by_rows": table.by_rows,
    }


@dataclass
class Fails:
    """A sampler that fails in its fifth step."""

    rank: int
    how: str
    steps: int = 0

    def sample(self, step):
        self.steps += 1
        if self.rank == 1 and self.steps == 5:
            if self.how == "is killed":
                os._exit(9)
            raise MemoryError("no room today")
        return Negatives(ids=step.batch.items.unsqueeze(1))


def failing(how, store, rank):
    """What a process hears of a training in which the second one fails."""
    with joined(store, rank, 2) as together:
        fit = fit_of("mf whole", together, Method(sampler=Fails(rank, how), objective=BPR()))
        try:
            with together.in_step():
                fit.run()
        except (PeerGone, MemoryError) as error:
            return f"{type(error).__name__}: {error}; broken: {together.broken}"
    return ""


def parted(together):
    """What processes of different weights hear."""
    try:
        together.require_alike([torch.nn.Parameter(torch.full((2,), float(together.rank)))], 3)
    except Parted as error:
        return str(error)
    return ""


def process(rank, folder):
    """One of two processes: all cases, then trainings that fail."""
    torch.set_num_threads(1)
    folder, results = Path(folder), {}
    with joined(FileStore(str(folder / "cases"), 2), rank, 2) as together:
        for case in CASES:
            watched = Watched(**vars(together))
            results[case] = first_step(fit_of(case, watched)) | trained(case, together)
        results["parted"] = parted(together)
    for how in ("raises", "is killed"):
        torch.save(results, folder / f"{rank}.pt")
        results[how] = failing(how, FileStore(str(folder / how), 2), rank)
    torch.save(results, folder / f"{rank}.pt")
