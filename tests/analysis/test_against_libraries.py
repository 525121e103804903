"""What a finished run says of its rows, recomputed by scipy, statsmodels and scikit-posthocs.

The functions have tests of their own beside them; here the libraries get the values of the users as
they lie on disk, and the frames that tables, verdicts and reports read must say the same.
"""

import itertools
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import scikit_posthocs
from scipy import stats
from statsmodels.stats.anova import AnovaRM
from statsmodels.stats.multitest import multipletests

from negbench.analysis.runs.frames import Run, open_run, users
from negbench.analysis.statistics.friedman import friedman, mean_ranks
from negbench.analysis.statistics.multiple_testing import CORRECTIONS
from negbench.analysis.statistics.significance import significance
from negbench.storage.atomic_write import write_json

METHODS = ("random", "popularity", "dns", "mixed", "in_batch")
GAIN = dict(zip(METHODS, (0.0, -0.02, 0.05, 0.01, 0.002), strict=True))
STATSMODELS = {"holm": "holm", "bh": "fdr_bh"}
EXACT = {"rel": 1e-9, "abs": 1e-300}


def fill(write: Any, out: Path, dataset: str, seeds: int, n: int, seed: int) -> None:
    """Rows of known effect: users, seeds and their products are random, as in a real run."""
    rng = np.random.default_rng(seed)
    of_user = rng.uniform(0.1, 0.6, n)
    for method in METHODS:
        own = rng.normal(0, 0.04, n)
        for s in range(seeds):
            noise = rng.normal(0, 0.03, n) + rng.normal(0, 0.01)
            values = np.clip(of_user + GAIN[method] + own + noise, 0, 1)
            write(out, dataset, method, s, {"all": values})


@pytest.fixture(params=[12, 40, 120])
def run(request: pytest.FixtureRequest, tmp_path: Path, write: Any) -> Run:
    """One block of five rows under three seeds, with so many users."""
    out = tmp_path / "run"
    fill(write, out, "books", 3, request.param, request.param)
    write_json(out / "run.json", {"command": "negbench run", "started": "2026-01-01T00:00"})
    return open_run(out)


def by_user(run: Run) -> pd.DataFrame:
    """Users by rows, the seeds of each averaged: nothing but the arrays on disk."""
    return users(run).pivot_table(index="user", columns="row", values="value", aggfunc="mean")


def against(frame: pd.DataFrame) -> pd.DataFrame:
    return frame.set_index("row").drop("random")


@pytest.mark.parametrize("correction", ["holm", "bh", "none"])
def test_paired_t_is_scipys_and_its_correction_statsmodels(run: Run, correction: str) -> None:
    table = by_user(run)
    frame = against(significance(run, vs="random", test="paired-t", correction=correction))
    theirs = {row: stats.ttest_rel(table[row], table["random"]) for row in frame.index}
    for row, line in frame.iterrows():
        result = theirs[str(row)]
        assert line["statistic"] == pytest.approx(result.statistic)
        assert line["p"] == pytest.approx(result.pvalue, **EXACT)
        interval = result.confidence_interval(0.95)
        assert (line["low"], line["high"]) == pytest.approx((interval.low, interval.high))
    raw = [theirs[row].pvalue for row in frame.index]
    method = STATSMODELS.get(correction)
    corrected = multipletests(raw, method=method)[1] if method else raw
    assert frame["p_corrected"].tolist() == pytest.approx(list(corrected), **EXACT)


def test_wilcoxon_is_scipys(run: Run) -> None:
    table = by_user(run)
    frame = against(significance(run, vs="random", test="wilcoxon", correction="none"))
    for row, line in frame.iterrows():
        theirs = stats.wilcoxon(np.round(table[row] - table["random"], 6))
        assert line["p"] == pytest.approx(theirs.pvalue, **EXACT)


def test_the_best_row_is_compared_with_all_and_corrected_over_all_pairs(run: Run) -> None:
    """Who looks for the best row has looked at every pair."""
    table = by_user(run)
    frame = significance(run, vs="random", test="paired-t").set_index("row")
    pairs = list(itertools.combinations(frame.index, 2))
    raw = [stats.ttest_rel(table[a], table[b]).pvalue for a, b in pairs]
    corrected = dict(zip(pairs, multipletests(raw, method="holm")[1], strict=True))
    (best,) = frame.index[frame["best"]]
    assert best == table.mean().idxmax()
    for row in frame.index.drop(best):
        p = corrected.get((best, row), corrected.get((row, best)))
        assert frame.loc[row, "p_best"] == pytest.approx(p, **EXACT)
        assert frame.loc[row, "tied"] == (p >= 0.05)


