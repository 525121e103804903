"""Cost of triplet values, and how well they detect false negatives, on data with ground truth.

python benchmarks/triplets.py [--backbone mf] [--datasets synthetic,kuairec] [--epochs 20]

Cost: seconds for the values of 100,000 triplets of goodbooks with standard errors. AUC: the chance
that a false negative (a true or held-out positive of its user) of the pool is valued below another
one, over the pool of `shapley` after so many epochs; beside it the same for minus the hardness,
that is, for predicting that high scores are false negatives.
"""

import argparse
import sys
import time

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.stats import rankdata

from negbench.experiment.cell.run import prepare_fit
from negbench.experiment.cell.spec import CellSpec
from negbench.experiment.cell.triplet_log import recorded_triplets
from negbench.scenario.scenario import Scenario, prepare
from negbench.training.config import TrainConfig
from negbench.training.fit import Fit

SOME = 100_000


def auc(low: NDArray[np.floating], positive: NDArray[np.bool_]) -> float:
    """The chance that a value of `positive` is below one of the others; ties count half."""
    ranks, hits = rankdata(-low), int(positive.sum())
    rest = len(positive) - hits
    return float((ranks[positive].sum() - hits * (hits + 1) / 2) / (hits * rest))


def fit_of(dataset: str, scenario: Scenario, backbone: str, method: str, epochs: int) -> Fit:
    """A training of so many epochs, without early stopping."""
    budget = TrainConfig(epochs=epochs, eval_every=epochs)
    spec = CellSpec(dataset, backbone, method, probe="off", train=budget)
    return prepare_fit(spec, scenario, torch.device("cpu"))


def valued(dataset: str, backbone: str, settings: str, epochs: int) -> str:
    """AUC of one data set."""
    scenario = prepare(dataset)
    last = f"shapley(warmup={epochs - 1},{settings})".replace(",)", ")")
    fit = fit_of(dataset, scenario, backbone, last, epochs)
    fit.run()
    triplets = recorded_triplets(fit, scenario)
    assert triplets is not None
    value, error, false = triplets["value"], triplets["error"], triplets["false"]
    z = np.abs(value) / np.maximum(error, 1e-30)
    return (
        f"{dataset}: {len(value):,} triplets, {false.mean():.3f} false; mean value "
        f"{value[false].mean():.3g} false, {value[~false].mean():.3g} other; "
        f"median |value| / error {np.median(z):.1f}; "
        f"AUC value {auc(value, false):.3f}, minus hardness {auc(-triplets['hardness'], false):.3f}"
    )


def cost(backbone: str, settings: str) -> str:
    """Seconds for the values of some triplets of goodbooks, after two epochs."""
    scenario = prepare("goodbooks")
    method = f"shapley(warmup=2,triplets={SOME},{settings})".replace(",)", ")")
    fit = fit_of("goodbooks", scenario, backbone, method, 2)
    fit.run()
    began = time.perf_counter()
    fit.refresh(3)
    spent = time.perf_counter() - began
    triplets = recorded_triplets(fit, scenario)
    assert triplets is not None and bool((triplets["error"] > 0).any())
    return f"goodbooks: {len(triplets['value']):,} triplets valued in {spent:.2f} s on {backbone}"


def main() -> None:
    """Print a line for the cost and for each data set."""
    parser = argparse.ArgumentParser(description="Cost and detection of triplet values")
    parser.add_argument("--datasets", default="synthetic,kuairec")
    parser.add_argument("--backbone", default="mf")
    parser.add_argument("--epochs", type=int, default=20)
    parser.add_argument("--settings", default="", help="of shapley, such as order=1,rate=0.1")
    parser.add_argument("--threads", type=int, default=1)
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    sys.stdout.write(cost(args.backbone, args.settings) + "\n")
    for dataset in filter(None, args.datasets.split(",")):
        line = valued(dataset, args.backbone, args.settings, args.epochs)
        sys.stdout.write(line + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
