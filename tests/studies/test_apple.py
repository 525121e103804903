"""The Apple study: its 284 published runs, the 18 settings, and the comparison of a run with it."""

import importlib.util
import math
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from negbench.errors import UserError
from negbench.experiment.options.experiment_file import of_datasets, read_experiments
from negbench.experiment.options.options import build, merge
from negbench.experiment.plan import asked

STUDIES = Path(__file__).resolve().parents[2] / "studies"
EVENTS = {
    "ml_10m": (104_626, 15_071, 20_410, 69_145),
    "retailrocket": (443, 96, 124, 223),
    "amazon_beauty": (21_976, 4_992, 5_838, 11_146),
}
"""Test events of all, head, mid and tail items, of which each hit rate is a whole number."""
MEANS = """
amazon_beauty AMNS 10 2.333 .123 1.152 .065 7.14 .49 2.16 .14 .274 .065 .506 .014
amazon_beauty ANS 10 1.640 .126 .776 .072 2.15 .21 2.63 .26 .894 .126 .791 .028
amazon_beauty MNS 10 1.470 .061 .663 .036 2.96 .29 2.36 .19 .339 .060 .689 .028
amazon_beauty RNS 10 1.444 .056 .703 .039 4.41 .22 1.49 .17 .096 .019 .506 .020
amazon_beauty BNS 10 1.371 .089 .627 .049 2.80 .37 2.11 .18 .343 .093 .687 .037
amazon_beauty PNS 10 .775 .077 .375 .037 .90 .27 1.28 .19 .457 .094 .786 .034
ml_10m AMNS 20 1.104 .040 .497 .020 .80 .23 1.05 .25 1.186 .139 .871 .054
ml_10m RNS 20 1.044 .068 .475 .032 3.06 2.13 .64 .38 .724 .492 .670 .213
ml_10m MNS 17 .887 .043 .401 .021 .34 .08 .48 .11 1.127 .067 .700 .048
ml_10m PNS 10 .828 .069 .379 .035 .54 .24 .59 .23 .961 .108 .821 .096
ml_10m BNS 20 .579 .094 .264 .043 .02 .02 .10 .06 .841 .130 .417 .045
ml_10m ANS 17 .459 .193 .217 .095 .14 .33 .02 .04 .659 .283 .384 .099
retailrocket AMNS 20 4.187 1.40 2.355 .838 15.62 5.84 2.34 1.25 .291 .263 .447 .047
retailrocket BNS 20 4.086 .655 3.023 .298 11.82 2.25 3.47 .95 1.099 .572 .538 .036
retailrocket MNS 20 3.770 .595 2.874 .324 11.61 2.47 3.47 .87 .561 .381 .521 .031
retailrocket RNS 20 3.578 .711 2.453 .591 11.35 3.39 3.15 .98 .471 .424 .530 .085
retailrocket PNS 20 2.020 1.14 1.335 .733 4.17 4.37 3.19 .81 .448 .460 .522 .146
retailrocket ANS 20 1.907 .989 1.078 .509 2.34 2.48 3.23 1.11 .987 1.01 .562 .158
"""
"""Mean and sd, in percent, of HR, NDCG, HR of head, mid and tail, and of the balance, as they were
computed from the same file by another hand."""


