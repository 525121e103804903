"""The synthetic data set against its formulas."""

import time

import numpy as np
import pytest

from negbench.data.download.file_cache import FileCache
from negbench.data.interactions import Interactions
from negbench.datasets.synthetic import Config, exposure, load

SMALL = Config(users=400, items=300, interactions=8000)


def drawn(**knobs: float) -> Interactions:
    return load(Config(**{"users": 400, "items": 300, "interactions": 8000, **knobs}), FileCache())  # type: ignore[arg-type]


def truly(data: Interactions) -> np.ndarray:
    assert data.truth is not None
    return np.isin(data.users * data.n_items + data.items, data.truth.keys)


def test_same_seed_same_data() -> None:
    assert drawn(seed=3).checksum == drawn(seed=3).checksum != drawn(seed=4).checksum


def test_blocks_do_not_shift_the_draws(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = drawn()
    monkeypatch.setitem(load.__globals__, "BLOCK", 7 * 300)
    assert drawn().checksum == whole.checksum


@pytest.mark.parametrize("noise", [0.0, 0.2, 1.0])
def test_pairs_are_unique_and_the_noise_share_is_exact(noise: float) -> None:
    data = drawn(noise=noise)
    assert len(np.unique(data.users * data.n_items + data.items)) == len(data) == 8000
    assert np.bincount(data.users).tolist() == [20] * 400
    assert truly(data).mean() == pytest.approx(1 - noise)


def test_truth_is_the_top_of_the_planted_preference() -> None:
    from negbench.ops.rng import numpy_stream

    data = drawn()
    taste = numpy_stream(0, "preference")
    item = taste.standard_normal((300, 16), np.float32)
    user = taste.standard_normal((400, 16), np.float32)
    assert data.truth is not None
    for u in (0, 7, 399):
        top = np.argsort(-(user[u] @ item.T))[:30]
        assert set(data.truth.row(u).tolist()) == set(top.tolist())


def test_bias_raises_the_tie_between_exposure_and_popularity() -> None:
    law = exposure(Config(users=400, items=300, interactions=8000, exposure_bias=1.0))
    ties = []
    for bias in (0.0, 0.5, 1.0):
        data = drawn(exposure_bias=bias)
        seen = np.bincount(data.items[truly(data)], minlength=300)
        assert data.truth is not None
        ties.append(np.corrcoef(seen / np.maximum(data.truth.counts, 1), np.log(law))[0, 1])
    assert abs(ties[0]) < 0.2 and ties[0] + 0.2 < ties[1] < ties[2]


def test_exposure_is_the_formula() -> None:
    weight = np.sort(exposure(Config(items=4, relevant=1.0, exposure_bias=0.5, users=60_000)))
    law = np.array([1 / 4, 1 / 3, 1 / 2, 1]) / (25 / 12)
    np.testing.assert_allclose(weight, 0.5 / 4 + 0.5 * law)


def test_one_draw_follows_the_exposure_weights() -> None:
    """One pair a user, everything relevant: the shares of the items are e_i (chi-square, 1 %)."""
    config = Config(
        users=20_000, items=6, interactions=20_000, relevant=1.0, noise=0.0, exposure_bias=1.0
    )
    data = load(config, FileCache())
    seen = np.bincount(data.items, minlength=6)
    expected = 20_000 * exposure(config)
    assert ((seen - expected) ** 2 / expected).sum() < 15.09  # 5 degrees of freedom


def test_times_say_nothing_of_users_or_items() -> None:
    data = drawn()
    assert data.order == "time" and data.times is not None
    assert np.array_equal(data.times, np.arange(8000))
    assert abs(np.corrcoef(data.times, data.users)[0, 1]) < 0.05


@pytest.mark.parametrize("knobs", [{"noise": 2.0}, {"interactions": 400 * 31, "noise": 0.0}])
def test_impossible_settings_are_refused(knobs: dict[str, float]) -> None:
    with pytest.raises(ValueError, match="`noise` must be|31 pairs a user are more than the 30"):
        drawn(**knobs)


def test_a_million_pairs_in_seconds() -> None:
    start = time.process_time()
    data = drawn(users=10_000, items=2000, interactions=1_000_000)
    assert len(data) == 1_000_000
    assert time.process_time() - start < 20


def test_texts_describe_the_planted_vectors() -> None:
    from negbench.ops.rng import numpy_stream

    data = drawn()
    assert data.item_texts is not None and len(data.item_texts) == 300
    item = numpy_stream(0, "preference").standard_normal((300, 16), np.float32)
    for i in (0, 299):
        words = data.item_texts[i].split()
        for d, x in enumerate(item[i]):
            count = words.count(f"up{d}") - words.count(f"down{d}")
            assert count == round(2 * abs(float(x))) * (1 if x > 0 else -1)


def test_items_shown_in_vain_are_neither_chosen_nor_relevant() -> None:
    size = {"users": 40, "items": 60, "interactions": 300, "relevant": 0.3}
    plain, shown = drawn(**size), drawn(**size, shown=7)
    assert shown.checksum == plain.checksum and plain.unchosen is None
    assert shown.unchosen is not None and set(shown.unchosen.lengths.tolist()) == {7}
    keys = shown.unchosen.keys
    assert len(set(keys.tolist())) == 280
    assert shown.truth is not None and not np.isin(keys, shown.truth.keys).any()
    assert not np.isin(keys, shown.users * 60 + shown.items).any()
    with pytest.raises(ValueError, match="more items that are not relevant"):
        drawn(**size, shown=60)
