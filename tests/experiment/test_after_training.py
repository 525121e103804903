"""A finished run gives what another run measured: other metrics, other K, other bands.

Two runs train the same cells and measure different things. What each says of the other's metrics
and bands, without training, must be the number that the other measured.
"""

import shutil

import numpy as np
import pandas as pd
import pytest
from helpers.small_runs import SMALL, go, stamps

from negbench.analysis.measures.accuracy import accuracy
from negbench.analysis.measures.bands import activity, bands
from negbench.analysis.measures.exposure import exposure
from negbench.analysis.measures.hardness import hardness
from negbench.analysis.measures.popularity_bias import popularity_bias
from negbench.analysis.runs import frames, recut
from negbench.errors import UserError
from negbench.evaluation.metric_names import METRICS, parse_metrics

GRID = {**SMALL, "methods": "random,dns", "references": "most_popular", "seeds": 2, "probe": "full"}
OTHER = {"metrics": [f"{name}@3,20,40" for name in METRICS], "bands": "items:0.1"}
RULES = [
    {},
    {"split": "users(0.8,0.1,0.1)", "backbones": "sasrec"},
    {"split": "leave_one_out", "plant": 0.2},
]


@pytest.fixture(scope="module", params=RULES, ids=["ratio", "users", "planted"])
def runs(request, tmp_path_factory):
    """The same cells twice: measured at ndcg@5 on bands by mass, and as in OTHER."""
    folder = tmp_path_factory.mktemp("after")
    go(folder / "plain", **GRID, **request.param, metrics=["ndcg@5"])
    go(folder / "other", **GRID, **request.param, **OTHER)
    return folder / "plain", folder / "other"


def same(ours, theirs):
    """The same frame, whatever the order of the cells: sums over seeds differ by a rounding."""
    text = [name for name in ours if ours[name].dtype.kind in "OTUi"]
    both = [frame.sort_values(text, ignore_index=True) for frame in (ours, theirs)]
    assert len(ours)
    pd.testing.assert_frame_equal(*both, rtol=1e-12)


def alike(ours, theirs, keys):
    """The same lines with the same values, to the bit."""
    pair = [
        frame.sort_values(keys, ignore_index=True)[[*keys, "value"]] for frame in (ours, theirs)
    ]
    assert len(pair[0]) and pair[0].equals(pair[1])


def in_order(run):
    return [cell for cell, row in sorted(run.done, key=lambda c: (c[1], c[0].spec["seed"]))]


KEYS = ["row", "seed", "split", "metric", "k", "band"]


def test_any_metric_at_any_k_on_any_bands_is_what_a_run_would_have_measured(runs):
    plain, other = runs
    ours, theirs = frames.open_run(plain, bands="items:0.1"), frames.open_run(other)
    before = stamps(plain)
    for metric in parse_metrics(OTHER["metrics"]):
        assert frames.choose_metric(ours, str(metric)) == metric
        alike(recut.metric_lines(ours, metric), recut.metric_lines(theirs, metric), KEYS)
    for here, there in zip(*(in_order(run) for run in (ours, theirs)), strict=True):
        for metric in ("recall@40", "map@3"):
            for band in ("all", "head", "tail"):
                values = [
                    frames.user_values(cell, parse_metrics(metric)[0], band)
                    for cell in (here, there)
                ]
                assert values[0].equals(values[1]) and (len(values[0]) or band != "all")
    assert stamps(plain) == before


def test_measures_of_popularity_bias_too(runs):
    plain, other = runs
    ours, theirs = frames.open_run(plain, bands="items:0.1"), frames.open_run(other)
    for k in (3, 40):
        alike(recut.bias_lines(ours, k), recut.bias_lines(theirs, k), KEYS)
        means = popularity_bias(ours, k)
        assert set(means["metric"]) >= {"arp", "aplt", "popreo", "upd", "pru"}
        same(means, popularity_bias(theirs, k))


def test_the_valid_part_and_user_groups(runs):
    plain, other = runs
    ours, theirs = frames.open_run(plain), frames.open_run(other)
    for metric in ("recall@40", "mrr@3"):
        valid = accuracy(ours, metric, split="valid")
        assert valid["mean"].notna().all()
        same(valid, accuracy(theirs, metric, split="valid"))
        same(activity(ours, metric), activity(theirs, metric))


