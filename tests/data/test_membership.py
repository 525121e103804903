import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from negbench.data import membership
from negbench.data.interactions import Csr
from negbench.data.membership import BLOOM_BITS, Membership, bit_at, bloom_place

user_sets = st.integers(1, 20).flatmap(
    lambda n_items: st.tuples(
        st.just(n_items),
        st.lists(st.sets(st.integers(0, n_items - 1)), min_size=1, max_size=6),
    )
)


def both(n_items: int, sets: list[set[int]]) -> tuple[Membership, Membership]:
    rows = [u for u, items in enumerate(sets) for _ in items]
    columns = [i for items in sets for i in items]
    csr = Csr.of(rows, columns, n_rows=len(sets), n_columns=n_items)
    bits, keys = Membership.of(csr), Membership.of(csr, limit=0)
    assert bits.bits is not None and keys.bits is None
    return bits, keys


@settings(max_examples=60, deadline=None)
@given(user_sets)
def test_bits_keys_and_python_sets_agree(drawn: tuple[int, list[set[int]]]) -> None:
    n_items, sets = drawn
    users = torch.arange(len(sets)).repeat(2)
    ids = torch.arange(n_items)
    want = torch.tensor([[i in sets[u] for i in range(n_items)] for u in users.tolist()])
    for member in both(n_items, sets):
        assert torch.equal(member.contains(users, ids.expand(len(users), -1)), want)
        assert torch.equal(member.contains_shared(users, ids), want)
        again = torch.cat([ids.flip(0), ids])  # each item twice, in another order
        assert torch.equal(member.contains_shared(users, again), want[:, again])
        assert member.sizes.tolist() == [len(s) for s in sets]
        rows, items = member.members(users)
        pairs = [(b, i) for b, u in enumerate(users.tolist()) for i in sorted(sets[u])]
        assert list(zip(rows.tolist(), items.tolist(), strict=True)) == pairs
        for allowed in (True, False):
            with pytest.MonkeyPatch.context() as patch:
                patch.setattr(membership, "host_sync_allowed", lambda users, a=allowed: a)
                filled = member.fill_(torch.zeros(want.shape), users, 2.0)
            assert torch.equal(filled, 2.0 * want)


@pytest.mark.parametrize(
    "cost,host", [(0, True), (1 << 30, True), (1 << 30, False)], ids=["members", "mask", "device"]
)
def test_shared_ids_are_the_same_by_members_and_by_the_mask(cost, host, monkeypatch) -> None:
    monkeypatch.setattr(membership, "MEMBER_COST", cost)
    monkeypatch.setattr(membership, "host_sync_allowed", lambda users: host)
    draw = np.random.default_rng(0)
    sets = draw.random((9, 40)) < draw.random((9, 1))  # from nearly nothing to nearly everything
    sets[3] = False
    csr = Csr.of(*np.nonzero(sets), n_rows=9, n_columns=40)
    users, ids = (torch.from_numpy(draw.integers(n, size=60)) for n in (9, 40))
    want = torch.from_numpy(sets)[users][:, ids]
    none = torch.empty(0, dtype=torch.int64)
    for member in (Membership.of(csr), Membership.of(csr, limit=0)):
        assert torch.equal(member.contains_shared(users, ids), want)
        assert member.contains_shared(none, ids).shape == (0, 60)
        assert member.contains_shared(users, none).shape == (60, 0)


@settings(max_examples=60, deadline=None)
@given(user_sets)
def test_the_rank_map_lists_the_non_members_in_order(drawn: tuple[int, list[set[int]]]) -> None:
    n_items, sets = drawn
    for member in both(n_items, sets):
        for user, items in enumerate(sets):
            free = [i for i in range(n_items) if i not in items]
            users = torch.full((len(free),), user)
            got = member.non_member(users, torch.arange(len(free)))
            assert got.tolist() == free


def test_a_pair_given_twice_counts_once() -> None:
    csr = Csr.of([0, 0, 1], [3, 3, 0], n_rows=2, n_columns=5)
    for member in (Membership.of(csr), Membership.of(csr, limit=0)):
        assert member.sizes.tolist() == [1, 1]
        assert member.non_member(torch.zeros(4).long(), torch.arange(4)).tolist() == [0, 1, 2, 4]


def test_nobody_has_met_anything() -> None:
    empty: np.ndarray = np.array([], np.int64)
    csr = Csr.of(empty, empty, n_rows=2, n_columns=9)
    for member in (Membership.of(csr), Membership.of(csr, limit=0)):
        assert not member.contains(torch.tensor([0, 1]), torch.tensor([[0, 8], [3, 7]])).any()
        assert member.non_member(torch.tensor([1]), torch.tensor([8])).tolist() == [8]


def test_keys_do_not_run_over_in_a_large_catalogue() -> None:
    users, items = 70_000, 70_000
    csr = Csr.of([users - 1], [items - 1], n_rows=users, n_columns=items)
    member = Membership.of(csr, limit=0)
    asked = torch.tensor([[items - 1, 0]])
    assert member.contains(torch.tensor([users - 1]), asked).tolist() == [[True, False]]
    assert member.non_member(torch.tensor([users - 1]), torch.tensor([5])).tolist() == [5]


def test_the_bloom_filter_rejects_most_non_members() -> None:
    """A tenth of the non-members at most, and all members, are searched for."""
    random = np.random.default_rng(0)
    pairs = np.unique(random.integers(0, 300 * 7_000, 40_000))
    csr = Csr.of(pairs // 7_000, pairs % 7_000, n_rows=300, n_columns=7_000)
    member = Membership.of(csr, limit=0)
    assert member.bloom is not None and 8 * len(member.bloom) >= BLOOM_BITS * len(member.keys)
    every = torch.arange(300 * 7_000)
    through = bit_at(member.bloom, bloom_place(every, len(member.bloom))).bool()
    assert through[member.keys].all()
    assert int(through.sum()) - len(member.keys) < 0.1 * len(every)
    assert torch.equal(member.hits(every // 7_000, every[:, None] % 7_000), member.keys)


def test_pairs_that_come_again_are_members_once() -> None:
    csr = Csr(np.array([0, 4, 4, 6]), np.array([3, 1, 3, 3, 2, 2], np.int32), 5)
    for limit in (0, 1 << 20):
        member = Membership.of(csr, limit=limit)
        assert member.keys.tolist() == [1, 3, 12]
        assert member.indptr.tolist() == [0, 2, 2, 3]
        assert member.contains(torch.tensor([0, 1, 2]), torch.arange(5).expand(3, 5)).tolist() == [
            [False, True, False, True, False],
            [False] * 5,
            [False, False, True, False, False],
        ]
        assert member.non_member(torch.tensor([0, 0, 2]), torch.tensor([1, 2, 3])).tolist() == [
            2,
            4,
            4,
        ]
