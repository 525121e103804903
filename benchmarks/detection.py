"""Detection of hidden positives by `ddrm_sampler`, on data with ground truth.

python benchmarks/detection.py [--datasets kuairec,synthetic] [--epochs 20] [--users 200]

The detector learns beside MF from train pairs alone. Then, for each of some users with both kinds,
all items that are not in train are ranked by rho; AUC is the chance that a true positive (of the
data's truth) stands above another item, averaged over users. Beside it: the same for an untrained
denoiser, for the model's own score, and for popularity, which cost nothing.
"""

import argparse
import sys
from collections.abc import Iterable

import torch
from torch import Tensor

from negbench.data.membership import Membership
from negbench.experiment.cell.run import prepare_fit
from negbench.experiment.cell.spec import CellSpec
from negbench.ops.rng import stream
from negbench.plugins.registry import load
from negbench.protocol.step import Batch, Step
from negbench.scenario.scenario import Scenario, prepare
from negbench.training.config import TrainConfig
from negbench.training.fit import Fit

BLOCK = 16
"""Users whose whole catalogue goes through the detector at once."""


def trained(dataset: str, scenario: Scenario, method: str, epochs: int, seed: int) -> Fit:
    """MF and the detector after so many epochs, without early stopping."""
    budget = TrainConfig(epochs=epochs, eval_every=epochs)
    spec = CellSpec(dataset, "mf", method, seed=seed, probe="off", train=budget)
    fit = prepare_fit(spec, scenario, torch.device("cpu"))
    fit.run()
    fit.refresh(epochs + 1)
    return fit


def step_of(fit: Fit, users: Tensor) -> Step:
    """A step of these users, beyond the warm-up."""
    batch = Batch(users, torch.zeros_like(users))
    view = fit.backbone.view(batch, stream(0, "view"))
    return Step(batch, view, fit.context, fit.progress.epoch + 1, 1, stream(0, "detection"))


def auc(scores: Tensor, true: Tensor) -> float:
    """The chance that one of `true` scores above one of the others, by ranks; ties by order."""
    ranks = scores.argsort().argsort().double() + 1
    hits, n = int(true.sum()), len(true)
    return float((ranks[true].sum() - hits * (hits + 1) / 2) / (hits * (n - hits)))


def measured(fit: Fit, truth: Membership, users: Iterable[int]) -> dict[str, float]:
    """Mean AUC by what ranks the items."""
    detection = load("methods", "ddrm_sampler").detection
    aucs: dict[str, list[float]] = {"rho": [], "score": [], "popularity": []}
    every = torch.arange(fit.context.n_items)
    for block in torch.split(torch.tensor(list(users)), BLOCK):
        step = step_of(fit, block)
        rho = detection(fit.method.stages[0], step, every.expand(len(block), -1))
        with torch.no_grad():
            score = step.view.score_shared(every)
        unseen = ~fit.context.excluded.contains_shared(block, every)
        true = truth.contains_shared(block, every)
        for row in range(len(block)):
            here = unseen[row]
            if not 0 < int(true[row][here].sum()) < int(here.sum()):
                continue
            ranked = {"rho": rho[row], "score": score[row], "popularity": fit.context.counts}
            for name, values in ranked.items():
                aucs[name].append(auc(values[here], true[row][here]))
    return {name: sum(values) / len(values) for name, values in aucs.items()}


def main() -> None:
    """Print a line for each data set."""
    parser = argparse.ArgumentParser(description="Detection of hidden positives by ddrm_sampler")
    parser.add_argument("--datasets", default="kuairec,synthetic")
    parser.add_argument("--epochs", type=int, default=20)
    parser.add_argument("--users", type=int, default=200)
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    torch.set_num_threads(1)
    for dataset in args.datasets.split(","):
        scenario = prepare(dataset)
        assert scenario.interactions.truth is not None, f"{dataset} has no ground truth"
        truth = Membership.of(scenario.interactions.truth)
        have = (truth.sizes > 0).nonzero().squeeze(1)
        order = torch.randperm(len(have), generator=stream(args.seed, "users"))
        users = have[order[: args.users]].tolist()
        results = {
            name: measured(
                trained(dataset, scenario, f"ddrm_sampler({settings})", args.epochs, args.seed),
                truth,
                users,
            )
            for name, settings in (("trained", ""), ("untrained", "denoiser=untrained"))
        }
        mean_auc = {**results["trained"], "rho, untrained denoiser": results["untrained"]["rho"]}
        text = "  ".join(f"{name} {value:.3f}" for name, value in mean_auc.items())
        sys.stdout.write(f"{dataset}: {len(users)} users  AUC  {text}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