def test_two_crossed_factors_have_the_mean_squares_of_statsmodels(run: Run) -> None:
    """F of the seeds from its repeated-measures analysis, users as subjects: MS_seeds / MS_res."""
    frame = users(run).pivot_table(index=["user", "seed"], columns="row", values="value")
    ours = against(significance(run, vs="random", test="crossed"))
    for row in ours.index:
        d = (frame[row] - frame["random"]).rename("d").reset_index()
        matrix = d.pivot(index="user", columns="seed", values="d").to_numpy()
        u, s = matrix.shape
        theirs = AnovaRM(d, "d", "user", within=["seed"]).fit().anova_table
        both = matrix - matrix.mean(1, keepdims=True) - matrix.mean(0) + matrix.mean()
        residual = (both**2).sum() / ((u - 1) * (s - 1))
        of_seeds = float(theirs["F Value"].iloc[0]) * residual
        of_users = s * matrix.mean(1).var(ddof=1)
        variance = (max(0.0, of_users - residual) + of_seeds) / (u * s)
        assert ours.loc[row, "statistic"] == pytest.approx(matrix.mean() / np.sqrt(variance))


@pytest.mark.parametrize("name", STATSMODELS)
def test_corrections_are_statsmodels(name: str) -> None:
    rng = np.random.default_rng(0)
    for m in (1, 2, 7, 50):
        p = np.round(rng.uniform(0, 0.2, m) ** 2, 4)  # some are equal, some 0
        theirs = multipletests(p, method=STATSMODELS[name])[1]
        assert CORRECTIONS[name][1](p) == pytest.approx(theirs)


@pytest.fixture
def blocks(tmp_path: Path, write: Any) -> Run:
    """Ten data sets, one seed each."""
    out = tmp_path / "run"
    for at in range(10):
        fill(write, out, f"set{at}", 1, 25, 100 + at)
    write_json(out / "run.json", {"command": "negbench run", "started": "2026-01-01T00:00"})
    return open_run(out)


def test_friedman_and_nemenyi_over_blocks(blocks: Run) -> None:
    means = users(blocks).groupby(["dataset", "row"])["value"].mean().unstack()
    result = friedman(blocks)
    theirs = stats.friedmanchisquare(*means.to_numpy().T)
    assert (result.chi2, result.p) == pytest.approx((theirs.statistic, theirs.pvalue))
    n, k = means.shape
    f = (n - 1) * theirs.statistic / (n * (k - 1) - theirs.statistic)  # Iman and Davenport
    assert result.f == pytest.approx(f)
    assert result.p_f == pytest.approx(stats.f.sf(f, k - 1, (k - 1) * (n - 1)))
    ranks = means.rank(axis=1, ascending=False).mean()
    shown = mean_ranks(blocks).set_index("row")["mean_rank"]
    assert shown.to_dict() == pytest.approx(ranks.to_dict())
    nemenyi = scikit_posthocs.posthoc_nemenyi_friedman(means.to_numpy())
    nemenyi.index = nemenyi.columns = means.columns
    for a, b in itertools.combinations(means.columns, 2):
        assert result.pairs.loc[a, b] == pytest.approx(nemenyi.loc[a, b], abs=2e-3)


@pytest.mark.parametrize("test", ["crossed", "paired-t", "wilcoxon", "permutation"])
@pytest.mark.parametrize("seeds", [1, 3])
def test_one_user_cannot_be_tested(tmp_path: Path, write: Any, test: str, seeds: int) -> None:
    """One test user is no sample of users: neither "same" nor anything else is said of the rows."""
    out = tmp_path / "run"
    for method, value in {"random": 0.2, "dns": 0.9}.items():
        for seed in range(seeds):
            write(out, "books", method, seed, {"all": [value]})
    frame = significance(open_run(out), vs="random", test=test).set_index("row")
    assert np.isnan(frame.loc["dns", "p"]) and frame.loc["dns", "verdict"] == ""
    assert frame.loc["dns", "conclusion"] == ""


def test_two_users_are_a_wide_sample(tmp_path: Path, write: Any) -> None:
    out = tmp_path / "run"
    for method, values in {"random": [0.2, 0.3], "dns": [0.5, 0.9]}.items():
        write(out, "books", method, 0, {"all": values})
    line = significance(open_run(out), vs="random").set_index("row").loc["dns"]
    theirs = stats.ttest_rel([0.5, 0.9], [0.2, 0.3])
    assert line["p"] == pytest.approx(theirs.pvalue, rel=1e-5) and line["verdict"] == "same"
    assert line["low"] < 0 < line["high"]
