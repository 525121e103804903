"""studies/compare_claims.py: the file of claims is sound, and verdicts are those of the test."""

import importlib.util
import subprocess
import sys
import tomllib
from io import StringIO
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from negbench.analysis.runs import frames
from negbench.analysis.statistics.significance import significance
from negbench.composition import recipe
from negbench.plugins import registry
from negbench.reproduction.targets import blocks
from negbench.storage.training_end import WARM_UP_ONLY

STUDIES = Path(__file__).resolve().parents[2] / "studies"
USERS = 200


@pytest.fixture(scope="module")
def compare():
    spec = importlib.util.spec_from_file_location("compare_claims", STUDIES / "compare_claims.py")
    module = importlib.util.module_from_spec(spec)
    sys.modules["compare_claims"] = module  # where dataclasses look for their module
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def run(tmp_path, write):
    """dns far above random, psl level with info_nce, bsl far below; mixgcf did not run."""
    levels = {"random": 0.30, "dns": 0.40, "info_nce": 0.35, "psl": 0.35, "bsl": 0.20}
    for method, level in levels.items():
        for seed in (0, 1, 2):
            values = drawn(method, level, seed)
            write(tmp_path / "run", "books", method, seed, {"all": values})
    return tmp_path / "run"


def drawn(method, level, seed):
    rng = np.random.default_rng([seed, *map(ord, method)])
    users = np.random.default_rng(1).uniform(0, 0.2, USERS)
    return list(users + level + rng.normal(0, 0.002) + rng.normal(0, 0.05, USERS))


def results(compare, folder, **kept):
    claims = [c for c in compare.read_claims() if all(getattr(c, n) == v for n, v in kept.items())]
    opened = frames.open_run(folder)
    return compare.findings(opened, claims, frames.choose_metric(opened))


def test_every_claim_names_rows_that_can_be_typed(compare):
    claims = compare.read_claims()
    assert len(claims) >= 30 and len({c.paper for c in claims}) >= 18
    for claim in claims:
        for word in (claim.above, claim.below):
            assert str(recipe(word, claim.objective or None)) == word
        assert claim.above != claim.below and claim.by in ("authors", "others")
        assert set(claim.backbones) <= set(registry.names("backbones"))
        assert claim.objective in ("", "bpr", "bce", "softmax")
        for each in claim.published:
            assert set(each) == {
                "data", "backbone", "metric", "above", "below", "selection", "source",
            }  # fmt: skip
            assert 0 < each["below"] < 1 and 0 < each["above"] < 1
            assert each["selection"] in ("V", "Vt", "T", "not stated")
    for paper in tomllib.loads(compare.CLAIMS.read_text("utf-8"))["paper"]:
        assert registry.card("methods", paper["method"]).title and paper["read"]
    wanted = "ADAR DDRM HNLMRec NAPO AdvInfoNCE PreferDiff PSL BSL MixGCF AHNS SL@K CCL DENS SRNS"
    assert set(wanted.split()) | {"DNS(M, N)", "Triplet Shapley (ITIPR)"} <= {
        c.paper for c in claims
    }


BLOCKS = {
    "SL@K": {"Health": "health", "Gowalla": "ir-gowalla"},
    "PSL": {"Health": "health", "Gowalla": "ir-gowalla"},
    "BSL@": {"Yelp2018": "bsl-yelp2018", "Gowalla": "bsl-gowalla"},
    "DENS@": {name: f"dens-{name.lower()}" for name in ("Toy", "Baby", "Home", "Beauty", "LastFM")},
    "BARS@": {"Gowalla": "bars-gowalla", "Yelp2018": "bars-yelp2018", "Amazon-Book": "bars-amazon"},
    "MixGCF@": {name: f"mixgcf-{name.lower()}" for name in ("Alibaba", "Amazon", "Yelp2018")},
    "MDCNS": {n: f"mdcns-{n.lower()}" for n in ("Beauty", "Sports", "LastFM", "KuaiRand")},
}
"""The tables of `negbench reproduce` that hold a source's figures of a data set."""
LABELS = {
    "random": ("BPR", "RNS", "MF-BPR", "LightGCN, RNS"),
    "info_nce": ("SL", "MF, SL", "LightGCN, SL", "YoutubeDNN"),
    "bsl": ("BSL", "MF, BSL", "LightGCN, BSL"),
    "dns_mn": ("DNS(M,N)",),
    "adv_infonce": ("AdvInfoNCE",),
    "slatk": ("SL@20",),
    "ccl": ("MF-CCL",),
    "mixgcf": ("MixGCF", "LightGCN, MixGCF"),
}
"""How those tables call a row; without an entry by its name in any case."""


def test_published_figures_are_those_of_the_reproductions(compare):
    """Two readings of one table, made apart: where the package holds it too, both agree."""
    checked = 0
    for claim in compare.read_claims():
        for each in claim.published:
            start = next((key for key in BLOCKS if each["source"].startswith(key)), None)
            if start is None:
                continue
            name = BLOCKS[start][each["data"]]
            rows = [
                (row.label, dict(zip(block.metrics, row.values, strict=True))["ndcg@20"])
                for block in blocks().values()
                if block.name.startswith(name)
                for row in block.rows
                if row.backbone == each["backbone"].lower() or "," in row.label
            ]
            for side in ("above", "below"):
                word = getattr(claim, side)
                starts = LABELS.get(word, (word,))
                known = [v for label, v in rows if of_label(label, starts, each["backbone"])]
                assert each[side] in known, (claim.paper, word, each)
                checked += 1
    assert checked > 100


