"""Cost of the default probes: their share of an epoch's sampling, scoring and update.

python benchmarks/probes.py [DATASET]...
"""

import sys

import torch

from negbench.experiment.cell.run import prepare_fit
from negbench.experiment.cell.spec import CellSpec
from negbench.scenario.scenario import prepare
from negbench.training.config import TrainConfig

METHODS = ("random", "dns", "dns_mn", "in_batch", "adaptive_mixed")
EPOCHS = 5
WORK = ("sampling", "scoring", "update")


def main(datasets: list[str]) -> None:
    """Print one line a data set and method, on MF, after an epoch of warm-up."""
    torch.set_num_threads(1)
    for dataset in datasets:
        scenario = prepare(dataset)
        for method in METHODS:
            spec = CellSpec(dataset, "mf", method, train=TrainConfig(epochs=EPOCHS + 1))
            fit = prepare_fit(spec, scenario, torch.device("cpu"))
            fit.epoch()
            before = dict(fit.clock.wall)
            for number in range(1, EPOCHS + 1):
                fit.progress.epoch = number
                fit.epoch()
            spent = {kind: seconds - before[kind] for kind, seconds in fit.clock.wall.items()}
            share = spent["probes"] / sum(spent[kind] for kind in WORK)
            print(f"{dataset:10} {method:15} {share:6.1%}")


if __name__ == "__main__":
    main(sys.argv[1:] or ["goodbooks", "kuairec"])
