"""A run of studies/apple.toml against the 284 runs that the study published: means and orders.

    python studies/compare_apple.py runs/apple
    python studies/compare_apple.py runs/apple-small --against ml_10m

For each data set: mean +- sd over runs of NDCG@10, hit rate@10, hit rate of head, mid and tail, and
the balance of NDCG over the three, ours above theirs. Then each measure's order of the samplers,
best first, where Welch's test of neighbours says >> (p < .001), > (p < .05) or ~ (not separable).

An adjacent order of theirs agrees if our means have it too; those that their own runs do not
separate are not counted. With 17 to 20 of their runs a sampler neighbours that differ by chance
alone are separated at .05 in 1 of 20 cases, and nothing corrects for the many tests.
"""

import argparse
import sys
import warnings
from itertools import pairwise
from pathlib import Path

import numpy as np
import pandas as pd
from scipy import stats

PUBLISHED = Path(__file__).with_name("apple_published.csv")
LABELS = {
    "random": "RNS",
    "popularity": "PNS",
    "in_batch": "BNS",
    "mixed": "MNS",
    "adaptive": "ANS",
    "adaptive_mixed": "AMNS",
}
BANDS = ("head", "mid", "tail")
MEASURES = {
    "ndcg": "NDCG@10",
    "hit": "HR@10",
    **{f"{band}_hit": f"{band} HR" for band in BANDS},
    "balance": "balance",
}
"""Columns of both tables and their titles; all but the balance are shown in percent."""


def published() -> pd.DataFrame:
    """The study's runs, a line a run."""
    return pd.read_csv(PUBLISHED, comment="#")


def of_run(folder: Path) -> pd.DataFrame:
    """Our runs in the columns of `published`, a line a seed, from the results.csv of a run.

    Raises ValueError if there is none, if it lacks a measure, or holds two settings of a sampler.
    """
    path = folder / "results.csv"
    if not path.is_file():
        raise ValueError(f"{folder} must be the folder of a run; it holds no results.csv")
    lines = pd.read_csv(path, keep_default_na=False, na_values=[""])
    lines["dataset"] = lines["dataset"].str.partition("(")[0]
    of_test = (lines["split"] == "test") & (lines["k"] == 10) & lines["method"].isin(LABELS)
    lines = lines[of_test & lines["metric"].isin(("ndcg", "hit"))]
    rows = lines[["dataset", "backbone", "method", "variant"]].drop_duplicates()
    twice = rows[rows.duplicated(["dataset", "method"])]
    if len(twice):
        raise ValueError(
            f"{folder}: a sampler must have one row a data set; {twice['method'].iloc[0]} has two"
        )
    whole = lines["band"] == "all"
    lines["measure"] = lines["metric"].where(whole, lines["band"] + "_" + lines["metric"])
    wide = lines.pivot_table(
        index=["dataset", "method", "seed"], columns="measure", values="value"
    ).reset_index()
    wanted = ["ndcg", "hit", *(f"{band}_{each}" for band in BANDS for each in ("hit", "ndcg"))]
    if missing := [each for each in wanted if each not in wide]:
        raise ValueError(f"{folder} has no {missing[0]} at 10; run studies/apple.toml")
    values = wide[[f"{band}_ndcg" for band in BANDS]].to_numpy()
    wide["balance"] = [balance(each) for each in values]
    return wide


def balance(values: "np.ndarray") -> float:
    """1 - Gini of the bands' values, to each of which the study adds 1e-7."""
    x = np.asarray(values, float) + 1e-7
    return float(1 - np.abs(x[:, None] - x).mean() / (2 * x.mean()))


def order(runs: pd.DataFrame, measure: str) -> list[tuple[str, str]]:
    """Methods by their mean, best first, each with the sign between it and the one before."""
    values = {str(name): group[measure].to_numpy() for name, group in runs.groupby("method")}
    ranked = sorted(values, key=lambda method: -values[method].mean())
    signs = [sign(values[a], values[b]) for a, b in pairwise(ranked)]
    return list(zip(ranked, ["", *signs], strict=True))


def sign(a: "np.ndarray", b: "np.ndarray") -> str:
    """>> where Welch's test of two samples gives p < .001, > where p < .05, else ~."""
    if min(len(a), len(b)) < 2 or not (a.std() or b.std()):
        return "~"
    with warnings.catch_warnings():  # a sampler whose few runs are all alike
        warnings.simplefilter("ignore", RuntimeWarning)
        p = float(stats.ttest_ind(a, b, equal_var=False).pvalue)
    return ">>" if p < 0.001 else ">" if p < 0.05 else "~"


def agreement(ours: pd.DataFrame, theirs: pd.DataFrame, measure: str) -> tuple[int, int]:
    """How many adjacent orders of theirs our means have, of how many that theirs separate."""
    mean = ours.groupby("method")[measure].mean()
    ranked = [each for each in order(theirs, measure) if each[0] in mean.index]
    split = [(a, b) for (a, _), (b, mark) in pairwise(ranked) if mark != "~"]
    return sum(bool(mean[a] > mean[b]) for a, b in split), len(split)


def lines_of(ours: pd.DataFrame, theirs: pd.DataFrame) -> list[str]:
    """The table and the orders of one data set."""
    methods = [each for each in LABELS if each in set(ours["method"])]
    theirs = theirs[theirs["method"].isin(methods)]
    titles = "".join(f"{title:>17}" for title in MEASURES.values())
    lines = [f"{'%, mean +- sd':<26}{'n':>4}{titles}"]
    for method in methods:
        for who, runs in (("ours", ours), ("theirs", theirs)):
            name = f"{LABELS[method]} {method}" if who == "ours" else ""
            lines.append(f"{name:<20}{who:<6}{_cells(runs[runs['method'] == method])}")
    for measure, title in MEASURES.items():
        right, of = agreement(ours, theirs, measure)
        lines += ["", f"{title}: {right} of {of} adjacent orders that theirs separate agree"]
        lines += [f"  theirs  {_text(order(theirs, measure))}"]
        lines += [f"  ours    {_text(order(ours, measure))}"]
    return lines


def _cells(runs: pd.DataFrame) -> str:
    text = f"{len(runs):>4}"
    for measure in MEASURES:
        unit, digits = (1, 3) if measure == "balance" else (100, 3)
        values = runs[measure].to_numpy() * unit
        spread = f"{values.std(ddof=1):.{digits}f}" if len(values) > 1 else "-"
        text += f"{f'{values.mean():.{digits}f} +- {spread}':>17}"
    return text


def _text(ranked: list[tuple[str, str]]) -> str:
    return " ".join(f"{mark} {LABELS[method]}".strip() for method, mark in ranked)


def main() -> int:
    """Print the comparison of every data set that both have; 2 for a folder that is no such run."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("run", type=Path, help="folder of a run of studies/apple.toml")
    parser.add_argument("--against", help="their data set, for a run on another one")
    given = parser.parse_args()
    theirs = published()
    try:
        ours = of_run(given.run)
    except ValueError as error:
        print(f"compare_apple: {error}", file=sys.stderr)
        return 2
    known = set(theirs["dataset"])
    if given.against and given.against not in known:
        parser.error(f"--against must be one of {', '.join(sorted(known))}; got {given.against!r}")
    for name, runs in ours.groupby("dataset"):
        against = given.against or str(name)
        if against not in known:
            print(f"{name}: not a data set of the study; choose one with --against")
            continue
        print(f"{name}, against their {against}")
        print("\n".join(lines_of(runs, theirs[theirs["dataset"] == against])), end="\n\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
