"""The choice of negatives against a loop over every item."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

import negbench
from negbench.errors import UserError
from negbench.mining.rule import Rule
from negbench.mining.selection import first_different

U, N_ITEMS = 9, 40
DRAW = np.random.default_rng(7)
USERS, ITEMS = DRAW.integers(0, U, 80), DRAW.integers(0, N_ITEMS, 80)
PAIRS = sorted({(int(u), int(i)) for u, i in zip(USERS, ITEMS, strict=True)})
SCORES = torch.from_numpy(DRAW.permutation(U * N_ITEMS).reshape(U, N_ITEMS) - 150.0).float()
"""All different, of both signs."""


def score(users, ids):
    return SCORES[users.unsqueeze(1), ids]


def mined(k=4, **rule):
    shape = {"n_users": U, "n_items": N_ITEMS}
    return negbench.mine(k=k, score=score, users=USERS, items=ITEMS, **shape, **rule)


def listed(frame):
    """The negatives of each pair, by rank."""
    groups = frame.sort_values("rank").groupby(["user", "positive"])
    return {pair: group.tolist() for pair, group in groups["negative"]}


def may_be_negative(user, positive, skip_top, ratio, margin):
    """Every item that passes, best first, by a loop."""
    own = SCORES[user].tolist()
    order = sorted(range(N_ITEMS), key=lambda i: -own[i])
    order = [i for i in order if (user, i) not in PAIRS][skip_top:]
    s_pos = own[positive]
    highest = math.inf
    if ratio is not None:
        highest = ratio * s_pos if s_pos > 0 else s_pos + (1 - ratio) * s_pos
    if margin is not None:
        highest = min(highest, s_pos - margin)
    return [i for i in order if own[i] <= highest]


@settings(max_examples=25, deadline=None)
@given(
    st.integers(1, 45),
    st.integers(0, 45),
    st.none() | st.sampled_from([0.25, 0.5, 1.0, 1.5]),
    st.none() | st.integers(0, 90),
)
def test_the_hardest_are_those_of_a_loop(k, skip_top, ratio, margin):
    negatives = mined(k, skip_top=skip_top, max_score_ratio=ratio, margin=margin)
    by_pair = listed(negatives.frame())
    for user, positive in PAIRS:
        expected = may_be_negative(user, positive, skip_top, ratio, margin)[:k]
        assert by_pair.get((user, positive), []) == expected
    counts = negatives.counts
    assert counts.pairs == len(PAIRS)
    assert counts.negatives == sum(map(len, by_pair.values()))
    assert counts.short == sum(len(by_pair.get(pair, [])) < k for pair in PAIRS)


@pytest.mark.parametrize("method", ["random", "popularity", "dns(candidates=6)", "simans", "warp"])
@pytest.mark.parametrize("rule", [{}, {"skip_top": 5, "margin": 20.0}])
def test_draws_are_different_and_pass_the_rule(method, rule):
    negatives = mined(3, method=method, **rule)
    frame = negatives.frame()
    by_pair = listed(frame)
    passing = {
        (user, item): may_be_negative(user, item, rule.get("skip_top", 0), None, rule.get("margin"))
        for user, item in PAIRS
    }
    if method == "warp":  # takes violators of its margin of 1 alone
        for (user, item), ids in passing.items():
            own = SCORES[user]
            passing[user, item] = [i for i in ids if own[i] > own[item] - 1]
    for pair, ids in by_pair.items():
        assert len(set(ids)) == len(ids) and set(ids) <= set(passing[pair])
    assert negatives.counts.short == sum(len(by_pair.get(pair, [])) < 3 for pair in PAIRS)
    if not rule:
        assert set(by_pair) == {pair for pair in PAIRS if passing[pair]}
    if not rule and method != "warp":
        assert negatives.counts.short < 3
    assert (frame["s_negative"] == SCORES[frame["user"], frame["negative"]].numpy()).all()
    assert (frame["s_positive"] == SCORES[frame["user"], frame["positive"]].numpy()).all()


def test_dns_draws_harder_ones_than_random():
    """Of 20 candidates the best one lies in the first twentieth of its user's items, on average."""
    means = [mined(1, method=f"dns(candidates={m})").frame()["s_negative"].mean() for m in (1, 20)]
    assert means[1] > means[0] + 80


def test_a_seed_gives_the_same_rows_in_every_pass():
    negatives = mined(3, method="dns", draw_seed=4)
    first = negatives.frame()
    assert first.equals(negatives.frame())
    assert first.equals(mined(3, method="dns", draw_seed=4).frame())
    assert not first.equals(mined(3, method="dns", draw_seed=5).frame())


def test_blocks_of_users_change_nothing(monkeypatch):
    whole = mined(3).frame()
    monkeypatch.setattr("negbench.mining.mined.block_size", lambda *_: 2)
    monkeypatch.setattr("negbench.mining.mined.PAIRS", 3)
    blocks = list(mined(3))
    assert len(blocks) > U / 2
    assert listed(whole) == {pair: ids for block in blocks for pair, ids in listed(block).items()}


def test_more_pairs_are_excluded_where_they_are_given():
    best = listed(mined(1).frame())
    users, items = [u for u, _ in best], [ids[0] for ids in best.values()]
    second = listed(mined(1, also_exclude=(users, items)).frame())
    known = {*PAIRS, *zip(users, items, strict=True)}
    assert not {(u, ids[0]) for (u, _), ids in second.items()} & known


@given(st.lists(st.tuples(st.integers(0, 5), st.booleans()), min_size=1, max_size=12))
def test_the_first_different_usable_ones_are_kept(cells):
    ids, usable = (torch.tensor([each]) for each in zip(*cells, strict=True))
    expected = list(dict.fromkeys(i for i, may in cells if may))[:3]
    assert first_different(ids, usable, 3)[0].tolist() == expected + [-1] * (3 - len(expected))


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        ({"k": 0}, "`k` must be a whole number from 1 on; got 0"),
        ({"k": 2.0}, "`k` must be a whole number"),
        ({"skip_top": -1}, "`skip_top` must be a whole number from 0 on; got -1"),
        ({"max_score_ratio": 0.0}, "`max_score_ratio` must be above 0; got 0.0"),
        ({"max_score_ratio": math.nan}, "`max_score_ratio` must be above 0; got nan"),
        ({"margin": -0.1}, "`margin` must be 0 or more; got -0.1"),
        ({"margin": "0.1"}, "`margin` must be 0 or more; got '0.1'"),
        ({"max_score_ratio": True}, "`max_score_ratio` must be above 0; got True"),
    ],
)
def test_a_rule_out_of_range_is_refused(wrong, sentence):
    with pytest.raises(UserError, match=sentence):
        Rule(**wrong)
    assert Rule(np.int64(2), margin=np.float32(0.5)).bounded