def test_the_record_says_that_the_bands_are_others(runs):
    plain, _ = runs
    run = frames.open_run(plain, bands="items:0.1")
    own = frames.open_run(plain)
    for (cell, _), (before, _) in zip(run.done, own.done, strict=True):
        assert cell.record["bands"]["rule"] == "items:0.1"
        assert cell.record["bands"]["of_run"] == before.record["bands"]["rule"] == "mass:1/3,2/3"
        assert cell.record["bands"]["names"] == ["head", "tail"]
        assert sum(cell.record["bands"]["test_rows"]) == cell.record["split"]["test"]
        assert not any("mid" in line for row in cell.epochs() for line in row)
    assert set(bands(run)["band"]) == {"all", "head", "tail", "balance"}
    assert recut.bands_chosen_after(run) == "Bands items:0.1 of train, chosen after training."
    assert recut.bands_chosen_after(own) == ""


def test_what_counts_negatives_by_band_is_not_cut_again(runs):
    """The shares of the bands among the negatives are of the bands that the run had."""
    plain, _ = runs
    assert hardness(frames.open_run(plain))["neg_head"].notna().any()
    after = hardness(frames.open_run(plain, bands="count:2,10"))
    assert after["neg_head"].isna().all() and after["neg_divergence"].isna().all()
    assert after["neg_popularity"].notna().any()


def test_lists_are_deep_and_exposure_counts_those_that_were_asked_for(runs):
    plain, other = runs
    (cell, _), *_ = frames.open_run(plain).done
    assert cell.arrays("top")["top"].shape[1] == min(100, cell.record["data"]["n_items"])
    assert cell.lists().shape[1] == 5
    alike = frames.open_run(other)
    assert next(alike.done)[0].lists().shape[1] == 40
    assert exposure(frames.open_run(plain))["shown"].between(0, 1).all()


def test_a_cell_keeps_every_held_out_pair_with_its_rank_in_small_types(runs):
    plain, _ = runs
    (cell, _), *_ = frames.open_run(plain).done
    with np.load(cell.folder / "ranks.npz") as kept:
        assert {kept[name].dtype for name in kept.files if "ranks" in name} == {np.dtype("uint8")}
        for part in ("valid", "test"):
            assert len(kept[f"{part}_ranks"]) == cell.record["split"][part]
            assert kept[f"{part}_lengths"].sum() == cell.record["split"][part]


def older(run, tmp_path):
    """A copy of the run as an older version left it: no ranks, no splits, short lists."""
    copy = tmp_path / "older"
    shutil.copytree(run, copy)
    shutil.rmtree(copy / "splits")
    for ranks in copy.glob("cells/*/ranks.npz"):
        ranks.unlink()
    return copy


def test_cells_of_an_older_version_say_what_they_lack(runs, tmp_path):
    copy = older(runs[0], tmp_path)
    run = frames.open_run(copy)
    assert len(accuracy(run, "ndcg@5"))
    with pytest.raises(
        UserError, match="keep no ranks.*run them again with --overwrite all; known: ndcg@5"
    ):
        frames.choose_metric(run, "recall@50")
    with pytest.raises(UserError, match="an older negbench wrote it without.*run it again"):
        frames.open_run(copy, bands="items:0.1")


def test_a_k_beyond_the_lists_and_a_missing_split_are_one_sentence(runs, tmp_path):
    copy = tmp_path / "copy"
    shutil.copytree(runs[0], copy)
    run = frames.open_run(copy)
    shutil.rmtree(copy / "splits")
    assert len(popularity_bias(run, 5))
    with pytest.raises(UserError, match="needs the split.*negbench resume"):
        popularity_bias(run, 7)
    for users in copy.glob("cells/*/users.npz"):
        with np.load(users) as kept:
            arrays = dict(kept) | {"top": kept["top"][:, :30]}
        np.savez_compressed(users, **arrays)
    with pytest.raises(UserError, match="at most 30, the length of the lists.*got 40"):
        popularity_bias(frames.open_run(copy), 40)


def test_damaged_ranks_are_reported_once_and_the_rest_is_shown(runs, tmp_path):
    copy = tmp_path / "copy"
    shutil.copytree(runs[0], copy)
    broken = sorted(copy.glob("cells/*/ranks.npz"))[0]
    broken.write_bytes(broken.read_bytes()[:100])
    run = frames.open_run(copy)
    shown = accuracy(run, "recall@40")
    assert 0 < len(shown) and len(run.damaged) == 1 and "ranks.npz must be whole" in run.damaged[0]
    with pytest.raises(UserError, match="its ranks.npz is damaged"):
        frames.open_run(copy, bands="items:0.1")