def of_label(label, starts, backbone):
    """Whether a table's label is one of these, settings behind a comma or a space left out."""
    plain = label.lower()
    for start in starts:
        head, _, rest = plain.partition(start.lower())
        if not head and (not rest or rest[0] in ", "):
            return ", " not in start or start.startswith(backbone)
    return False


def test_figures_of_apples_study_are_the_means_of_its_runs(compare):
    runs = pd.read_csv(STUDIES / "apple_published.csv", comment="#")
    names = {"Beauty": "amazon_beauty", "MovieLens 10M": "ml_10m", "RetailRocket": "retailrocket"}
    claims = [c for c in compare.read_claims() if c.paper.startswith("Apple")]
    assert len(claims) == 4
    for claim in claims:
        for each in claim.published:
            for side in ("above", "below"):
                here = runs["dataset"].eq(names[each["data"]]) & runs["method"].eq(
                    getattr(claim, side)
                )
                assert each[side] == pytest.approx(runs[here]["ndcg"].mean(), abs=6e-6)


def test_verdicts_are_those_of_the_test(compare, run):
    dns, *_ = [r for r in results(compare, run, above="dns", below="random")]
    psl = results(compare, run, above="psl", below="info_nce")[0]
    bsl = results(compare, run, above="bsl", below="info_nce")[0]
    assert dns.verdict == "confirmed" and dns.difference == pytest.approx(0.1, abs=0.02)
    assert bsl.verdict == "contrary" and bsl.difference < -0.1
    assert psl.verdict.startswith("not told apart (least detectable 0.0")
    assert psl.low < 0 < psl.high and psl.detectable > abs(psl.difference)
    against = significance(frames.open_run(run), vs="info_nce").set_index("row")
    for one, row in ((psl, "psl"), (bsl, "bsl")):
        for name in ("difference", "low", "high", "relative", "p", "detectable"):
            assert getattr(one, name) == pytest.approx(against.loc[row, name]), (row, name)


def test_p_is_corrected_over_the_pairs_of_the_block(compare, run):
    every = [r for r in results(compare, run) if r.verdict != "not run"]
    pairs = {frozenset((r.above, r.below)): r for r in every}
    assert len(pairs) == 4  # dns, info_nce: random; psl, bsl: info_nce
    ordered = sorted(pairs.values(), key=lambda r: r.p)
    assert ordered[0].p_corrected == pytest.approx(min(1, 4 * ordered[0].p))
    assert ordered[-1].p_corrected >= ordered[-1].p
    assert "not run" in {r.verdict for r in results(compare, run, paper="AHNS")}


def test_claims_of_another_backbone_or_objective_are_not_asked(compare, run):
    assert not results(compare, run, above="random", below="dns"), "made on sasrec"
    assert not results(compare, run, paper="MixGCF"), "made on layers"


def test_one_seed_covers_users_alone(compare, write, tmp_path):
    for method, level in (("random", 0.3), ("dns", 0.4)):
        write(tmp_path / "one", "books", method, 0, {"all": drawn(method, level, 0)})
    (one,) = [r for r in results(compare, tmp_path / "one", above="dns") if r.below == "random"]
    assert one.verdict == "confirmed, users alone"


def test_rows_are_compared_under_their_own_objective(compare, write, tmp_path):
    for objective, gain in (("bpr", 0.1), ("bce", -0.1)):
        for method, level in (("random", 0.3), ("dns", 0.3 + gain)):
            for seed in (0, 1, 2):

                def asked(record, objective=objective):
                    record["spec"]["objective"] = objective

                values = {"all": drawn(method, level, seed)}
                run = tmp_path / "both"
                write(run, "books", method, seed, values, backbone="sasrec", change=asked)
    verdicts = {
        (r.above, r.verdict)
        for r in results(compare, tmp_path / "both")
        if {"dns", "random"} == {r.claim.above, r.claim.below}
    }
    assert verdicts == {
        ("dns [objective=bpr]", "confirmed"),
        ("dns [objective=bce]", "contrary"),
        ("random [objective=bce]", "confirmed"),
    }


def test_a_row_that_never_left_its_warm_up_is_not_judged(compare, write, tmp_path):
    def cold(record):
        phase = {"name": "frozen", "begins": 3, "kept": False}
        record["fit"] |= {"best_epoch": 1, "phase": phase}

    for method, level in (("random", 0.3), ("ddrm", 0.4)):
        for seed in (0, 1):
            change = cold if method == "ddrm" else (lambda record: None)
            values = {"all": drawn(method, level, seed)}
            write(tmp_path / "cold", "books", method, seed, values, change=change)
    (one,) = results(compare, tmp_path / "cold", paper="DDRM")
    assert one.verdict == f"not judged: ddrm {WARM_UP_ONLY}"


def test_the_script_prints_each_form(run, tmp_path):
    def call(*words):
        command = [sys.executable, STUDIES / "compare_claims.py", *words]
        return subprocess.run(command, capture_output=True, text=True)

    page = call(run, "--format", "md")
    assert page.returncode == 0, page.stderr
    assert "### books · mf" in page.stdout and "| dns &gt; random |" in page.stdout
    assert "above (no figure read)" in page.stdout and "Not run here: " in page.stdout
    assert "covers users and seeds" in page.stdout
    out = tmp_path / "claims.csv"
    assert call(run, "--format", "csv", "-o", out).returncode == 0
    lines = pd.read_csv(StringIO(out.read_text()))
    psl = lines[(lines["paper"] == "PSL") & (lines["backbone"] == "mf")].iloc[0]
    assert psl["published_low"] == pytest.approx(0.1268 / 0.1261 - 1)
    assert psl["published_high"] == pytest.approx(0.1270 / 0.1235 - 1)
    missing = call(tmp_path / "none")
    assert missing.returncode == 2 and missing.stderr.startswith("compare_claims: a run folder")
