"""Rank bands: inside the band, even, exact where few fit."""

import pytest
import torch

from negbench.methods.pdrec_band.rank_band import Preferences, RankBand, at_ranks
from negbench.testing.toy_data import toy_context, usual


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
    where, preferences, rows = usual(), likes(7, 12), 4000
    band = RankBand.of(preferences, low, high)
    for user in (0, 3, 6):
        users = torch.full((rows,), user)
        ids, found = band.draw(users, where.excluded, torch.Generator().manual_seed(user))
        met = where.train.row(user).tolist()
        allowed = [j for j in band_by_hand(preferences, user, low, high) if j not in met]
        assert bool(found.all()) == bool(allowed) and bool(found.any()) == bool(allowed)
        if allowed:
            share = torch.bincount(ids[:, 0], minlength=12)[allowed] / rows
            assert float(share.sum()) == pytest.approx(1)
            each = 1 / len(allowed)
            slack = 4.5 * (each * (1 - each) / rows) ** 0.5
            assert bool(((share - each).abs() <= slack + 1e-6).all())


def test_the_exact_way_draws_the_same():
    where, preferences = usual(), likes(7, 12, 1)
    band, rows = RankBand.of(preferences, 0.3, 0.9), 4000
    users = torch.zeros(rows, dtype=torch.long)
    generator = torch.Generator().manual_seed(0)
    ids, found = band.exactly(users, where.excluded, generator)
    met = where.train.row(0).tolist()
    allowed = [j for j in band_by_hand(preferences, 0, 0.3, 0.9) if j not in met]
    share = torch.bincount(ids[:, 0], minlength=12)[allowed] / rows
    assert bool(found.all()) and float(share.sum()) == pytest.approx(1)
    each = 1 / len(allowed)
    assert bool(((share - each).abs() < 4.5 * (each / rows) ** 0.5).all())


def test_a_user_who_has_met_the_band_gets_nothing():
    where = toy_context([range(6), [0]], 6)
    band = RankBand.of(likes(2, 6), 0.0, 1.0)
    found = band.draw(torch.tensor([0, 1]), where.excluded, torch.Generator())[1]
    assert found.squeeze(1).tolist() == [False, True]


def test_a_narrow_band_of_a_large_catalogue_is_met():
    """Few proposals fit 5 items in 1000: the rows that are left go the exact way."""
    where = toy_context([[0]] * 3, 1000)
    preferences = likes(3, 1000)
    band = RankBand.of(preferences, 0.5, 0.505)
    users = torch.arange(3).repeat(50)
    ids, found = band.draw(users, where.excluded, torch.Generator().manual_seed(0))
    assert bool(found.all())
    for user in range(3):
        inside = set(band_by_hand(preferences, user, 0.5, 0.505))
        assert set(ids[users == user, 0].tolist()) <= inside and len(inside) == 5


def test_scores_are_one_product():
    preferences = likes(4, 6)
    users, ids = torch.tensor([1, 3]), torch.tensor([[0, 5], [2, 2]])
    assert torch.allclose(
        preferences.pairs(users, ids), preferences.every(users).gather(1, ids), atol=1e-6
    )


def test_scores_at_ranks_are_those_of_a_sort():
    scores = torch.randn(5, 33, generator=torch.Generator().manual_seed(0)).round(decimals=1)
    falling = scores.sort(1, descending=True).values
    least, most = at_ranks(scores, 20, 3)
    assert torch.equal(least, falling[:, 20]) and torch.equal(most, falling[:, 3])
