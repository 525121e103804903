from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from negbench.data import membership
from negbench.data.membership import Membership
from negbench.errors import UserError
from negbench.ops import rng
from negbench.parts.sampling import proposals
from negbench.parts.sampling.proposals import (
    Prefetch,
    Proposal,
    UniformProposal,
    WeightedProposal,
    alias_table,
    sample_outside,
)
from negbench.protocol.step import Batch, BatchChunk
from negbench.testing.toy_data import toy_context

SETS = [[0, 1, 2], [4], range(6), range(7), [0, 1, 2, 3, 4, 6], []]
"""On 7 items: user 2 has one left (6), user 3 none, user 4 one (5), user 5 all."""
CPU = torch.device("cpu")


def excluded() -> Membership:
    return toy_context(SETS, n_items=7).excluded


def all_proposals() -> list[tuple[str, Proposal, torch.Tensor]]:
    weights = torch.tensor([8.0, 1, 0.5, 3, 20, 0.01, 2])
    return [
        ("even", UniformProposal(7, CPU), torch.ones(7)),
        ("weighted", WeightedProposal.of(weights), weights),
    ]


@pytest.mark.parametrize("asks", [True, False])
@pytest.mark.parametrize("rounds", [0, 1, proposals.ROUNDS])
@pytest.mark.parametrize("name,proposal,weights", all_proposals(), ids=["even", "weighted"])
def test_draws_follow_the_restricted_distribution(
    name: str,
    proposal: Proposal,
    weights: torch.Tensor,
    rounds: int,
    asks: bool,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """On a CPU, and as on a device whose answers are not waited for."""
    del name
    monkeypatch.setattr(membership, "host_sync_allowed", lambda users: asks)
    monkeypatch.setattr(proposals, "ROUNDS", rounds)
    users = torch.arange(6)
    ids, mask = sample_outside(proposal, excluded(), users, 20_000, rng.stream(3, "draws"))
    assert mask is not None
    for user, items in enumerate(SETS):
        allowed = [i for i in range(7) if i not in items]
        assert bool(mask[user].all()) == bool(allowed) == bool(mask[user].any())
        seen = torch.bincount(ids[user], minlength=7).numpy()
        if not allowed:
            continue
        assert seen[allowed].sum() == 20_000
        if len(allowed) > 1:
            p = weights[allowed].double().numpy()
            assert stats.chisquare(seen[allowed], 20_000 * p / p.sum()).pvalue > 1e-3


def test_no_mask_where_nobody_is_without_an_item(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(membership, "host_sync_allowed", lambda users: False)
    some = toy_context([[0, 1], [2], []], n_items=7).excluded
    users = torch.arange(3).repeat(300)
    ids, mask = sample_outside(UniformProposal(7, CPU), some, users, 5, rng.stream(0, "draws"))
    assert some.all_have_left and not excluded().all_have_left
    assert mask is None and not some.contains(users, ids).any()


def test_no_mask_where_every_user_has_an_item_left() -> None:
    for _, proposal, _ in all_proposals():
        users = torch.tensor([0, 1, 2, 4, 5] * 50)
        ids, mask = sample_outside(proposal, excluded(), users, 9, rng.stream(0, "draws"))
        assert mask is None and not excluded().contains(users, ids).any()


def test_all_users_without_an_item_end_at_once() -> None:
    for _, proposal, _ in all_proposals():
        ids, mask = sample_outside(
            proposal, excluded(), torch.tensor([3, 3]), 4, rng.stream(0, "draws")
        )
        assert mask is not None and not mask.any()
        assert bool((ids >= 0).all()) and bool((ids < 7).all())


def test_only_weightless_items_left_is_no_item_left() -> None:
    proposal = WeightedProposal.of(torch.tensor([1.0, 1, 0]))
    users = torch.tensor([0, 1])
    where = toy_context([[0, 1], [0]], n_items=3)
    ids, mask = sample_outside(proposal, where.excluded, users, 50, rng.stream(0, "draws"))
    assert mask is not None and mask.any(1).tolist() == [False, True]
    assert ids[1].unique().tolist() == [1]


def test_the_fallback_works_in_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(proposals, "BLOCK", 15)
    proposal = WeightedProposal.of(torch.tensor([8.0, 1, 0.5, 3, 20, 0.01, 2]))
    users = torch.tensor([2, 3, 4, 2, 3, 4, 2])
    ids, allowed_any = proposal.sample_exact(excluded(), users, rng.stream(0, "draws"))
    assert ids[allowed_any].tolist() == [6, 5, 6, 5, 6]
    assert allowed_any.tolist() == [True, False, True, True, False, True, True]


def test_declared_log_probabilities() -> None:
    even, member = UniformProposal(7, CPU), excluded()
    assert torch.allclose(even.logq(member).exp(), 1 / torch.tensor([4.0, 6, 1, 1, 1, 7]))
    weights = torch.tensor([8.0, 1, 0.5, 3, 20, 0.01, 2])
    weighted = WeightedProposal.of(weights)
    left = [sum(float(weights[i]) for i in range(7) if i not in s) for s in SETS]
    want = torch.tensor(left, dtype=torch.float64) / weights.sum()
    want[3] = 1.0
    assert torch.allclose(weighted.log_allowed(member).double().exp(), want, rtol=1e-5)


weights_strategy = st.lists(
    st.one_of(st.just(0.0), st.floats(1e-9, 1e9)), min_size=1, max_size=40
).filter(any)


@settings(max_examples=200, deadline=None)
@given(weights_strategy)
def test_the_alias_table_gives_back_its_probabilities(weights: list[float]) -> None:
    p = np.array(weights) / np.sum(weights)
    threshold, alias = alias_table(p)
    rebuilt = np.zeros(len(p))
    np.add.at(rebuilt, np.arange(len(p)), threshold / len(p))
    np.add.at(rebuilt, alias, (1 - threshold) / len(p))
    assert np.allclose(rebuilt, p, rtol=1e-9, atol=1e-12)
    assert (rebuilt[p == 0] == 0).all()


@settings(max_examples=50, deadline=None)
@given(
    st.lists(st.sets(st.integers(0, 8)), min_size=1, max_size=5),
    st.lists(st.sampled_from([0.0, 0.1, 1.0, 50.0]), min_size=9, max_size=9).filter(any),
    st.integers(0, 99),
)
def test_never_excluded_never_weightless(
    sets: list[set[int]], weights: list[float], seed: int
) -> None:
    where = toy_context(sets, n_items=9)
    users = torch.arange(len(sets)).repeat(3)
    proposal = WeightedProposal.of(torch.tensor(weights))
    ids, mask = sample_outside(proposal, where.excluded, users, 5, rng.stream(seed, "draws"))
    mask = torch.ones_like(ids, dtype=torch.bool) if mask is None else mask
    for user, row, drawn in zip(users.tolist(), ids.tolist(), mask.tolist(), strict=True):
        possible = {i for i in range(9) if weights[i] > 0 and i not in sets[user]}
        assert all(drawn) == any(drawn) == bool(possible)
        assert not possible or set(row) <= possible


@pytest.mark.parametrize("weights", [[0.0, 0.0], [1.0, -1.0], [1.0, float("inf")], [float("nan")]])
def test_weights_that_cannot_be_drawn_from(weights: list[float]) -> None:
    with pytest.raises(ValueError, match="finite, not negative and not all 0"):
        WeightedProposal.of(torch.tensor(weights))


def test_no_negatives_asked_for() -> None:
    ids, mask = sample_outside(
        UniformProposal(7, CPU), excluded(), torch.arange(6), 0, rng.stream(0, "draws")
    )
    assert ids.shape == (6, 0) and mask is None


def chunked(users: torch.Tensor, size: int) -> list[Batch]:
    """The batches of one chunk."""
    chunk = BatchChunk(users)
    return [
        Batch(rows, rows, chunk=chunk, start=at * size) for at, rows in enumerate(users.split(size))
    ]


@pytest.mark.parametrize("n", [1, 8, 9])
def test_prefetched_draws_are_what_their_rows_would_draw(n: int) -> None:
    """Each row's own exclusions and law; a few are one draw for the chunk, many are not."""
    users, generator = torch.arange(6).repeat(5000), rng.stream(5, "draws")
    proposal, before = UniformProposal(7, CPU), rng.stream(5, "draws")
    prefetch = Prefetch(proposal, n)
    draws = [prefetch.sample(excluded(), batch, generator) for batch in chunked(users, 4096)]
    ids, masks = (
        torch.cat([ids for ids, _ in draws]),
        torch.cat([m for _, m in draws if m is not None]),
    )
    for user, items in enumerate(SETS):
        allowed = [i for i in range(7) if i not in items]
        assert bool(masks[user::6].all()) == bool(allowed) == bool(masks[user::6].any())
        if len(allowed) > 1:
            seen = torch.bincount(ids[user::6].reshape(-1), minlength=7).numpy()
            assert seen[allowed].sum() == 5000 * n
            assert stats.chisquare(seen[allowed]).pvalue > 1e-3
    if n <= proposals.PREFETCH:
        at_once, mask = sample_outside(proposal, excluded(), users, n, before)
        assert torch.equal(ids, at_once) and mask is not None and torch.equal(masks, mask)


def test_a_chunk_is_handed_out_once() -> None:
    """Two draws of one step, and two samplers, have nothing in common."""
    generator, excluded_ = rng.stream(0, "draws"), toy_context([[]], n_items=10**6).excluded
    proposal = UniformProposal(10**6, CPU)
    one, two, single = Prefetch(proposal, 2), Prefetch(proposal, 2), Prefetch(proposal, 1)
    seen = []
    for batch in chunked(torch.zeros(60, dtype=torch.long), 20):
        for prefetch in (one, one, two, single):
            ids, mask = prefetch.sample(excluded_, batch, generator)
            assert ids.shape == (20, prefetch.n) and mask is None
            seen += ids.view(-1).tolist()
    assert len(set(seen)) >= len(seen) - 1, "numbers of a million are drawn twice by an accident"
    other = replace(chunked(torch.zeros(60, dtype=torch.long), 20)[1], users=torch.ones(7).long())
    fresh = Prefetch(proposal, 2)
    assert fresh.sample(toy_context([[], []], 10**6).excluded, other, generator)[0].shape == (7, 2)
    assert fresh.chunk is None, "a batch of other rows has nothing to do with its chunk"
    alone = Batch(torch.zeros(20, dtype=torch.long), torch.zeros(20, dtype=torch.long))
    assert fresh.sample(excluded_, alone, generator)[0].shape == (20, 2)


def test_a_step_of_more_ids_than_memory_is_refused_before_it_draws() -> None:
    class Never(UniformProposal):
        def propose(self, shape: tuple[int, ...], generator: torch.Generator) -> torch.Tensor:
            raise AssertionError(f"drew {shape}")

    users = torch.zeros(1024, dtype=torch.long)
    prefetch = Prefetch(Never(7, CPU), proposals.DRAWS // 1024 + 1)
    with pytest.raises(UserError, match=r"at most 268,435,456 ids; got 1,024 rows x 262,145 draws"):
        prefetch.sample(excluded(), Batch(users, users), rng.stream(0, "draws"))