@pytest.fixture(scope="module")
def compare():
    spec = importlib.util.spec_from_file_location("compare_apple", STUDIES / "compare_apple.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_every_published_run_is_there_and_consistent(compare):
    runs = compare.published()
    assert len(runs) == 284 and not runs.isna().any().any()
    assert not runs.duplicated(["dataset", "method", "repeat"]).any()
    assert (runs["label"] == runs["method"].map(compare.LABELS)).all()
    assert set(runs["best_epoch"]) == set(range(25, 201, 25))
    for name, (n, *of_bands) in EVENTS.items():
        here = runs[runs["dataset"] == name]
        hits = [here[f"{b}_hit"] * m for b, m in zip(compare.BANDS, of_bands, strict=True)]
        for each, m in zip(hits, of_bands, strict=True):
            assert (abs(each - each.round()) < 0.002 + 1e-4 * each).all(), (name, m)
        np.testing.assert_allclose(sum(hits), here["hit"] * n, rtol=2e-4)
        ndcg = [here[f"{b}_ndcg"] * m for b, m in zip(compare.BANDS, of_bands, strict=True)]
        np.testing.assert_allclose(sum(ndcg), here["ndcg"] * n, rtol=3e-4)
    bands = runs[[f"{b}_ndcg" for b in compare.BANDS]].to_numpy()
    np.testing.assert_allclose([compare.balance(x) for x in bands], runs["balance"], atol=2e-4)


def test_their_means_are_those_of_another_count(compare):
    runs = compare.published()
    columns = ["hit", "ndcg", "head_hit", "mid_hit", "tail_hit", "balance"]
    for line in MEANS.split("\n")[1:-1]:
        name, label, n, *numbers = line.split()
        here = runs[(runs["dataset"] == name) & (runs["label"] == label)]
        assert len(here) == int(n)
        for at, column in enumerate(columns):
            unit = 1 if column == "balance" else 100
            for text, value in zip(
                numbers[2 * at : 2 * at + 2], (here[column].mean(), here[column].std()), strict=True
            ):
                half = 0.6 * 10 ** -len(text.partition(".")[2])
                assert abs(value * unit - float(text)) < half, (line, column, value)


def test_their_orders_are_those_of_the_study(compare):
    runs = compare.published()

    def text(name, measure):
        return compare._text(compare.order(runs[runs["dataset"] == name], measure))

    assert text("amazon_beauty", "ndcg") == "AMNS >> ANS > RNS > MNS ~ BNS >> PNS"
    assert text("ml_10m", "ndcg") == "AMNS > RNS >> MNS ~ PNS >> BNS ~ ANS"
    assert text("ml_10m", "head_hit") == "RNS >> AMNS > PNS > MNS > ANS ~ BNS"
    assert text("retailrocket", "ndcg") == "BNS ~ MNS > RNS ~ AMNS >> PNS ~ ANS"
    own = runs[runs["dataset"] == "ml_10m"]
    assert compare.agreement(own, own, "ndcg") == (3, 3)
    turned = own.assign(ndcg=-own["ndcg"])
    assert compare.agreement(turned, own, "ndcg") == (0, 3)
    assert compare.balance(np.ones(3)) == 1 and math.isclose(
        compare.balance([1, 0, 0]), 1 / 3, rel_tol=1e-5
    )


PUBLISHED_SETTINGS = {  # negatives, pool, uniform, top, lr, batch size: as their file has them
    "ml_10m": {
        "random": ({"negatives": 50}, 0.01, 64),
        "popularity": ({"negatives": 50}, 0.0001, 64),
        "in_batch": ({"pool": 5}, 0.01, 128),
        "mixed": ({"pool": 50, "uniform": 50}, 0.01, 128),
        "adaptive": ({"pool": 100, "top": 5}, 0.01, 128),
        "adaptive_mixed": ({"pool": 10, "uniform": 100, "top": 25}, 0.01, 64),
    },
    "amazon_beauty": {
        "random": ({"negatives": 5}, 0.0001, 128),
        "popularity": ({"negatives": 5}, 0.0001, 128),
        "in_batch": ({"pool": 50}, 0.0001, 128),
        "mixed": ({"pool": 5, "uniform": 5}, 0.001, 64),
        "adaptive": ({"pool": 100, "top": 25}, 0.0001, 128),
        "adaptive_mixed": ({"pool": 10, "uniform": 100, "top": 5}, 0.001, 64),
    },
    "retailrocket": {
        "random": ({"negatives": 5}, 0.001, 256),
        "popularity": ({"negatives": 5}, 0.01, 256),
        "in_batch": ({"pool": 50}, 0.0001, 128),
        "mixed": ({"pool": 5, "uniform": 5}, 0.001, 256),
        "adaptive": ({"pool": 100, "top": 5}, 0.01, 256),
        "adaptive_mixed": ({"pool": 10, "uniform": 100, "top": 5}, 0.001, 128),
    },
}


def test_the_file_has_the_eighteen_settings():
    experiments = read_experiments(STUDIES / "apple.toml")
    seen = {}
    for options in (build(merge(each)) for each in experiments):
        for cell in asked(options):
            config, backbone = cell.recipe.configs()[cell.recipe.name], cell.backbone_config()
            name = cell.dataset.partition("(")[0]
            wanted, lr, size = PUBLISHED_SETTINGS[name][cell.recipe.name]
            assert {key: config[key] for key in wanted} == wanted, cell
            assert config.get("shared", config.get("pool_of")) == "sequence"
            assert config.get("correction") is None and config.get("faithful", True)
            assert config.get("exponent", 1) == 1 and not config.get("smoothing")
            assert (backbone.lr, backbone.batch_size, backbone.dim) == (lr, size, 50)
            assert (backbone.length, backbone.dropout, backbone.beta2) == (
                200 if name == "ml_10m" else 50,
                0.2,
                0.98,
            )
            assert (backbone.blocks, backbone.heads, backbone.l2) == (2, 1, 0)
            assert (cell.mask, cell.average, cell.users, cell.repeats) == (
                "none",
                "events",
                "with-history",
                "keep",
            )
            assert (cell.train.epochs, cell.train.eval_every) == (200, 25)
            assert cell.train.select == "hit@10" and cell.objective == "bce"
            seen.setdefault((name, cell.recipe.name), []).append(cell.seed)
    assert len(seen) == 18 and set(map(tuple, seen.values())) == {tuple(range(20))}


def test_a_data_set_picks_its_experiment(tmp_path):
    experiments = read_experiments(STUDIES / "apple.toml")
    (one,) = of_datasets(experiments, ["ml_10m"])
    assert one["datasets"] == ["ml_10m(min_rating=0.5)"] and one["mask"] == "none"
    assert of_datasets(experiments, ["ml_10m(min_rating=0.5)", "retailrocket"]) == [
        experiments[0],
        experiments[2],
    ]
    with pytest.raises(UserError, match="-d picks among their data sets; none has 'ml_100k'"):
        of_datasets(experiments, ["ml_10m", "ml_100k"])
    wrong = tmp_path / "wrong.toml"
    wrong.write_text("experiment = 3\n")
    with pytest.raises(UserError, match="experiment must be a list of tables"):
        read_experiments(wrong)


def results(folder, *, seeds=3, twice=False):
    """A results.csv in which `random` is above `adaptive`, everywhere."""
    rows = []
    for method, level in (("random", 0.2), ("adaptive", 0.1)):
        for seed in range(seeds):
            for metric in ("ndcg", "hit"):
                for band in ("all", "head", "mid", "tail"):
                    value = level + 0.001 * seed
                    rows.append(
                        (
                            "ml_10m(min_rating=0.5)",
                            "sasrec",
                            method,
                            "",
                            seed,
                            "test",
                            metric,
                            10,
                            band,
                            value,
                        )
                    )
    if twice:
        rows.append(
            ("ml_10m", "sasrec", "random", "negatives=2", 0, "test", "ndcg", 10, "all", 0.1)
        )
    names = [
        "dataset",
        "backbone",
        "method",
        "variant",
        "seed",
        "split",
        "metric",
        "k",
        "band",
        "value",
    ]
    pd.DataFrame(rows, columns=names).to_csv(folder / "results.csv", index=False)


def test_a_run_beside_theirs(compare, tmp_path):
    results(tmp_path)
    done = subprocess.run(
        [sys.executable, STUDIES / "compare_apple.py", tmp_path], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    assert "ml_10m, against their ml_10m" in done.stdout
    assert "20.100 +- 0.100" in done.stdout and "0.475 +- 0.032" in done.stdout
    assert "NDCG@10: 1 of 1 adjacent orders" in done.stdout
    assert "  theirs  RNS >> ANS" in done.stdout and "  ours    RNS >> ANS" in done.stdout
    results(tmp_path, twice=True)
    with pytest.raises(ValueError, match="random has two"):
        compare.of_run(tmp_path)
    with pytest.raises(ValueError, match="holds no results.csv"):
        compare.of_run(tmp_path / "none")
