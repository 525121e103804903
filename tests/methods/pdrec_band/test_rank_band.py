"""Rank bands: inside the band, uniform, exact where few fit."""

import pytest
import torch

from negbench.methods.pdrec_band.rank_band import Preferences, RankBand, at_ranks
from negbench.testing.toy_data import default_context, toy_context


def likes(users: int, items: int, seed: int = 0) -> Preferences:
    g = torch.Generator().manual_seed(seed)
    return Preferences(torch.randn(users, 5, generator=g), torch.randn(items, 5, generator=g))


def band_by_hand(preferences: Preferences, user: int, low: float, high: float) -> list[int]:
    scores = (preferences.users[user] @ preferences.items.T).tolist()
    n = len(scores)
    ranked = sorted(range(n), key=lambda j: -scores[j])
    return [j for rank, j in enumerate(ranked) if int(low * n) <= rank < high * n]


@pytest.mark.parametrize(("low", "high"), [(0.5, 0.99), (0.9, 0.99), (0.0, 1.0), (0.25, 0.5)])
def test_drawn_ranks_are_in_the_band_and_even(low, high):
    context, preferences, rows = default_context(), likes(7, 12), 4000
    band = RankBand.of(preferences, low, high)
    for user in (0, 3, 6):
        users = torch.full((rows,), user)
        ids, drawn = band.sample(users, context.excluded, torch.Generator().manual_seed(user))
        met = context.train.row(user).tolist()
        allowed = [j for j in band_by_hand(preferences, user, low, high) if j not in met]
        assert bool(drawn.all()) == bool(allowed) and bool(drawn.any()) == bool(allowed)
        if allowed:
            share = torch.bincount(ids[:, 0], minlength=12)[allowed] / rows
            assert float(share.sum()) == pytest.approx(1)
            each = 1 / len(allowed)
            slack = 4.5 * (each * (1 - each) / rows) ** 0.5
            assert bool(((share - each).abs() <= slack + 1e-6).all())


def test_exact_sampling_has_the_same_distribution():
    context, preferences = default_context(), likes(7, 12, 1)
    band, rows = RankBand.of(preferences, 0.3, 0.9), 4000
    users = torch.zeros(rows, dtype=torch.long)
    generator = torch.Generator().manual_seed(0)
    ids, drawn = band.sample_exact(users, context.excluded, generator)
    met = context.train.row(0).tolist()
    allowed = [j for j in band_by_hand(preferences, 0, 0.3, 0.9) if j not in met]
    share = torch.bincount(ids[:, 0], minlength=12)[allowed] / rows
    assert bool(drawn.all()) and float(share.sum()) == pytest.approx(1)
    each = 1 / len(allowed)
    assert bool(((share - each).abs() < 4.5 * (each / rows) ** 0.5).all())


def test_a_user_who_has_met_the_band_gets_nothing():
    context = toy_context([range(6), [0]], 6)
    band = RankBand.of(likes(2, 6), 0.0, 1.0)
    drawn = band.sample(torch.tensor([0, 1]), context.excluded, torch.Generator())[1]
    assert drawn.squeeze(1).tolist() == [False, True]


def test_a_narrow_band_of_a_large_catalogue_is_met():
    """Few proposals fit 5 items in 1000: the rows that are left are sampled exactly."""
    context = toy_context([[0]] * 3, 1000)
    preferences = likes(3, 1000)
    band = RankBand.of(preferences, 0.5, 0.505)
    users = torch.arange(3).repeat(50)
    ids, drawn = band.sample(users, context.excluded, torch.Generator().manual_seed(0))
    assert bool(drawn.all())
    for user in range(3):
        inside = set(band_by_hand(preferences, user, 0.5, 0.505))
        assert set(ids[users == user, 0].tolist()) <= inside and len(inside) == 5


def test_scores_are_one_product():
    preferences = likes(4, 6)
    users, ids = torch.tensor([1, 3]), torch.tensor([[0, 5], [2, 2]])
    assert torch.allclose(
        preferences.scores(users, ids), preferences.all_scores(users).gather(1, ids), atol=1e-6
    )


def test_scores_at_ranks_are_those_of_a_sort():
    scores = torch.randn(5, 33, generator=torch.Generator().manual_seed(0)).round(decimals=1)
    falling = scores.sort(1, descending=True).values
    least, most = at_ranks(scores, 20, 3)
    assert torch.equal(least, falling[:, 20]) and torch.equal(most, falling[:, 3])
