"""Quality beside speed: validation NDCG by epochs and by CPU-seconds, ours and implicit's BPR.

sh benchmarks/peers/install.sh build/peers
python benchmarks/peers/quality.py --peers build/peers [--data goodbooks] [--data-dir DIR]

Both train on one thread with 64 factors, ours by its defaults, implicit with its step size at 0.05
(its default of 0.01 is far slower here). Our evaluator judges both; its time counts for neither.
The last lines are the CPU-seconds that each takes to the same NDCG, at three heights.
"""

import argparse
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parent))

from compare import export, lines  # noqa: E402
from scenarios import scenario_of  # noqa: E402
from work_training import Stepper  # noqa: E402

from negbench.evaluation.full_ranking import Scorer, metric_at  # noqa: E402
from negbench.evaluation.model_scorer import ModelScorer  # noqa: E402
from negbench.experiment.cell.run import prepare_fit  # noqa: E402
from negbench.experiment.cell.spec import CellSpec  # noqa: E402
from negbench.scenario.scenario import Scenario  # noqa: E402
from negbench.training.memory import keep_freed_memory  # noqa: E402

Curve = list[tuple[float, float]]
"""CPU-seconds so far and NDCG@20, after each epoch."""
SHARES = (0.8, 0.9, 0.95)
"""Of the lesser of the two bests: what both must reach."""
LOOKS = 4
"""In one of our epochs, which takes as long as some of implicit's: it is judged after each."""


class Factors:
    """Users and items as somebody else's vectors."""

    def __init__(self, path: Path) -> None:
        held = np.load(path, allow_pickle=False)
        self.users, self.items = torch.from_numpy(held["users"]), torch.from_numpy(held["items"])

    def scores(self, users: Tensor) -> Tensor:
        return self.users[users] @ self.items.T


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--peers", type=Path, default=Path("build/peers"))
    parser.add_argument("--data", default="goodbooks")
    parser.add_argument("--data-dir", type=Path)
    parser.add_argument("--epochs", type=int, default=100)
    args = parser.parse_args()
    torch.set_num_threads(1)
    keep_freed_memory()
    scenario = scenario_of(args.data, args.data_dir)
    curves = {"negbench": ours(scenario, args.epochs), "implicit": theirs(scenario, args)}
    for (name, curve), looks in zip(curves.items(), (LOOKS, 1), strict=True):
        for look, (cpu, value) in enumerate(curve, 1):
            text = f"{name:9} epoch {look / looks:6.2f}  {cpu:8.2f} CPU-s"
            sys.stdout.write(f"{text}  NDCG@20 {value:.4f}\n")
    bests = {name: max(value for _, value in curve) for name, curve in curves.items()}
    for name, curve in curves.items():
        sys.stdout.write(f"{args.data} {name:9} best {bests[name]:.4f}; CPU-s to NDCG@20")
        for goal in (share * min(bests.values()) for share in SHARES):
            reached = next(cpu for cpu, value in curve if value >= goal)
            sys.stdout.write(f"  {goal:.4f}: {reached:.2f}")
        sys.stdout.write("\n")


def ours(scenario: Scenario, epochs: int) -> Curve:
    spec = CellSpec(scenario.interactions.name, "mf", "random", probe="off")
    fit, spent, curve = prepare_fit(spec, scenario, torch.device("cpu")), 0.0, []
    step, each = Stepper(fit), len(scenario.split.train) // LOOKS
    for _ in range(epochs * LOOKS):
        start, done = time.process_time(), 0
        fit.backbone.train()
        while done < each:
            done += step()
        spent += time.process_time() - start
        fit.backbone.train(False)
        scorer = ModelScorer.of(fit.backbone, fit.context, scenario.split.train)
        curve.append((spent, judged(scorer, scenario)))
    return curve


def theirs(scenario: Scenario, args: argparse.Namespace) -> Curve:
    with tempfile.TemporaryDirectory() as folder:
        pairs = Path(folder) / "pairs.npz"
        export(args.data, args.data_dir, pairs)
        python = args.peers.resolve() / "compiled" / "bin" / "python"
        words = [str(python), str(HERE / "quality_implicit.py"), str(pairs)]
        rows = lines([*words, str(args.epochs), folder])
        return [
            (row["cpu"], judged(Factors(Path(folder) / f"{row['epoch']}.npz"), scenario))
            for row in rows
        ]


def judged(scorer: Scorer, scenario: Scenario) -> float:
    return metric_at(scorer, scenario.split.valid, scenario.masked("valid"))


if __name__ == "__main__":
    main()
