"""How often each test calls two equal rows different: the level of the tests of `compare`.

python benchmarks/null_rejections.py [--run RUN ... --vs random] [--draws 4000] [--seeds 1,2,3,5,10]
python benchmarks/null_rejections.py --splits 2,3,5

Differences d[user, seed] = user + seed + residual of mean zero are drawn from normal distributions
with the variance parts of real runs, so that every "better" or "worse" is false. PARTS were found
by `--run` on `negbench run -d goodbooks,kuairec -m random,dns,dns_mn -b mf --seeds 10`. The table,
in percent at the level of 5 %, stands in docs/statistics.md. "t over seeds" tests the means of the
seeds and is no option of `compare`: it covers these users alone and needs many seeds.

With `--splits` the test of runs repeated over splits is tried instead, splits in the place of the
seeds and with their variance: all users in every split, half of them at random, or none in two.
"""

import argparse
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd
from scipy.stats import wilcoxon

from negbench.analysis.runs import frames
from negbench.analysis.statistics.crossed_effects import Floats, mean_products
from negbench.analysis.statistics.paired_tests import sign_flips
from negbench.analysis.statistics.paired_values import Paired, paired
from negbench.analysis.statistics.pairwise import pairwise

LEVEL = 0.05
FLIPS = 999
USERS = 400
"""Users drawn: the rates depend on the shares of the parts alone, which `for_fewer_users` keeps."""
SHARED = {"all users in each split": 1.0, "half of them": 0.5, "no user in two": 0.0}
PAIRS = 40
"""Pairs of rows drawn at once under splits."""
TESTS = ("crossed", "paired-t", "wilcoxon", "permutation", "t over seeds")


@dataclass(frozen=True)
class Parts:
    """Number of users, and the variances of a paired difference by its parts."""

    name: str
    n_users: int
    users: float
    seeds: float
    residual: float

    def for_fewer_users(self) -> "Parts":
        """The parts with `USERS` users and seeds that differ by as much more."""
        return replace(self, n_users=USERS, seeds=self.seeds * self.n_users / USERS)


PARTS = (
    Parts("goodbooks, dns_mn - random", 5786, 9.22e-4, 6.52e-6, 9.01e-3),
    Parts("kuairec, dns_mn - random", 1411, 2.83e-3, 7.31e-5, 8.96e-3),
)


def parts_of(folders: list[Path], vs: str) -> list[Parts]:
    """The parts of every method's difference to `vs`, where there are two seeds or more."""
    run = frames.open_run(folders)
    parts = []
    for block in paired(run, frames.choose_metric(run)):
        if vs not in block.names or len(block.values) < 2:
            continue
        base = block.values[:, :, block.names.index(vs)]
        for at, (name, kind) in enumerate(zip(block.names, block.rows["kind"], strict=True)):
            if name == vs or kind == frames.REFERENCE:
                continue
            d = block.values[:, :, at] - base
            d = d[:, ~np.isnan(d).any(axis=0), None]
            users, seeds, residual = (float(m[0, 0]) for m in mean_products(d))
            label = f"{block.dataset} on {block.backbone}, {name} - {vs}"
            of_users = max(0.0, users - residual) / len(d)
            of_seeds = max(0.0, seeds - residual) / d.shape[1]
            parts.append(Parts(label, d.shape[1], of_users, of_seeds, residual))
    return parts


def drawn(parts: Parts, n_seeds: int, rng: np.random.Generator) -> Floats:
    """Differences [seeds, users] whose true mean is zero."""
    users = rng.normal(0, parts.users**0.5, parts.n_users)
    seeds = rng.normal(0, parts.seeds**0.5, (n_seeds, 1))
    d: Floats = users + seeds + rng.normal(0, parts.residual**0.5, (n_seeds, parts.n_users))
    return d


def p_value(d: Floats, test: str) -> float:
    """The p value of differences [seeds, users] under a test."""
    if test == "t over seeds":
        d, test = d.mean(axis=1)[None], "paired-t"
    values = np.stack([d, np.zeros_like(d)], axis=2)
    rows = pd.DataFrame({"row": ["one", "other"]})
    return float(pairwise(Paired("", "", rows, tuple(range(len(d))), values), test).p[0, 1])


def rates(parts: Parts, n_seeds: int, draws: int) -> dict[str, float]:
    """The share of draws that each test calls different."""
    rng = np.random.default_rng(n_seeds)
    rejected = dict.fromkeys(TESTS, 0.0)
    means = np.empty((parts.n_users, draws))
    one_by_one = [test for test in TESTS if test not in ("wilcoxon", "permutation")]
    for at in range(draws):
        d = drawn(parts, n_seeds, rng)
        means[:, at] = d.mean(axis=0)
        for test in one_by_one:
            rejected[test] += p_value(d, test) < LEVEL
    # All draws at once, to save time: these have no ties, and share their flips, fewer than in
    # `compare`.
    rejected["wilcoxon"] = float((wilcoxon(means).pvalue < LEVEL).sum())
    rejected["permutation"] = float((sign_flips(means, FLIPS)[1] < LEVEL).sum())
    if n_seeds == 1:
        rejected["t over seeds"] = np.nan
    return {test: count / draws for test, count in rejected.items()}


def rate_over_splits(parts: Parts, n_splits: int, shared: float, draws: int) -> float:
    """The share of draws that the test over splits calls different."""
    rng = np.random.default_rng(n_splits)
    rejected = 0
    for _ in range(draws // PAIRS):
        d = np.stack([drawn(parts, n_splits, rng) for _ in range(PAIRS)], axis=2)
        present = rng.random(d.shape[:2]) < shared
        if not shared:
            present = np.arange(d.shape[1]) % n_splits == np.arange(n_splits)[:, None]
        values = np.concatenate([d, np.zeros_like(d[:, :, :1])], axis=2)
        values[~present] = np.nan
        rows = pd.DataFrame({"row": range(PAIRS + 1)})
        splits = tuple(range(1, n_splits + 1))
        p = pairwise(Paired("", "", rows, (0,), values, splits)).p[-1, :-1]
        rejected += int((p < LEVEL).sum())
    return rejected / (draws // PAIRS * PAIRS)


def table_over_splits(parts: Parts, splits: list[int], draws: int) -> str:
    """The rates of the test over splits as Markdown, a line for each number of splits."""
    lines = [f"| {parts.name}: splits | {' | '.join(SHARED)} |", "|--:|" + "--:|" * len(SHARED)]
    for n in splits:
        rates = (rate_over_splits(parts, n, shared, draws) for shared in SHARED.values())
        lines.append(f"| {n} | {' | '.join(f'{100 * rate:.1f}' for rate in rates)} |")
    return "\n".join(lines)


def table(parts: Parts, seeds: list[int], draws: int) -> str:
    """The rates as Markdown, a line for each number of seeds."""
    lines = [f"| {parts.name}: seeds | {' | '.join(TESTS)} |", "|--:|" + "--:|" * len(TESTS)]
    for n_seeds in seeds:
        by_test = rates(parts, n_seeds, draws)
        cells = ("-" if np.isnan(rate) else f"{100 * rate:.1f}" for rate in by_test.values())
        lines.append(f"| {n_seeds} | {' | '.join(cells)} |")
    return "\n".join(lines)


def main() -> None:
    """Print a table for each set of variance parts."""
    parser = argparse.ArgumentParser(description="False rejections of the tests of compare")
    parser.add_argument("--run", type=Path, nargs="+", help="run folders to take the parts from")
    parser.add_argument("--vs", default="random")
    parser.add_argument("--draws", type=int, default=4000)
    parser.add_argument("--seeds", default="1,2,3,5,10")
    parser.add_argument("--splits", default="", help="numbers of splits, as 2,3,5")
    args = parser.parse_args()
    splits = [int(word) for word in args.splits.split(",") if word]
    seeds = [int(word) for word in args.seeds.split(",")]
    for parts in parts_of(args.run, args.vs) if args.run else PARTS:
        print(
            f"\nVariances: users {parts.users:.3g}, seeds {parts.seeds:.3g}, residual "
            f"{parts.residual:.3g}; {parts.n_users:,} users; {args.draws:,} draws\n"
        )
        fewer = parts.for_fewer_users()
        if splits:
            print(table_over_splits(fewer, splits, args.draws), flush=True)
        else:
            print(table(fewer, seeds, args.draws), flush=True)


if __name__ == "__main__":
    main()
